"""A case: a strategy that draws scenarios of one kind, aimed at some rules."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Self

from hypothesis import strategies as st
from hypothesis.strategies import SearchStrategy

from contracts.cases.dimensions import NAMINGS, in_dimensions
from contracts.play.scenario import Scenario


@dataclass(frozen=True, slots=True)
class Case:
    """Scenarios of one kind. `id` is `group/name`; its meaning never changes, because reports and seeds refer to it.

    Every rule is judged in every case; `aims` are the ids of the rules that this one is made to exercise. `scenarios`
    draws from all `variants`, if there are any; a variant is also a case of its own, `group/name/variant`.

    A case that is `fixed` has few scenarios, or scenarios of certain days, and is played as it is written. `namings`
    are the forms of ids that its records have, as `contracts.cases.dimensions` names them.
    """

    id: str
    aims: tuple[str, ...]
    doc: str
    scenarios: SearchStrategy[Scenario]
    variants: Mapping[str, SearchStrategy[Scenario]] = field(default_factory=dict)
    fixed: bool = False
    namings: Sequence[str] = NAMINGS

    def in_dimensions(self) -> Self:
        """The case with scenarios of all days, with ids and bills of every kind."""
        if self.fixed:
            return self
        variants = {name: in_dimensions(drawn, self.namings) for name, drawn in self.variants.items()}
        return replace(self, scenarios=in_dimensions(self.scenarios, self.namings), variants=variants)

    def each_variant(self) -> list["Case"]:
        """The variants as cases of their own."""
        return [Case(f"{self.id}/{name}", self.aims, self.doc, drawn) for name, drawn in self.variants.items()]


def varied(
    case_id: str,
    aims: tuple[str, ...],
    doc: str,
    variants: Mapping[str, SearchStrategy[Scenario]],
    *,
    fixed: bool = False,
) -> Case:
    """A case with variants. The simplest comes first: Hypothesis shrinks towards it."""
    return Case(case_id, aims, doc, st.one_of(list(variants.values())), variants, fixed)
