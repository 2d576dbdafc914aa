"""The options that select rules and cases, and the selection that they make."""

from collections.abc import Callable, Container, Iterable, Iterator
from dataclasses import dataclass
from fnmatch import fnmatchcase
from typing import Any, TypeVar, get_args

import click

from contracts.cases import CASES, VARIANTS, case_of
from contracts.cases.coverage import coverage_lines, coverage_of
from contracts.check.engine import aimed_at
from contracts.rules import RULES
from contracts.rules.base import LEVELS, Level, Need, Rule
from mock_server.cli import option

Callback = TypeVar("Callback", bound=Callable[..., Any])

_RULES = "`parking-mock rules`"
WHERE = {"rule": _RULES, "selected rule": _RULES, "case": "`parking-mock check --list`"}


@dataclass(frozen=True, slots=True)
class Selection:
    """The values of the options; an empty value selects everything."""

    rule_globs: tuple[str, ...] = ()
    case_globs: tuple[str, ...] = ()
    only: tuple[Level, ...] = ()
    needs: tuple[Need, ...] = ()

    @property
    def rule_ids(self) -> tuple[str, ...]:
        """The ids of the selected rules. A usage error if there are none."""
        named = matching(self.rule_globs, RULES, "rule")
        chosen = tuple(rule_id for rule_id in named if self._takes(RULES[rule_id]))
        if not chosen:
            raise click.UsageError("no rule is left of this --rule, --only and --need: `parking-mock rules` lists them")
        return chosen

    def required(self, globs: tuple[str, ...]) -> tuple[str, ...]:
        """The selected rules that must be exercised. A usage error if a glob matches none."""
        return matching(globs, self.rule_ids, "selected rule") if globs else ()

    @property
    def case_ids(self) -> tuple[str, ...]:
        """The selected cases: those that are named, or else those made for the selected rules, or else all."""
        chooses_rules = self.rule_globs or self.only or self.needs
        aimed = aimed_at(self.rule_ids) if chooses_rules and not self.case_globs else tuple(CASES)
        names = [name for case_id in aimed for name in (case_id, *(each.id for each in CASES[case_id].each_variant()))]
        chosen = matching(self.case_globs, names, "case") if self.case_globs else aimed
        return tuple(case_id for case_id in chosen if not _is_in(case_id, chosen))

    def _takes(self, rule: Rule) -> bool:
        met = {"traffic", *self.needs}
        return (not self.only or rule.level in self.only) and (not self.needs or met.issuperset(rule.needs))


def _is_in(case_id: str, chosen: Container[str]) -> bool:
    """Whether a case is a variant of one that is chosen as a whole."""
    return case_id in VARIANTS and case_id.rpartition("/")[0] in chosen


def selection_options(command: Callback) -> Callback:
    """`--rule`, `--case`, `--only` and `--need`."""
    options: tuple[tuple[str, str, dict[str, Any]], ...] = (
        ("rule", "rule_globs", {"metavar": "GLOB", "help": "Only rules of these names."}),
        ("case", "case_globs", {"metavar": "GLOB", "help": "Only cases of these names (--list shows them)."}),
        ("only", "only", {"type": click.Choice(LEVELS), "help": "Only rules of this level."}),
        (
            "need",
            "needs",
            {
                "type": click.Choice(get_args(Need)),
                "help": "Only rules that need no more of a client than its traffic and this.",
            },
        ),
    )
    for flag, name, settings in reversed(options):
        command = option(f"--{flag}", name, multiple=True, show_envvar=False, **settings)(command)
    return command


def matching(globs: tuple[str, ...], names: Iterable[str], what: str) -> tuple[str, ...]:
    """The names that match one of some globs; all if there are no globs. A usage error if one matches nothing."""
    known = tuple(names)
    unknown = [glob for glob in globs if not any(fnmatchcase(name, glob) for name in known)]
    if unknown:
        raise click.UsageError(f"no {what} matches {', '.join(unknown)}: {WHERE[what]} lists them")
    return tuple(name for name in known if not globs or any(fnmatchcase(name, glob) for glob in globs))


def case_lines(case_ids: Iterable[str]) -> Iterator[str]:
    """The cases as `--list` shows them: each with its description, its rules and its variants."""
    for case_id in case_ids:
        case = case_of(case_id)
        yield f"{case_id:<26}  {case.doc}"
        yield f"{'':<26}  {', '.join(case.aims)}"
        yield from (f"  {variant.id}" for variant in case.each_variant())


def coverage(case_ids: Iterable[str], examples: int, seed: int) -> Iterator[str]:
    """The cases as `--list --coverage` shows them: how many scenarios of each exercise which dimension."""
    return coverage_lines(coverage_of(case_of(case_id), examples, seed) for case_id in case_ids)
