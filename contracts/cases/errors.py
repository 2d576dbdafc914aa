"""Cases of errors: calls that fail for a while, for longer than a day, or for good."""

from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import TypeAlias

from hypothesis import strategies as st
from hypothesis.strategies import SearchStrategy

from contracts.cases.base import Case, varied
from contracts.play.scenario import BEGIN, Calms, ClockJumps, GoesOffline, Happens, Scenario, Step, Strikes
from contracts.play.strategies import KINDS, PLATES, by_profile, scenario
from mock_server.faults.catalogue import FaultKind
from mock_server.model import DAY, HOUR, MINUTE, SECOND, JsonObject
from mock_server.wire.paths import TOKEN_PATH

BEFORE, AFTER = BEGIN - 30 * MINUTE, BEGIN + 30 * SECOND
"""Event times of the records: in the first window of a client that looks back at its start, and of one that does not.
They reach the lot after the start."""

KNOWN_AT = BEGIN + MINUTE
"""When the lot gets the records."""

FAILS_AT = BEGIN + 2 * MINUTE
"""When calls begin to fail: before the first sync."""

LATER = BEGIN + 62 * MINUTE
OUTAGES = (90 * MINUTE, 2 * HOUR)
"""How long calls fail for a while: also the first call of a client whose first window is the hour of its start."""

FOR_LONG = DAY + 3 * HOUR
"""How long calls fail: for longer than a client keeps asking about a window that it takes for answered."""

TIMES = 30
"""Strikes of a fault: a client without pauses uses them up within a minute, one with pauses does not."""

ALWAYS = 300
"""Strikes of a fault: more than the tries of any client with pauses. Not more still, because a client without pauses
uses them all up, and further tries of it show nothing new."""

DrawnSteps: TypeAlias = SearchStrategy[list[Step]]

CallFailure: TypeAlias = tuple[tuple[str, int | None], ...]
"""The faults that strike one call, as kinds and values."""

BUSY: tuple[CallFailure, ...] = tuple(((FaultKind.ANSWER_BUSY, code),) for code in (1110, 1111, 1199))
ERROR: CallFailure = ((FaultKind.ANSWER_ERROR, None),)
UNKNOWN: CallFailure = ((FaultKind.ANSWER_UNKNOWN_CODE, None),)
LOST: CallFailure = ((FaultKind.ANSWER_LOSE, None),)
IN_VAIN = (FaultKind.COMMAND_LOSE, None)
"""Beside an answer that is lost or unreadable: the command is lost too, which the client cannot know."""

UNANSWERED: tuple[CallFailure, ...] = ((*LOST, IN_VAIN), LOST)
UNREADABLE: tuple[CallFailure, ...] = tuple(
    ((kind, None), IN_VAIN) for kind in (FaultKind.ANSWER_NOT_JSON, FaultKind.ANSWER_EMPTY, FaultKind.ANSWER_TRUNCATED)
)


def _strikes(failure: CallFailure, times: int, path: str | None = None) -> list[Step]:
    return [Strikes(FAILS_AT, kind, value, times=times, path=path) for kind, value in failure]


def _records(most: int) -> SearchStrategy[list[Step]]:
    """A lost record of the first cell that is asked about, whichever that is, and up to `most` - 1 others."""
    first = Happens(KNOWN_AT, "r1", event=BEFORE, plate=PLATES[0], copies=0)
    second = replace(first, name="r2", event=AFTER, plate=PLATES[1])
    other = st.tuples(st.sampled_from(KINDS), st.sampled_from((1, 0)), st.sampled_from((BEFORE, AFTER)))
    return st.lists(other, max_size=most - 1).map(
        lambda drawn: [
            first,
            second,
            *(
                replace(first, name=f"r{place + 1}", kind=kind, event=event, plate=PLATES[place], copies=copies)
                for place, (kind, copies, event) in enumerate(drawn, 2)
            ),
        ]
    )


def _outage(failures: Sequence[CallFailure], lasts: Sequence[int], times: int, most: int) -> SearchStrategy[list[Step]]:
    """Up to `most` records; one failure strikes `times` calls from `FAILS_AT` on, over one of the spans `lasts`."""
    return st.builds(
        lambda records, failure, ms: [*records, *_strikes(failure, times), Calms(FAILS_AT + ms)],
        _records(most),
        st.sampled_from(failures),
        st.sampled_from(lasts),
    )


def _long_outage(failures: Sequence[CallFailure]) -> SearchStrategy[list[Step]]:
    return _outage(failures, (FOR_LONG,), ALWAYS, 1)


