"""A case: scenarios of one kind, drawn at random, aimed at some rules."""

from collections.abc import Mapping
from dataclasses import dataclass, field

from hypothesis import strategies as st
from hypothesis.strategies import SearchStrategy

from contracts.play.scenario import Scenario


@dataclass(frozen=True, slots=True)
class Case:
    """Scenarios of one kind. `id` is `group/name` and never changes its meaning.

    Every rule is judged in every case; `aims` names those that this one is made for. Some have `variants`, which are
    played together unless one is chosen: its id is `group/name/variant`.
    """

    id: str
    aims: tuple[str, ...]
    doc: str
    scenarios: SearchStrategy[Scenario]
    variants: Mapping[str, SearchStrategy[Scenario]] = field(default_factory=dict)

    def each_variant(self) -> list["Case"]:
        """Its variants as cases of their own."""
        return [Case(f"{self.id}/{name}", self.aims, self.doc, drawn) for name, drawn in self.variants.items()]


def varied(case_id: str, aims: tuple[str, ...], doc: str, variants: Mapping[str, SearchStrategy[Scenario]]) -> Case:
    """A case with variants, the plainest first."""
    return Case(case_id, aims, doc, st.one_of(list(variants.values())), variants)
