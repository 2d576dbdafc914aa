import json
from typing import Any, Literal

import pytest

from mock_server.faults.catalogue import FaultKind
from mock_server.faults.faults import Fault
from mock_server.model import JsonObject
from mock_server.profile import Profile
from mock_server.project import Project
from mock_server.wire.protobuf import encode
from mock_server.wire.pulsar_commands import (
    UNASKED,
    AckType,
    CommandAck,
    CommandActiveConsumerChange,
    CommandCloseConsumer,
    CommandError,
    CommandFlow,
    CommandGetLastMessageId,
    CommandGetLastMessageIdResponse,
    CommandGetTopicsOfNamespace,
    CommandPartitionedTopicMetadata,
    CommandSeek,
    CommandSuccess,
    CommandUnsubscribe,
    KeyValue,
    MessageIdData,
    MetadataType,
    ServerError,
)
from tests.native_client import (
    NativeClient,
    Received,
    connected,
    consuming,
    id_data,
    native_connections,
    only,
    received,
)
from tests.support import ACCESS_ID, LOT, NOON, keep_passes, make_project

OWN = f"{ACCESS_ID}-own"
FIRST, SECOND = encode(MessageIdData(1, 1)), encode(MessageIdData(1, 2))
EARLIEST, LATEST = MessageIdData(-1, -1), MessageIdData(2**63 - 1, 2**63 - 1)


def entries(heard: list[Any]) -> list[int]:
    """The entries of the messages among what was heard."""
    return [each.command.message_id.entry for each in received(heard)]


def acknowledged(project: Project) -> list[str]:
    """The acknowledged message ids, in their order."""
    return [event["message_id"] for event in shown(project, "message.acknowledged")]


def shown(project: Project, kind: str) -> list[Any]:
    """The events of a kind."""
    events: list[JsonObject] = [entry.to_json() for entry in project.history.after(0)]
    return [event for event in events if event["kind"] == kind]


def test_a_message_is_the_outer_json_with_its_properties() -> None:
    """Not base64, as a WebSocket frame has it; with a right checksum and the lot's key."""
    client = consuming(make_project())
    keep_passes(client.project, 1)
    [message] = received(client.heard())
    outer = json.loads(message.payload)
    assert outer.keys() == {"data", "protocol", "pv", "t", "sign"}
    assert (message.is_whole, message.metadata.properties) == (True, (KeyValue("em", "aes_ecb"),))
    assert (message.metadata.publish_time, message.metadata.partition_key) == (NOON, LOT)
    assert (message.metadata.sequence_id, message.command.message_id) == (1, MessageIdData(1, 1))
    assert message.command.consumer_epoch is None


def test_the_mode_of_the_encryption_is_a_property() -> None:
    """As the profile has it."""
    client = consuming(make_project(Profile(encryption="aes_gcm")))
    keep_passes(client.project, 1)
    [message] = received(client.heard())
    assert message.metadata.properties == (KeyValue("em", "aes_gcm"),)


def test_a_delivery_takes_a_permit() -> None:
    """Acknowledged or not; without permits nothing comes, and a flow of 0 changes nothing."""
    client = connected(make_project())
    keep_passes(client.project, *range(9))
    assert entries(client.subscribe(permits=0)) == []
    assert entries(client.say(CommandFlow(0, 2))) == [1, 2]
    assert entries(client.acknowledge(*received([]))) == []
    assert entries(client.say(CommandFlow(0, 0))) == []
    assert entries(client.say(CommandFlow(0, 4))) == [3, 4, 5, 6]
    assert entries(client.say(CommandFlow(0, 2**32 - 1), CommandFlow(0, 2**32 - 1))) == [7, 8, 9]


def test_a_flow_for_nobody_is_ignored() -> None:
    """The consumer may have been closed from this side just now."""
    client = connected(make_project())
    assert client.say(CommandFlow(3, 1)) == []
    assert client.transport.ended is None


def three_held() -> tuple[NativeClient, list[Received]]:
    """A client that holds three messages."""
    client = consuming(make_project())
    keep_passes(client.project, 1, 2, 3)
    return client, received(client.heard())


