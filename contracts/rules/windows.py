"""Rules of planning windows: their length and bounds, that they leave no time out, and that retries repeat them."""

from collections import defaultdict
from collections.abc import Iterator, Mapping
from itertools import pairwise

from contracts.diagnosis import wrong_counters as counters
from contracts.diagnosis.counting_model import Bounds
from contracts.diagnosis.explain import differs, explaining
from contracts.diagnosis.wrong_counter import WrongCounter
from contracts.play.recording import ActKind
from contracts.rules.base import NOT_EXERCISED, Breach, Outcome, RuleBook, judged
from contracts.rules.evidence.coverage import (
    JOINT,
    NOTHING,
    SLACK,
    CoveredSpan,
    Gap,
    asked,
    downtimes,
    gaps,
    holes,
    lines_of,
    lots_of,
    owed,
    span_of,
    steady_since,
)
from contracts.run.run import Run
from contracts.run.syncs import Sync
from mock_server.history.index import LotRecord
from mock_server.model import DAY, HOUR, MINUTE, SECOND, Cell, DataType, Line
from mock_server.words import cell_text, day_text, line_text, range_text

RULES = RuleBook("Planning windows")

LONG_DOWN = HOUR
"""The least downtime of which WIN-CATCHUP judges the gaps; WIN-NO-GAP judges those of shorter ones."""

SKIPPED_AT_LEAST = HOUR // 2
"""The least gap that is due to a downtime; a smaller one is between windows that do not join up."""

CALLS_A_MINUTE = 60
"""Calls to one lot in one minute that are not a flood: rate limits allow single digits to tens a second."""

LEAST_GRACE = MINUTE
"""The least time between a window's end and the first sync about it: messages take seconds."""

CONVENTIONS: Mapping[Bounds, tuple[WrongCounter, str]] = {
    "[s,e)": (counters.HALF_OPEN, "counts a record at the start, not one at the end"),
    "[s,e]": (counters.CLOSED_END, "counts records at the start and at the end"),
    "(s,e]": (counters.OPEN_START, "counts a record at the end, not one at the start"),
    "(s,e)": (counters.OPEN, "counts records neither at the start nor at the end"),
}
"""The conventions about records at the bounds of a window: each as a wrong counter and in words."""


def infos(run: Run) -> Iterator[tuple[Sync, Cell]]:
    """Every cell of every sync, with the sync."""
    return ((sync, cell) for sync in run.syncs for cell in sync.cells)


def each_cell(run: Run) -> dict[Cell, Sync]:
    """Every cell that is asked about, with its first sync."""
    found: dict[Cell, Sync] = {}
    for sync, cell in infos(run):
        found.setdefault(cell, sync)
    return found


def dated(cell: Cell) -> str:
    """A cell in words, with the dates of its window."""
    window = f"{day_text(cell.start_time)} - {day_text(cell.end_time)}"
    return f"lot {cell.device_id}, {line_text(cell)}, {window}"


@RULES.rule(
    "WIN-MAX24",
    "must",
    "documented",
    statement="A window is at most 24 hours long, also after a time in which nothing could be asked.",
    why="24 hours is the vendor's limit: a longer window is refused, and so is everything else in that call.",
    spares="Windows of any length up to 24 hours, to the millisecond.",
)
def max24(run: Run) -> Outcome:
    """No window is above 24 hours. Exercised where a lot was asked again after more than a day."""
    return judged(
        _longest_silence(run) > DAY,
        (
            Breach(f"a window of {span_of(cell).length / HOUR:.1f} hours: {dated(cell)}", sync.seq)
            for cell, sync in run.once(each_cell).items()
            if span_of(cell).length > DAY
        ),
    )


def _longest_silence(run: Run) -> int:
    """The longest time in milliseconds between two calls of one lot that the client saw succeed."""
    times: dict[str, list[int]] = defaultdict(list)
    for sync in run.syncs:
        if sync.call.understood:
            times[sync.device_id].append(sync.time)
    return max((after - before for each in times.values() for before, after in pairwise(each)), default=0)


@RULES.rule(
    "WIN-POSITIVE",
    "must",
    "derived",
    statement="A window ends after it starts.",
    why="An empty or negative window holds no record: the call is refused, or asks nothing.",
    spares="Windows of a millisecond.",
)
def positive(run: Run) -> Outcome:
    """No window ends at its start or before. Exercised by any window."""
    return judged(
        any(infos(run)),
        (
            Breach(f"a window that ends {cell.start_time - cell.end_time} ms before it starts: {dated(cell)}", sync.seq)
            for cell, sync in run.once(each_cell).items()
            if cell.end_time <= cell.start_time
        ),
    )


