"""What a wrong counter is: a hypothesis of how a client may count wrongly, with one defect."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import TypeAlias

from contracts.diagnosis.client_view import ClientView, KnownFrom
from contracts.run.run import Run
from contracts.run.syncs import Claim

Count: TypeAlias = Callable[[ClientView, KnownFrom], tuple[int, ...]]
"""The count that is claimed in place of each claim of a run, in one view of what the client knew."""


class Claimed:
    """What a wrong counter would have claimed, the least and the most for each claim of a run."""

    def __init__(self, run: Run, counts: Sequence[Sequence[int]]) -> None:
        self._run = run
        self.ranges = [(min(each), max(each)) for each in zip(*counts, strict=True)]

    @cached_property
    def differs(self) -> bool:
        """Whether some of it is off the bracket, whatever the client knew."""
        ranges = zip(self.ranges, self._run.brackets, strict=True)
        return any(most < low or least > high for (least, most), (low, high) in ranges)

    @cached_property
    def against(self) -> Claim | None:
        """The first claim of the run that it does not explain."""
        ranges = zip(self._run.claims, self.ranges, strict=True)
        return next((claim for claim, (least, most) in ranges if not least <= claim.claimed <= most), None)


@dataclass(frozen=True, slots=True, eq=False)
class WrongCounter:
    """A defect. `name` completes "the client ...", `remedy` says how to correct it."""

    name: str
    remedy: str
    count: Count

    def claims(self, run: Run) -> Claimed:
        """What it would have claimed in a run. What several would have is compared once."""
        view = run.once(ClientView)
        counts = tuple(self.count(view, known) for known in view.views)
        return view.once(counts, lambda: Claimed(run, counts))