def test_messages_are_acknowledged_one_by_one() -> None:
    """In any order; unknown ones, and those before the first, are ignored."""
    client, [first, second, third] = three_held()
    client.acknowledge(third, first)
    for unknown in (MessageIdData(1000, -1), MessageIdData(-1, -1), MessageIdData(1, 99), MessageIdData(2**62, 2**62)):
        client.say(CommandAck(0, AckType.INDIVIDUAL, (encode(unknown),)))
        client.say(CommandAck(0, AckType.CUMULATIVE, (encode(unknown),)))
    assert client.project.queue.main.pending == 1
    client.acknowledge(second, second)
    assert client.project.idle().idle


def test_messages_are_acknowledged_up_to_one() -> None:
    """One event for each; a second time nothing happens."""
    client, [_, second, _] = three_held()
    client.acknowledge_up_to(second)
    client.acknowledge_up_to(second)
    assert [id_data(each).entry for each in acknowledged(client.project)] == [1, 2]
    assert client.project.queue.main.pending == 1


@pytest.mark.parametrize(
    "command",
    [
        CommandAck(0, AckType.CUMULATIVE, (FIRST, SECOND)),
        CommandAck(0, AckType.CUMULATIVE, ()),
        CommandAck(0, 7, (FIRST,)),
        CommandAck(5, AckType.INDIVIDUAL, (FIRST,)),
    ],
)
def test_an_acknowledgement_that_no_client_sends_is_ignored(command: CommandAck) -> None:
    """Several ids at once cumulatively, none, another type, of no consumer."""
    client, _ = three_held()
    assert client.say(command) == []
    assert client.project.queue.main.pending == 3


def test_redelivery_gives_everything_again_in_order() -> None:
    """Whatever is not acknowledged, without permits for more than there are."""
    client, [_, second, _] = three_held()
    client.acknowledge(second)
    assert entries(client.redeliver()) == [1, 3]
    keep_passes(client.project, 4)
    assert entries(client.heard()) == [4]


@pytest.mark.parametrize(("profile", "told"), [("broker", [0, 0]), ("counted", [0, 1])])
def test_the_redelivery_count_is_the_profiles(profile: Literal["broker", "counted"], told: list[int]) -> None:
    """Always 0, as a broker tells it for this type of subscription, or counted; the history counts in any case."""
    client = consuming(make_project(Profile(redelivery_count=profile)))
    keep_passes(client.project, 1)
    messages = received(client.heard()) + received(client.redeliver())
    assert [each.command.redelivery_count for each in messages] == told
    assert [event["redelivery_count"] for event in shown(client.project, "message.delivered")] == [0, 1]


def test_what_a_library_discards_is_no_acknowledgement() -> None:
    """It is gone all the same, and the history says why."""
    client, _ = three_held()
    client.say(CommandAck(0, AckType.INDIVIDUAL, (FIRST,), validation_error=2))
    client.say(CommandAck(0, AckType.INDIVIDUAL, (SECOND,), validation_error=99))
    assert [event["error"] for event in shown(client.project, "message.discarded")] == ["ChecksumMismatch", "error 99"]
    assert (acknowledged(client.project), client.project.queue.main.pending) == ([], 1)


PARTITIONED = Profile(queue_partitions=2)


def partition_of(client: NativeClient, partition: int) -> str:
    """The topic of one partition."""
    return f"{client.topic}-partition-{partition}"


def test_a_topic_with_partitions_is_consumed_by_partition() -> None:
    """The number is told for the topic, and 0 for one of its partitions; messages and their ids carry theirs."""
    client = connected(make_project(PARTITIONED))
    for topic, count in ((client.topic, 2), (partition_of(client, 1), 0), (f"{client.topic}-test", 0)):
        [told] = client.say(CommandPartitionedTopicMetadata(topic, 1))
        assert (told.partitions, told.response) == (count, MetadataType.SUCCESS)
    heard = [*client.subscribe(0, topic=partition_of(client, 0)), *client.subscribe(1, topic=partition_of(client, 1))]
    assert len(only(CommandSuccess, heard)) == 2
    keep_passes(client.project, 1, 2)
    messages = received(client.heard())
    assert [each.command.message_id.partition for each in messages] == [client.project.queue.partition_of(LOT)] * 2
    client.acknowledge_up_to(messages[-1], messages[0].command.consumer_id)
    assert client.project.idle().idle


