"""Cases of converging: losses and repeats, in re-reports too, until client and lot hold the same records."""

from collections.abc import Sequence
from dataclasses import replace

from hypothesis import strategies as st

from contracts.cases.base import Case
from contracts.play.scenario import BEGIN, Crashes, Deletes, Happens, Scenario, Step, Strikes
from contracts.play.strategies import PLATES, fates, records, scenario
from mock_server.faults.catalogue import FaultKind
from mock_server.model import HOUR, MINUTE
from mock_server.wire.paths import SYNC_PREFIX

FULL_HOUR = BEGIN + HOUR

FIRST_ASK = FULL_HOUR + 5 * MINUTE
"""When the reference client first asks about the hour of the records: five minutes after its end."""


def hour_of(copies: Sequence[int], at: int = BEGIN, first: int = 1, again: Sequence[int] = ()) -> list[Happens]:
    """Records spread evenly over the hour from `at`, one for each number of copies that its first message has.

    `again` has the number of copies of lost records in each re-report; `first` numbers the records' names.
    """
    step_ms = HOUR // (len(copies) + 1) // MINUTE * MINUTE
    return [
        Happens(
            at=at + (place + 1) * step_ms,
            name=f"r{first + place}",
            plate=PLATES[(first + place) % len(PLATES)],
            copies=each,
            again=() if each else tuple(again),
        )
        for place, each in enumerate(copies)
    ]


@st.composite
def silences(draw: st.DrawFn) -> list[Step]:
    """All records of an hour are lost, and the first sync about it has no effect: its command or re-report is lost."""
    copies = [0] * draw(st.integers(1, 3))
    if draw(st.booleans()):
        return [*hour_of(copies, again=(0,))]
    return [
        *hour_of(copies),
        Strikes(FULL_HOUR, FaultKind.COMMAND_LOSE, times=draw(st.integers(1, 2)), path=SYNC_PREFIX),
    ]


@st.composite
def parts(draw: st.DrawFn) -> list[Step]:
    """A re-report of an hour has the records that were received, and not the one that is missing."""
    others = hour_of([1, *draw(st.lists(st.sampled_from((0, 1)), max_size=2))])
    missing = hour_of([0], first=len(others) + 1, again=draw(st.sampled_from(((0,), (0, 2), (0, 0)))))
    return [*others, replace(missing[0], at=BEGIN + draw(st.integers(1, 58)) * MINUTE)]


@st.composite
def bursts(draw: st.DrawFn) -> list[Step]:
    """Several records of an hour are lost, and one re-report brings them all."""
    return [*hour_of([0] * draw(st.integers(3, 5)) + [1] * draw(st.integers(0, 2)))]


@st.composite
def trickles(draw: st.DrawFn) -> Scenario:
    """An hour with many records, some of them lost: its re-report takes 7 to 9 minutes."""
    missing = draw(st.integers(1, 6))
    steps = hour_of([0] * missing + [1] * draw(st.integers(11 - missing, 14 - missing)))
    spread_ms = draw(st.integers(7, 9)) * MINUTE
    plain = Scenario(tuple(steps), settles=False, runs_ms=40 * MINUTE)
    if draw(st.booleans()):
        return replace(plain, profile={"rereport_spread_ms": spread_ms, "rereport_order": "shuffled"})
    return replace(plain, steps=(*steps, Strikes(BEGIN, FaultKind.REREPORT_SPREAD, spread_ms, times=3)))


@st.composite
def deletions(draw: st.DrawFn) -> list[Step]:
    """The lot deletes one of the records that the client has received."""
    steps = hour_of([1] * draw(st.integers(2, 4)))
    gone = draw(st.sampled_from(steps))
    return [*steps, Deletes(draw(st.sampled_from((FULL_HOUR - MINUTE, FULL_HOUR + 2 * MINUTE))), gone.name)]


@st.composite
def losses_beside(draw: st.DrawFn) -> list[Step]:
    """An hour whose counts can never be equal, and losses in the next hour."""
    stuck = draw(deletions())
    return [*stuck, *hour_of([0] * draw(st.integers(1, 2)), at=FULL_HOUR, first=len(stuck))]


@st.composite
def crashes(draw: st.DrawFn) -> list[Step]:
    """The process crashes while an hour is not settled, and is down until later hours have ended."""
    crash = Crashes(FIRST_ASK + draw(st.integers(1, 40)) * MINUTE, draw(st.integers(2, 4)) * HOUR)
    return [*hour_of([0] * draw(st.integers(1, 3)), again=(0,)), crash]


MANY = st.integers(10, 14).map(
    lambda lots: Scenario(begin=FULL_HOUR - MINUTE, lots=("tuya",) * lots, settles=False, runs_ms=10 * MINUTE)
)

CASES = (
    Case(
        "converge/parts",
        ("CONV-REACHES", "CONV-MONOTONE"),
        "A re-report comes without the record that is missing.",
        scenario(parts()),
    ),
    Case(
        "converge/rounds",
        ("CONV-REACHES", "CONV-QUIET", "CONV-MONOTONE"),
        "Some records of an hour are lost or come twice, in the re-reports too.",
        scenario(records(2, 4, fate=fates(copies=(0, 1, 2), again=2))),
    ),
    Case(
        "converge/silence",
        ("CONV-NOT-BY-SUCCESS",),
        "A sync is answered with success, and its command or all of its re-report is lost.",
        scenario(silences(), runs_ms=10 * MINUTE),
    ),
    Case(
        "converge/burst",
        ("CONV-QUIET", "CONV-MIN-INTERVAL", "CONV-NO-TRIGGER"),
        "Several lost records come at once.",
        scenario(bursts(), settles=False, runs_ms=HOUR),
    ),
    Case(
        "converge/trickle",
        ("CONV-DRAIN", "CONV-MIN-INTERVAL"),
        "A re-report takes many minutes.",
        trickles(),
    ),
    Case(
        "converge/gone",
        ("CONV-GIVE-UP",),
        "The lot deletes a record that the client has.",
        scenario(deletions(), settles=False, runs_ms=13 * HOUR),
        fixed=True,
    ),
    Case(
        "converge/beside",
        ("CONV-OTHERS",),
        "One hour can never agree, and records of the next one are lost.",
        scenario(losses_beside(), settles=False, runs_ms=4 * HOUR + 30 * MINUTE),
    ),
    Case(
        "converge/crash",
        ("CONV-RESUME",),
        "The client's process dies while an hour is open, and comes back hours later.",
        scenario(crashes()),
    ),
    Case(
        "converge/many",
        ("CONV-JITTER",),
        "Many lots close their windows at the same time.",
        MANY,
        fixed=True,
    ),
    Case(
        "converge/idle",
        ("CONV-BUDGET",),
        "Hours in which nothing is lost.",
        scenario(records(1, 3), settles=False, runs_ms=7 * HOUR),
    ),
)
