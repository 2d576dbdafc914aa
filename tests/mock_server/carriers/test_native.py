import json
from collections.abc import Callable
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mock_server.carriers.native import (
    BROKER_URL,
    BROKER_URL_TLS,
    MAX_CONSUMERS,
    MAX_PROJECT_CONNECTIONS,
    NativeConnections,
)
from mock_server.cloud import Cloud
from mock_server.faults.catalogue import FaultKind
from mock_server.faults.faults import Fault
from mock_server.profile import Profile
from mock_server.project import Project
from mock_server.wire.protobuf import encode
from mock_server.wire.pulsar_commands import (
    MAX_PROTOCOL_VERSION,
    UNASKED,
    AckType,
    CommandAck,
    CommandAckResponse,
    CommandActiveConsumerChange,
    CommandAuthResponse,
    CommandCloseConsumer,
    CommandCloseProducer,
    CommandConnected,
    CommandConsumerStats,
    CommandError,
    CommandFlow,
    CommandGetSchema,
    CommandGetTopicsOfNamespace,
    CommandGetTopicsOfNamespaceResponse,
    CommandLookupTopic,
    CommandLookupTopicResponse,
    CommandMessage,
    CommandPartitionedTopicMetadata,
    CommandPartitionedTopicMetadataResponse,
    CommandPing,
    CommandPong,
    CommandProducer,
    CommandSubscribe,
    CommandSuccess,
    LookupType,
    MessageIdData,
    MetadataType,
    PulsarCommand,
    ServerError,
    SubType,
)
from mock_server.wire.pulsar_frames import command_frame
from mock_server.words import mask
from tests.native_client import (
    NativeClient,
    connect_command,
    connected,
    consuming,
    native_connections,
    only,
    received,
)
from tests.support import ACCESS_ID, ACCESS_SECRET, keep_passes, make_project

TOPIC = f"persistent://{ACCESS_ID}/out/event"
SUB = f"{ACCESS_ID}-sub"


def test_a_client_with_its_credentials_is_let_in() -> None:
    """The answer names the lower of both protocol versions."""
    client = NativeClient(make_project())
    assert client.connect() == [CommandConnected("parking-mock", 20, 5_242_880)]
    assert (client.connection.project, client.connection.client) == (client.project, "Pulsar-CPP-v4.2.0")


@pytest.mark.parametrize(("theirs", "spoken"), [(12, 12), (99, MAX_PROTOCOL_VERSION), (-1, 0)])
def test_the_lower_version_is_spoken(theirs: int, spoken: int) -> None:
    """Whatever number a client says."""
    [answer] = NativeClient(make_project()).connect(protocol_version=theirs)
    assert answer.protocol_version == spoken


@pytest.mark.parametrize("blanks", [(",", ":"), (", ", ": "), (" , ", " :  ")])
def test_credentials_are_json_with_any_blanks(blanks: tuple[str, str]) -> None:
    """Each SDK has its own."""
    client = NativeClient(make_project())
    data = json.loads(connect_command(client.project).auth_data or b"")
    answer = client.connect(auth_data=json.dumps(data, separators=blanks).encode())
    assert only(CommandConnected, answer)


@pytest.mark.parametrize(
    "changed",
    [
        {"auth_method_name": None},
        {"auth_method_name": "token"},
        {"auth_data": None},
        {"auth_data": b"\xff"},
        {"auth_data": b"{"},
        {"auth_data": b"[]"},
        {"auth_data": b"[" * 10_000},
        {"auth_data": b"{}"},
        {"auth_data": b'{"username": 1, "password": null}'},
        {"auth_data": json.dumps({"username": ACCESS_ID, "password": "wrong"}).encode()},
        {"auth_data": json.dumps({"username": ACCESS_ID, "password": "\ud800"}).encode()},
        {"auth_data": json.dumps({"username": "nobody", "password": "0"}).encode()},
    ],
    ids=str,
)
def test_others_are_told_so_and_closed(changed: dict[str, Any]) -> None:
    """Unasked, as a request id of -1 says; whatever they say then is not heard."""
    client = NativeClient(make_project())
    [refused] = client.connect(**changed)
    assert (refused.request_id, refused.error) == (UNASKED, ServerError.AUTHENTICATION)
    assert client.transport.ended == "closed"
    assert client.connect() == []
    assert client.connection.project is None


