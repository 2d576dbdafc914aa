"""Editions: which rules decide over a client, at which levels and in which cases. A released one never changes."""

import tomllib
from collections.abc import Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from contracts.cases import CASES, VARIANTS
from contracts.rules import RULES
from contracts.rules.base import Level, Rule
from mock_server.state.codec import DecodeError, decode
from mock_server.words import did_you_mean

FOLDER = Path(__file__).parent / "editions"
"""A file for each released edition."""

EDITIONS = tuple(sorted(path.stem for path in FOLDER.glob("*.toml")))
"""The released editions, the newest last."""


class EditionError(Exception):
    """There is no such edition, or its file cannot be used: the text says why."""


@dataclass(frozen=True, slots=True)
class Edition:
    """The rules with their levels, the cases, and how many scenarios of each case are played by default.

    What came later is played and judged, and decides nothing.
    """

    name: str
    levels: Mapping[str, Level]
    cases: frozenset[str]
    examples: int
    examples_elsewhere: int

    def decides(self, rule_id: str, case_id: str) -> bool:
        """Whether a rule that is broken in a case is held against the client. An observed session is of no case."""
        base = case_id.rpartition("/")[0] if case_id in VARIANTS else case_id
        return rule_id in self.levels and (base in self.cases or base not in CASES)

    def held(self, rule: Rule) -> Rule:
        """A rule at its level in this edition."""
        return replace(rule, level=self.levels.get(rule.id, rule.level))


def find_edition(name: str) -> Edition:
    """The released edition of that name, else the one in the file of that path. EditionError if there is neither."""
    path = FOLDER / f"{name}.toml" if name in EDITIONS else Path(name)
    try:
        data = tomllib.loads(path.read_bytes().decode())
    except OSError:
        known = ", ".join(EDITIONS)
        raise EditionError(f"there is no edition {name!r} and no such file; there are: {known}") from None
    except ValueError as error:
        raise EditionError(f"cannot use the edition {name}: {error}") from None
    try:
        return _edition(data)
    except (DecodeError, EditionError) as error:
        raise EditionError(f"cannot use the edition {name}: {error}") from None


def _edition(data: dict[str, Any]) -> Edition:
    examples = decode(dict[str, int], data.get("examples"), "examples")
    levels = decode(dict[str, Level], data.get("levels"), "levels")
    for rule_id in levels.keys() - RULES:
        raise EditionError(f"levels: there is no rule {rule_id!r}{did_you_mean(rule_id, RULES)}")
    cases = decode(tuple[str, ...], data.get("cases"), "cases")
    for case_id in set(cases) - CASES.keys():
        raise EditionError(f"cases: there is no case {case_id!r}: `parking-mock check --list` lists them")
    here, elsewhere = (_positive(examples.get(name), f"examples.{name}") for name in ("in_process", "elsewhere"))
    return Edition(decode(str, data.get("name"), "name"), levels, frozenset(cases), here, elsewhere)


def _positive(value: object, path: str) -> int:
    number: int = decode(int, value, path)
    if number < 1:
        raise DecodeError(path, "must be 1 or more")
    return number
