from collections import defaultdict

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mock_server.clock import VirtualClock
from mock_server.history.events import ConsumerChanged, MessagePublished
from mock_server.history.log import History
from mock_server.model import CommandResult, Message, ProcessStatus
from mock_server.profile import PRESETS, Profile
from mock_server.queue.consumer import About, Consumer, Permits, SharedReceiverQueue
from mock_server.queue.queue import Queue
from mock_server.queue.subscription import Subscription
from mock_server.state.journal import Journal
from tests.support import NOON, keep_passes, make_project


class Topic:
    """The topic `event` in partitions, and what its consumers get: consumer, device and number of the message."""

    def __init__(self, partitions: int) -> None:
        clock = VirtualClock(NOON)
        self.history = History(clock.now_ms)
        self.journal = Journal()
        self.queue = Queue("id", clock, self.history, self.journal, partitions)
        self.first = self.journal.present()
        self.got: list[tuple[str, str, int]] = []
        self.published = 0

    def publish(self, *device_ids: str) -> None:
        """Publish a message of each device; messages are numbered from 1."""
        for device_id in device_ids:
            self.published += 1
            result = CommandResult(str(self.published), device_id, NOON, ProcessStatus.SUCCEEDED)
            self.queue.publish(Message(f"m{self.published}", "", NOON, result, "command"))

    def consumer(self, name: str, room: SharedReceiverQueue | Permits, priority: int = 0) -> Consumer:
        """A consumer that notes what it gets."""

        def note(message: Message, _: int) -> None:
            self.got.append((name, message.subject.device_id, int(message.message_id[1:])))

        return Consumer(name, note, room, about=About("native", "", name, priority))

    def everywhere(self, name: str, room: SharedReceiverQueue | Permits) -> list[Consumer]:
        """A consumer of each partition, connected, that share their room."""
        consumers = [self.consumer(name, room) for _ in self.queue.mains]
        for main, consumer in zip(self.queue.mains, consumers, strict=True):
            main.connect(consumer)
        return consumers


def active(subscription: Subscription, history: History) -> str:
    """The name of a partition's active consumer, as the history tells it."""
    changes = [each.event for each in history.after() if isinstance(each.event, ConsumerChanged)]
    mine = [each for each in changes if each.partition == subscription.partition and each.change == "active"]
    return mine[-1].consumer


devices = st.lists(st.sampled_from([f"6ce{number}" for number in range(6)]), max_size=30)


@given(devices, st.integers(0, 5), st.integers(1, 4))
def test_the_messages_of_a_device_keep_their_order(device_ids: list[str], partitions: int, size: int) -> None:
    """Whatever comes between, and however little room all partitions share; nothing is lost and nothing comes twice."""
    topic = Topic(partitions)
    half = len(device_ids) // 2
    topic.publish(*device_ids[:half])
    consumers = topic.everywhere("one", SharedReceiverQueue(size))
    topic.publish(*device_ids[half:])
    while (taken := len(topic.got)) < len(device_ids):
        acknowledge(topic, consumers, topic.got[-1][2])
        assert len(topic.got) > taken, "stuck: there is room, and a partition with messages"
    by_device: dict[str, list[int]] = defaultdict(list)
    for _, device_id, number in topic.got:
        by_device[device_id].append(number)
    assert all(numbers == sorted(numbers) for numbers in by_device.values())
    assert sorted(number for _, _, number in topic.got) == list(range(1, len(device_ids) + 1))


def acknowledge(topic: Topic, consumers: list[Consumer], number: int) -> None:
    """Acknowledge a message in whichever partition has it."""
    parts = zip(topic.queue.mains, consumers, strict=True)
    assert any(main.acknowledge(consumer, f"m{number}") for main, consumer in parts)


@given(devices, st.integers(0, 5), st.data())
def test_messages_are_conserved(device_ids: list[str], partitions: int, data: st.DataObject) -> None:
    """What was published is acknowledged or pending, in each subscription; cumulatively, nothing behind is touched."""
    topic = Topic(partitions)
    consumers = topic.everywhere("one", SharedReceiverQueue(3))
    topic.publish(*device_ids)
    mains = topic.queue.mains
    for _ in range(3):
        index = data.draw(st.integers(0, len(mains) - 1))
        before = [message.message_id for message in mains[index].pending_messages()]
        if not before:
            continue
        place = data.draw(st.integers(0, len(before) - 1))
        assert mains[index].acknowledge_up_to(consumers[index], before[place]) == place + 1
        assert [message.message_id for message in mains[index].pending_messages()] == before[place + 1 :]
        assert sum(each.pending + each.acknowledged for each in mains) == len(device_ids)
    [test] = topic.queue.make("event-test", "id-sub")
    assert test.pending + test.acknowledged == len(device_ids)