@RULES.rule(
    "WIN-NO-GAP",
    "must",
    "derived",
    statement="The windows of each line join up: one starts where the one before it ends, or a millisecond later.",
    why="A record between two windows is never checked: if its message is lost, nobody will know.",
    spares="Windows of any length, of days or that roll; ends at .999; a first window up to a day after the "
    "start; one pass a day. Nothing is owed while refusals, a wrong clock or a downtime keep a client "
    "from asking, nor in the last four hours.",
)
def no_gap(run: Run) -> Outcome:
    """No time is owed and not asked about, but for downtimes (WIN-CATCHUP) and windows without records (WIN-ZERO)."""
    empty = run.once(_unasked_as_empty)
    left = [gap for gap in run.once(gaps) if gap not in empty and not _is_of_downtime(run, gap)]
    return judged(_has_joint(run), (Breach(_gap_text(gap), _seq_at(run, gap.span.end)) for gap in left))


def _has_joint(run: Run) -> bool:
    """Whether some line has two windows, of which the second starts in the time that is owed."""
    windows = run.once(asked)
    return any(
        span.start < start <= span.end
        for (device_id, data_type), span in run.once(owed).items()
        for line in lines_of(device_id, data_type)
        for start in sorted({window.start for _, window in windows.get(line, ())})[1:]
    )


def _gap_text(gap: Gap) -> str:
    line, (start, end) = gap
    what = line_text(Cell(*line, start, end))
    return f"lot {line.device_id}, {what}: nothing was ever asked about {day_text(start)} - {day_text(end)}"


def _seq_at(run: Run, time: int) -> int:
    """The first entry of the history at or after a time."""
    return next((entry.seq for entry in run.entries if entry.time >= time), run.entries[-1].seq)


@RULES.rule(
    "WIN-ZERO",
    "must",
    "derived",
    statement="A window without a received record is asked about too, with the count 0, in every direction.",
    why="Where every record of a window is lost, the 0 is all that can tell: without it the loss is never found.",
    spares="As WIN-NO-GAP, and a client that asks about one direction or type only if it never had a record of "
    "the other.",
)
def zero(run: Run) -> Outcome:
    """No gap where no record was received, if the client never claims 0 for a window of which none was received."""
    return judged(
        _claims_zero_beside_records(run),
        (
            Breach(f"{_gap_text(gap)}; no record of it had been received", _seq_at(run, gap.span.end))
            for gap in run.once(_unasked_as_empty)
        ),
    )


def _unasked_as_empty(run: Run) -> list[Gap]:
    """The gaps of a client that does not ask about windows without records; none if it claims 0 for such a window."""
    if any(
        claim.claimed == 0 and not _received(run, claim.cell.device_id, span_of(claim.cell)) for claim in run.claims
    ):
        return []
    return [gap for gap in run.once(gaps) if not _received(run, gap.line.device_id, gap.span, gap.line)]


def _received(run: Run, device_id: str, span: CoveredSpan, line: Line | None = None) -> bool:
    """Whether any record of a lot, or of one of its lines, with an event time in a span was ever delivered."""
    return any(
        span.start <= record.kept.event_time <= span.end and line in (None, record.line)
        for record in run.once(_delivered).get(device_id, ())
    )


def _delivered(run: Run) -> dict[str, list[LotRecord]]:
    """The records of each lot that were ever delivered."""
    found: dict[str, list[LotRecord]] = defaultdict(list)
    for record in run.records.values():
        if record.deliveries:
            found[record.kept.device_id].append(record)
    return found


def _claims_zero_beside_records(run: Run) -> bool:
    """Whether a 0 was claimed for a cell without deliveries, within the time of the lot's cells that had some."""
    spans = run.once(owed)
    judged_by = run.ended_at - SLACK
    timely = [
        (claim, high) for claim, (_, high) in zip(run.claims, run.brackets, strict=True) if claim.time <= judged_by
    ]
    full: dict[tuple[str, DataType], CoveredSpan] = {}
    for cell in {claim.cell for claim, high in timely if high}:
        full[_kind(cell)] = full.get(_kind(cell), span_of(cell)).joined(span_of(cell))
    return any(
        full.get(_kind(cell), NOTHING).holds(span_of(cell))
        and spans.get(_kind(cell), NOTHING).cut(span_of(cell)).length > JOINT
        for cell in {claim.cell for claim, high in timely if not high and not claim.claimed}
    )


