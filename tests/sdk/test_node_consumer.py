"""A consumer that does on the wire what the official Node message SDK does, which is not published on npm."""

from typing import Any

import pytest

from mock_server.profile import Profile
from tests.sdk.node_program import NodeProgram, StartNode
from tests.sdk.python_sdk import value_of
from tests.sdk.world import StartWorld, Tap, World, sync_body
from tests.support import LOT, SYNC_PATH


@pytest.fixture
def consumer(world: World, start_node: StartNode) -> NodeProgram:
    """A connected consumer."""
    consumer = start_node.consumer(world)
    consumer.next_event("open")
    return consumer


def _next_message(consumer: NodeProgram) -> dict[str, Any]:
    message: dict[str, Any] = consumer.next_event("message")["message"]
    return message


def _take(consumer: NodeProgram) -> Any:
    """The inner object of the next message, which is acknowledged."""
    message = _next_message(consumer)
    consumer.tell({"ack": message["messageId"]})
    return value_of(message["payload"]["data"])


def test_handshake(world: World, start_node: StartNode, tap_ws: Tap) -> None:
    """Path, query order and credentials are the SDK's."""
    start_node.consumer(world, url=f"ws://127.0.0.1:{tap_ws.port}/").next_event("open")
    path = f"/ws/v2/consumer/persistent/{world.access_id}/out/event/{world.access_id}-sub"
    head = tap_ws.head()
    assert head[0] == f"GET {path}?subscriptionType=Failover&ackTimeoutMillis=30000 HTTP/1.1"
    assert f"username: {world.access_id}" in head
    assert any(line.startswith("password: ") and len(line) == len("password: ") + 16 for line in head)


@pytest.mark.parametrize("encryption", ["aes_ecb", "aes_gcm"])
def test_both_ciphers(start_world: StartWorld, start_node: StartNode, encryption: Any) -> None:
    """The property `em` names the cipher, and the consumer decrypts either."""
    world = start_world(Profile(encryption=encryption))
    consumer = start_node.consumer(world)
    (record_id,) = world.add_passes(1, plate_no="京A12345")
    message = _next_message(consumer)
    report = message["payload"]["data"]
    assert (message["redeliveryCount"], report["devId"]) == (0, LOT)
    assert (value_of(report)["recordId"], value_of(report)["plateNo"]) == (record_id, "京A12345")


def test_nothing_is_acknowledged_for_the_application(world: World, consumer: NodeProgram) -> None:
    """A message stays pending until the application acknowledges it by its id."""
    world.add_passes(2)
    first, second = (_next_message(consumer)["messageId"] for _ in range(2))
    assert world.history("message.acknowledged") == []
    consumer.tell({"ack": second})
    world.wait_for("message.acknowledged", message_id=second)
    consumer.tell({"ack": first})
    world.wait_until_idle()


def test_rereport_of_lost_records(world: World, connector: NodeProgram, consumer: NodeProgram) -> None:
    """Both Node parts together: a wrong count brings the lost records, the same ids, and the command's result."""
    lost = world.add_passes(3, uplink="lose")
    sn = connector.request("POST", SYNC_PATH, body=sync_body(world, 0))["result"]["sn"]
    assert [_take(consumer)["recordId"] for _ in lost] == lost
    result = _take(consumer)
    assert (result["sn"], result["deviceId"], result["processStatus"]) == (sn, LOT, 3)
    world.wait_until_idle()


def test_backlog_is_delivered_upon_connecting(world: World, start_node: StartNode) -> None:
    """What was published while nobody listened waits, and comes in its order."""
    sent = world.add_passes(5)
    consumer = start_node.consumer(world)
    assert [_take(consumer)["recordId"] for _ in sent] == sent
    world.wait_until_idle()


def test_redelivery_after_reconnect(world: World, consumer: NodeProgram) -> None:
    """A broken connection is opened again after a second; what was not acknowledged comes again."""
    world.add_passes(1)
    before = _next_message(consumer)
    consumer.tell({"cut": True})
    consumer.next_event("reconnect")
    after = _next_message(consumer)
    assert (before["redeliveryCount"], after["redeliveryCount"]) == (0, 0)
    assert before["messageId"] == after["messageId"]
    consumer.tell({"ack": after["messageId"]})
    world.wait_until_idle()


def test_the_server_answers_pings(world: World, start_node: StartNode) -> None:
    """After a silence the consumer pings with its access id, and the pong brings it back."""
    consumer = start_node.consumer(world, timeout=50)
    assert [consumer.next_event("pong")["data"] for _ in range(3)] == [world.access_id] * 3


def test_test_environment(world: World, start_node: StartNode) -> None:
    """With env "test" the consumer listens to `event-test`."""
    consumer = start_node.consumer(world, env="test")
    consumer.next_event("open")
    sent = world.add_passes(1)
    assert [_take(consumer)["recordId"]] == sent
    assert world.wait_for("message.acknowledged")[0]["topic"] == "event-test"


def test_wrong_password(world: World, start_node: StartNode) -> None:
    """A consumer with a wrong key is refused with 401."""
    consumer = start_node.consumer(world, accessKey="0" * 32)
    assert "401" in consumer.next_event("error")["error"]
    assert world.history("consumer") == []