def test_a_rewind_is_of_one_partition() -> None:
    """With its backlog, in its order; the others go on."""
    topic = Topic(2)
    names = sorted((f"6ce{number}" for number in range(9)), key=lambda each: topic.queue.partition_of(each) or 0)
    first, last = names[0], names[-1]
    topic.publish(first, last, first, first)
    permits = Permits(2)
    one = topic.consumer("one", permits)
    other = topic.consumer("other", Permits(9))
    topic.queue.mains[0].connect(one)
    topic.queue.mains[1].connect(other)
    topic.got.clear()
    permits.count = 9
    assert topic.queue.mains[0].rewind(one) == 2
    assert topic.got == [("one", first, 1), ("one", first, 3), ("one", first, 4)]


def test_consumers_share_the_partitions_by_priority_and_name() -> None:
    """As a broker assigns them: a newcomer takes some from one that stays, with what that one has not acknowledged."""
    topic = Topic(4)
    told: list[tuple[str, int, bool]] = []
    for name in ("b", "a"):
        for place, main in enumerate(topic.queue.mains):
            consumer = topic.consumer(name, Permits(9))
            consumer.on_active = lambda is_active, name=name, place=place: told.append(  # type: ignore[misc]
                (name, place, is_active)
            )
            main.connect(consumer)
        if name == "b":
            topic.publish(*(f"6ce{number}" for number in range(9)))
            topic.got.clear()
    assert [active(main, topic.history) for main in topic.queue.mains] == ["a", "b", "a", "b"]
    moved = [number for name, _, number in topic.got if name == "a"]
    assert len(moved) == sum(main.pending for main in topic.queue.mains[::2])
    assert moved
    assert [each for each in told if each[0] == "b"][-2:] == [("b", 0, False), ("b", 2, False)]
    assert [each for each in told if each[0] == "a"] == [
        ("a", 0, True),
        ("a", 1, False),
        ("a", 2, True),
        ("a", 3, False),
    ]
    [urgent] = [topic.consumer("z", Permits(9), priority=-1)]
    topic.queue.mains[0].connect(urgent)
    assert active(topic.queue.mains[0], topic.history) == "z"


def test_who_has_lost_a_partition_may_still_acknowledge() -> None:
    """It works through what its library has; the new one does not get that again."""
    topic = Topic(1)
    [main] = topic.queue.mains
    old, new = topic.consumer("b", Permits(9)), topic.consumer("a", Permits())
    main.connect(old)
    topic.publish("6ce1", "6ce1")
    main.connect(new)
    assert main.acknowledge(old, "m1")
    assert [message.message_id for message in main.pending_messages()] == ["m2"]


def test_the_test_topic_has_no_partitions() -> None:
    """As documented; a partition that is not there is none."""
    queue = Topic(11).queue
    assert [len(queue.make(topic, "id-sub")) for topic in ("event", "event-test")] == [11, 1]
    with pytest.raises(KeyError):
        queue.subscription("event", "id-sub", 11)
    with pytest.raises(KeyError):
        queue.subscription("event", "id-sub")


def test_a_forgotten_subscription_is_made_anew() -> None:
    """One partition at a time; it gets what is published from then on."""
    topic = Topic(2)
    queue = topic.queue
    for part in queue.make("event", "id-mine"):
        assert queue.has_subscription("event", "id-mine")
        queue.forget(part)
    assert not queue.has_subscription("event", "id-mine")
    topic.publish("6ce1")
    assert sum(part.pending for part in queue.make("event", "id-mine")) == 0
    topic.publish("6ce1")
    assert sum(part.pending for part in queue.make("event", "id-mine")) == 1


def test_a_reset_keeps_all_partitions_of_a_name_that_is_consumed() -> None:
    """Who consumes one partition so far will want the messages of the others too."""
    topic = Topic(2)
    part, _ = topic.queue.make("event", "id-mine")
    part.connect(topic.consumer("one", Permits(1)))
    topic.queue.make("event", "id-old")
    topic.journal.resume(topic.first)
    assert [each[0].name for each in topic.queue.named()] == ["id-sub", "id-sub", "id-mine"]
    assert len(topic.queue.named()[2]) == 2


@pytest.mark.parametrize("profile", [Profile(), PRESETS["partitioned"]])
def test_the_history_says_which_partition_a_message_is_in(profile: Profile) -> None:
    """Where there are some, by the profile; ids are one series over all of them."""
    project = make_project(profile)
    keep_passes(project, NOON, NOON, fate="deliver")
    told = [each.event for each in project.history.after() if isinstance(each.event, MessagePublished)]
    device_id = told[0].device_id
    assert [each.partition for each in told] == [project.queue.partition_of(device_id)] * 2
    assert (told[0].partition is None) == (profile.queue_partitions == 0)
    assert sum(main.pending for main in project.queue.mains) == 2
