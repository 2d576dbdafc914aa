from collections import Counter
from typing import Any

import pytest
from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, precondition, rule
from msgspec import structs

from mock_server.carriers.timed_consumer import TimedConsumer, Times
from mock_server.clock import VirtualClock
from mock_server.cloud import Cloud
from mock_server.faults.chaos import Chaos
from mock_server.history.events import MessagePublished, RecordKept, RecordLost
from mock_server.lots.seed import NewRecord, Seed, default_seed
from mock_server.model import (
    HOUR,
    Cell,
    Command,
    CommandResult,
    DataType,
    Device,
    Fate,
    JsonScalar,
    Message,
    PassDirection,
    ProcessStatus,
    Record,
    SyncInfo,
)
from mock_server.profile import Profile
from mock_server.project import CommandRefusedError, Idle, Project
from mock_server.queue.consumer import Consumer, ReceiverQueue
from mock_server.queue.subscription import Subscription
from tests.strategies import fates, new_bill, new_pass
from tests.support import ACCESS_ID, ADDRESSES, JIESHUN_LOT, LANE, LOT, NOON, examples, keep_passes, make_project

CELL = Cell(LOT, DataType.PASS, PassDirection.ENTER, NOON - HOUR, NOON)


def clock_of(project: Project) -> VirtualClock:
    """The project's virtual clock."""
    assert isinstance(project.clock, VirtualClock)
    return project.clock


