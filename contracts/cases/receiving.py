"""Cases of receiving: messages that are repeated, late, out of order, damaged, new or of an unknown lot."""

from dataclasses import replace

from hypothesis import strategies as st

from contracts.cases.base import Case, varied
from contracts.play.scenario import BEGIN, Crashes, Happens, Looks, Step, Strikes
from contracts.play.strategies import IN_THE_HOUR, KINDS, PLATES, by_profile, records, scenario
from mock_server.faults.catalogue import FaultKind
from mock_server.model import HOUR, MINUTE, SECOND

ASKED = BEGIN + HOUR + 10 * MINUTE
"""A time at which a client that asks about each hour has asked about the first one."""

BEFORE = BEGIN + 55 * MINUTE
"""A time at which it has not."""


@st.composite
def crash(draw: st.DrawFn) -> list[Step]:
    """Some records; the client crashes at the time of one of them or a second later, and perhaps once more later on."""
    happen = draw(records(1, 3, kinds=KINDS, fate=_fates((1, 1, 1, 0), (1,))))
    at = draw(st.sampled_from([step.at for step in happen])) + draw(st.sampled_from((0, 0, 0, SECOND)))
    first = Crashes(at, draw(st.sampled_from((0, 5 * MINUTE))))
    more = draw(st.sampled_from(((), (), (20 * MINUTE,), (20 * MINUTE, 25 * MINUTE))))
    between = [Happens(at + later - SECOND, f"b{place}", plate=PLATES[9]) for place, later in enumerate(more)]
    return [*happen, first, *between, *(Crashes(at + later) for later in more)]


@st.composite
def again(draw: st.DrawFn) -> list[Step]:
    """One record of a cell is lost: the lot reports the cell again, whole or without one of the others.

    The client may have been started again by then, and knows what it has from its file alone.
    """
    kinds = (draw(st.sampled_from(KINDS)),)
    came = draw(records(1, 2, kinds=kinds, fate=_fates((1, 1, 2), (1, 2))))
    nearly = draw(records(1, 1, kinds=kinds, fate=_fates((1,), (0, 0, 1))))
    left_out = [replace(step, name="left") for step in nearly]
    lost = [replace(step, name="lost", copies=0) for step in draw(records(1, 1, kinds=kinds))]
    dies = draw(st.sampled_from(((), (), (Crashes(BEFORE + MINUTE),))))
    return [
        *came,
        *left_out,
        *lost,
        Looks(BEFORE),
        *dies,
        Looks(ASKED),
        Happens(ASKED + 10 * MINUTE, "fresh", kinds[0]),
    ]


def _fates(copies: tuple[int, ...], repeats: tuple[int, ...]) -> st.SearchStrategy[dict[str, object]]:
    return st.fixed_dictionaries({"copies": st.sampled_from(copies), "again": st.tuples(st.sampled_from(repeats))})


@st.composite
def disorder(draw: st.DrawFn) -> list[Step]:
    """Vehicles enter and leave; the messages of their entries are delayed or lost."""
    steps: list[Step] = []
    for place in range(draw(st.integers(1, 2))):
        at, plate = draw(st.sampled_from(IN_THE_HOUR)), PLATES[place]
        entry = Happens(at, f"in{place + 1}", "enter", plate=plate)
        delay_ms = draw(st.sampled_from((4 * MINUTE, MINUTE, 0)))
        steps += [
            replace(entry, copies=0) if draw(st.booleans()) else replace(entry, delay_ms=delay_ms),
            Happens(at + 2 * MINUTE, f"out{place + 1}", "leave", plate=plate),
        ]
    return [*steps, Looks(BEFORE), Looks(ASKED)]


@st.composite
def told_late(draw: st.DrawFn) -> list[Step]:
    """Some records reach the lot up to 30 hours after their event time."""
    ages = st.sampled_from((23 * HOUR, 30 * HOUR, 5 * MINUTE))
    happen = draw(records(1, 3, kinds=KINDS))
    return [replace(step, event=step.at - draw(ages)) for step in happen]


@st.composite
def away(draw: st.DrawFn) -> list[Step]:
    """Some records are lost, and the client is down for 22.5 hours before it asks about them."""
    happen = draw(records(1, 3, kinds=KINDS, fate=_fates((0, 1), (1,))))
    return [*happen, Crashes(BEFORE, 22 * HOUR + 30 * MINUTE), Looks(BEFORE + 23 * HOUR)]


