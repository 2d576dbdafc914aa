"""Coverage: the time that a client has asked about, and the time that it owes and left out.

A client owes no time before its start, and no window that may not be due by its own plan: a window is owed once a later
one has been asked about. It owes nothing of a lot after a refusal for good, and for a while after anything that kept it
from asking.
"""

from collections import defaultdict
from collections.abc import Iterable, Iterator
from typing import NamedTuple

from contracts.client.interface import Capability
from contracts.play.recording import ActKind
from contracts.rules.evidence.renewals import failed_calls
from contracts.run.run import Run
from mock_server.history.index import Call
from mock_server.model import DAY, HOUR, Cell, DataType, Line, PassDirection
from mock_server.wire.paths import SYNC_SUFFIX
from mock_server.words import day_text

SLACK = 4 * HOUR
"""A missing window is a breach only if nothing kept the client from asking for this long at the end of the run."""

BEGINS_WITHIN = DAY
"""The latest begin of a client's first window after the client's start."""

LAGS_AT_MOST = 30 * HOUR
"""Windows that end within this time of the end of a run need not be asked about: a client may ask once a day, in the
night, about the windows of the day."""

FORGIVEN = 3 * DAY
"""The greatest age of an owed window at the time when a client can ask again."""

FOR_EVER = 10**15
"""A time in epoch milliseconds after every run."""

JOINT = 1
"""The most milliseconds between two windows that join up: one may end at .999."""

PASSING = frozenset({500, 1010, 1011, 1013, 1110, 1111, 1199, 2001})
"""The documented codes of refusals that pass."""

OF_ONE_LOT = frozenset({1106, 2001, 2003, 2008, 2009, 2010})
"""The codes of refusals that say nothing about other lots."""


class CoveredSpan(NamedTuple):
    """A span of time in epoch milliseconds."""

    start: int
    end: int

    @property
    def length(self) -> int:
        """The length in milliseconds; negative in an empty `cut`."""
        return self.end - self.start

    def cut(self, other: "CoveredSpan") -> "CoveredSpan":
        """The intersection of two spans; its length is not positive if they have none."""
        return CoveredSpan(max(self.start, other.start), min(self.end, other.end))

    def joined(self, other: "CoveredSpan") -> "CoveredSpan":
        """The span from the earlier start to the later end."""
        return CoveredSpan(min(self.start, other.start), max(self.end, other.end))

    def holds(self, other: "CoveredSpan") -> bool:
        """Whether another span lies within this one."""
        return self.start <= other.start and other.end <= self.end


NOTHING = CoveredSpan(0, 0)


class Gap(NamedTuple):
    """Time of a line that a client owed and never asked about."""

    line: Line
    span: CoveredSpan


def span_of(cell: Cell) -> CoveredSpan:
    """The window of a cell, with the bounds in order even if the client swapped them."""
    return CoveredSpan(min(cell.start_time, cell.end_time), max(cell.start_time, cell.end_time))


def downtimes(run: Run) -> list[CoveredSpan]:
    """The downtimes of the client; the last one ends at `FOR_EVER` if the client was not started again."""
    found, since = [], None
    for act in run.acts:
        if act.kind is ActKind.START and since is not None:
            found.append(CoveredSpan(since, act.time))
            since = None
        elif since is None and (
            act.kind is ActKind.DIED or (act.kind is ActKind.CRASHES and Capability.CRASH in run.can)
        ):
            since = act.time
    return found if since is None else [*found, CoveredSpan(since, FOR_EVER)]


def began(run: Run) -> int:
    """When the client was first started; `FOR_EVER` if it never was."""
    return next((act.time for act in run.acts_of(ActKind.START)), FOR_EVER)


def lots_of(run: Run) -> list[str]:
    """The lots that the client should ask."""
    return [device_id for device_id in run.devices if run.takes_sync(device_id)]


def steady_since(run: Run, device_id: str) -> int | None:
    """The time since which nothing has kept the client from asking a lot; None if something still may.

    A refusal that does not pass and a jump of the client's clock may keep it from asking for good. A token that was
    refused and renewed keeps it from nothing.
    """
    return _steadiness(run, device_id)[0]


def hindrance(run: Run, device_id: str) -> str | None:
    """What may have kept the client from asking a lot in the last `SLACK` of a run, in words; None if nothing."""
    since, why = _steadiness(run, device_id)
    return None if since is not None and since <= run.ended_at - SLACK else why


