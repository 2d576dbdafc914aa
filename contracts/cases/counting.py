"""Cases of counting: records and deliveries that a wrong counter counts otherwise than the lot."""

from collections.abc import Sequence
from dataclasses import replace
from typing import Any

from hypothesis import strategies as st
from hypothesis.strategies import SearchStrategy

from contracts.cases.base import Case
from contracts.cases.dimensions import ALIKE, ALL_ALIKE, SHARED
from contracts.play.scenario import BEGIN, Deletes, Happens, Scenario, Step, Strikes
from contracts.play.strategies import KINDS, LAST_MINUTE, PLATES, fates, records, scenario
from mock_server.faults.catalogue import FaultKind
from mock_server.model import HOUR, MINUTE, SECOND, JsonObject

NEXT_HOUR = BEGIN + HOUR + 15 * MINUTE
ODD: tuple[JsonObject, ...] = (
    {"plate": ""},
    {"kind": "bill", "details": {"payable_amount": 0, "paid_amount": 0}},
    {"kind": "leave", "details": {"car_type": 0}},
    {"at": NEXT_HOUR, "details": {"car_type": 99}},
    {"at": NEXT_HOUR, "kind": "bill", "details": {"pay_method": 99}},
    {"at": NEXT_HOUR, "kind": "leave", "details": {"car_type": 3}},
    {"at": NEXT_HOUR + HOUR, "kind": "bill", "details": {"payable_amount": 1500, "paid_amount": 0}},
)
"""Records that a client may wrongly leave out, each in a cell of its own: the claims show which of them it left out."""

IN_A_MINUTE = tuple(BEGIN + 10 * MINUTE + second * SECOND for second in (0, 15, 30, 1830, 0, 2))
"""Some times within one minute, one of them twice, and one half an hour later."""

FEW_PLATES = (PLATES[:2], PLATES[:2], PLATES[:1], (PLATES[0], f"{PLATES[0][:2]}·{PLATES[0][2:]}"))
"""Two vehicles, one, or one whose plate is read in two spellings."""

ALIKE_IDS = tuple(naming(place) for naming in ALIKE.values() for place in range(2))
"""Ids of one hour: of each naming two that are alike."""

BEFORE, AFTER = -25 * MINUTE, 20 * MINUTE
"""How far a correction moves a record: into the hour before it in some cases, or within its hour."""

LATE_IN_THE_HOUR = (*(BEGIN + minute * MINUTE for minute in (58, 57, 40)), *LAST_MINUTE)
SHORT, LONG = 4 * MINUTE, 30 * MINUTE
"""Delays of a message: beyond the end of the hour, and beyond the first sync about it."""


@st.composite
def broken_connections(draw: st.DrawFn) -> list[Step]:
    """Records at whose delivery the connection may break: what was not acknowledged in time is redelivered."""
    steps: list[Step] = []
    for record in draw(records(1, 3, fate=fates((2, 2, 0)))):
        skip = draw(st.sampled_from((1, 1, None)))
        if skip is not None:
            steps.append(Strikes(record.at, FaultKind.SOCKET_CLOSE, skip=skip))
        steps.append(record)
    return steps


@st.composite
def odd_records(draw: st.DrawFn) -> list[Step]:
    """Plain records and some of `ODD`."""
    plain = draw(records(1, 3, kinds=KINDS, fate=fates((1, 0))))
    odd = draw(st.lists(st.sampled_from(ODD), min_size=2, max_size=5, unique_by=ODD.index))
    return [*plain, *(_odd(place, made) for place, made in enumerate(odd))]


def _odd(place: int, made: JsonObject) -> Happens:
    plain: JsonObject = {"at": BEGIN + 15 * MINUTE, "name": f"odd{place + 1}", "plate": PLATES[10 + place]}
    settings: dict[str, object] = plain | made
    return Happens(**settings)  # type: ignore[arg-type]  # the fields of a step by their names


@st.composite
def corrections(draw: st.DrawFn) -> list[Step]:
    """Records of one vehicle; the lot sends a new version of the first one once or twice.

    It has read the plate again, and may have corrected the time or the direction too.
    """
    first, *others = draw(records(1, 3, at=st.sampled_from(IN_A_MINUTE), plates=PLATES[:1]))
    times = draw(st.lists(st.sampled_from((5, 25, 65)), min_size=1, max_size=2, unique=True))
    kind = draw(st.sampled_from((first.kind, first.kind, "leave")))
    moved = draw(st.sampled_from((0, 0, BEFORE, AFTER)))
    again = [
        replace(first, at=first.at + after * MINUTE, event=first.at + moved, kind=kind, plate=PLATES[20 + place])
        for place, after in enumerate(sorted(times))
    ]
    return [first, *others, *again]


@st.composite
def few_plates(draw: st.DrawFn) -> list[Happens]:
    """Passes of few vehicles, some of them at one time or seconds apart."""
    plates = draw(st.sampled_from(FEW_PLATES))
    return draw(records(2, 5, kinds=("enter", "enter", "leave"), at=st.sampled_from(IN_A_MINUTE), plates=plates))