@st.composite
def damage(draw: st.DrawFn) -> list[Step]:
    """The message of one record is damaged at its first 1, 2 or 5 deliveries; others are queued behind it."""
    happen = draw(records(2, 4, kinds=KINDS))
    times = draw(st.sampled_from((1, 2, 5)))
    return [Strikes(BEGIN, FaultKind.MESSAGE_FLIP_BIT, times=times, record=draw(st.sampled_from(happen)).name), *happen]


@st.composite
def news(draw: st.DrawFn) -> list[Step]:
    """Messages with new fields, and events of a new kind."""
    happen = draw(records(1, 3, kinds=KINDS))
    kinds = draw(
        st.sampled_from(
            (
                (FaultKind.MESSAGE_UNKNOWN_FIELDS,),
                (FaultKind.MESSAGE_UNKNOWN_EVENT,),
                (FaultKind.MESSAGE_UNKNOWN_FIELDS, FaultKind.MESSAGE_UNKNOWN_EVENT),
            )
        )
    )
    skip = draw(st.integers(0, len(happen) - 1))
    return [*(Strikes(BEGIN, kind, skip=skip) for kind in kinds), *happen]


@st.composite
def cuts(draw: st.DrawFn) -> list[Step]:
    """The connection is cut at each of the next deliveries, and more records happen meanwhile."""
    times = draw(st.sampled_from((12, 10, 1, 3)))
    at = draw(st.sampled_from(IN_THE_HOUR))
    others = draw(st.lists(st.sampled_from((0, SECOND, 10 * SECOND)), min_size=1, max_size=3))
    more = [Happens(at + later, f"r{place + 2}") for place, later in enumerate(others)]
    return [Strikes(at, FaultKind.SOCKET_CLOSE, times=times), Happens(at, "r1"), *more]


@st.composite
def silence(draw: st.DrawFn) -> list[Step]:
    """The queue closes the connection in order, once or several times in a row, when something is due."""
    happen = draw(records(1, 3, kinds=KINDS))
    return [Strikes(BEGIN, FaultKind.SOCKET_IDLE, times=draw(st.sampled_from((10, 1, 3)))), *happen]


@st.composite
def burst(draw: st.DrawFn) -> list[Step]:
    """Some records at one moment; the message of one but the last is damaged, or the client dies at that moment."""
    at, many = draw(st.sampled_from(IN_THE_HOUR)), draw(st.integers(2, 5))
    damaged = Strikes(BEGIN, FaultKind.MESSAGE_FLIP_BIT, skip=draw(st.integers(0, many - 2)))
    is_damaged, dies = draw(st.sampled_from(((False, True), (True, False), (True, True))))
    return [
        *([damaged] if is_damaged else []),
        Happens(at, "r1", many=many),
        *([Crashes(at)] if dies else []),
        Happens(at + 2 * MINUTE, "later", plate=PLATES[9]),
    ]


@st.composite
def twice(draw: st.DrawFn) -> list[Step]:
    """A record's acknowledgements are lost, and its message comes again; later the connection or the consumer ends."""
    happen = draw(records(2, 4, kinds=KINDS))
    lost = Strikes(BEGIN, FaultKind.ACK_LOSE, times=draw(st.sampled_from((1, 2))), record=happen[0].name)
    ends = draw(st.sampled_from((FaultKind.SOCKET_CLOSE, FaultKind.CONSUMER_CLOSE)))
    return [lost, *happen, Strikes(BEFORE, ends), Happens(BEFORE + MINUTE, "last", plate=PLATES[8]), Looks(ASKED)]


@st.composite
def refusals(draw: st.DrawFn) -> list[Step]:
    """The connection is cut many times in a row; a quarter of an hour later once more, and then it is refused."""
    at = draw(st.sampled_from(IN_THE_HOUR))
    later = at + 15 * MINUTE
    code, times = draw(st.sampled_from((5, 6))), draw(st.sampled_from((1, 3)))
    return [
        Strikes(at, FaultKind.SOCKET_CLOSE, times=10),
        Happens(at, "r1"),
        Strikes(later, FaultKind.SOCKET_CLOSE),
        Strikes(later, FaultKind.SUBSCRIBE_REFUSE, code, times=times),
        Happens(later, "r2", plate=PLATES[1]),
    ]


