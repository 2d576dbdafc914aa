"""Evidence about errors: what a client knows after a failed call, and how it repeats the call.

A code means what the vendor's tables say. They disagree about some codes; rules judge only by those about which they
agree.
"""

from bisect import bisect_left
from collections.abc import Callable, Iterable, Iterator, Sequence
from enum import Enum, auto
from itertools import pairwise
from typing import Protocol, TypeAlias, TypeVar

from contracts.play.recording import ActKind
from contracts.play.supervision import MOST_RESTARTS
from contracts.rules.evidence.renewals import renewed
from contracts.run.run import Run
from contracts.run.syncs import Claim, Sync
from mock_server.faults.catalogue import FaultKind
from mock_server.model import DAY, HOUR, MINUTE, Cell
from mock_server.wire.paths import TOKEN_PATH

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
"""The documented codes; the sets above group them by what a client should do after them."""

FOR_GOOD = PERMANENT | UNSUPPORTED | {1114, 2007}
"""The codes after which a client may stop: asking the lot of the call, or every lot if it was a call for a token, where
2009 is an unknown client id, 2007 and 1114 an address of another region or that is not allowed (observed)."""

GARBLING = frozenset({FaultKind.ANSWER_NOT_JSON, FaultKind.ANSWER_EMPTY, FaultKind.ANSWER_TRUNCATED})
"""The faults after which an answer cannot be read."""

PATIENCE = 48 * HOUR
"""How long after the last fault a cell must have been asked about again: two daily passes."""

AT_ONCE = 10
"""A repeat within this many milliseconds of a failure has no pause."""

PROMPTS = (ActKind.START, ActKind.CRASHES, ActKind.DIED, ActKind.SYNCS)
"""Acts of the harness after which a client may ask sooner than by its own pace: no pace is judged across them."""

ENOUGH = 3
"""After this number of refusals for good in a row a client must stop repeating the call."""

PROBES = 2
"""Tries a day that a client may make after that, in case the cause was removed."""


class ToldFailure(Enum):
    """What a client knows of a call: SUCCESS, REFUSED with a code, NOTHING (no answer), GARBAGE (no JSON) or UNSURE."""

    SUCCESS = auto()
    REFUSED = auto()
    NOTHING = auto()
    GARBAGE = auto()
    UNSURE = auto()


FAILED = (ToldFailure.REFUSED, ToldFailure.NOTHING, ToldFailure.GARBAGE)
"""What a client knows of a call that has failed."""

Fails: TypeAlias = Callable[[Run, Sync], bool]
"""A kind of failure: whether a call failed so, as far as its client knows (one of `FAILED`)."""


def told_failure(run: Run, sync: Sync) -> ToldFailure:
    """What a client knows after a call. UNSURE if that depends on its time-out, or on how it reads an odd success."""
    return run.once(_told_failures)[sync.seq]


def _told_failures(run: Run) -> dict[int, ToldFailure]:
    return {sync.seq: _told_failure(run, sync) for sync in run.syncs}


def _told_failure(run: Run, sync: Sync) -> ToldFailure:
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
    """The kind of failure of a refusal with one of these codes that the client could read."""
    wanted = frozenset(codes)
    return lambda run, sync: sync.call.code in wanted and told_failure(run, sync) is ToldFailure.REFUSED


def unanswered(run: Run, sync: Sync) -> bool:
    """Whether a call got no answer."""
    return told_failure(run, sync) is ToldFailure.NOTHING


def unreadable(run: Run, sync: Sync) -> bool:
    """Whether a call got an answer that cannot be read."""
    return told_failure(run, sync) is ToldFailure.GARBAGE


def with_unknown_code(run: Run, sync: Sync) -> bool:
    """Whether a call was refused with an undocumented code."""
    return sync.call.code is not None and sync.call.code not in KNOWN and told_failure(run, sync) is ToldFailure.REFUSED


def any_of(*kinds: Fails) -> Fails:
    """The kind of failure that is any of several."""
    return lambda run, sync: any(kind(run, sync) for kind in kinds)


SERVER_TROUBLE = any_of(refused_with(TROUBLE), unanswered, unreadable)
"""The failures of a server in trouble: system errors, no answer, an unreadable answer."""

PASSING = any_of(refused_with(BUSY | TROUBLE), unanswered, unreadable)
"""The failures after which a call may be repeated later as it is."""


def how(run: Run, sync: Sync) -> str:
    """How a call failed, in words."""
    found = told_failure(run, sync)
    if found is ToldFailure.REFUSED:
        return f"was refused with {sync.call.code}"
    return {ToldFailure.NOTHING: "got no answer", ToldFailure.GARBAGE: "got an unreadable answer"}.get(
        found, "succeeded"
    )


# Cells that were left open: never asked about again after a failure


def left_open(run: Run, fails: Fails) -> list[Claim]:
    """The last claims of cells that failed so, never succeeded, and were never asked about again.

    Only if nothing excuses that: the run went on for two calm days, and the client did not die too often and got no
    refusal after which it may stop.
    """
    last = [claims[-1] for claims in _failed(run, fails) if is_left(run, claims)]
    return [claim for claim in last if not is_part(run, claim)]


def left_in_part(run: Run, fails: Fails) -> list[Claim]:
    """The claims of cells that were left open after one failed call, of which other cells were asked about again."""
    last = [claims[-1] for claims in _failed(run, fails) if is_left(run, claims)]
    return [claim for claim in last if is_part(run, claim)]


