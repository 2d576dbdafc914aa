"""Which wrong counters are left when every run has been heard: one run alone often leaves several."""

from dataclasses import dataclass

from contracts.diagnosis.explain import fits
from contracts.diagnosis.wrong_counters import CANDIDATES
from contracts.run.run import Run


@dataclass(frozen=True, slots=True)
class Narrowing:
    """The wrong counters, by name, that explain every claim of all `runs` in which some claim is wrong."""

    runs: int = 0
    left: tuple[str, ...] = tuple(counter.name for counter in CANDIDATES)

    def heard(self, run: Run) -> "Narrowing":
        """One more run. One without a wrong claim has nothing to say."""
        if not run.off_bracket:
            return self
        still = (counter.name for counter in CANDIDATES if counter.name in self.left and fits(run, counter))
        return Narrowing(self.runs + 1, tuple(still))

    def joined(self, other: "Narrowing") -> "Narrowing":
        """What both leave."""
        return Narrowing(self.runs + other.runs, tuple(name for name in self.left if name in other.left))

    def narrows(self, fitting: int) -> bool:
        """Whether it leaves some, and fewer than the `fitting` ones that a single run leaves."""
        return bool(self.runs) and 0 < len(self.left) < fitting
