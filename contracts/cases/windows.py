"""Cases of planning windows: losses, restarts, downtimes and refusals, after which windows may be left out or moved."""

from dataclasses import replace

from hypothesis import strategies as st

from contracts.cases.base import Case
from contracts.cases.dimensions import later
from contracts.play.scenario import BEGIN, Crashes, Happens, RecordKind, Scenario, Strikes
from contracts.play.strategies import IN_THE_HOUR, edges_of, fates, records
from contracts.rules.evidence.coverage import SLACK
from mock_server.faults.catalogue import FaultKind
from mock_server.model import DAY, HOUR, MINUTE, JsonObject

UNTIL_JUDGED = SLACK + 2 * HOUR
"""How long a run lasts: a window that was not asked about by then counts as left out."""

AFTER_A_WINDOW = BEGIN + HOUR + 30 * MINUTE
"""A time at which the client has asked about its first windows."""

DOWN = (26 * HOUR, 30 * HOUR, 50 * HOUR, 72 * HOUR, 90 * MINUTE)
"""Downtimes of a process: all but one longer than the 24 hours that a window may have."""

REFUSALS = (
    FaultKind.ANSWER_BUSY,
    FaultKind.ANSWER_ERROR,
    FaultKind.ANSWER_LOSE,
    FaultKind.ANSWER_EMPTY,
    FaultKind.ANSWER_NOT_JSON,
)
BOUNDS = ("default", "closed-windows", "open-start-windows")


@st.composite
def _one_way(draw: st.DrawFn) -> Scenario:
    """All records of an hour in one direction are lost; one in the other direction arrives."""
    at = draw(st.sampled_from(IN_THE_HOUR)) + draw(st.integers(0, 2)) * HOUR
    heard: RecordKind = draw(st.sampled_from(("enter", "leave")))
    lost: RecordKind = "leave" if heard == "enter" else "enter"
    numbers = range(1, draw(st.integers(1, 3)) + 1)
    gone = (Happens(at + each * MINUTE, f"lost{each}", lost, copies=0) for each in numbers)
    return Scenario((Happens(at, "r1", heard), *gone), runs_ms=UNTIL_JUDGED, settles=False)


@st.composite
def _restart(draw: st.DrawFn) -> Scenario:
    """The process crashes near a full hour and is started again within 20 minutes."""
    dies = BEGIN + HOUR * draw(st.integers(1, 2)) + draw(st.sampled_from((0, 2 * MINUTE, -MINUTE, 10 * MINUTE)))
    down = draw(st.sampled_from((0, 5 * MINUTE, 20 * MINUTE)))
    found = draw(records(1, 2, kinds=("enter", "leave"), fate=fates((1, 0))))
    return Scenario((*found, Crashes(dies, down)), runs_ms=UNTIL_JUDGED, settles=False)


@st.composite
def _outage(draw: st.DrawFn) -> Scenario:
    """The process is down for hours or days; records of that time are lost, or wait in the queue."""
    down = draw(st.sampled_from(DOWN))
    at = st.integers(1, 5).map(lambda part: AFTER_A_WINDOW + part * down // 6 // MINUTE * MINUTE)
    found = draw(records(1, 2, kinds=("enter", "leave"), at=at, fate=fates((1, 0))))
    ends = AFTER_A_WINDOW + down + SLACK + HOUR + 30 * MINUTE
    return Scenario((Crashes(AFTER_A_WINDOW, down), *found), runs_ms=ends - max(r.at for r in found), settles=False)


@st.composite
def _boundary(draw: st.DrawFn) -> Scenario:
    """Records at the times where windows are likely to begin and end, and a millisecond before."""
    profile: JsonObject = {"base": draw(st.sampled_from(BOUNDS))}
    hour = BEGIN + HOUR * draw(st.integers(1, 2))
    first, *others = draw(records(2, 4, kinds=("enter", "bill"), at=st.sampled_from(edges_of(hour))))
    found = (replace(first, at=draw(st.sampled_from(edges_of(hour)[:2]))), *others)
    return Scenario(found, profile=profile, runs_ms=2 * HOUR, settles=False)


@st.composite
def _refused(draw: st.DrawFn) -> Scenario:
    """Some of the client's first calls fail in ways after which it may repeat them."""
    kind = draw(st.sampled_from(REFUSALS))
    strikes = Strikes(BEGIN, kind, times=draw(st.integers(1, 4)), skip=draw(st.integers(0, 2)))
    found = draw(records(1, 2, fate=fates((1, 0))))
    return Scenario((strikes, *found), runs_ms=UNTIL_JUDGED, settles=False)


@st.composite
def _late(draw: st.DrawFn) -> Scenario:
    """A record reaches its lot, the first or the second one, 5 to 12 hours after its event time, and is lost."""
    event, lot = draw(st.sampled_from(IN_THE_HOUR)), draw(st.sampled_from((0, 0, 1)))
    late = Happens(event + draw(st.integers(5, 12)) * HOUR, "late", event=event, copies=0, lot=lot)
    beside: RecordKind = draw(st.sampled_from(("enter", "leave")))
    return Scenario((Happens(BEGIN + MINUTE, "r1", beside, lot=lot), late), ("tuya",) * (lot + 1))


@st.composite
def _month(draw: st.DrawFn) -> Scenario:
    """The client is switched off for more than a month."""
    down = draw(st.integers(34, 40)) * DAY
    return Scenario((Crashes(AFTER_A_WINDOW, down),), runs_ms=down + 20 * MINUTE, settles=False)


MIDNIGHT = BEGIN + 2 * HOUR
WEEKEND = Scenario(
    (
        Happens(BEGIN + 30 * MINUTE, "r1"),
        Happens(MIDNIGHT + 20 * MINUTE, "r2"),
        Happens(MIDNIGHT + DAY + 20 * MINUTE, "r3"),
        Happens(MIDNIGHT + DAY + 30 * MINUTE, "r4", "leave", copies=0),
    ),
    runs_ms=34 * HOUR,
    settles=False,
).moved(later(2026, 7, 31, 22))
"""From the evening of a Friday, the last day of a month in Beijing, to the morning of the Monday."""


CASES: tuple[Case, ...] = (
    Case(
        "windows/weekend",
        ("WIN-NO-GAP", "CNT-EVENT-TIME"),
        "A weekend goes by, and a month ends.",
        st.just(WEEKEND),
        fixed=True,
    ),
    Case(
        "windows/one-way",
        ("WIN-ZERO", "WIN-NO-GAP", "WIN-POSITIVE", "WIN-OVERLAP", "WIN-GRACE", "WIN-BOUNDARY-SAFE", "WIN-SPAN-1H"),
        "All records of an hour are lost in one direction.",
        _one_way(),
    ),
    Case("windows/restart", ("WIN-NO-GAP",), "The client dies next to a full hour and is back soon.", _restart()),
    Case(
        "windows/outage",
        ("WIN-CATCHUP", "WIN-MAX24"),
        "The client is down for up to three days.",
        _outage(),
    ),
    Case("windows/boundary", ("WIN-BOUNDARY",), "Records lie where a window ends and the next begins.", _boundary()),
    Case("windows/refused", ("WIN-STABLE",), "Calls about a window fail and are repeated.", _refused()),
    Case("windows/late", ("WIN-REVISIT",), "A record reaches its lot hours late, and its message is lost.", _late()),
    Case("windows/month", ("WIN-HORIZON",), "The client was switched off for more than a month.", _month(), fixed=True),
)