def test_a_refusal_is_in_the_history_of_its_project() -> None:
    """With the carrier, the client's version and the reason."""
    client = NativeClient(make_project())
    client.connect(auth_data=json.dumps({"username": ACCESS_ID, "password": "wrong"}).encode())
    again = connected(client.project)
    again.subscribe(permits=0, subscription="sub")
    again.say(CommandLookupTopic("persistent://somebody/out/event", 1))
    told: list[Any] = [entry.to_json() for entry in client.project.history.after(0)]
    assert [
        (each["carrier"], each["client"], each["reason"]) for each in told if each["kind"] == "consumer.refused"
    ] == [
        ("native", "Pulsar-CPP-v4.2.0", "credentials"),
        ("native", "Pulsar-CPP-v4.2.0", "name"),
        ("native", "Pulsar-CPP-v4.2.0", "tenant"),
    ]


def test_who_names_no_project_means_the_only_one() -> None:
    """A wrong access id is the likeliest mistake of all. Beside others nobody can say whose it was."""
    project = make_project()
    other = Project("another", ACCESS_SECRET, project.seed, project.clock)
    cloud = Cloud(project.clock)
    cloud.add(project)
    for refused in (1, 1):
        NativeClient(project, NativeConnections(cloud)).connect(auth_data=b'{"username": "nobody", "password": "0"}')
        assert [each.event.kind for each in project.history.after()].count("consumer.refused") == refused
        if cloud.only:
            cloud.add(other)
    assert "consumer.refused" not in [each.event.kind for each in other.history.after()]


def test_no_name_of_a_client_tells_the_secret() -> None:
    """Whatever it calls itself, its consumer, its subscription, its topic or a producer."""
    project = make_project()
    said = f"client {ACCESS_SECRET} {project.queue_password}"
    NativeClient(project).connect(
        client_version=said, auth_data=f'{{"username": "{ACCESS_ID}", "password": ""}}'.encode()
    )
    client = NativeClient(project)
    client.connect(client_version=said)
    client.subscribe(permits=0, subscription=f"{ACCESS_ID}-{said}")
    client.subscribe(permits=0, subscription=said, durable=False)
    client.say(CommandLookupTopic(f"persistent://{said}/out/event", 1))
    client.say(CommandLookupTopic(f"persistent://{ACCESS_ID}/out/{said}", 1))
    client.say(CommandProducer(f"persistent://{ACCESS_ID}/out/{said}", 1, 2))
    client.subscribe(consumer_name=said)
    history = json.dumps([entry.to_json() for entry in project.history.after()])
    assert history.count(mask(ACCESS_SECRET)) == history.count(mask(project.queue_password)) == 9
    assert ACCESS_SECRET not in history
    assert project.queue_password not in history


@pytest.mark.parametrize(
    "command",
    [CommandPing(), CommandPartitionedTopicMetadata(TOPIC, 1), CommandFlow(0, 1), CommandProducer(TOPIC, 0, 1)],
)
def test_nothing_is_answered_before_connect(command: PulsarCommand) -> None:
    """The connection is closed."""
    client = NativeClient(make_project())
    assert client.say(command) == []
    assert client.transport.ended == "closed"


def test_a_client_connects_once() -> None:
    """A second CONNECT closes the connection."""
    client = connected(make_project())
    assert client.connect() == []
    assert client.transport.ended == "closed"


def test_a_project_has_not_too_many_connections() -> None:
    """One more is told so and closed; others are not touched."""
    project = make_project()
    connections = native_connections(project)
    clients = [connected(project, connections) for _ in range(MAX_PROJECT_CONNECTIONS)]
    late = NativeClient(project, connections)
    [refused] = late.connect()
    assert refused.error == ServerError.TOO_MANY_REQUESTS
    clients[0].connection.lost()
    assert only(CommandConnected, NativeClient(project, connections).connect())


@pytest.mark.parametrize(
    "content", [b"\x00" * 8, b"GET / HTTP/1.1\r\n\r\n", b"\x00\x00\x00\x08\x00\x00\x00\x04\x08\xff\xff\xff"]
)
def test_bytes_that_say_nothing_close_the_connection(content: bytes) -> None:
    """Before and after CONNECT, without an answer."""
    for client in (NativeClient(make_project()), connected(make_project())):
        client.connection.feed(content)
        assert (client.transport.ended, client.heard()) == ("closed", [])


@pytest.mark.parametrize("answer", [CommandMessage(0, MessageIdData(1, 1)), CommandSuccess(1), CommandError(1, 0, "")])
def test_what_only_a_broker_says_closes_the_connection(answer: PulsarCommand) -> None:
    """A client does not say it."""
    client = connected(make_project())
    assert client.say(answer) == []
    assert client.transport.ended == "closed"


