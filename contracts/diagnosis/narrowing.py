"""Which wrong counters explain every run of a check: one run alone often leaves several."""

from dataclasses import dataclass

from contracts.diagnosis.explain import fits
from contracts.diagnosis.wrong_counters import CANDIDATES
from contracts.run.run import Run


@dataclass(frozen=True, slots=True)
class Narrowing:
    """The wrong counters, by name, that explain every claim of all `runs` in which some claim is wrong."""

    runs: int = 0
    left: tuple[str, ...] = tuple(counter.name for counter in CANDIDATES)

    def after(self, run: Run) -> "Narrowing":
        """The counters that explain one more run too. A run without a claim off the bracket changes nothing."""
        if not run.off_bracket:
            return self
        still = (counter.name for counter in CANDIDATES if counter.name in self.left and fits(run, counter))
        return Narrowing(self.runs + 1, tuple(still))

    def joined(self, other: "Narrowing") -> "Narrowing":
        """The counters that are left in both."""
        return Narrowing(self.runs + other.runs, tuple(name for name in self.left if name in other.left))

    def narrows(self, fitting: int) -> bool:
        """Whether all runs together leave fewer counters than the `fitting` ones of a single run, but some."""
        return bool(self.runs) and 0 < len(self.left) < fitting
