"""What every store must do, as a state machine: run any implementation through it.

    class TestMine(StoreMachine.TestCase): ...

is made by subclassing `StoreMachine` with a `make_store` and taking the subclass's `TestCase`.
"""

from collections.abc import Callable

from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, precondition, rule

from mock_server.lots.store import Store
from mock_server.model import DataType, Line, PassDirection, Record, RecordKey
from mock_server.profile import Profile
from tests.strategies import colliding_records, colliding_times, window_profiles

LINES = [
    Line(device_id, data_type, direction)
    for device_id in ("lot-a", "lot-b", "lot-without-records")
    for data_type, direction in (
        (DataType.PASS, PassDirection.ENTER),
        (DataType.PASS, PassDirection.LEAVE),
        (DataType.BILL, None),
    )
]


def in_window(profile: Profile, record: Record, start: int, end: int) -> bool:
    """Whether a record is in a window, as a person reads the profile."""
    time = record.event_time if profile.window_time == "event" else record.created_time
    inside = {"[s,e)": start <= time < end, "[s,e]": start <= time <= end, "(s,e]": start < time <= end}
    return inside[profile.window_bounds]


class StoreMachine(RuleBasedStateMachine):
    """A store beside a dict that counts by looking at every record."""

    store: Store
    profile: Profile

    def make_store(self, time_of: Callable[[Record], int]) -> Store:
        """An empty store; `time_of` is the time that puts a record into a window."""
        raise NotImplementedError

    @initialize(profile=window_profiles)
    def start(self, profile: Profile) -> None:
        """Choose a profile and make a store for it."""
        self.profile = profile
        self.kept: dict[RecordKey, Record] = {}
        self.store = self.make_store(self.time_of)

    def time_of(self, record: Record) -> int:
        """The time that the profile counts."""
        return record.event_time if self.profile.window_time == "event" else record.created_time

    @rule(record=colliding_records())
    def put(self, record: Record) -> None:
        """A new record has no predecessor, a known one tells it."""
        assert self.store.put(record) == self.kept.get(record.key)
        self.kept[record.key] = record

    @rule(records=st.lists(colliding_records(), min_size=5, max_size=30))
    def put_many(self, records: list[Record]) -> None:
        """Enough records to fill some blocks."""
        for record in records:
            self.put(record)

    @precondition(lambda self: self.kept)
    @rule(data=st.data())
    def remove(self, data: st.DataObject) -> None:
        """A removed record is handed back and gone."""
        key = data.draw(st.sampled_from(sorted(self.kept)))
        assert self.store.remove(key) == self.kept.pop(key)

    @rule(record=colliding_records())
    def get_and_remove_unknown(self, record: Record) -> None:
        """What is not there cannot be had or removed."""
        assert self.store.get(record.key) == self.kept.get(record.key)
        if record.key not in self.kept:
            assert self.store.remove(record.key) is None

    @rule(line=st.sampled_from(LINES), start=colliding_times, length=st.integers(min_value=-2, max_value=45))
    def count_and_fetch(self, line: Line, start: int, length: int) -> None:
        """A window has exactly the records that a person would find in it, in the order of their times."""
        end = start + length
        expected = [
            record
            for record in self.kept.values()
            if record.line == line and in_window(self.profile, record, start, end)
        ]
        bounds = self.profile.bounds(start, end)
        fetched = self.store.fetch(line, *bounds)
        assert self.store.count(line, *bounds) == len(expected)
        assert sorted(record.record_id for record in fetched) == sorted(record.record_id for record in expected)
        assert all(self.kept[record.key] == record for record in fetched)
        times = [self.time_of(record) for record in fetched]
        assert times == sorted(times)

    @invariant()
    def everything_is_there(self) -> None:
        """Every record is kept once, in its newest version, in the order of first arrival."""
        if hasattr(self, "store"):
            assert list(self.store.records()) == list(self.kept.values())
            assert len(self.store) == len(self.kept)