@pytest.mark.parametrize(
    "command", [CommandConsumerStats(5, 0), CommandGetSchema(5, TOPIC)], ids=lambda command: type(command).__name__
)
def test_what_is_not_there_is_refused(command: PulsarCommand) -> None:
    """With its request id; the connection stays."""
    client = connected(make_project())
    [refused] = client.say(command)
    assert (refused.request_id, refused.error) == (5, ServerError.NOT_ALLOWED)
    assert client.say(CommandPing()) == [CommandPong()]


def test_producers_are_refused() -> None:
    """Messages come from lots; closing what was refused is confirmed."""
    client = connected(make_project())
    [refused] = client.say(CommandProducer(TOPIC, 0, 5))
    assert (refused.request_id, refused.error) == (5, ServerError.AUTHORIZATION)
    assert client.say(CommandCloseProducer(0, 6)) == [CommandSuccess(6)]


def test_pings_are_answered_and_pongs_are_not() -> None:
    """Nor are credentials that nobody asked for."""
    client = connected(make_project())
    assert client.say(CommandPing(), CommandPong(), CommandAuthResponse(), CommandPing()) == [CommandPong()] * 2
    client.connection.ping()
    assert client.heard() == [CommandPing()]


def test_a_topic_has_no_partitions() -> None:
    """Asked twice with the same number, it is answered twice."""
    client = connected(make_project())
    asked = CommandPartitionedTopicMetadata(TOPIC, 1)
    assert client.say(asked, asked) == [CommandPartitionedTopicMetadataResponse(0, 1, MetadataType.SUCCESS)] * 2


def test_a_lookup_keeps_the_client_at_its_address() -> None:
    """Both URLs, authoritative, through the service URL: what each client needs of it."""
    client = connected(make_project())
    [answer] = client.say(CommandLookupTopic(TOPIC, 2))
    assert answer == CommandLookupTopicResponse(
        BROKER_URL, BROKER_URL_TLS, LookupType.CONNECT, 2, authoritative=True, proxy_through_service_url=True
    )


@pytest.mark.parametrize(
    ("topic", "error"),
    [
        ("persistent://somebody/out/event", ServerError.AUTHORIZATION),
        (f"persistent://{ACCESS_ID}/out/other", ServerError.TOPIC_NOT_FOUND),
        (f"persistent://{ACCESS_ID}/in/event", ServerError.TOPIC_NOT_FOUND),
        (f"non-persistent://{ACCESS_ID}/out/event", ServerError.TOPIC_NOT_FOUND),
        (f"persistent://{ACCESS_ID}/out/event-partition-0", ServerError.TOPIC_NOT_FOUND),
        ("", ServerError.TOPIC_NOT_FOUND),
        ("\ud800".encode("utf-8", "replace").decode(), ServerError.TOPIC_NOT_FOUND),
    ],
)
def test_other_topics_are_refused(topic: str, error: ServerError) -> None:
    """In a lookup, in the question for partitions, and to a consumer."""
    client = connected(make_project())
    partitions, broker, subscribed = client.say(
        CommandPartitionedTopicMetadata(topic, 1),
        CommandLookupTopic(topic, 2),
        CommandSubscribe(topic, SUB, SubType.FAILOVER, 0, 3),
    )
    assert (partitions.request_id, partitions.response, partitions.error) == (1, MetadataType.FAILED, error)
    assert (broker.request_id, broker.response, broker.error) == (2, LookupType.FAILED, error)
    assert (subscribed.request_id, subscribed.error) == (3, error)


def test_a_topic_without_a_scheme_is_persistent() -> None:
    """Java's SUBSCRIBE has it as the application wrote it (recorded: pulsar-client 3.0.7)."""
    client = connected(make_project())
    short = f"{ACCESS_ID}/out/event"
    assert only(CommandSuccess, client.subscribe(topic=short))
    [partitions, broker] = client.say(CommandPartitionedTopicMetadata(short, 1), CommandLookupTopic(short, 2))
    assert (partitions.response, broker.response) == (MetadataType.SUCCESS, LookupType.CONNECT)


@pytest.mark.parametrize(("namespace", "count"), [(f"{ACCESS_ID}/out", 2), ("somebody/out", 0), ("", 0)])
def test_topics_of_a_namespace(namespace: str, count: int) -> None:
    """The project's own, and none of another."""
    [answer] = connected(make_project()).say(CommandGetTopicsOfNamespace(1, namespace))
    assert isinstance(answer, CommandGetTopicsOfNamespaceResponse)
    assert len(answer.topics) == count


