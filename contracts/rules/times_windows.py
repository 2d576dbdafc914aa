"""Windows around changes of clocks: summer time in the client's time zone, and jumps of the client's own clock."""

from collections.abc import Iterator
from datetime import datetime, time, timedelta
from typing import NamedTuple
from zoneinfo import ZoneInfo

from contracts.rules.base import Breach
from contracts.rules.evidence.coverage import JOINT, CoveredSpan, gaps, span_of
from contracts.rules.evidence.stored_times import Skew, skews
from contracts.run.run import Run
from contracts.run.syncs import Claim
from contracts.run.time_zones import changes
from mock_server.model import DAY, HOUR, MINUTE, SECOND, Line
from mock_server.words import time_text

SMALL = 5 * MINUTE
"""How far off a client's clock may be without its calls being refused."""

A_CHANGE = 2 * HOUR
"""The largest change of a zone's clocks."""


class Day(NamedTuple):
    """A local day in which the clocks change: the change, start and end in epoch milliseconds."""

    change: int
    start: int
    end: int


def _days(run: Run) -> list[Day]:
    """The days of a run in which the clocks change."""
    tz = run.scenario.tz
    began = run.entries[0].time if run.entries else 0
    return [_day_of(tz, at) for at in changes(tz, began - DAY, run.ended_at)]


def dst_days(run: Run) -> list[Day]:
    """The days with a change of the clocks for which a line's windows reach from before the change to the day's end."""
    days = _days(run)
    spans = _asked_spans(run) if days else []
    return [day for day in days if any(span.start <= day.change and day.end - SECOND <= span.end for span in spans)]


def _day_of(tz: str, change: int) -> Day:
    zone = ZoneInfo(tz)
    date = datetime.fromtimestamp(change / SECOND, zone).date()
    start, end = (
        round(datetime.combine(each, time(), zone).timestamp() * SECOND) for each in (date, date + timedelta(days=1))
    )
    return Day(change, start, end)


def _asked_spans(run: Run) -> list[CoveredSpan]:
    """The span from the earliest to the latest window of each line."""
    spans = [[span_of(claim.cell) for claim in claims] for claims in _by_line(run).values()]
    return [CoveredSpan(min(each.start for each in line), max(each.end for each in line)) for line in spans]


def _by_line(run: Run) -> dict[Line, list[Claim]]:
    """The first claim of each cell, by line, in the order of the claims."""
    lines: dict[Line, list[Claim]] = {}
    for claims in run.claims_of.values():
        lines.setdefault(claims[0].cell.line, []).append(claims[0])
    return lines


def dst_breaches(run: Run) -> Iterator[Breach]:
    """Windows above 24 hours or empty at a change of the clocks, and time that was never asked about."""
    for day in _days(run):
        text = f"the clocks of {run.scenario.tz} change at {time_text(day.change)}"
        for cell, claims in run.claims_of.items():
            start, length = cell.start_time, cell.end_time - cell.start_time
            if (DAY < length <= DAY + A_CHANGE and start < day.change < cell.end_time) or (
                length <= 0 and abs(start - day.change) <= A_CHANGE
            ):
                yield Breach(f"the window from {time_text(start)} has {length / HOUR:g} hours: {text}", claims[0].seq)
        for gap in gaps(run):
            if gap.span.length <= A_CHANGE and day.start <= gap.span.start and gap.span.end <= day.end + A_CHANGE:
                missing = f"nobody asked about {time_text(gap.span.start)} to {time_text(gap.span.end)}"
                yield Breach(f"{missing}: {text}", run.entries[-1].seq)


def _in_force(found: list[Skew], seq: int) -> Skew | None:
    """The last jump of the client's clock before an entry of the history."""
    return next((skew for skew in reversed(found) if skew.seq <= seq), None)


def _fast_claims(run: Run) -> Iterator[tuple[Claim, Skew]]:
    """The first claims of cells that were made while the clock was fast by at most `SMALL`."""
    found = skews(run)
    for claims in run.claims_of.values() if found else ():
        skew = _in_force(found, claims[0].seq)
        if skew is not None and 0 < skew.off_ms <= SMALL:
            yield claims[0], skew


