"""What a failed call told the client, and how the client went on: what the rules of errors look at.

A code means what the vendor's tables say of it. They disagree about some numbers; a rule judges only by those about
which they agree.
"""

from bisect import bisect_left
from collections.abc import Callable, Iterable, Iterator, Sequence
from enum import Enum, auto
from itertools import pairwise
from typing import Protocol, TypeAlias, TypeVar

from contracts.play.recording import ActKind
from contracts.play.supervision import MOST_RESTARTS
from contracts.run.run import Run
from contracts.run.syncs import Claim, Sync
from mock_server.faults.catalogue import FaultKind
from mock_server.model import DAY, HOUR, MINUTE, Cell

BUSY = frozenset({1110, 1111, 1199})
TROUBLE = frozenset({500})
TOKEN = frozenset({1010, 1011})
TIME = frozenset({1013})
OFFLINE = frozenset({2001})
UNSUPPORTED = frozenset({2003, 2008, 2009})
SIGN = frozenset({1004})
PERMANENT = frozenset({1006, 1100, 1101, 1102, 1104, 1105, 1106, 1108, 1109, 2010})
KEYS = SIGN | {1005}
KNOWN = BUSY | TROUBLE | TOKEN | TIME | OFFLINE | UNSUPPORTED | KEYS | PERMANENT | {1000, 1003, 1107}
"""The codes of the vendor's table, by what they ask of a client."""

GARBLING = frozenset({FaultKind.ANSWER_NOT_JSON, FaultKind.ANSWER_EMPTY, FaultKind.ANSWER_TRUNCATED})
"""The faults after which an answer cannot be read."""

PATIENCE = 48 * HOUR
"""How long after the last fault a cell may wait until it must have been asked about again: two daily passes."""

AT_ONCE = 10
"""How many milliseconds after a refusal a repeat is no pause at all."""

PROMPTS = (ActKind.START, ActKind.CRASHES, ActKind.DIED, ActKind.SYNCS)
"""What the harness does that may make a client ask sooner than it would: no pace is judged across it."""

ENOUGH = 3
"""So many refusals for good in a row leave no doubt."""

PROBES = 2
"""How often a day a client may try again, in case somebody has changed what was refused for good."""


class ToldFailure(Enum):
    """What the answer to a call told the client."""

    SUCCESS = auto()
    REFUSED = auto()
    NOTHING = auto()
    GARBAGE = auto()
    UNSURE = auto()


Fails: TypeAlias = Callable[[Run, Sync], bool]
"""A kind of failure."""


def told(run: Run, sync: Sync) -> ToldFailure:
    """What a client knows after a call. UNSURE where that hangs on its patience, or on what it takes for a success."""
    answer, faults = sync.call.answer, run.faults_of(sync.call)
    if (
        answer is None
        or FaultKind.ANSWER_LATE in faults
        or (answer.code is None and FaultKind.ANSWER_NO_RESULT in faults)
    ):
        return ToldFailure.UNSURE
    if answer.sent == "not":
        return ToldFailure.NOTHING
    if answer.sent == "garbled" and GARBLING.intersection(faults):
        return ToldFailure.GARBAGE
    return ToldFailure.SUCCESS if answer.code is None else ToldFailure.REFUSED


def refused_with(codes: Iterable[int]) -> Fails:
    """Refused in so many words, with one of these codes."""
    wanted = frozenset(codes)
    return lambda run, sync: sync.call.code in wanted and told(run, sync) is ToldFailure.REFUSED


def unanswered(run: Run, sync: Sync) -> bool:
    """No answer came."""
    return told(run, sync) is ToldFailure.NOTHING


def unreadable(run: Run, sync: Sync) -> bool:
    """The answer could not be read."""
    return told(run, sync) is ToldFailure.GARBAGE


def with_unknown_code(run: Run, sync: Sync) -> bool:
    """Refused with a code of no table."""
    return sync.call.code is not None and sync.call.code not in KNOWN and told(run, sync) is ToldFailure.REFUSED


def any_of(*kinds: Fails) -> Fails:
    """Failed in one of several ways."""
    return lambda run, sync: any(kind(run, sync) for kind in kinds)


SERVER_TROUBLE = any_of(refused_with(TROUBLE), unanswered, unreadable)
"""The failures of a server that is not well."""

PASSING = any_of(refused_with(BUSY | TROUBLE), unanswered, unreadable)
"""The failures that say nothing but "not now"."""


def how(run: Run, sync: Sync) -> str:
    """How a call failed, in words."""
    found = told(run, sync)
    if found is ToldFailure.REFUSED:
        return f"was refused with {sync.call.code}"
    return {ToldFailure.NOTHING: "got no answer", ToldFailure.GARBAGE: "got an unreadable answer"}.get(
        found, "succeeded"
    )


# Whether cells were left


def left_open(run: Run, fails: Fails) -> list[Claim]:
    """The last claims of cells that failed so, never went through, and were never asked about again.

    Only where nothing excuses that: the run went on for two calm days, the client lived, and nobody told it to stop.
    """
    last = [claims[-1] for claims in _failed(run, fails) if is_left(run, claims)]
    return [claim for claim in last if not is_part(run, claim)]


