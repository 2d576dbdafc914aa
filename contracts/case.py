"""A case: scenarios of one kind, drawn at random, aimed at some rules."""

from dataclasses import dataclass

from hypothesis.strategies import SearchStrategy

from contracts.scenario import Scenario


@dataclass(frozen=True, slots=True)
class Case:
    """Scenarios of one kind. `id` is `group/name` and never changes its meaning.

    Every rule is judged in every case; `aims` names those that this one is made for.
    """

    id: str
    aims: tuple[str, ...]
    doc: str
    scenarios: SearchStrategy[Scenario]