def skewed_asks(run: Run) -> list[Claim]:
    """The claims of windows that closed while the clock was fast: a client that asks at once asks too early."""
    return [claim for claim, skew in _fast_claims(run) if claim.cell.end_time > skew.time]


def skew_breaches(run: Run) -> Iterator[Breach]:
    """Windows that end after now because the clock is fast, and gaps where the clock jumped."""
    for claim, skew in _fast_claims(run):
        early = claim.cell.end_time - claim.time
        if 0 < early <= skew.off_ms:
            text = f"asked about a window {early} ms before its end: the client's clock was {skew.off_ms} ms fast"
            yield Breach(text, claim.seq)
    for skew in skews(run):
        if 0 < abs(skew.off_ms - skew.before_ms) <= 2 * SMALL:
            yield from _gaps_at(run, skew)


def _gaps_at(run: Run, skew: Skew) -> Iterator[Breach]:
    """Gaps, at most a jump long, between a window asked about before it and the next one, asked about after it."""
    jump = abs(skew.off_ms - skew.before_ms)
    for claims in _by_line(run).values():
        spans = sorted(span_of(claim.cell) for claim in claims)
        reached = spans[0].start
        for span in spans:
            if JOINT < span.start - reached <= jump and _is_at_jump(claims, reached, span.start, skew):
                text = f"nobody asked about {time_text(reached)} to {time_text(span.start)}"
                yield Breach(f"{text}: the client's clock jumped by {jump} ms", run.entries[-1].seq)
            reached = max(reached, span.end)


def _is_at_jump(claims: list[Claim], end: int, start: int, skew: Skew) -> bool:
    """Whether the windows beside a gap were asked about before and after the jump, and no call of the line failed."""
    before = [claim.seq for claim in claims if claim.cell.end_time == end]
    behind = [claim.seq for claim in claims if claim.cell.start_time == start]
    asked = bool(before and behind) and min(before) <= skew.seq < min(behind)
    return asked and all(claim.sync.call.understood for claim in claims)


def _steps(run: Run) -> list[Skew]:
    """The steps back of the client's clock."""
    return [skew for skew in skews(run) if skew.before_ms - skew.off_ms >= SECOND]


def steps_felt(run: Run) -> list[Skew]:
    """The steps back that reach before the latest first claim of a line, which goes on to new windows afterwards."""
    return [step for step in _steps(run) if any(_steps_over(step, claims) for claims in _by_line(run).values())]


def _steps_over(step: Skew, claims: list[Claim]) -> bool:
    before = [claim for claim in claims if claim.seq <= step.seq]
    since = max((claim.time for claim in before), default=0)
    return len(before) < len(claims) and step.time - since <= step.before_ms - step.off_ms


def step_breaches(run: Run) -> Iterator[Breach]:
    """New windows after a step back that have no positive length, or half overlap one from before it."""
    for step in steps_felt(run):
        text = f"after the client's clock was set back by {step.before_ms - step.off_ms} ms"
        for claims in _by_line(run).values():
            before = [claim for claim in claims if claim.seq <= step.seq]
            if any(_length(claim) <= 0 for claim in before):
                continue
            for claim in claims[len(before) :]:
                window = f"{time_text(claim.cell.start_time)} to {time_text(claim.cell.end_time)}"
                if _length(claim) <= 0:
                    yield Breach(f"asked about {window}, which is no span, {text}", claim.seq)
                elif any(_half_overlaps(span_of(claim.cell), span_of(each.cell)) for each in before):
                    yield Breach(f"asked about {window}, a part of which it had asked about, {text}", claim.seq)


def _length(claim: Claim) -> int:
    return claim.cell.end_time - claim.cell.start_time


def _half_overlaps(one: CoveredSpan, other: CoveredSpan) -> bool:
    """Whether two windows overlap and neither holds the other. A window may be split: its parts lie within it."""
    common = one.cut(other)
    return common.length > JOINT and common not in (one, other)