def is_left(run: Run, claims: Sequence[Claim]) -> bool:
    """Whether a cell was left open after these claims of it, without an excuse."""
    last = claims[-1]
    return (
        run.calm_at is not None
        and run.ended_at - max(run.calm_at, last.time) >= PATIENCE
        and not may_stop(run, last.cell.device_id)
        and not _goes_on(run, last)
    )


def is_part(run: Run, claim: Claim) -> bool:
    """Whether a cell was asked about only once, and another cell of that call again."""
    others = [cell for cell in claim.sync.cells if cell != claim.cell]
    once = len(run.claims_of[claim.cell]) == 1
    return once and any(each.seq > claim.seq for cell in others for each in run.claims_of.get(cell, ())[-1:])


def healed(run: Run, fails: Fails) -> list[Claim]:
    """The last failed claims of cells with records that succeeded later, and were not found equal by the failed call.

    A client that had left such a cell open would never have converged: these claims exercise a rule.
    """
    if run.calm_at is None:
        return []
    last = [claims[-1] for claims in _failed(run, fails, healed=True)]
    return [claim for claim in last if not claim.equal and run.in_cell(claim.cell)]


def _failed(run: Run, fails: Fails, *, healed: bool = False) -> Iterator[list[Claim]]:
    """The claims of each cell before its first success, if the last of them failed so.

    With `healed` of the cells that had a success, otherwise of those that had none. A refusal of a token that was
    renewed then counts as a failure only where `fails` means it: every long outage outlasts the token.
    """
    for cell in _cells(run, fails):
        claims = [
            claim
            for claim in run.claims_of.get(cell, [])
            if claim.seq not in run.once(renewed) or fails(run, claim.sync)
        ]
        through = next((place for place, each in enumerate(claims) if _went_through(run, each.sync)), len(claims))
        if (through < len(claims)) == healed and through and fails(run, claims[through - 1].sync):
            yield claims[:through]


def _cells(run: Run, fails: Fails) -> dict[Cell, None]:
    return {cell: None for sync in run.once(_failed_syncs) if fails(run, sync) for cell in sync.cells}


def _failed_syncs(run: Run) -> list[Sync]:
    """The calls that failed as far as the client knows, in whatever way: most runs have few."""
    return [sync for sync in run.syncs if told_failure(run, sync) in FAILED]


def _went_through(run: Run, sync: Sync) -> bool:
    return told_failure(run, sync) in (ToldFailure.SUCCESS, ToldFailure.UNSURE)


def _goes_on(run: Run, last: Claim) -> bool:
    """Whether a later window of the same line, whatever its bounds, contains the middle of this one."""
    middle = (last.cell.start_time + last.cell.end_time) // 2
    return any(
        cell.line == last.cell.line and cell.start_time <= middle <= cell.end_time
        for sync in run.syncs
        if sync.seq > last.seq
        for cell in sync.cells
    )


def may_stop(run: Run, device_id: str) -> bool:
    """Whether the client died too often, or got a refusal after which it may stop asking the lot, or any lot."""
    return len(run.acts_of(ActKind.DIED)) > MOST_RESTARTS or any(
        call.code in KEYS | TIME
        or (call.code in FOR_GOOD and (device_id in call.request.path or call.request.path.startswith(TOKEN_PATH)))
        for call in run.calls
        if call.code is not None
    )


# The pace of repeats


class Timed(Protocol):
    """A call or claim in the history."""

    @property
    def seq(self) -> int:
        """The number of its entry."""

    @property
    def time(self) -> int:
        """Its time in epoch milliseconds."""


ATimed = TypeVar("ATimed", bound=Timed)


def streaks(run: Run, fails: Fails) -> Iterator[list[Claim]]:
    """Successive claims of one cell, all but the last failed so, with no prompt of the harness between them."""
    for cell in _cells(run, fails):
        yield from rows(run, run.claims_of.get(cell, []), lambda claim: fails(run, claim.sync))


def rows(run: Run, calls: Iterable[ATimed], fails: Callable[[ATimed], bool]) -> Iterator[list[ATimed]]:
    """Split calls or claims into rows of which all but the last failed, with no prompt of the harness within a row."""
    row: list[ATimed] = []
    for each in calls:
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
    """The most repeats in a row without a pause."""
    longest = now = 0
    for one, two in pairwise(row):
        now = now + 1 if two.time - one.time <= AT_ONCE else 0
        longest = max(longest, now)
    return longest


def most_within(row: Sequence[Timed], span_ms: int) -> int:
    """The most of these within any span of `span_ms`, its end not included: every two minutes is 30 times an hour."""
    first = most = 0
    for place, each in enumerate(row):
        while each.time - row[first].time >= span_ms:
            first += 1
        most = max(most, place + 1 - first)
    return most


def stubborn(row: Sequence[ATimed], enough: int = ENOUGH) -> ATimed | None:
    """The first of some calls or claims refused for good in a row that exceeds `PROBES` a day after `enough` of them.

    Those within one minute count as one: a pass over many cells may get the same refusal for each.
    """
    moments: list[ATimed] = []
    for each in row:
        if not moments or each.time - moments[-1].time >= MINUTE:
            moments.append(each)
            if most_within(moments[enough:], DAY) > PROBES:
                return each
    return None