def test_a_topic_with_partitions_has_no_consumer_of_its_own() -> None:
    """Nor is there one more partition than there are."""
    client = connected(make_project(PARTITIONED))
    [whole] = client.subscribe(permits=0)
    [beyond] = client.subscribe(permits=0, topic=partition_of(client, 2))
    assert (whole.error, beyond.error) == (ServerError.NOT_ALLOWED, ServerError.TOPIC_NOT_FOUND)
    [topics] = client.say(CommandGetTopicsOfNamespace(1, f"{ACCESS_ID}/out"))
    assert [topic.rpartition("/")[2] for topic in topics.topics] == [
        "event-partition-0",
        "event-partition-1",
        "event-test",
    ]


def test_partitions_are_shared_by_name_and_each_change_is_told() -> None:
    """A newcomer takes a partition from one that stays: both are told, and what was held comes to the new one."""
    project = make_project(PARTITIONED)
    connections = native_connections(project)
    first, second = connected(project, connections), connected(project, connections)
    for number in (0, 1):
        first.subscribe(number, topic=partition_of(first, number), consumer_name="b")
    keep_passes(project, 1)
    [held] = received(first.heard())
    for number in (0, 1):
        second.subscribe(number, topic=partition_of(second, number), consumer_name="a", permits=0)
    assert only(CommandActiveConsumerChange, first.heard()) == [CommandActiveConsumerChange(0, is_active=False)]
    second.connection.lost()
    changes = first.heard()
    assert only(CommandActiveConsumerChange, changes) == [CommandActiveConsumerChange(0, is_active=True)]
    if held.command.message_id.partition == 0:
        assert entries(changes) == [1]


def test_messages_carry_the_newest_epoch() -> None:
    """That the client has sent with a subscription or a redelivery: others it throws away."""
    client = connected(make_project())
    keep_passes(client.project, 1)
    [message] = received(client.subscribe(consumer_epoch=0))
    assert message.command.consumer_epoch == 0
    [again] = received(client.redeliver(epoch=2))
    assert again.command.consumer_epoch == 2
    [late] = received(client.redeliver(epoch=1))
    assert late.command.consumer_epoch == 2


def test_a_websocket_message_has_the_same_id() -> None:
    """The history's text and the two numbers are one id."""
    client, messages = three_held()
    told = [event["message_id"] for event in shown(client.project, "message.delivered")]
    assert [id_data(each) for each in told] == [each.command.message_id for each in messages]


def test_the_next_consumer_takes_over() -> None:
    """With the same messages in the same order, when the first is closed."""
    project = make_project()
    connections = native_connections(project)
    first, second = consuming(project, connections), consuming(project, connections)
    keep_passes(project, 1, 2)
    assert (entries(first.heard()), entries(second.heard())) == ([1, 2], [])
    first.say(CommandCloseConsumer(0, 1))
    assert entries(second.heard()) == [1, 2]


def test_damage_of_a_message_is_within_a_right_checksum() -> None:
    """The fault damages what the vendor sends, not the transport."""
    client = consuming(make_project())
    client.project.arm(Fault(FaultKind.MESSAGE_FLIP_BIT, 0))
    keep_passes(client.project, 1)
    [damaged] = received(client.heard())
    [whole] = received(client.redeliver())
    assert (damaged.is_whole, whole.is_whole) == (True, True)
    assert json.loads(damaged.payload)["data"] != json.loads(whole.payload)["data"]
    assert json.loads(damaged.payload)["sign"] == json.loads(whole.payload)["sign"]


def test_a_fault_closes_a_consumer_and_not_its_connection() -> None:
    """After the delivery that is on the stack; what is due meanwhile is not sent, and comes after it has subscribed."""
    client = consuming(make_project())
    client.project.arm(Fault(FaultKind.CONSUMER_CLOSE, 0))
    keep_passes(client.project, 1, 2)
    assert client.heard() == []
    client.run_soon()
    assert client.heard() == [CommandCloseConsumer(0, UNASKED)]
    assert entries(client.subscribe()) == [1, 2]


def test_a_consumer_that_is_closed_already_is_not_closed_by_the_fault() -> None:
    """Nor is the one that has come with its number."""
    client = consuming(make_project())
    client.project.arm(Fault(FaultKind.CONSUMER_CLOSE, 0))
    keep_passes(client.project, 1)
    client.say(CommandCloseConsumer(0, 5))
    assert entries(client.subscribe()) == [1]
    client.run_soon()
    assert client.heard() == []