class ConservationMachine(RuleBasedStateMachine):
    """Records and messages are conserved, whatever consumers do.

    A record, kept once here, is in one of four states on the `event` subscription: lost on the uplink; delayed on
    it; pending, which means that a publication of it is not acknowledged; delivered, which means that all of them
    are. The machine keeps its own plan of what must be published when, and its own list of what was acknowledged.
    """

    @initialize(spread_ms=st.sampled_from((0, 700)))
    def start(self, spread_ms: int) -> None:
        """A project, and the two subscriptions that every project has."""
        self.project = make_project(Profile(rereport_spread_ms=spread_ms))
        self.clock = clock_of(self.project)
        self.plan: dict[str, tuple[int, int]] = {}
        self.topics = {
            name: self.project.queue.subscription(name, f"{ACCESS_ID}-sub") for name in ("event", "event-test")
        }
        self.acknowledged: dict[str, list[str]] = {name: [] for name in self.topics}
        self.deliveries: Counter[tuple[str, str]] = Counter()
        self.connected: dict[str, list[TimedConsumer]] = {name: [] for name in self.topics}

    @rule(fate=fates)
    def keep(self, fate: Fate) -> None:
        """The lot gets a record."""
        [record] = self.project.keep([new_pass(fate=fate)])
        delay = fate if isinstance(fate, int) else 0
        copies = {"lose": 0, "duplicate": 2}.get(str(fate), 1)
        self.plan[record.record_id] = (self.clock.now_ms() + delay, copies)

    @rule(
        topic=st.sampled_from(("event", "event-test")),
        ack_timeout_ms=st.sampled_from((0, 300, 1000)),
        size=st.sampled_from((1, 2, 1000)),
        delay=st.sampled_from((0, 400)),
    )
    def connect(self, topic: str, ack_timeout_ms: int, size: int, delay: int) -> None:
        """A consumer comes."""
        consumer = TimedConsumer(
            consumer_id=self.project.new_consumer_id(),
            deliver=lambda message, count: self._got(topic, consumer, message, count),
            room=ReceiverQueue(size),
            subscription=self.topics[topic],
            clock=self.clock,
            times=Times(ack_timeout_ms, delay),
        )
        self.connected[topic].append(consumer)
        self.topics[topic].connect(consumer)

    def _got(self, topic: str, consumer: Consumer, message: Message, count: int) -> None:
        """Only the active consumer gets messages, none that was acknowledged, each with the count of its comings."""
        assert consumer is self.connected[topic][0]
        assert message.message_id not in self.acknowledged[topic]
        assert count == self.deliveries[topic, message.message_id]
        self.deliveries[topic, message.message_id] += 1

    @precondition(lambda self: any(self.connected.values()))
    @rule(data=st.data())
    def disconnect(self, data: st.DataObject) -> None:
        """A consumer goes."""
        topic, consumer = data.draw(
            st.sampled_from([(name, each) for name, all_ in self.connected.items() for each in all_])
        )
        self.connected[topic].remove(consumer)
        self.topics[topic].disconnect(consumer)

    @precondition(lambda self: any(self.connected.values()) and self.deliveries)
    @rule(data=st.data(), refuse=st.booleans())
    def answer(self, data: st.DataObject, refuse: bool) -> None:  # noqa: FBT001 drawn by hypothesis
        """Any connected consumer acknowledges or refuses any message ever delivered on its topic, in time or late."""
        topic, consumer = data.draw(
            st.sampled_from([(name, each) for name, all_ in self.connected.items() for each in all_])
        )
        delivered = [message_id for name, message_id in self.deliveries if name == topic]
        if not delivered:
            return
        message_id = data.draw(st.sampled_from(delivered))
        if refuse:
            consumer.refuse(message_id)
            return
        is_news = message_id not in self.acknowledged[topic]
        if is_news:
            self.acknowledged[topic].append(message_id)
        assert self.topics[topic].acknowledge(consumer, message_id) == is_news

    @rule(by_ms=st.sampled_from((0, 1, 299, 300, 1000, 5000)))
    def advance(self, by_ms: int) -> None:
        """Time passes."""
        self.clock.advance(by_ms)

    @rule(off_by=st.integers(min_value=-1, max_value=1))
    def sync(self, off_by: int) -> None:
        """A client claims a count; the lot reports again if it is wrong."""
        counted = self.project.lots.count(CELL)
        assert counted == len(self.plan), "every record is at the lot, whatever became of its message"
        before = len(self.project.lots.rereports)
        self.project.sync(LOT, [SyncInfo(CELL, max(counted + off_by, 0))])
        reported = list(self.project.lots.rereports)[before:]
        assert [rereport.record_ids for rereport in reported] == (
            [] if counted + off_by in (counted, -1) else [tuple(self.plan)]
        )

    def published(self) -> list[MessagePublished]:
        """Every publication that the history tells of."""
        return [entry.event for entry in self.project.history.after() if isinstance(entry.event, MessagePublished)]

    @invariant()
    def every_publication_is_acknowledged_or_pending(self) -> None:
        """Exactly once, on each subscription, the pending ones in the order of publication."""
        if not hasattr(self, "plan"):
            return
        published = [event.message_id for event in self.published()]
        assert len(set(published)) == len(published)
        for topic, subscription in self.topics.items():
            gone = set(self.acknowledged[topic])
            assert [message.message_id for message in subscription.pending_messages()] == [
                message_id for message_id in published if message_id not in gone
            ]

    @invariant()
    def every_record_is_lost_delayed_pending_or_delivered(self) -> None:
        """The four numbers add up to the records kept, and the uplink has published what the plan says."""
        if not hasattr(self, "plan"):
            return
        first = [event for event in self.published() if event.origin == "uplink"]
        now = self.clock.now_ms()
        expected = {name: copies for name, (at_ms, copies) in self.plan.items() if copies and at_ms <= now}
        counts = Counter(event.record_id for event in first)
        zero_delays = {name for name, (at_ms, _) in self.plan.items() if at_ms == now}
        assert all(counts[name] == copies or name in zero_delays for name, copies in expected.items())
        assert set(counts) <= set(expected)

        pending_ids = {message.message_id for message in self.topics["event"].pending_messages()}
        lost = sum(isinstance(entry.event, RecordLost) for entry in self.project.history.after())
        delayed = sum(copies > 0 and not counts[name] for name, (_, copies) in self.plan.items())
        pending = {event.record_id for event in first if event.message_id in pending_ids}
        delivered = {event.record_id for event in first if event.message_id in self.acknowledged["event"]} - pending
        assert lost + delayed + len(pending) + len(delivered) == len(self.project.store) == len(self.plan)

    @invariant()
    def a_rereport_is_published_as_announced(self) -> None:
        """The messages of a rereport carry its records, and all are there once its time is over."""
        if not hasattr(self, "plan"):
            return
        again = {event.message_id: event.record_id for event in self.published() if event.origin == "rereport"}
        announced: dict[str, str] = {}
        for rereport in self.project.lots.rereports:
            announced |= dict(zip(rereport.message_ids, rereport.record_ids, strict=True))
            if self.clock.now_ms() >= rereport.time + self.project.profile.rereport_spread_ms > rereport.time:
                assert set(rereport.message_ids) <= set(again)
        assert again.items() <= announced.items()

    def teardown(self) -> None:
        """Consumers that acknowledge everything make the project idle: nothing is stuck anywhere."""
        if not hasattr(self, "plan"):
            return
        for topic, subscription in self.topics.items():
            while self.connected[topic]:
                subscription.disconnect(self.connected[topic].pop())
            drain(subscription)
        self.clock.advance(HOUR)
        assert self.project.idle() == Idle(0, 0)


