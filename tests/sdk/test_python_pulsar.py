"""The official Python SDK's message client, `tuya_connector.TuyaOpenPulsar`, as pip installs it."""

import pytest
from tuya_connector import TuyaCloudPulsarTopic

from mock_server.profile import Profile
from tests.sdk.python_sdk import Heard, cut, pulsar, value_of, wait_until_connected
from tests.sdk.world import StartWorld, Tap, World, wait_until
from tests.support import LOT


def test_two_connection_headers(world: World, tap_ws: Tap) -> None:
    """The SDK sends `Connection: Upgrade` twice, fixed query and credentials, and gets its connection."""
    with pulsar(world, address=f"ws://127.0.0.1:{tap_ws.port}/"):
        world.wait_for("consumer", change="active", topic="event")
    head = tap_ws.head()
    path = f"/ws/v2/consumer/persistent/{world.access_id}/out/event/{world.access_id}-sub"
    assert head[0] == f"GET {path}?ackTimeoutMillis=3000&subscriptionType=Failover HTTP/1.1"
    assert head.count("Connection: Upgrade") == 2
    assert f"username: {world.access_id}" in head


def test_a_message_is_a_status_report(world: World) -> None:
    """A listener gets the decrypted text: a status report whose value is JSON text; plates may be any UTF-8."""
    heard = Heard()
    with pulsar(world, heard):
        (record_id,) = world.add_passes(1, plate_no="京A12345")
        report = heard.next()
    assert report["devId"] == LOT
    assert report["status"][0]["code"] == "vehicle_pass_record"
    value = value_of(report)
    assert (value["recordId"], value["plateNo"], value["passDirection"]) == (record_id, "京A12345", 0)


def test_ack_after_the_listener(world: World) -> None:
    """The SDK acknowledges when its listeners are done, not before."""
    seen: list[int] = []
    heard = Heard(also=lambda _text: seen.append(len(world.history("message.acknowledged"))))
    with pulsar(world, heard):
        world.add_passes(1)
        heard.next()
        world.wait_for("message.acknowledged")
        world.wait_until_idle()
    assert seen == [0]


def test_ack_although_the_listener_failed(world: World) -> None:
    """The SDK acknowledges also when a listener raises: the message does not come again."""

    def fail(_text: str) -> None:
        raise RuntimeError("a defect of the application")

    heard = Heard(also=fail)
    with pulsar(world, heard):
        world.add_passes(1)
        heard.next()
        world.wait_until_idle()
    assert [entry["redelivery_count"] for entry in world.history("message.delivered")] == [0]


def test_backlog_is_delivered_upon_connecting(world: World) -> None:
    """What was published while nobody listened waits, and comes in its order."""
    sent = world.add_passes(20)
    heard = Heard()
    with pulsar(world, heard):
        assert heard.next_record_ids(20) == sent
        world.wait_until_idle()


@pytest.mark.slow
def test_redelivery_after_reconnect(world: World) -> None:
    """When the connection breaks before the acknowledgement, the SDK reconnects and gets the message again."""
    times: list[str] = []

    def break_once(text: str) -> None:
        times.append(text)
        if len(times) == 1:
            cut(client)

    heard = Heard(also=break_once)
    with pulsar(world, heard) as client:
        wait_until_connected(client)
        sent = world.add_passes(2)
        assert heard.next_record_ids(3) in ([sent[0], *sent], [sent[0], sent[1], sent[0]])
        world.wait_until_idle()
    (first, *_) = world.history("message.delivered")
    counts = [each["redelivery_count"] for each in world.history("message.delivered", message_id=first["message_id"])]
    assert counts == [0, 1]
    assert len(world.history("consumer", change="active")) == 2


@pytest.mark.slow
def test_redelivery_to_a_slow_listener(world: World) -> None:
    """A listener that takes longer than the SDK's ack timeout of 3 seconds gets its message twice."""

    def dawdle(_text: str) -> None:
        world.wait_for("message.delivered", redelivery_count=1)

    heard = Heard(also=dawdle)
    with pulsar(world, heard):
        (sent,) = world.add_passes(1)
        assert heard.next_record_ids(2) == [sent, sent]
        world.wait_until_idle()


def test_gcm_is_lost_in_silence(start_world: StartWorld) -> None:
    """The SDK knows only ECB: with GCM switched on it acknowledges every message and calls no listener."""
    world = start_world(Profile(encryption="aes_gcm"))
    heard = Heard()
    with pulsar(world, heard):
        world.add_passes(5)
        world.wait_for("message.acknowledged", count=5)
        world.wait_until_idle()
    assert heard.nothing()


def test_test_topic(world: World) -> None:
    """`event-test` carries the messages as well, with an acknowledgement of its own."""
    heard, heard_test = Heard(), Heard()
    with pulsar(world, heard), pulsar(world, heard_test, topic=TuyaCloudPulsarTopic.TEST):
        world.wait_for("consumer", change="active", count=2)
        sent = world.add_passes(2)
        assert heard.next_record_ids(2) == sent
        assert heard_test.next_record_ids(2) == sent
        world.wait_until_idle()


def test_failover(world: World) -> None:
    """Of two clients the first is active; when its connection breaks the other one takes over."""
    heard, heard_second = Heard(), Heard()
    with pulsar(world, heard) as first:
        world.wait_for("consumer", change="active")
        with pulsar(world, heard_second):
            world.wait_for("consumer", change="connected", count=2)
            before = world.add_passes(1)
            assert heard.next_record_ids(1) == before
            world.wait_until_idle()
            cut(first)
            world.wait_for("consumer", change="active", count=2)
            after = world.add_passes(1)
            assert heard_second.next_record_ids(1) == after
            world.wait_until_idle()
    assert heard.nothing()


def test_wrong_password(world: World, tap_ws: Tap) -> None:
    """A client with a wrong secret is refused with 401 and gets nothing."""
    heard = Heard()
    world.add_passes(1)
    with pulsar(world, heard, address=f"ws://127.0.0.1:{tap_ws.port}/", secret="0" * 32):
        wait_until(lambda: b"\r\n\r\n" in tap_ws.answered, "the handshake is answered")
    assert tap_ws.answered.startswith(b"HTTP/1.1 401 ")
    assert world.history("consumer") == []
    assert heard.nothing()


def test_stop_leaves_the_subscription(world: World) -> None:
    """stop() says goodbye; what is published from then on waits for the next client."""
    with pulsar(world, Heard()) as client:
        wait_until_connected(client)
        client.stop()
        world.wait_for("consumer", change="disconnected")
    sent = world.add_passes(1)
    heard = Heard()
    with pulsar(world, heard):
        assert heard.next_record_ids(1) == sent


def test_listeners_may_change_while_connected(world: World) -> None:
    """A message goes to every listener there is at its time; without one it is acknowledged all the same."""
    heard, also_heard = Heard(), Heard()
    with pulsar(world, heard) as client:
        client.add_message_listener(also_heard)
        world.add_passes(1)
        assert heard.next() == also_heard.next()
        for listener in (heard, also_heard):
            client.remove_message_listener(listener)
        world.add_passes(1)
        world.wait_for("message.acknowledged", count=2)
    assert heard.nothing()
    assert also_heard.nothing()