def _steadiness(run: Run, device_id: str) -> tuple[int | None, str]:
    """The time of `steady_since`, and in words what kept the client from asking until then, or keeps it still."""
    failed = [call for call in failed_calls(run) if _may_prevent(call, device_id)]
    for_good = next((call for call in failed if call.code is not None and call.code not in PASSING), None)
    if for_good is not None:
        return None, f"a call was refused with {for_good.code}, {day_text(for_good.time)}Z"
    if jumps := run.acts_of(ActKind.CLOCK_JUMPS):
        return None, f"its clock jumped, {day_text(jumps[0].time)}Z"
    if down := next((down for down in run.once(downtimes) if down.end == FOR_EVER), None):
        return None, f"it was down from {day_text(down.start)}Z on"
    since = max((act.time for act in run.acts_of(ActKind.START)), default=FOR_EVER)
    if not failed:
        return since, f"it was started only {day_text(since)}Z" if since < FOR_EVER else "it never started"
    how = "no answer" if failed[-1].code is None else f"the code {failed[-1].code}"
    well = (sync for sync in run.syncs if sync.device_id == device_id and sync.call.understood)
    again = next((sync.time for sync in well if sync.seq > failed[-1].seq), None)
    return None if again is None else max(since, again), f"a call got {how}, {day_text(failed[-1].time)}Z"


def _may_prevent(call: Call, device_id: str) -> bool:
    """Whether a failed call may have kept the client from asking this lot."""
    is_of_other = call.request.path.endswith(SYNC_SUFFIX) and f"/{device_id}/" not in call.request.path
    return not (is_of_other and call.code in OF_ONE_LOT)


def lines_of(device_id: str, data_type: DataType) -> tuple[Line, ...]:
    """The lines of a lot and data type: two directions of passes, one line of bills."""
    directions = (PassDirection.ENTER, PassDirection.LEAVE) if data_type is DataType.PASS else (None,)
    return tuple(Line(device_id, data_type, direction) for direction in directions)


def asked(run: Run) -> dict[Line, list[tuple[int, CoveredSpan]]]:
    """The windows of each line that were asked about, whatever the answer, each after its time; in order of calls."""
    found: dict[Line, list[tuple[int, CoveredSpan]]] = defaultdict(list)
    for sync in run.syncs:
        for cell in sync.cells:
            found[cell.line].append((sync.time, span_of(cell)))
    return found


def owed(run: Run) -> dict[tuple[str, DataType], CoveredSpan]:
    """The time of each lot and data type that the client should have asked about by the end of the run.

    Bills are owed only if the client ever asks about bills: reconciling them is optional.
    """
    windows = run.once(asked)
    types = [DataType.PASS, *({DataType.BILL} & {line.data_type for line in windows})]
    lots = {device_id: steady_since(run, device_id) for device_id in lots_of(run)}
    found = {
        (device_id, data_type): _owed(run, [each for line in lines for each in windows.get(line, ())], since)
        for device_id, since in lots.items()
        if since is not None and since <= run.ended_at - SLACK
        for data_type in types
        if (lines := lines_of(device_id, data_type))
    }
    return {key: span for key, span in found.items() if span.length > 0}


def _owed(run: Run, windows: list[tuple[int, CoveredSpan]], since: int) -> CoveredSpan:
    """The time that is owed of some lines: up to the client's latest window, or to `LAGS_AT_MOST` before the end."""
    begins = began(run)
    first = min((span.start for _, span in windows), default=FOR_EVER)
    start = max(min(max(first, begins), begins + BEGINS_WITHIN), since - FORGIVEN)
    seen = run.ended_at - SLACK
    past = max((span.end for time, span in windows if time <= seen), default=0)
    late = run.ended_at - LAGS_AT_MOST
    return CoveredSpan(start, max(min(past, seen), late if since <= late else 0))


def gaps(run: Run) -> list[Gap]:
    """The time of each line that is owed and was never asked about, in order."""
    windows = run.once(asked)
    return [
        Gap(line, hole)
        for (device_id, data_type), span in run.once(owed).items()
        for line in lines_of(device_id, data_type)
        for hole in holes(span, {window for _, window in windows.get(line, ())})
    ]


def holes(whole: CoveredSpan, covered: Iterable[CoveredSpan]) -> Iterator[CoveredSpan]:
    """The parts of a span that others do not cover, in order; windows that join up leave none."""
    reached = whole.start
    for span in sorted(covered):
        hole = CoveredSpan(reached, min(span.start, whole.end))
        if hole.length > JOINT:
            yield hole
        reached = max(reached, span.end)
    if whole.end - reached > JOINT:
        yield CoveredSpan(reached, whole.end)
