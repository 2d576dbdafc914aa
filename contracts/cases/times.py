"""Cases of time: units, forms and zones of times, and clocks that are wrong or change."""

from collections.abc import Sequence
from dataclasses import replace
from datetime import UTC, datetime

from hypothesis import strategies as st
from hypothesis.strategies import SearchStrategy

from contracts.cases.base import Case
from contracts.play.scenario import BEGIN, MIDNIGHT, ClockJumps, Crashes, Happens, Scenario, Step, Strikes
from contracts.play.strategies import IN_THE_HOUR, KINDS, fates, records, scenario
from mock_server.faults.catalogue import FaultKind
from mock_server.model import DAY, HOUR, MINUTE, SECOND

BERLIN = "Europe/Berlin"

ZONES = ("Asia/Shanghai", "Asia/Kolkata", "Pacific/Auckland", BERLIN, "Pacific/Marquesas")
"""Ahead of UTC by 8, 5.5, 13 and 1 hours, and 9.5 hours behind it."""

SUMMER_ENDS, SUMMER_BEGINS = (
    round(datetime(2026, month, day, 1, tzinfo=UTC).timestamp() * SECOND) - MIDNIGHT
    for month, day in ((10, 25), (3, 29))
)
"""When the clocks of Berlin change, in milliseconds since a scenario's midnight: on a day of 25 hours, and of 23."""

EVENING = 22 * HOUR + 30 * MINUTE
"""How long after either change the local day is over, and its last hour has been asked about."""


def beside_boundaries() -> SearchStrategy[int]:
    """Event times with milliseconds, most of them within a second of a full hour, where clients begin a window."""
    edges = [BEGIN + HOUR + off for off in (-1, -500, -501, 499, 999)]
    return st.sampled_from([BEGIN + HOUR - 100, *edges, BEGIN + 20 * MINUTE + 700])


@st.composite
def in_zones(draw: st.DrawFn, zones: Sequence[str] = ZONES) -> Scenario:
    """Some records, and a client process in one of some time zones."""
    steps = draw(records(1, 3, kinds=KINDS, fate=fates((1, 1, 0))))
    return Scenario(tuple(steps), tz=draw(st.sampled_from(zones)), runs_ms=3 * HOUR, settles=False)


@st.composite
def in_forms(draw: st.DrawFn) -> Scenario:
    """Records of a lot that writes its times as seconds or as text."""
    form = draw(st.sampled_from(("text", "s", "text", "s", "iso")))
    steps = draw(records(1, 3, kinds=KINDS, fate=fates((1, 1, 0), delays=(0, 90 * SECOND))))
    zone = draw(st.sampled_from(("UTC", BERLIN)))
    return Scenario(tuple(steps), profile={"record_time": form}, tz=zone, runs_ms=3 * HOUR, settles=False)


@st.composite
def ahead_of_now(draw: st.DrawFn) -> Scenario:
    """Records with event times in the future, as of a lot whose clock is fast, and one with the right time."""
    fast = st.sampled_from((10 * MINUTE, HOUR, 2 * DAY, MINUTE))
    steps = [replace(each, event=each.at + draw(fast)) for each in draw(records(1, 2, kinds=KINDS))]
    right = Happens(draw(st.sampled_from(IN_THE_HOUR)), "right")
    return Scenario((*steps, right), runs_ms=draw(st.sampled_from((3, 1))) * HOUR, settles=False)


TWO_DAYS_AHEAD = Scenario(
    (Happens(BEGIN + 10 * MINUTE, "r1", event=BEGIN + 2 * DAY), Crashes(BEGIN + HOUR, 2 * DAY)),
    runs_ms=2 * DAY + 3 * HOUR,
    settles=False,
)
"""A record two days ahead of its delivery; the client is down until then, and asks about its window afterwards."""