def _kind(cell: Cell) -> tuple[str, DataType]:
    return cell.device_id, cell.data_type


@RULES.rule(
    "WIN-CATCHUP",
    "must",
    "derived",
    statement="After a downtime every window that was missed is asked about, and not all in one moment.",
    why="What happened while the client was down is what most likely went wrong; a flood of calls is refused.",
    needs=("crash",),
    partly=("pauses",),
    spares="Going back three days only after a longer downtime; one window for a downtime of up to a day; "
    "calls with pauses in real time.",
)
def catch_up(run: Run) -> Outcome:
    """No gap in a downtime of at least an hour, and at most `CALLS_A_MINUTE` to a lot in the hour after it."""
    spans = list(run.once(owed).values())
    long = [down for down in run.once(downtimes) if down.length >= LONG_DOWN]
    left = [gap for gap in run.once(gaps) if _is_of_downtime(run, gap)]
    empty = run.once(_unasked_as_empty)
    return judged(
        any(span.start <= down.start and down.end <= span.end for span in spans for down in long),
        (
            *(
                Breach(f"{_gap_text(gap)}: the client was down", _seq_at(run, gap.span.end))
                for gap in left
                if gap not in empty
            ),
            *(breach for down in long for breach in _floods(run, down)),
        ),
    )


def _is_of_downtime(run: Run, gap: Gap) -> bool:
    return gap.span.length >= SKIPPED_AT_LEAST and any(
        down.length >= LONG_DOWN and down.cut(gap.span).length > 0 for down in run.once(downtimes)
    )


def _floods(run: Run, down: CoveredSpan) -> Iterator[Breach]:
    """For each lot the first minute after a downtime with more than `CALLS_A_MINUTE` calls.

    None for a client that may pause between them in real time.
    """
    for device_id in run.devices if run.shows_pauses else ():
        calls = [sync for sync in run.syncs if sync.device_id == device_id and 0 <= sync.time - down.end < HOUR]
        for first, last in zip(calls, calls[CALLS_A_MINUTE:], strict=False):
            if last.time - first.time < MINUTE:
                text = f"lot {device_id} was called more than {CALLS_A_MINUTE} times within a minute after a downtime"
                yield Breach(text, last.seq)
                break


@RULES.rule(
    "WIN-STABLE",
    "must",
    "derived",
    statement="A window whose call failed is asked about again with the same boundaries.",
    why="Windows that move with the clock never ask the same question twice: no answer settles an earlier one.",
    spares="A failed window that is asked about in parts, or within a window that holds all of it; windows "
    "that roll, if all of the failed one's time is asked about with success.",
)
def stable(run: Run) -> Outcome:
    """A cell whose first call failed is asked about again, and not replaced by a window that overlaps it in part."""
    exercised, breaches = False, []
    for cell, sync in _failed_at_first(run).items():
        later = asked_after(run, sync, cell.line)
        if cell in later:
            exercised = True
        elif (moved := next((each for each in later if _is_moved(cell, each)), None)) and _is_unsettled(run, cell):
            text = f"the call about {cell_text(cell)} failed; it was never repeated, {cell_text(moved)} took its place"
            breaches.append(Breach(text, sync.seq))
    return judged(exercised, breaches)


def _is_unsettled(run: Run, cell: Cell) -> bool:
    """Whether some of a cell's time is in no window that was asked about with success: windows may roll on."""
    well = (each for sync in run.syncs if sync.call.understood for each in sync.cells if each.line == cell.line)
    return any(holes(span_of(cell), map(span_of, well)))


def _failed_at_first(run: Run) -> dict[Cell, Sync]:
    """The cells whose first call failed, of lots that could be asked again for the last `SLACK` of the run."""
    lots = {device_id: steady_since(run, device_id) for device_id in lots_of(run)}
    able = {device_id for device_id, since in lots.items() if since is not None and since <= run.ended_at - SLACK}
    first = run.once(each_cell)
    return {cell: sync for cell, sync in first.items() if not sync.call.understood and cell.device_id in able}


def asked_after(run: Run, sync: Sync, line: Line) -> list[Cell]:
    """The cells of a line that are asked about after a call."""
    return [cell for each, cell in infos(run) if each.seq > sync.seq and cell.line == line]