def test_a_fault_makes_a_checksum_wrong() -> None:
    """Of one delivery: the next one of the same message is whole."""
    client = consuming(make_project())
    client.project.arm(Fault(FaultKind.MESSAGE_BAD_CHECKSUM, 0))
    keep_passes(client.project, 1)
    assert [each.is_whole for each in received(client.heard()) + received(client.redeliver())] == [False, True]


@pytest.mark.parametrize("is_cumulative", [False, True])
def test_a_fault_loses_an_acknowledgement(*, is_cumulative: bool) -> None:
    """The client is told nothing of it: what it has acknowledged is still there."""
    client, messages = three_held()
    client.project.arm(Fault(FaultKind.ACK_LOSE, 60_000))
    if is_cumulative:
        client.acknowledge_up_to(messages[-1])
    else:
        client.acknowledge(messages[0])
    assert client.project.queue.main.pending == 3


@pytest.mark.parametrize(("code", "error"), [(5, ServerError.CONSUMER_BUSY), (6, ServerError.SERVICE_NOT_READY)])
def test_a_fault_refuses_a_subscription(code: int, error: ServerError) -> None:
    """With the code that it names; the next time it is taken."""
    client = connected(make_project())
    client.project.arm(Fault(FaultKind.SUBSCRIBE_REFUSE, code))
    [refused] = client.subscribe(permits=0)
    assert refused.error == error
    assert only(CommandSuccess, client.subscribe())


@pytest.mark.parametrize(
    ("place", "left"),
    [
        ({"message_id": EARLIEST}, [1, 2, 3]),
        ({"message_id": LATEST}, []),
        ({"message_id": MessageIdData(1, 2)}, [2, 3]),
        ({"message_id": MessageIdData(1, 77)}, [1, 2, 3]),
        ({"message_publish_time": NOON}, [1, 2, 3]),
        ({"message_publish_time": NOON + 1}, []),
        ({}, [1, 2, 3]),
    ],
)
def test_a_seek_passes_what_is_before_its_place(place: dict[str, Any], left: list[int]) -> None:
    """Then the consumer is closed from this side, as by a broker, and subscribes again. What is passed is not kept."""
    client, _ = three_held()
    answer = client.say(CommandSeek(0, 9, **place))
    assert answer == [CommandSuccess(9), CommandCloseConsumer(0, UNASKED)]
    assert entries(client.subscribe()) == left


def test_the_newest_message_is_told() -> None:
    """Acknowledged or not; before the first it is -1."""
    client = consuming(make_project())
    assert client.say(CommandGetLastMessageId(0, 5)) == [CommandGetLastMessageIdResponse(EARLIEST, 5)]
    keep_passes(client.project, 1, 2, 3)
    client.acknowledge(*received(client.heard()))
    assert client.say(CommandGetLastMessageId(0, 4)) == [CommandGetLastMessageIdResponse(MessageIdData(1, 3), 4)]


def test_a_subscription_is_forgotten() -> None:
    """With its messages, and made anew by the next consumer."""
    client = connected(make_project())
    client.subscribe(subscription=OWN)
    keep_passes(client.project, 1)
    client.heard()
    assert client.say(CommandUnsubscribe(0, 8)) == [CommandSuccess(8)]
    assert not client.project.queue.has_subscription("event", OWN)
    assert entries(client.subscribe(subscription=OWN)) == []


def test_the_main_subscription_is_not_forgotten() -> None:
    """Nor one that others consume."""
    project = make_project()
    connections = native_connections(project)
    first, second = connected(project, connections), connected(project, connections)
    first.subscribe(subscription=OWN)
    second.subscribe(subscription=OWN)
    [shared] = first.say(CommandUnsubscribe(0, 8))
    second.subscribe(1)
    [main] = second.say(CommandUnsubscribe(1, 9))
    assert [shared.error, main.error] == [ServerError.NOT_ALLOWED] * 2
    assert project.queue.has_subscription("event", OWN)


@pytest.mark.parametrize("command", [CommandUnsubscribe(4, 8), CommandSeek(4, 8), CommandGetLastMessageId(4, 8)])
def test_requests_of_no_consumer_are_refused(command: Any) -> None:
    """With their request id."""
    [refused] = only(CommandError, connected(make_project()).say(command))
    assert (refused.request_id, refused.error) == (8, ServerError.METADATA)
