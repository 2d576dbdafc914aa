"""What may happen to a project, for the tests of its state."""

from collections.abc import Callable
from contextlib import suppress
from typing import Any

from hypothesis import strategies as st

from mock_server.clock import VirtualClock
from mock_server.faults.catalogue import CATALOGUE, FaultKind
from mock_server.faults.chaos import Chaos
from mock_server.faults.faults import Fault
from mock_server.lots.seed import NewRecord
from mock_server.model import HOUR, JIESHUN, Cell, DataType, Device, PassDirection, SyncInfo
from mock_server.profile import Profile
from mock_server.project import CommandRefusedError, Moment, Project
from mock_server.queue.consumer import Consumer
from tests.support import ACCESS_ID, ACCESS_SECRET, LOT, NOON

Work = Callable[[Project], object]
"""Something that happens to a project."""

FATES = (None, None, "deliver", "lose", "duplicate", 5_000)


def kept(number: int, fate: Any) -> Work:
    """A pass or a bill, some with the id of one before, and many at one time."""
    bill = number % 3 == 0
    direction = None if bill else PassDirection(number % 2)
    data_type = DataType.BILL if bill else DataType.PASS
    record_id = f"r{number % 7}" if number % 2 else None
    new = NewRecord(LOT, record_id, data_type, direction, NOON - number % 5 * 60_000, "京A12345", {}, fate)
    return lambda project: project.keep([new])


def removed(number: int) -> Work:
    """The lot loses a record, if it has it."""
    return lambda project: project.lots.remove((LOT, DataType.PASS, f"r{number}"))


def synced(claimed: int, device_id: str) -> Work:
    """A command of two cells."""
    cells = [
        Cell(device_id, DataType.PASS, PassDirection.ENTER, NOON - HOUR, NOON),
        Cell(device_id, DataType.BILL, None, NOON - HOUR, NOON),
    ]

    def work(project: Project) -> None:
        with suppress(CommandRefusedError):
            project.sync(device_id, [SyncInfo(cell, claimed) for cell in cells], lost=claimed == 3)

    return work


def advanced(by_ms: int) -> Work:
    """Time passes."""
    return lambda project: clock_of(project).advance(by_ms)


def clock_of(project: Project) -> VirtualClock:
    """The project's clock."""
    assert isinstance(project.clock, VirtualClock)
    return project.clock


def acknowledged(place: int, *, cumulative: bool) -> Work:
    """A consumer comes, acknowledges one message or all up to it, and goes."""

    def work(project: Project) -> None:
        main = project.queue.mains[0]
        consumer = Consumer(project.new_consumer_id(), lambda *_: None)
        main.connect(consumer)
        held = list(consumer.unacknowledged)[place : place + 1]
        for message_id in held:
            (main.acknowledge_up_to if cumulative else main.acknowledge)(consumer, message_id)
        main.disconnect(consumer)

    return work


def attended(project: Project) -> None:
    """Somebody consumes the test topic."""
    (test,) = project.queue.make("event-test", project.queue.main_name)
    consumer = Consumer(project.new_consumer_id(), lambda *_: None)
    test.connect(consumer)
    test.disconnect(consumer)


def armed(kind: str, times: int) -> Work:
    """A directed fault."""
    return lambda project: project.arm(Fault(kind, CATALOGUE[kind].default, times, skip=times - 1))


def chaos(preset: str, seed: int) -> Work:
    """Random faults from now on."""
    return lambda project: project.set_chaos(Chaos(preset, seed))


def tokened(step: int) -> Work:
    """One of the things that happen to tokens."""

    def work(project: Project) -> None:
        pair = project.tokens.grant()
        (lambda: project.tokens.refresh(pair.refresh_token), project.tokens.expire, project.tokens.revoke)[step]()

    return work


small = st.integers(0, 20)
works: st.SearchStrategy[Work] = st.one_of(
    st.builds(kept, small, st.sampled_from(FATES)),
    st.builds(kept, small, st.sampled_from(FATES)),
    st.builds(removed, st.integers(0, 6)),
    st.builds(synced, st.integers(0, 3), st.sampled_from([LOT, "jie"])),
    st.builds(advanced, st.sampled_from([0, 30, 200, 1_000, 10_000, HOUR])),
    st.builds(acknowledged, st.integers(0, 3), cumulative=st.booleans()),
    st.builds(armed, st.sampled_from(sorted(FaultKind)), st.integers(1, 3)),
    st.builds(chaos, st.sampled_from(["off", "rough", "default"]), st.integers(0, 3)),
    st.builds(tokened, st.integers(0, 2)),
    st.just(attended),
    st.just(lambda project: project.take_offline(LOT, 700)),
    st.just(lambda project: project.put_device(Device("jie", "", supplier_code=JIESHUN))),
    st.just(lambda project: project.queue.make("event", f"{ACCESS_ID}-other")),
    st.just(lambda project: project.queue.forget(project.queue.make("event", f"{ACCESS_ID}-other")[0])),
)
profiles = st.sampled_from(
    [
        Profile(),
        Profile(queue_partitions=3, rereport_order="shuffled", rereport_spread_ms=400),
        Profile(jieshun="accept-then-fail", rereport_scope="command", command_sent_ms=50, command_done_ms=2_000),
    ]
)


def twin(project: Project, moment: Moment) -> Project:
    """The project of that moment, made again from its rows."""
    return project.fork(ACCESS_ID, ACCESS_SECRET, moment)


def differences(one: Moment, other: Moment) -> dict[str, tuple[Any, Any]]:
    """What two moments differ in, by name."""
    parts = [
        {**each.state.rows, **{f"register {name}": value for name, value in each.state.registers.items()}}
        | {"history": each.entries, "line": each.line, "time": each.now_ms}
        for each in (one, other)
    ]
    names = parts[0].keys() | parts[1].keys()
    found = {name: tuple(part.get(name) for part in parts) for name in sorted(names)}
    return {name: (values[0], values[1]) for name, values in found.items() if values[0] != values[1]}
