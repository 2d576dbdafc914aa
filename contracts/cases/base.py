"""A case: a strategy that draws scenarios of one kind, aimed at some rules."""

from collections.abc import Mapping
from dataclasses import dataclass, field

from hypothesis import strategies as st
from hypothesis.strategies import SearchStrategy

from contracts.play.scenario import Scenario


@dataclass(frozen=True, slots=True)
class Case:
    """Scenarios of one kind. `id` is `group/name`; its meaning never changes, because reports and seeds refer to it.

    Every rule is judged in every case; `aims` are the ids of the rules that this one is made to exercise. `scenarios`
    draws from all `variants`, if there are any; a variant is also a case of its own, `group/name/variant`.
    """

    id: str
    aims: tuple[str, ...]
    doc: str
    scenarios: SearchStrategy[Scenario]
    variants: Mapping[str, SearchStrategy[Scenario]] = field(default_factory=dict)

    def each_variant(self) -> list["Case"]:
        """The variants as cases of their own."""
        return [Case(f"{self.id}/{name}", self.aims, self.doc, drawn) for name, drawn in self.variants.items()]


def varied(case_id: str, aims: tuple[str, ...], doc: str, variants: Mapping[str, SearchStrategy[Scenario]]) -> Case:
    """A case with variants. The simplest comes first: Hypothesis shrinks towards it."""
    return Case(case_id, aims, doc, st.one_of(list(variants.values())), variants)