def _offline(lots: Sequence[int] = (0,), for_ms: Sequence[int] = (3 * HOUR, 4 * HOUR, 6 * HOUR)) -> DrawnSteps:
    return st.builds(
        lambda records, lot, ms: [*records, GoesOffline(FAILS_AT, lot, for_ms=ms)],
        _records(1),
        st.sampled_from(lots),
        st.sampled_from(for_ms),
    )


# A client that asks no other lot has asked nothing at all of it: that is judged from the third day on.
OFFLINE: Mapping[str, SearchStrategy[Scenario]] = {
    "refused": scenario(_offline()),
    "one-of-two": scenario(
        _offline((0, 1), (60 * HOUR,)),
        lots=("tuya", "tuya"),
        settles=False,
        runs_ms=58 * HOUR,
    ),
    "unknown": scenario(_offline(for_ms=(6 * HOUR, 9 * HOUR)), profile={"offline": "accept-then-unknown"}),
}


def _keys_and_clock() -> SearchStrategy[Scenario]:
    """A token dies before the first sync and the time is wrong later, or a token dies when it has been used."""
    tokens = st.builds(
        lambda kind, times: Strikes(FAILS_AT, kind, times=times),
        st.sampled_from((FaultKind.TOKEN_EXPIRE, FaultKind.TOKEN_REVOKE)),
        st.sampled_from((1, 3, 4, 8)),
    )
    clocks: SearchStrategy[Step] = st.sampled_from(
        [
            ClockJumps(LATER, 10 * MINUTE),
            ClockJumps(LATER, -10 * MINUTE),
            Strikes(LATER, FaultKind.TIME_REFUSE, times=TIMES),
        ]
    )
    both = scenario(st.builds(lambda token, clock: [token, clock], tokens, clocks), settles=False, runs_ms=90 * MINUTE)
    lost = Happens(BEGIN + 10 * MINUTE, "r1", copies=0, again=(0, 0))
    late = scenario(tokens.map(lambda token: [lost, replace(token, at=LATER)]), runs_ms=10 * MINUTE)
    return st.one_of(both, both, late)


def _for_good() -> SearchStrategy[list[Step]]:
    wrong_sign = st.sampled_from((None, TOKEN_PATH)).map(
        lambda path: _strikes(((FaultKind.ANSWER_REFUSE, 1004),), ALWAYS, path)
    )
    refused = st.sampled_from((1106, 2010)).map(lambda code: _strikes(((FaultKind.ANSWER_REFUSE, code),), ALWAYS))
    return st.one_of(wrong_sign, refused)


BRANDS: tuple[JsonObject, ...] = (
    {"jieshun_code": 2003},
    {"jieshun_code": 2008},
    {"jieshun_code": 2009},
    {"base": "accept-first"},
)

CASES = (
    Case(
        "failing/outage",
        ("ERR-KEEP", "ERR-PARTIAL", "ERR-RATE", "ERR-5XX"),
        "The cloud is busy, or not well, for a while.",
        scenario(_outage((*BUSY, ERROR, *UNANSWERED, UNREADABLE[0]), OUTAGES, TIMES, 3)),
    ),
    Case(
        "failing/long-refusal",
        ("ERR-BODY", "ERR-UNKNOWN-CODE"),
        "Every sync is refused, with HTTP 200, for more than a day.",
        scenario(_long_outage((BUSY[1], ERROR, UNKNOWN))),
        fixed=True,
    ),
    Case(
        "failing/long-silence",
        ("ERR-TIMEOUT",),
        "No sync is answered for more than a day, whether it was carried out or not.",
        scenario(_long_outage(UNANSWERED)),
        fixed=True,
    ),
    Case(
        "failing/unreadable",
        ("ERR-MALFORMED",),
        "The answers to syncs cannot be read for more than a day.",
        scenario(_long_outage(UNREADABLE)),
        fixed=True,
    ),
    varied(
        "failing/offline",
        ("ERR-OFFLINE", "CONV-RESULT", "WIN-NO-GAP"),
        "A lot is off line for hours: calls are refused or commands come to nothing. Or one of two stays out of reach.",
        OFFLINE,
        fixed=True,
    ),
    Case(
        "failing/keys-and-clock",
        ("ERR-TOKEN", "ERR-TIME"),
        "A token dies early; later the time is wrong.",
        _keys_and_clock(),
    ),
    varied(
        "failing/brands",
        ("ERR-UNSUPPORTED", "ERR-UNSUPPORTED-SCOPE"),
        "One of two lots does not support the command.",
        by_profile(BRANDS, _records(2), lots=("tuya", "jieshun"), runs_ms=7 * HOUR),
    ),
    Case(
        "failing/for-good",
        ("ERR-SIGN", "ERR-PERMANENT"),
        "Every call is refused for good.",
        scenario(_for_good(), settles=False, runs_ms=8 * HOUR),
        fixed=True,
    ),
)