def counted() -> st.SearchStrategy[list[Step]]:
    """The first delivery of a message is damaged, or lost with connection or consumer, or its acknowledgement is lost.

    It comes again, and the queue says that it has delivered it before. Another record is lost, so that the lot reports
    the window again later on, in messages that are new.
    """
    at = IN_THE_HOUR[0]
    kinds = (FaultKind.MESSAGE_FLIP_BIT, FaultKind.SOCKET_CLOSE, FaultKind.CONSUMER_CLOSE, FaultKind.ACK_LOSE)
    happen = [Happens(at, "r1"), Happens(at + MINUTE, "r2", plate=PLATES[1], copies=0)]
    return st.sampled_from(kinds).map(lambda kind: [Strikes(at, kind), *happen, Looks(BEFORE), Looks(ASKED)])


def strangers() -> st.SearchStrategy[list[Happens]]:
    """Records of two lots, one of which is not among the client's devices."""
    return records(1, 4, kinds=KINDS, lots=(1, 0))


CASES: tuple[Case, ...] = (
    Case(
        "receive/crash",
        ("REC-PERSIST-ACK",),
        "The client dies when a record has just come.",
        scenario(crash(), settles=False, runs_ms=5 * MINUTE),
    ),
    varied(
        "receive/again",
        ("REC-UPSERT", "REC-NO-REPLAY-EFFECT", "REC-NO-REPLACE", "REC-ACK-DUPLICATES"),
        "A lot reports a window again, perhaps in part; fresh records follow.",
        by_profile(
            ({}, {"rereport_order": "shuffled", "rereport_spread_ms": 5 * MINUTE}),
            again(),
            settles=False,
            runs_ms=50 * MINUTE,
        ),
    ),
    Case(
        "receive/disorder",
        ("REC-ORDER",),
        "Exits come before their entries.",
        scenario(disorder(), settles=False),
    ),
    Case(
        "receive/told-late",
        ("REC-OLD",),
        "A lot gets to know of records a day late.",
        scenario(told_late(), settles=False, runs_ms=5 * MINUTE),
    ),
    Case(
        "receive/away",
        ("REC-OLD", "REC-CUMULATIVE"),
        "The client is away for most of a day and hears then of what happened before.",
        scenario(away(), settles=False),
    ),
    varied(
        "receive/damage",
        ("REC-NACK", "REC-ASK-AGAIN", "REC-ENCRYPTION"),
        "A message is damaged, once or more often, and others come behind it, in either encryption.",
        by_profile(({}, {"encryption": "aes_gcm"}), damage(), settles=False, runs_ms=20 * MINUTE),
    ),
    Case(
        "receive/news",
        ("REC-TOLERANT",),
        "Messages have new fields, and events of a new kind come along.",
        scenario(news(), settles=False, runs_ms=5 * MINUTE),
    ),
    Case(
        "receive/cuts",
        ("REC-RECONNECT", "REC-CUMULATIVE"),
        "The connection is cut whenever something is due, many times in a row.",
        scenario(cuts(), settles=False, runs_ms=20 * MINUTE),
    ),
    Case(
        "receive/silence",
        ("REC-RECONNECT",),
        "The queue closes the connection, as it does with one on which nothing was said for minutes; records follow.",
        scenario(silence(), settles=False, runs_ms=20 * MINUTE),
    ),
    Case(
        "receive/burst",
        ("REC-PERSIST-ACK", "REC-ASK-AGAIN", "REC-NACK"),
        "Several messages come at once; one of them is damaged, or the client dies just then.",
        scenario(burst(), settles=False, runs_ms=5 * MINUTE),
    ),
    Case(
        "receive/twice",
        ("REC-UPSERT", "REC-NO-REPLAY-EFFECT"),
        "Acknowledgements are lost, and the queue ends the connection or closes the consumer: messages come again.",
        scenario(twice(), settles=False, runs_ms=5 * MINUTE),
    ),
    Case(
        "receive/refused",
        ("REC-RECONNECT",),
        "The connection is cut many times, and later the client is refused when it comes back.",
        scenario(refusals(), settles=False, runs_ms=20 * MINUTE),
    ),
    Case(
        "receive/counted",
        ("REC-UPSERT",),
        "The queue counts how often it has delivered a message, of which the client may have had nothing.",
        scenario(counted(), profile={"redelivery_count": "counted"}, settles=False, runs_ms=20 * MINUTE),
        fixed=True,
    ),
    Case(
        "receive/strangers",
        ("REC-FOREIGN",),
        "Records of a lot that the client was not told of come over the same queue.",
        st.one_of(
            [
                scenario(strangers(), lots=("tuya", "tuya"), unlisted=(place,), settles=False, runs_ms=HOUR)
                for place in (1, 0)
            ]
        ),
    ),
)
