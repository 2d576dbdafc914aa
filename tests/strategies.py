"""Hypothesis strategies that several test modules share."""

from hypothesis import strategies as st

from mock_server.lots.seed import NewRecord
from mock_server.model import INT64_MAX, DataType, Fate, JsonScalar, PassDirection, Record
from mock_server.profile import Profile
from tests.support import LOT, NOON

json_scalars: st.SearchStrategy[JsonScalar] = st.one_of(
    st.none(),
    st.booleans(),
    st.integers(),
    st.sampled_from((0, 1, -1, INT64_MAX, INT64_MAX + 1, 10**400)),
    st.floats(allow_nan=False, allow_infinity=False),
    st.text(max_size=20),
)
json_values: st.SearchStrategy[object] = st.recursive(
    json_scalars,
    lambda inner: st.one_of(st.lists(inner, max_size=5), st.dictionaries(st.text(max_size=10), inner, max_size=5)),
    max_leaves=20,
)

plates = st.text(alphabet="京沪粤ABCDEFGH0123456789", max_size=8)
"""Plates of every length that may come, the empty one of a car without a plate included."""

fates: st.SearchStrategy[Fate] = st.one_of(
    st.sampled_from(("deliver", "lose", "duplicate")), st.integers(min_value=0, max_value=5_000)
)

colliding_times = st.integers(min_value=0, max_value=40)
"""Times from a range so small that many of them are equal."""

window_profiles = st.builds(
    Profile,
    window_bounds=st.sampled_from(("[s,e)", "[s,e]", "(s,e]")),
    window_time=st.sampled_from(("event", "created")),
)
"""Every answer to the question of which records are in a window."""


@st.composite
def colliding_records(draw: st.DrawFn) -> Record:
    """A record out of so few that the same record id comes again and again, at another time or in another line."""
    data_type = draw(st.sampled_from(DataType))
    direction = draw(st.sampled_from(PassDirection)) if data_type is DataType.PASS else None
    return Record(
        record_id=f"r{draw(st.integers(min_value=0, max_value=12))}",
        device_id=draw(st.sampled_from(("lot-a", "lot-b"))),
        data_type=data_type,
        pass_direction=direction,
        event_time=draw(colliding_times),
        created_time=draw(colliding_times),
    )


def new_pass(
    record_id: str | None = None,
    event_time: int = NOON - 1,
    *,
    direction: PassDirection = PassDirection.ENTER,
    fate: Fate = "deliver",
    plate_no: str = "京A12345",
    device_id: str = LOT,
) -> NewRecord:
    """A vehicle pass that somebody brings; by default in the hour before noon."""
    return NewRecord(device_id, record_id, DataType.PASS, direction, event_time, plate_no, {}, fate)


def new_bill(record_id: str | None = None, event_time: int = NOON - 1, **details: JsonScalar) -> NewRecord:
    """A temporary parking bill that somebody brings."""
    return NewRecord(LOT, record_id, DataType.BILL, None, event_time, "京A12345", details)
