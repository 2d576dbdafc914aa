"""A rule: one obligation of a client, as data, with a check of a run."""

from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from functools import cache
from typing import Literal, NamedTuple, TypeAlias

from contracts.client.interface import Capability
from contracts.run.run import Run

Level: TypeAlias = Literal["must", "should", "info"]
LEVELS: tuple[Level, ...] = ("must", "should", "info")

Source: TypeAlias = Literal["documented", "derived", "practice"]
"""Documented by the vendor, derived from what is documented, or good practice."""

Need: TypeAlias = Literal["traffic", "store", "effects", "crash", "clock", "process", "pauses", "instances"]

CAPABILITY_OF_NEED: dict[Need, Capability] = {
    "store": Capability.DUMP,
    "effects": Capability.EFFECTS,
    "crash": Capability.CRASH,
    "clock": Capability.ADVANCE,
    "process": Capability.OWN_PROCESS,
    "pauses": Capability.PAUSES,
    "instances": Capability.INSTANCES,
}
"""The capability that a client must have for each need. Traffic needs none: the emulator sees it."""

VENDOR_PAGE = "https://developer.tuya.com/en/docs/cloud/36fd283656?id=Kbn02a4b9xc04"
"""The vendor's page of records/sync, the source of documented rules."""


class Breach(NamedTuple):
    """A rule is broken: how, in a sentence with the numbers, and at which entry of the history."""

    message: str
    seq: int


class Outcome(NamedTuple):
    """The result of a check. `exercised` says whether the run had a situation in which the rule can be broken."""

    exercised: bool
    breaches: tuple[Breach, ...] = ()


NOT_EXERCISED = Outcome(exercised=False)

RuleCheck: TypeAlias = Callable[[Run], Outcome]


@dataclass(frozen=True, slots=True)
class Rule:
    """One obligation: `statement` says it in one sentence, `why` says what goes wrong when it is broken.

    `spares` answers for a must-rule which correct designs come near it, and why it does not accuse them.
    A part of it may need more than the rest (`partly`). A client that lacks that can break the rest, and is then told;
    otherwise the rule is unimplemented, as it is not known to be kept.
    """

    id: str
    level: Level
    source: Source
    statement: str
    why: str
    needs: tuple[Need, ...]
    look: RuleCheck
    partly: tuple[Need, ...] = ()
    spares: str = ""

    def check(self, run: Run) -> Outcome:
        """The outcome for a run. A run with unknown faults is not judged."""
        return NOT_EXERCISED if run.unknown_faults else self.look(run)

    def outcome(self, run: Run) -> Outcome | None:
        """The outcome for a run, None if this client does not let us see enough for one."""
        if self.missing(run.can):
            return None
        found = self.check(run)
        return found if found.breaches or not self.missing_in_part(run.can) else None

    @property
    def all_needs(self) -> tuple[Need, ...]:
        """What it needs to be judged whole."""
        return (*self.needs, *self.partly)

    @property
    def group(self) -> str:
        """The group of the rule: the first part of its id."""
        return self.id.split("-")[0]

    def missing(self, can: Iterable[Capability]) -> list[Capability]:
        """The capabilities that the rule needs and a client with `can` lacks."""
        return _lacking(self.needs, can)

    def missing_in_part(self, can: Iterable[Capability]) -> list[Capability]:
        """The capabilities that a part of the rule needs and a client with `can` lacks."""
        return _lacking(self.partly, can)


def _lacking(needs: tuple[Need, ...], can: Iterable[Capability]) -> list[Capability]:
    return [capability for capability in _wanted(needs) if capability not in can]


@cache
def _wanted(needs: tuple[Need, ...]) -> tuple[Capability, ...]:
    return tuple(CAPABILITY_OF_NEED[need] for need in needs if need in CAPABILITY_OF_NEED)


class RuleBook:
    """The rules of one group, in the order of their definition. `title` heads the group in reports."""

    def __init__(self, title: str) -> None:
        self.title = title
        self._rules: dict[str, Rule] = {}

    def rule(
        self,
        rule_id: str,
        level: Level,
        source: Source,
        *,
        statement: str,
        why: str,
        needs: tuple[Need, ...] = ("traffic",),
        partly: tuple[Need, ...] = (),
        spares: str = "",
    ) -> Callable[[RuleCheck], RuleCheck]:
        """A decorator that registers a check as a rule. ValueError if the id is taken."""

        def add(check: RuleCheck) -> RuleCheck:
            if rule_id in self._rules:
                raise ValueError(f"there is a rule {rule_id} already")
            self._rules[rule_id] = Rule(rule_id, level, source, statement, why, needs, check, partly, spares)
            return check

        return add

    def __iter__(self) -> Iterator[Rule]:
        return iter(self._rules.values())


def judged(exercised: object, breaches: Iterable[Breach]) -> Outcome:
    """An outcome. A breach shows that the rule was exercised, whatever `exercised` says."""
    found = tuple(breaches)
    return Outcome(bool(exercised) or bool(found), found)