def drain(subscription: Subscription) -> None:
    """Connect a consumer that acknowledges whatever it gets."""
    consumer = Consumer("drain", lambda message, _: (subscription.acknowledge(consumer, message.message_id), None)[1])
    subscription.connect(consumer)


TestConservation = ConservationMachine.TestCase
TestConservation.settings = settings(max_examples=examples(60), stateful_step_count=40)


@pytest.mark.parametrize(
    ("device_id", "reason"), [("nobody", "unknown"), (LANE, "lane"), (JIESHUN_LOT, "jieshun"), (LOT, "offline")]
)
def test_a_refused_command_leaves_no_trace(device_id: str, reason: str) -> None:
    """No serial number, no comparison, no timer."""
    project = make_project()
    project.put_device(Device(LOT, "off", online=False))
    before = project.history.last
    with pytest.raises(CommandRefusedError) as caught:
        project.sync(device_id, [SyncInfo(structs.replace(CELL, device_id=device_id), 1)])
    assert caught.value.reason == reason
    assert (project.history.last, project.clock.pending, list(project.lots.rereports)) == (before, 0, [])
    project.put_device(Device(LOT, "on"))
    assert project.sync(LOT, []).sn == "1350000000000001"


@pytest.mark.parametrize(
    ("device", "profile", "outcome"),
    [
        (Device(LOT, ""), {}, ProcessStatus.SUCCEEDED),
        (Device(LOT, "", supplier_code="jieshun"), {"jieshun": "accept-then-fail"}, ProcessStatus.FAILED),
        (Device(LOT, "", online=False), {"offline": "accept-then-unknown"}, ProcessStatus.UNKNOWN),
        (
            Device(LOT, "", supplier_code="jieshun", online=False),
            {"jieshun": "accept-then-fail", "offline": "accept-then-unknown"},
            ProcessStatus.FAILED,
        ),
    ],
)
def test_the_outcome_of_a_command(device: Device, profile: dict[str, Any], outcome: ProcessStatus) -> None:
    """An accepted command ends as its lot can: only a success compares counts; the queue tells the outcome."""
    project = make_project(Profile(**profile))
    project.put_device(device)
    project.keep([new_pass(fate="lose")])
    command = project.sync(LOT, [SyncInfo(CELL, 0)])
    assert project.commands.get(command.sn) == Command(command.sn, LOT, NOON, ProcessStatus.SENDING)
    clock_of(project).advance(1000)
    assert project.commands.get(command.sn) == structs.replace(command, status=outcome)
    subjects = [message.subject for message in project.queue.main.pending_messages()]
    assert subjects[-1] == CommandResult(command.sn, LOT, NOON, outcome)
    assert [isinstance(subject, Record) for subject in subjects[:-1]] == [True] * (outcome is ProcessStatus.SUCCEEDED)


