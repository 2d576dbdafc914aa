"""The claims that each known wrong counter would have made in a run, beside those of the client."""

from collections.abc import Sequence
from dataclasses import dataclass

from contracts.diagnosis.explain import Diagnosis, diagnose
from contracts.diagnosis.wrong_counter import WrongCounter
from contracts.run.run import Run
from contracts.run.syncs import Claim
from mock_server.words import clock_text, line_text, range_text

CLAIMS_SHOWN = 6
"""The most claims that are shown as columns; the wrong ones have precedence."""


@dataclass(frozen=True, slots=True)
class Suspect:
    """A wrong counter and the claims that it would have made in place of those shown.

    `fits` means that it explains every claim of the run, `against` is the first that it does not, in words.
    """

    name: str
    remedy: str
    fits: bool
    claims: tuple[str, ...]
    against: str


@dataclass(frozen=True, slots=True)
class Explanation:
    """The claims that are shown, their right counts, and the wrong counters, those that fit first."""

    titles: tuple[str, ...]
    claimed: tuple[int, ...]
    right: tuple[str, ...]
    suspects: tuple[Suspect, ...]
    number: int

    @property
    def fitting(self) -> list[Suspect]:
        """The wrong counters that explain every claim of the run."""
        return [suspect for suspect in self.suspects if suspect.fits]

    @property
    def others(self) -> list[Suspect]:
        """The wrong counters that some claim contradicts."""
        return [suspect for suspect in self.suspects if not suspect.fits]


def explanation(run: Run) -> Explanation | None:
    """The table for a run, None if every claim is right."""
    if not run.off_bracket:
        return None
    places = _places(run)
    claims = [run.claims[place] for place in places]
    return Explanation(
        titles=tuple(f"{clock_text(claim.time)} {line_text(claim.cell)}" for claim in claims),
        claimed=tuple(claim.claimed for claim in claims),
        right=tuple(range_text(*run.brackets[place]) for place in places),
        suspects=tuple(sorted((_suspect(run, each, places) for each in diagnose(run)), key=lambda each: not each.fits)),
        number=len(run.claims),
    )


def _places(run: Run) -> list[int]:
    """The indexes of the claims to show: wrong ones, then right ones of the same cells while there is room."""
    off = {claim.seq for claim, _, _ in run.off_bracket}
    cells = {claim.cell for claim, _, _ in run.off_bracket}
    wrong = [place for place, claim in enumerate(run.claims) if claim.seq in off and claim.cell in cells]
    right = [place for place, claim in enumerate(run.claims) if claim.seq not in off and claim.cell in cells]
    return sorted([*wrong[:CLAIMS_SHOWN], *right[: max(0, CLAIMS_SHOWN - len(wrong))]])


def _suspect(run: Run, found: Diagnosis, places: Sequence[int]) -> Suspect:
    counter, fits, against = found
    claims = run.once(counter.claims).ranges
    shown = tuple(range_text(*claims[place]) for place in places)
    return Suspect(counter.name, counter.remedy, fits, shown, _against(run, counter, against))


def _against(run: Run, counter: WrongCounter, against: Claim | None) -> str:
    """The first claim that a wrong counter does not explain, in words; empty if it explains all."""
    if against is None:
        return ""
    least, most = run.once(counter.claims).ranges[run.claims.index(against)]
    would = range_text(least, most)
    return (
        f"at {clock_text(against.time)} it would have claimed {would} {line_text(against.cell)}, not {against.claimed}"
    )
