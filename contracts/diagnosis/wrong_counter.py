"""What a wrong counter is: a hypothesis of how a client may count wrongly, with one defect."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import TypeAlias

from contracts.diagnosis.client_view import ClientView, KnownFrom
from contracts.diagnosis.counting_model import CountingModel
from contracts.run.run import Run

Count: TypeAlias = Callable[[ClientView, KnownFrom], list[int]]
"""The count that is claimed in place of each claim of a run, in one view of what the client knew."""


@dataclass(frozen=True, slots=True, eq=False)
class WrongCounter:
    """A defect. `name` completes "the client ...", `remedy` says how to correct it."""

    name: str
    remedy: str
    count: Count

    def claims(self, run: Run) -> list[tuple[int, int]]:
        """The least and the most that it would have claimed, for each claim of a run."""
        view = run.once(ClientView)
        counts = [self.count(view, known) for known in view.views]
        return [(min(each), max(each)) for each in zip(*counts, strict=True)]


def true_counts(run: Run) -> dict[KnownFrom, list[int]]:
    """What a correct client would have claimed, in each view."""
    view = run.once(ClientView)
    return {known: CountingModel().count(view, known) for known in view.views}


def where(applies: Callable[[Run], bool], model: CountingModel) -> Count:
    """The counts of a model where it can differ from a correct client's, which are known already."""
    return lambda view, known: model.count(view, known) if view.run.once(applies) else view.run.once(true_counts)[known]