def test_a_reset_goes_back_to_the_seed_and_not_to_empty() -> None:
    """Devices and records of the seed are there again; tokens, commands, timers and history of before are gone."""
    seed = Seed(default_seed().devices, (new_pass("seeded"),))
    project = make_project(seed=seed)
    before = [entry.to_json() for entry in project.history.after()]
    old = project.queue.main.pending_messages()
    token = project.tokens.grant()
    project.keep([new_pass("seeded", NOON - HOUR), new_bill(), new_pass(fate="lose"), new_pass(fate=10**6)])
    command = project.sync(LOT, [SyncInfo(CELL, 7)])
    project.put_device(Device(LOT, "changed", online=False))
    project.put_device(Device("new", "new"))
    project.reset()
    assert [record.record_id for record in project.store.records()] == ["seeded"]
    assert list(project.devices.values()) == [
        Device(each.device_id, each.device_name, each.supplier_code, each.kind, each.online, NOON)
        for each in seed.devices
    ]
    assert project.commands.get(command.sn) is None
    assert not project.tokens.is_live(token.access_token)
    assert list(project.lots.rereports) == []
    assert project.clock.pending == 0
    after = [entry.to_json() for entry in project.history.after()]
    assert [line | {"message_id": ""} for line in after] == [line | {"message_id": ""} for line in before]
    new = project.queue.main.pending_messages()
    assert {message.message_id for message in new}.isdisjoint(message.message_id for message in old)


def test_consumers_stay_connected_over_a_reset() -> None:
    """They get the seed's messages as new ones."""
    project = make_project(seed=Seed(default_seed().devices, (new_pass("seeded"),)))
    got: list[tuple[str, int]] = []
    main = project.queue.main
    consumer = TimedConsumer(
        "c",
        lambda message, count: got.append((message.message_id, count)),
        subscription=main,
        clock=project.clock,
        times=Times(ack_timeout_ms=1000),
    )
    main.connect(consumer)
    project.reset()
    clock_of(project).advance(1000)
    assert [count for _, count in got] == [0, 0, 1]
    assert got[0][0] != got[1][0] == got[2][0]


def test_record_ids_are_given_and_never_taken_twice() -> None:
    """A record without an id gets a free one, also when another record of the same call brings that very id."""
    project = make_project()
    kept = project.keep(
        [new_pass(), new_pass("pass-000001"), new_pass(), new_bill(), new_pass("pass-000003"), new_pass()]
    )
    assert len({record.key for record in kept}) == 6
    assert len(project.store) == 6


def test_device_ids_are_free_ones() -> None:
    """In the vendor's style, never one that is there."""
    project = make_project()
    for _ in range(5):
        device_id = project.new_device_id()
        assert device_id not in project.devices
        project.put_device(Device(device_id, ""))


def test_a_changed_device_keeps_its_age() -> None:
    """The create time is that of its first version."""
    project = make_project()
    clock_of(project).advance(5000)
    assert project.put_device(Device(LOT, "renamed")).create_time == NOON
    assert project.put_device(Device("new", "new")).create_time == NOON + 5000


def test_the_same_seed_of_randomness_makes_the_same_world() -> None:
    """With a virtual clock a run is repeatable to the byte; another seed makes another world."""

    def run(random_seed: int) -> list[object]:
        project = make_project(random_seed=random_seed)
        project.keep([new_pass(), new_pass(fate=5), new_pass(fate="duplicate")])
        project.sync(LOT, [SyncInfo(CELL, 1)])
        clock_of(project).advance(1000)
        data_ids = [message.data_id for message in project.queue.main.pending_messages()]
        return [
            data_ids,
            project.tokens.grant(),
            project.new_tid(),
            [entry.to_json() for entry in project.history.after()],
        ]

    assert run(1) == run(1)
    assert run(1)[:3] != run(2)[:3]