def test_a_consumer_joins_and_is_told_that_it_is_active() -> None:
    """In this order; a second one is not active, until the first has left."""
    project = make_project()
    connections = native_connections(project)
    first, second = connected(project, connections), connected(project, connections)
    assert first.subscribe() == [CommandSuccess(7), CommandActiveConsumerChange(0, is_active=True)]
    assert second.subscribe() == [CommandSuccess(7), CommandActiveConsumerChange(0, is_active=False)]


@pytest.mark.parametrize(
    ("changed", "error"),
    [
        ({"sub_type": SubType.SHARED}, ServerError.NOT_ALLOWED),
        ({"sub_type": SubType.KEY_SHARED}, ServerError.NOT_ALLOWED),
        ({"sub_type": 9}, ServerError.NOT_ALLOWED),
        ({"durable": False, "subscription": "reader-7d31"}, ServerError.NOT_ALLOWED),
        ({"subscription": "sub"}, ServerError.AUTHORIZATION),
        ({"subscription": f"{ACCESS_ID}-"}, ServerError.AUTHORIZATION),
    ],
)
def test_a_consumer_may_be_refused(changed: dict[str, Any], error: ServerError) -> None:
    """It can try again on the same connection, with the same id."""
    client = connected(make_project())
    [refused] = client.subscribe(permits=0, **changed)
    assert (refused.request_id, refused.error) == (7, error)
    assert only(CommandSuccess, client.subscribe())


def test_a_subscription_that_nobody_made_may_be_refused() -> None:
    """By the profile `own-subscriptions`."""
    client = connected(make_project(Profile(unknown_subscription="refuse")))
    [refused] = client.subscribe(permits=0, subscription=f"{ACCESS_ID}-own")
    assert refused.error == ServerError.SUBSCRIPTION_NOT_FOUND


def test_an_exclusive_consumer_is_alone() -> None:
    """Beside it, and beside others, the next one is refused."""
    project = make_project()
    connections = native_connections(project)
    consuming(project, connections)
    [refused] = connected(project, connections).subscribe(permits=0, sub_type=SubType.EXCLUSIVE)
    assert refused.error == ServerError.CONSUMER_BUSY


def test_the_same_consumer_may_subscribe_again() -> None:
    """With the same topic and subscription, as after a lost answer; not with others."""
    client = consuming(make_project())
    assert only(CommandSuccess, client.subscribe(permits=0))
    [refused] = client.subscribe(permits=0, subscription=f"{ACCESS_ID}-other")
    assert refused.error == ServerError.NOT_ALLOWED
    assert len(client.project.queue.main.consumers) == 1


def test_a_connection_has_not_too_many_consumers() -> None:
    """One more is refused."""
    client = connected(make_project())
    for number in range(MAX_CONSUMERS):
        assert only(CommandSuccess, client.subscribe(number, permits=0))
    [refused] = client.subscribe(MAX_CONSUMERS, permits=0)
    assert refused.error == ServerError.TOO_MANY_REQUESTS


def test_the_history_says_what_consumes() -> None:
    """The carrier, the client's version and the consumer's name."""
    client = consuming(make_project())
    told: list[Any] = [entry.to_json() for entry in client.project.history.after(0)]
    said = [(each["carrier"], each["client"], each["name"]) for each in told if each["kind"] == "consumer"]
    assert said == [("native", "Pulsar-CPP-v4.2.0", "c0")] * 2


def test_a_lost_connection_lets_its_consumers_go() -> None:
    """What they have not acknowledged goes to the next one; bytes that come late are not obeyed."""
    project = make_project()
    connections = native_connections(project)
    first, second = consuming(project, connections), consuming(project, connections)
    keep_passes(project, 1, 2)
    first.connection.lost()
    first.connection.lost()
    assert [each.place for each in received(second.heard())] == [(1, 1), (1, 2)]
    first.connection.feed(command_frame(CommandPing()))
    assert connections.count == 1


def test_connections_of_a_project_are_closed_at_once() -> None:
    """Those without a consumer too, and no others."""
    project = make_project()
    connections = native_connections(project)
    clients = [consuming(project, connections), connected(project, connections), NativeClient(project, connections)]
    connections.abort_of(project)
    assert [client.transport.ended for client in clients] == ["aborted", "aborted", None]
    connections.abort_all()
    assert (clients[2].transport.ended, connections.count) == ("aborted", 0)


def test_a_project_that_is_closed_closes_its_consumers() -> None:
    """By the queue, which knows of no carrier."""
    client = consuming(make_project())
    client.project.queue.close()
    assert client.transport.ended == "closed"