@st.composite
def over_a_change(draw: st.DrawFn) -> Scenario:
    """A client in Berlin over a change of the clocks: mostly down from before it until evening, sometimes running."""
    change = draw(st.sampled_from((SUMMER_ENDS, SUMMER_BEGINS)))
    at = change + draw(st.sampled_from((70, 10, -10))) * MINUTE
    steps: list[Step] = [Happens(at, "r1", copies=draw(st.sampled_from((1, 0))))]
    if draw(st.sampled_from((True,) * 6 + (False,))):
        steps.append(Crashes(change - 20 * MINUTE, 18 * HOUR))
    begin = change - draw(st.sampled_from((HOUR, 2 * HOUR)))
    return Scenario(tuple(steps), tz=BERLIN, begin=begin, runs_ms=change + EVENING - at, settles=False)


@st.composite
def with_a_skewed_clock(draw: st.DrawFn) -> Scenario:
    """A client whose clock is up to five minutes fast or slow, from its start or after a jump."""
    off = draw(st.sampled_from((5 * MINUTE, 2 * MINUTE, 30 * SECOND, -5 * MINUTE)))
    jumps = draw(st.booleans())
    steps: list[Step] = list(draw(records(1, 2)))
    steps += [ClockJumps(draw(st.sampled_from((BEGIN + MINUTE, BEGIN + 100 * MINUTE))), off)] if jumps else []
    return Scenario(tuple(steps), runs_ms=3 * HOUR, settles=False, skew_ms=0 if jumps else off)


@st.composite
def set_back(draw: st.DrawFn) -> Scenario:
    """A client whose clock is set back, often just after the time at which it asks about a window."""
    at = BEGIN + draw(st.sampled_from((1, 2))) * HOUR
    moment = draw(st.sampled_from((5 * MINUTE + SECOND, SECOND, 30 * MINUTE)))
    off = draw(st.sampled_from((-HOUR, -2 * HOUR, -3 * SECOND)))
    steps: list[Step] = [*draw(records(1, 2)), ClockJumps(at + moment, off)]
    return Scenario(tuple(steps), runs_ms=3 * HOUR, settles=False)


@st.composite
def with_leap_seconds(draw: st.DrawFn) -> Scenario:
    """Records at full minutes, of a lot that writes some of them with a second 60."""
    form = draw(st.sampled_from(("text", "iso")))
    steps = draw(records(1, 2, kinds=KINDS))
    strike = Strikes(BEGIN, FaultKind.MESSAGE_LEAP_SECOND, times=draw(st.sampled_from((50, 4))))
    return Scenario((strike, *steps), profile={"record_time": form}, runs_ms=2 * HOUR, settles=False)


CASES = (
    Case(
        "times/milliseconds",
        ("TIME-MS", "TIME-WHOLE-MS"),
        "Records a few milliseconds from the bounds of windows.",
        scenario(records(1, 3, kinds=KINDS, at=beside_boundaries()), runs_ms=3 * HOUR, settles=False),
    ),
    Case("times/zones", ("TIME-ZONE",), "The client's process runs in some time zone.", in_zones()),
    Case(
        "times/forms",
        ("TIME-RECORD-FORM",),
        "The lot writes its times as seconds, or as text in Beijing time.",
        in_forms(),
    ),
    Case(
        "times/fast-lot",
        ("TIME-SKEW-LOT",),
        "Records come whose times are ahead of now.",
        st.one_of(ahead_of_now(), ahead_of_now(), st.just(TWO_DAYS_AHEAD)),
    ),
    Case(
        "times/summer-time",
        ("TIME-DST",),
        "The clocks of Berlin change; the client runs on, or is down for most of that day.",
        over_a_change(),
        fixed=True,
    ),
    Case(
        "times/skewed-client",
        ("TIME-SKEW-CLIENT",),
        "The client's clock is up to five minutes off.",
        with_a_skewed_clock(),
    ),
    Case("times/leap-second", ("TIME-LEAP",), "The lot writes a time with a second 60.", with_leap_seconds()),
    Case("times/set-back", ("TIME-STEP",), "The client's clock is set back.", set_back()),
)