def left_in_part(run: Run, fails: Fails) -> list[Claim]:
    """The claims of cells that were left after the first time, while others of the same failed call were not."""
    last = [claims[-1] for claims in _failed(run, fails) if is_left(run, claims)]
    return [claim for claim in last if is_part(run, claim)]


def is_left(run: Run, claims: Sequence[Claim]) -> bool:
    """Whether a cell was left for good after these claims of it, without an excuse."""
    last = claims[-1]
    return (
        run.calm_at is not None
        and run.ended_at - max(run.calm_at, last.time) >= PATIENCE
        and not may_stop(run, last.cell.device_id)
        and not _goes_on(run, last)
    )


def is_part(run: Run, claim: Claim) -> bool:
    """Whether a cell was asked about once, in a call of which another cell was asked about again."""
    others = [cell for cell in claim.sync.cells if cell != claim.cell]
    once = len(run.claims_of[claim.cell]) == 1
    return once and any(each.seq > claim.seq for cell in others for each in run.claims_of.get(cell, ())[-1:])


def healed(run: Run, fails: Fails) -> list[Claim]:
    """The last failed claims of cells with a record that did not agree by that, and went through later.

    A client that left such a cell would never have agreed with its lot.
    """
    if run.calm_at is None:
        return []
    last = [claims[-1] for claims in _failed(run, fails, healed=True)]
    return [claim for claim in last if not claim.equal and run.in_cell(claim.cell)]


def _failed(run: Run, fails: Fails, *, healed: bool = False) -> Iterator[list[Claim]]:
    """The claims of each cell that failed so before any went through; with `healed` up to the first that did."""
    for cell in _cells(run, fails):
        claims = run.claims_of.get(cell, [])
        through = next((place for place, each in enumerate(claims) if _went_through(run, each.sync)), len(claims))
        if (through < len(claims)) == healed and through and fails(run, claims[through - 1].sync):
            yield claims[:through]


def _cells(run: Run, fails: Fails) -> dict[Cell, None]:
    return {cell: None for sync in run.syncs if fails(run, sync) for cell in sync.cells}


def _went_through(run: Run, sync: Sync) -> bool:
    return told(run, sync) in (ToldFailure.SUCCESS, ToldFailure.UNSURE)


def _goes_on(run: Run, last: Claim) -> bool:
    """Whether some later window of the same line, cut however, has the middle of this one in it."""
    middle = (last.cell.start_time + last.cell.end_time) // 2
    return any(
        cell.line == last.cell.line and cell.start_time <= middle <= cell.end_time
        for sync in run.syncs
        if sync.seq > last.seq
        for cell in sync.cells
    )


def may_stop(run: Run, device_id: str) -> bool:
    """Whether the client died too often, or was told something after which it may leave the lot, or everything."""
    return len(run.acts_of(ActKind.DIED)) > MOST_RESTARTS or any(
        call.code in KEYS | TIME or (call.code in PERMANENT | UNSUPPORTED and device_id in call.request.path)
        for call in run.calls
        if call.code is not None
    )


# How soon they were asked again


class Timed(Protocol):
    """Something of the client's that is in the history."""

    @property
    def seq(self) -> int:
        """Its line."""

    @property
    def time(self) -> int:
        """When it happened."""


ATimed = TypeVar("ATimed", bound=Timed)


def streaks(run: Run, fails: Fails) -> Iterator[list[Claim]]:
    """Claims of one cell in a row, each but the last one failed so, all of the client's own accord."""
    for cell in _cells(run, fails):
        yield from rows(run, run.claims_of.get(cell, []), lambda claim: fails(run, claim.sync))


def rows(run: Run, things: Iterable[ATimed], fails: Callable[[ATimed], bool]) -> Iterator[list[ATimed]]:
    """Things in a row, each but the last one failed, without a prompt between them."""
    row: list[ATimed] = []
    for each in things:
        if row and (not fails(row[-1]) or _prompted(run, row[-1].seq, each.seq)):
            yield row
            row = []
        row.append(each)
    if row:
        yield row


def _prompted(run: Run, after: int, before: int) -> bool:
    prompts = run.once(_prompts)
    place = bisect_left(prompts, after)
    return place < len(prompts) and prompts[place] < before


def _prompts(run: Run) -> list[int]:
    return [act.seq for act in run.acts_of(*PROMPTS)]


def repeats_at_once(row: Sequence[Timed]) -> int:
    """The longest row of repeats without a pause."""
    longest = now = 0
    for one, two in pairwise(row):
        now = now + 1 if two.time - one.time <= AT_ONCE else 0
        longest = max(longest, now)
    return longest


def most_within(row: Sequence[Timed], span_ms: int) -> int:
    """How many of these lie within a span at most."""
    first = most = 0
    for place, each in enumerate(row):
        while each.time - row[first].time > span_ms:
            first += 1
        most = max(most, place + 1 - first)
    return most


def stubborn(row: Sequence[ATimed], enough: int = ENOUGH) -> ATimed | None:
    """Of things that were refused for good in a row: the first that is one too many.

    Those of one minute are one: a pass over many cells may be told the same of each.
    """
    moments: list[ATimed] = []
    for each in row:
        if not moments or each.time - moments[-1].time >= MINUTE:
            moments.append(each)
            if most_within(moments[enough:], DAY) > PROBES:
                return each
    return None