@pytest.mark.parametrize(("kind", "ended"), [(FaultKind.SOCKET_CLOSE, "aborted"), (FaultKind.SOCKET_IDLE, "closed")])
def test_a_fault_of_the_connection_strikes_when_a_message_is_due(kind: FaultKind, ended: str) -> None:
    """After the delivery that is on the stack; what is delivered meanwhile is not sent, and comes again."""
    client = consuming(make_project())
    client.project.arm(Fault(kind, 0))
    keep_passes(client.project, 1, 2)
    assert (client.transport.ended, client.heard()) == (None, [])
    client.run_soon()
    assert client.transport.ended == ended
    again = connected(client.project)
    assert [each.place for each in received(again.subscribe())] == [(1, 1), (1, 2)]


def test_a_turn_ends_deliveries() -> None:
    """They go on in the next one, and only then."""
    client = connected(make_project())
    keep_passes(client.project, *range(10))
    client.subscribe(permits=0)
    client.transport.turns = 3
    client.flow(1000)
    assert len(received(client.heard())) == 3
    client.transport.turns = 4
    client.connection.go_on()
    assert len(received(client.heard())) == 4
    client.transport.turns = None
    client.connection.go_on()
    assert len(received(client.heard())) == 3


def test_a_turn_ends_what_a_client_says() -> None:
    """One command at least is obeyed in each; the rest waits, in its order, and nothing more is read meanwhile."""
    client = connected(make_project())
    client.transport.turns = 1
    assert client.say(*[CommandPing()] * 4) == [CommandPong()] * 2
    assert client.connection.is_behind
    client.connection.go_on()
    assert (client.heard(), client.connection.is_behind) == ([CommandPong()], True)
    client.transport.turns = None
    client.connection.go_on()
    assert (client.heard(), client.connection.is_behind) == ([CommandPong()], False)


def test_an_acknowledgement_that_asks_for_a_receipt_gets_one() -> None:
    """Also of a message that there is not; an unknown consumer is told so."""
    client = consuming(make_project())
    ask = CommandAck(0, AckType.INDIVIDUAL, (encode(MessageIdData(1, 99)),), request_id=0)
    assert client.say(ask) == [CommandAckResponse(0, request_id=0)]
    [unknown] = client.say(ask._replace(consumer_id=5))
    assert (unknown.error, unknown.request_id) == (ServerError.CONSUMER_NOT_FOUND, 0)


def test_a_consumer_is_closed() -> None:
    """It is confirmed, also for one that there is not; the connection stays."""
    client = consuming(make_project())
    assert client.say(CommandCloseConsumer(0, 1), CommandCloseConsumer(0, 2)) == [CommandSuccess(1), CommandSuccess(2)]
    assert client.project.queue.main.consumers == []
    assert only(CommandSuccess, client.subscribe())


RAW = st.binary(max_size=60)
MADE = st.sampled_from(
    [
        CommandPing(),
        CommandLookupTopic(TOPIC, 1),
        CommandSubscribe(TOPIC, SUB, SubType.FAILOVER, 0, 1),
        CommandFlow(0, 3),
        CommandAck(0, AckType.CUMULATIVE, (encode(MessageIdData(1, 2)),)),
        CommandAck(0, AckType.INDIVIDUAL, (encode(MessageIdData(-1, -1)), encode(MessageIdData(2**63 - 1, 0)))),
        CommandCloseConsumer(0, 1),
    ]
).map(command_frame)


@given(st.sampled_from([connected, NativeClient]), st.lists(RAW | MADE, max_size=6))
def test_no_bytes_are_an_exception(make_client: Callable[[Project], NativeClient], pieces: list[bytes]) -> None:
    """Whatever is said in whatever order: it is answered, or the connection ends."""
    client = make_client(make_project())
    keep_passes(client.project, 1, 2, 3)
    for piece in pieces:
        client.connection.feed(piece)
    client.connection.lost()
    client.heard()


def _cut(frame: bytes, place: int) -> tuple[bytes, bytes]:
    return frame[:place], frame[place:]


def test_a_session_may_be_split_anywhere() -> None:
    """At every byte of it, with the same answers."""

    def session(cut: Callable[[bytes], tuple[bytes, ...]]) -> list[Any]:
        client = NativeClient(make_project())
        stream = b"".join(
            command_frame(each)
            for each in (
                connect_command(client.project),
                CommandPartitionedTopicMetadata(TOPIC, 1),
                CommandSubscribe(TOPIC, SUB, SubType.FAILOVER, 0, 1),
                CommandFlow(0, 10),
            )
        )
        for piece in cut(stream):
            client.connection.feed(piece)
        return client.heard()

    whole = session(lambda stream: (stream,))
    for place in range(1, 300, 7):
        assert session(lambda stream, place=place: _cut(stream, place)) == whole  # type: ignore[misc]  # bound at once