@st.composite
def unreadable(draw: st.DrawFn) -> list[Step]:
    """Records; messages are damaged from one of them on, once or every time."""
    steps: list[Step] = [*draw(records(1, 3))]
    struck = draw(st.sampled_from(steps))
    times = draw(st.sampled_from((1_000, 1_000, 1)))
    return [Strikes(struck.at, FaultKind.MESSAGE_FLIP_BIT, times=times), *steps]


@st.composite
def deleted(draw: st.DrawFn) -> list[Step]:
    """Records of which the lot deletes one after it was delivered."""
    steps = draw(records(2, 4))
    gone = draw(st.sampled_from(steps))
    return [*steps, Deletes(BEGIN + draw(st.sampled_from((55, 61))) * MINUTE, gone.name)]


def alike() -> Scenario:
    """An hour with records of alike ids, each two of one vehicle in one minute, and a bill that shares an id."""
    steps = [
        Happens(BEGIN + (5 + place // 2) * MINUTE + place % 2 * 20 * SECOND, record_id, plate=PLATES[place // 2])
        for place, record_id in enumerate(ALIKE_IDS)
    ]
    return Scenario(
        steps=(*steps, Happens(BEGIN + 20 * MINUTE, ALIKE_IDS[0], kind="bill", plate=PLATES[0])),
        runs_ms=3 * HOUR,
        settles=False,
    )


def paging(numbers: Sequence[int], lost: int = 0) -> Scenario:
    """An hour with these numbers of records, each number of another kind; some more of the last kind are lost."""
    crowds = [
        Happens(BEGIN + 10 * MINUTE, f"r{place + 1}", kind=KINDS[place % 3], many=number)
        for place, number in enumerate(numbers)
    ]
    gone = [replace(crowds[-1], name="lost", many=lost, copies=0)] if lost else []
    return Scenario(
        steps=(*crowds, *gone),
        runs_ms=56 * MINUTE,
        settles=False,
    )


def watched(steps: SearchStrategy[Sequence[Step]], hours: int = 3, **settings: Any) -> SearchStrategy[Scenario]:
    """Scenarios that end `hours` after their last step: by then the client has claimed every count, wrong ones too."""
    return scenario(steps, runs_ms=hours * HOUR, settles=False, **settings)


CASES = (
    Case(
        "count/copies",
        ("CNT-TRUTH", "CNT-RECORD-ID", "CNT-NOT-MSG-ID"),
        "Some records of an hour are lost or come twice.",
        scenario(records(2, 4, fate=fates())),
    ),
    Case(
        "count/broken-connections",
        ("CNT-RECORD-ID", "CNT-NOT-MSG-ID"),
        "The connection breaks while records come, so that some messages come again.",
        watched(broken_connections()),
    ),
    Case(
        "count/ids",
        ("CNT-NOT-COARSE",),
        "Records of an hour have ids that are alike.",
        st.just(alike()),
        fixed=True,
    ),
    Case(
        "count/plates",
        ("CNT-NOT-COARSE",),
        "Few vehicles pass often, some of them twice within a minute.",
        watched(few_plates()),
        namings=ALL_ALIKE,
    ),
    Case(
        "count/lines",
        ("CNT-DIRECTION", "CNT-TYPE", "CNT-DEVICE", "CNT-EVENT-TIME"),
        "Vehicles enter and leave two lots, and some pay.",
        watched(records(3, 7, kinds=KINDS, lots=(0, 1), fate=fates((1, 1, 0))), lots=("tuya", "tuya")),
        namings=("", SHARED, SHARED, SHARED),
    ),
    Case(
        "count/late",
        ("CNT-EVENT-TIME", "CNT-FRESH", "CNT-SNAPSHOT"),
        "Records of an hour come late, or not before they are reported again.",
        watched(
            records(
                2,
                4,
                kinds=("enter", "bill"),
                at=st.sampled_from(LATE_IN_THE_HOUR),
                fate=fates((1, 1, 0), delays=(0, SHORT, LONG)),
            )
        ),
    ),
    Case(
        "count/reported-again",
        ("CNT-REREPORT-TIME", "CNT-FRESH", "CNT-NOT-MSG-ID"),
        "Records of an hour are lost or come a little late, then all are reported again.",
        watched(records(2, 4, at=st.sampled_from(LATE_IN_THE_HOUR), fate=fates((1, 0), again=1, delays=(0, SHORT)))),
    ),
    Case(
        "count/odd",
        ("CNT-NO-FILTER",),
        "Records without a plate, bills of nothing, white lists, kinds that nobody knows.",
        watched(odd_records()),
    ),
    Case(
        "count/corrected",
        ("CNT-CORRECTION",),
        "The lot reads a plate again and sends the record a second time.",
        watched(corrections()),
    ),
    Case(
        "count/page",
        ("CNT-PAGING", "CNT-TRUTH", "REC-UPSERT"),
        "An hour has more than a thousand records, of which all are reported again if one is lost.",
        st.sampled_from((paging((1001,)), paging((3, 1001), lost=1))),
        fixed=True,
    ),
    Case(
        "count/unreadable",
        ("CNT-QUARANTINE",),
        "A message is damaged on its way: once, or whenever it comes.",
        watched(unreadable(), hours=1),
    ),
    Case(
        "count/deleted",
        ("CNT-NO-LIE",),
        "The lot deletes a record that was delivered: the client's true count is never the lot's again.",
        watched(deleted()),
    ),
)