def _is_moved(cell: Cell, other: Cell) -> bool:
    """Whether another window overlaps a window and exceeds it. A window may be asked about in parts."""
    was, now = span_of(cell), span_of(other)
    return was.cut(now).length > JOINT and (now.start < was.start - JOINT or now.end > was.end + JOINT)


@RULES.rule(
    "WIN-BOUNDARY",
    "should",
    "derived",
    statement="A record at the boundary of a window is counted in exactly the windows in which the lot counts it.",
    why="Otherwise the counts differ for ever, or agree only because another record is missing. Nobody documents which"
    " windows those are: a client can know it only by being told, or keep its bounds where no record lies.",
)
def boundary(run: Run) -> Outcome:
    """Exercised by a record exactly at a bound; broken if a convention other than the lot's explains every claim."""
    if run.profile.window_time != "event":
        return NOT_EXERCISED
    texts = dict(CONVENTIONS.values())
    found = explaining(run, texts)
    return judged(
        any(differs(run, counter) for counter in texts),
        () if found is None else (_boundary_breach(run, texts[found]),),
    )


def _boundary_breach(run: Run, convention: str) -> Breach:
    claim, low, high = run.off_bracket[0]
    cell = claim.cell
    at_boundary = (each for each in run.on_line(cell.line) if each.kept.event_time in (cell.start_time, cell.end_time))
    names = ", ".join(record.name for record in at_boundary)
    return Breach(
        f"claimed {claim.claimed} where {range_text(low, high)} was right for {cell_text(cell)}, with {names} at its"
        f" boundary: the client {convention}, the lot {CONVENTIONS[run.profile.window_bounds][1]}",
        claim.seq,
    )


@RULES.rule(
    "WIN-BOUNDARY-SAFE",
    "should",
    "practice",
    statement="Windows begin and end where no record lies: within a second, if lots have times in whole seconds.",
    why="Nobody says to which window a record at its boundary belongs; with whole seconds that is one in 3600.",
)
def boundary_safe(run: Run) -> Outcome:
    """No start and no end of a window is a whole second."""
    return judged(
        any(infos(run)),
        (
            Breach(f"a boundary at a whole second, where records lie: {cell_text(cell)}", sync.seq)
            for cell, sync in run.once(each_cell).items()
            if cell.start_time % SECOND == 0 or cell.end_time % SECOND == 0
        ),
    )


@RULES.rule(
    "WIN-OVERLAP",
    "should",
    "practice",
    statement="Two windows of a line are the same, or one lies in the other, or they do not overlap.",
    why="An overlap does no harm to the result, but every mismatch in it has the same records reported twice.",
)
def overlap(run: Run) -> Outcome:
    """No two windows of a line overlap in part, neither holding the other."""
    lines: dict[Line, dict[CoveredSpan, tuple[Cell, Sync]]] = defaultdict(dict)
    for cell, sync in run.once(each_cell).items():
        lines[cell.line].setdefault(span_of(cell), (cell, sync))
    return judged(
        any(len(spans) > 1 for spans in lines.values()),
        (
            Breach(f"{cell_text(spans[one][0])} and {cell_text(spans[other][0])} overlap", spans[other][1].seq)
            for spans in lines.values()
            for one, other in pairwise(sorted(spans))
            if one.start < other.start < one.end - JOINT and other.end > one.end
        ),
    )


@RULES.rule(
    "WIN-GRACE",
    "should",
    "derived",
    statement="A window is first asked about a minute or more after its end.",
    why="Records that are still on their way make the counts differ, and the whole window is reported for nothing.",
)
def grace(run: Run) -> Outcome:
    """The time from a window's end to its first sync is at least `LEAST_GRACE`. Not judged if the clock was wrong."""
    if run.acts_of(ActKind.CLOCK_JUMPS):
        return NOT_EXERCISED
    return judged(
        any(infos(run)),
        (
            Breach(_grace_text(cell, sync), sync.seq)
            for cell, sync in run.once(each_cell).items()
            if sync.time - cell.end_time < LEAST_GRACE
        ),
    )


def _grace_text(cell: Cell, sync: Sync) -> str:
    after = (sync.time - cell.end_time) / SECOND
    when = f"{after:g} s after" if after >= 0 else f"{-after:g} s before"
    return f"asked {when} the window's end: {cell_text(cell)}"
