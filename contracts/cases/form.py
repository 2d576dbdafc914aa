"""Cases of the form of a request."""

from hypothesis import strategies as st
from hypothesis.strategies import SearchStrategy

from contracts.cases.base import Case, varied
from contracts.play.scenario import BEGIN, LANE_ID, Crashes, Scenario
from contracts.play.strategies import by_profile, in_profiles, records, scenario
from mock_server.model import HOUR, MINUTE, JsonObject

ONE_ASK = 56 * MINUTE
"""How long after the last record a run lasts so that the client has asked about the record's hour."""

LENGTHS: tuple[JsonObject, ...] = ({}, {"max_sync_infos": 24})
SPELLINGS: tuple[JsonObject, ...] = ({"key_spelling": "camel"}, {"key_spelling": "snake"})

_SEEN_BY_A_LANE: SearchStrategy[JsonObject] = st.just({"details": {"lane_device_id": LANE_ID}})


def _down_for(down_ms: int) -> SearchStrategy[Scenario]:
    steps = st.just((Crashes(BEGIN, down_ms),))
    return in_profiles(LENGTHS, steps, settles=False, runs_ms=down_ms + 10 * MINUTE)


CASES = (
    Case(
        "form/lanes",
        (
            "FORM-PATH",
            "FORM-TYPES",
            "FORM-DATATYPE",
            "FORM-DIRECTION",
            "FORM-NO-DIRECTION",
            "FORM-LIST",
            "FORM-COUNT",
            "FORM-UNIQUE",
            "FORM-JSON",
        ),
        "Vehicles pass the lanes of a lot, and the lot is asked about the hour.",
        scenario(records(1, 3, kinds=("enter", "leave"), fate=_SEEN_BY_A_LANE), settles=False, runs_ms=ONE_ASK),
    ),
    varied(
        "form/spelling",
        ("FORM-CASE", "FORM-CASE-ADAPTS", "FORM-COUNT", "FORM-JSON"),
        "A cloud takes one of the two spellings of keys only.",
        by_profile(
            SPELLINGS, records(0, 2, kinds=("enter", "bill")), lots=("tuya", "tuya"), settles=False, runs_ms=ONE_ASK
        ),
    ),
    Case(
        "form/catch-up",
        ("FORM-BATCH",),
        "A client was down for more than a day and has many hours to ask about.",
        st.sampled_from((27 * HOUR, 36 * HOUR, 48 * HOUR)).flatmap(_down_for),
        fixed=True,
    ),
)
