"""A rule: one obligation of a client, as data and a check over a run."""

from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from typing import Literal, NamedTuple, TypeAlias

from contracts.client.interface import Capability
from contracts.run.run import Run

Level: TypeAlias = Literal["must", "should", "info"]
LEVELS: tuple[Level, ...] = ("must", "should", "info")

Source: TypeAlias = Literal["documented", "derived", "practice"]
"""Documented by the vendor, derived from what is documented, or good practice."""

Need: TypeAlias = Literal["traffic", "store", "effects", "crash", "clock", "process"]

CAPABILITY_OF_NEED: dict[Need, Capability] = {
    "store": Capability.DUMP,
    "effects": Capability.EFFECTS,
    "crash": Capability.CRASH,
    "clock": Capability.ADVANCE,
    "process": Capability.OWN_PROCESS,
}
"""The capability without which a need cannot be met. Traffic can always be seen."""

VENDOR_PAGE = "https://developer.tuya.com/en/docs/cloud/36fd283656?id=Kbn02a4b9xc04"
"""The page of records/sync, source of what is documented."""


class Breach(NamedTuple):
    """A rule is broken: how, in a sentence with the numbers, and at which line of the history."""

    message: str
    seq: int


class Outcome(NamedTuple):
    """What a check found. `exercised` says whether the situation arose in which the rule can be broken."""

    exercised: bool
    breaches: tuple[Breach, ...] = ()


NOT_EXERCISED = Outcome(exercised=False)

RuleCheck: TypeAlias = Callable[[Run], Outcome]


@dataclass(frozen=True, slots=True)
class Rule:
    """`statement` is one sentence, `why` what goes wrong otherwise."""

    id: str
    level: Level
    source: Source
    statement: str
    why: str
    needs: tuple[Need, ...]
    look: RuleCheck

    def check(self, run: Run) -> Outcome:
        """What the rule finds in a run: nothing in one that cannot be judged."""
        return NOT_EXERCISED if run.unknown_faults else self.look(run)

    @property
    def group(self) -> str:
        """What it is about: the first part of its id."""
        return self.id.split("-")[0]

    def missing(self, can: Iterable[Capability]) -> list[Capability]:
        """What a client lacks for it."""
        wanted = [CAPABILITY_OF_NEED[need] for need in self.needs if need in CAPABILITY_OF_NEED]
        return [capability for capability in wanted if capability not in can]


class RuleBook:
    """The rules of one group, in the order in which they are written."""

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
    ) -> Callable[[RuleCheck], RuleCheck]:
        """Make a check a rule."""

        def add(check: RuleCheck) -> RuleCheck:
            if rule_id in self._rules:
                raise ValueError(f"there is a rule {rule_id} already")
            self._rules[rule_id] = Rule(rule_id, level, source, statement, why, needs, check)
            return check

        return add

    def __iter__(self) -> Iterator[Rule]:
        return iter(self._rules.values())


def judged(exercised: object, breaches: Iterable[Breach]) -> Outcome:
    """An outcome. A breach shows that the rule was exercised, whatever `exercised` says."""
    found = tuple(breaches)
    return Outcome(bool(exercised) or bool(found), found)