def test_two_projects_never_see_each_other() -> None:
    """Records, messages, devices, tokens and history of one are nothing to the other."""
    cloud = Cloud(VirtualClock(NOON))
    one = cloud.add(make_project(clock=cloud.clock))
    two = cloud.add(Project("other", "s" * 32, default_seed(), cloud.clock))
    before = two.history.last
    one.keep([new_pass()])
    one.put_device(Device("new", "new"))
    one.tokens.grant()
    one.sync(LOT, [SyncInfo(CELL, 0)])
    assert (len(two.store), two.queue.pending, "new" in two.devices, two.history.last) == (0, 0, False, before)
    assert two.lots.count(CELL) == 0


def test_an_access_id_is_taken_once() -> None:
    """A cloud refuses a second project of the same access id and finds the first."""
    cloud = Cloud(VirtualClock(NOON))
    project = cloud.add(make_project())
    with pytest.raises(ValueError, match="already"):
        cloud.add(make_project())
    assert cloud.get(ACCESS_ID) is project
    assert cloud.get("") is None
    assert list(cloud) == [project]


def test_exports_tell_a_client_everything() -> None:
    """Addresses, keys and devices, under the names of `serve --json`."""
    exports = make_project().exports(ADDRESSES)
    assert list(exports) == ["api", "ws", "pulsar", "lab", "access_id", "access_secret", "devices"]
    devices: Any = exports["devices"]
    assert devices[1] == {
        "device_id": JIESHUN_LOT,
        "device_name": "Harbour Car Park",
        "supplier_code": "jieshun",
        "kind": "lot",
        "online": True,
    }


def test_a_snapshot_keeps_what_is_on_its_way() -> None:
    """A late message is as late in the copy as it still is here; what was lost stays lost."""
    project = make_project()
    keep_passes(project, NOON, fate=5_000)
    keep_passes(project, NOON, fate="lose")
    keep_passes(project, NOON, fate="deliver")
    clock_of(project).advance(2_000)
    assert [record.fate for record in project.snapshot_records() if record] == [3_000, "lose", "deliver"]
    clock_of(project).advance(3_000)
    assert [record.fate for record in project.snapshot_records() if record] == ["deliver", "lose", "deliver"]


def test_a_reset_takes_the_place_of_one_that_is_under_way() -> None:
    """Of two resets the later one counts: each record of the seed is there once."""
    project = make_project(seed=Seed(default_seed().devices, tuple(new_pass(f"r{number}") for number in range(3))))
    under_way = project.resetting()
    next(under_way)
    project.reset()
    after = list(project.history.after())
    assert list(under_way) == []
    assert list(project.history.after()) == after
    assert len(project.store) == 3


def test_a_seed_spends_no_chaos() -> None:
    """Chaos begins after the seed: its records meet no random fault, those that come later do."""
    records = tuple(new_pass(f"r{number}", fate=None) for number in range(200))
    project = make_project(seed=Seed(default_seed().devices, records), chaos=Chaos("rough", 1))
    assert project.chaos.used == 0
    keep_passes(project, *range(NOON, NOON + 200))
    assert project.chaos.used > 0


def test_the_history_knows_a_records_further_fields_but_no_image(project: Project) -> None:
    """What a bill says is in the history; the address of an image, which may show a plate, is not."""
    bill: dict[str, JsonScalar] = {"paid_amount": 500, "image_url": "http://images/京A12345.jpg"}
    project.keep([NewRecord(LOT, None, DataType.BILL, None, NOON, "京A12345", bill)])
    kept = [entry.event for entry in project.history.after() if isinstance(entry.event, RecordKept)]
    assert kept[0].details == {"paid_amount": 500}
