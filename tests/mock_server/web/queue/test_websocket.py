import asyncio
import base64
import hashlib
import json
from contextlib import suppress
from typing import Any

import pytest
import requests
from websockets.exceptions import ConnectionClosed, InvalidStatus
from websockets.frames import Close
from websockets.sync.client import ClientConnection, connect

from contracts.clients.messages import decrypt
from mock_server.carriers.access import AccessRefusedError
from mock_server.clock import VirtualClock
from mock_server.cloud import Cloud
from mock_server.profile import Profile
from mock_server.project import Project
from mock_server.web.queue.handshake import MAX_RECEIVER_QUEUE, STATUS, read_handshake
from mock_server.web.queue.websocket import MessageSocket
from mock_server.web.serving import delivery_turn
from mock_server.wire.encryption import message_sign, queue_password
from tests.mock_server.web.conftest import DEADLINE_S, Serve, Served
from tests.support import ACCESS_ID, ACCESS_SECRET, LOT, NOON, keep_passes, make_project

PASSWORD = "7e3ee9916b8f32b8"
CREDENTIALS = {"username": ACCESS_ID, "password": PASSWORD}
PATH = f"/ws/v2/consumer/persistent/{ACCESS_ID}/out/event/{ACCESS_ID}-sub"
FAILOVER = "subscriptionType=Failover"


def open_socket(served: Served, query: str = FAILOVER, path: str = PATH) -> ClientConnection:
    """A consumer as the SDKs open one."""
    url = f"{served.server.ws}{path[1:]}?{query}"
    return connect(url, additional_headers=CREDENTIALS, open_timeout=DEADLINE_S, close_timeout=DEADLINE_S)


def receive(socket: ClientConnection) -> dict[str, Any]:
    """The next frame."""
    frame = json.loads(socket.recv(timeout=DEADLINE_S))
    assert isinstance(frame, dict)
    return frame


def record_of(frame: dict[str, Any], cipher: str = "aes_ecb") -> dict[str, Any]:
    """The inner fields of the pass in a frame, after everything outside is found to be right."""
    assert set(frame) == {"messageId", "payload", "properties", "publishTime", "redeliveryCount", "key"}
    assert frame["properties"] == {"em": cipher}
    outer = json.loads(base64.b64decode(frame["payload"], validate=True).decode("ascii"))
    assert set(outer) == {"data", "protocol", "pv", "t", "sign"}
    assert outer["sign"] == message_sign(outer, ACCESS_SECRET)
    report = json.loads(decrypt(outer["data"], ACCESS_SECRET, cipher))
    assert set(report) == {"dataId", "devId", "productKey", "status"}
    assert report["devId"] == LOT
    return dict(json.loads(report["status"][0]["value"]))


def acknowledge(socket: ClientConnection, frame: dict[str, Any]) -> None:
    """As the SDKs do."""
    socket.send(json.dumps({"messageId": frame["messageId"]}))


def settled(served: Served) -> bool:
    """Whether the project gets idle before the deadline."""
    return served.lab("GET", "/idle?timeout_ms=10000")["idle"] is True


@pytest.fixture
def cloud() -> Cloud:
    """A cloud with one project."""
    cloud = Cloud(VirtualClock(NOON))
    cloud.add(make_project(clock=cloud.clock))
    return cloud


@pytest.mark.parametrize(
    ("path", "query", "headers", "status"),
    [
        ("/", "", CREDENTIALS, 404),
        (PATH.replace("v2", "v1"), "", CREDENTIALS, 404),
        (PATH + "/more", "", CREDENTIALS, 404),
        (PATH.replace("/out/", "/in/"), "", CREDENTIALS, 404),
        (PATH.replace("/event/", "/events/"), "", CREDENTIALS, 404),
        (PATH, "", {}, 401),
        (PATH, "", CREDENTIALS | {"password": PASSWORD.upper()}, 401),
        (PATH, "", CREDENTIALS | {"password": ""}, 401),
        (PATH, "", CREDENTIALS | {"password": "é" * 16}, 401),
        (PATH, "", CREDENTIALS | {"username": "other"}, 401),
        (PATH.replace(f"/{ACCESS_ID}/", "/other/"), "", CREDENTIALS, 401),
        (PATH.replace("/out/", "/in/"), "", {}, 401),
        (PATH.replace("-sub", ""), "", CREDENTIALS, 403),
        (PATH.replace(f"{ACCESS_ID}-sub", "other-sub"), "", CREDENTIALS, 403),
        (PATH.replace("-sub", "-"), "", CREDENTIALS, 403),
        (PATH.replace(f"{ACCESS_ID}-sub", f"my-{ACCESS_ID}-sub"), "", CREDENTIALS, 403),
        (PATH, "subscriptionType=Shared", CREDENTIALS, 400),
        (PATH, "subscriptionType=failover", CREDENTIALS, 400),
        (PATH, "ackTimeoutMillis=999", CREDENTIALS, 400),
        (PATH, "ackTimeoutMillis=3s", CREDENTIALS, 400),
        (PATH, "ackTimeoutMillis=", CREDENTIALS, 400),
        (PATH, "receiverQueueSize=0", CREDENTIALS, 400),
        (PATH, f"receiverQueueSize={MAX_RECEIVER_QUEUE + 1}", CREDENTIALS, 400),
        (PATH, "negativeAckRedeliveryDelay=-1", CREDENTIALS, 400),
    ],
)
def test_a_bad_handshake_is_refused(cloud: Cloud, path: str, query: str, headers: dict[str, str], status: int) -> None:
    """Path, credentials, topic, subscription and parameters, in this order, each with its status and a reason."""
    with pytest.raises(AccessRefusedError) as caught:
        read_handshake(path, query, headers, cloud)
    assert STATUS[caught.value.reason] == status
    assert len(str(caught.value)) > 20


@pytest.mark.parametrize(
    ("query", "expected"),
    [
        ("", ("Exclusive", 0, 1000, 60_000)),
        ("ackTimeoutMillis=3000&subscriptionType=Failover", ("Failover", 3000, 1000, 60_000)),
        ("subscriptionType=Failover&ackTimeoutMillis=30000", ("Failover", 30_000, 1000, 60_000)),
        ("receiverQueueSize=1&negativeAckRedeliveryDelay=0&pullMode=x", ("Exclusive", 0, 1, 0)),
    ],
)
def test_a_good_handshake_is_read(cloud: Cloud, query: str, expected: tuple[str, int, int, int]) -> None:
    """In any order, with Pulsar's defaults; what is unknown is ignored."""
    for path in (PATH, PATH + "/", PATH.replace("event", "event-test"), PATH.replace("-sub", "-my.sub_2")):
        asked = read_handshake(path, query, CREDENTIALS, cloud)
        found = (asked.type, asked.ack_timeout_ms, asked.receiver_queue_size, asked.negative_ack_delay_ms)
        assert found == expected


def test_the_password_is_derived_from_the_keys() -> None:
    """The middle of md5(access id + md5(secret)), by the standard library."""
    inner = hashlib.md5(ACCESS_SECRET.encode(), usedforsecurity=False).hexdigest()
    assert hashlib.md5((ACCESS_ID + inner).encode(), usedforsecurity=False).hexdigest()[8:24] == PASSWORD


@pytest.mark.parametrize(
    ("path", "headers", "status"),
    [(PATH, {}, 401), ("/", CREDENTIALS, 404), (PATH.replace("-sub", ""), CREDENTIALS, 403), (PATH, CREDENTIALS, 400)],
)
def test_a_refusal_is_an_http_answer(served: Served, path: str, headers: dict[str, str], status: int) -> None:
    """Instead of an upgrade, with the reason as its text; nothing of it stays."""
    query = "?subscriptionType=Shared" if status == 400 else f"?{FAILOVER}"
    with (
        pytest.raises(InvalidStatus) as caught,
        connect(f"{served.server.ws}{path[1:]}{query}", additional_headers=headers),
    ):
        pass
    assert caught.value.response.status_code == status
    assert len(caught.value.response.body) > 20
    assert "consumer" not in {line["kind"] for line in served.history()}


def test_a_second_exclusive_consumer_is_refused(served: Served) -> None:
    """With 409, and the first one goes on; a Failover consumer may not join it either."""
    with open_socket(served, "") as first:
        for query in ("", FAILOVER):
            with pytest.raises(InvalidStatus) as caught, open_socket(served, query):
                pass
            assert caught.value.response.status_code == 409
        [record_id] = served.publish()
        assert record_of(receive(first))["recordId"] == record_id


def test_a_subscription_that_nobody_made_may_be_refused(serve: Serve) -> None:
    """With 404 if the profile says so; the default one is there, and others once they are made."""
    served = serve(Profile(unknown_subscription="refuse"))
    mine = PATH.replace("-sub", "-mine")
    with open_socket(served):
        with pytest.raises(InvalidStatus) as caught, open_socket(served, FAILOVER, mine):
            pass
        assert caught.value.response.status_code == 404
        assert b"/subscriptions" in (caught.value.response.body or b"")
    served.lab("POST", "/subscriptions", {"suffix": "mine"})
    [record_id] = served.publish()
    with open_socket(served, FAILOVER, mine) as socket:
        assert record_of(receive(socket))["recordId"] == record_id


def test_too_many_subscriptions_are_refused(served: Served) -> None:
    """A client that invents a name for each connection is stopped with 409; known names still work."""
    refused = None
    for number in range(110):
        try:
            with open_socket(served, FAILOVER, PATH.replace("-sub", f"-{number}")):
                pass
        except InvalidStatus as error:
            refused = error
            break
    assert refused is not None
    assert refused.response.status_code == 409
    with open_socket(served):
        served.publish()


@pytest.mark.parametrize("cipher", ["aes_ecb", "aes_gcm"])
def test_a_frame_can_be_read(serve: Serve, cipher: Any) -> None:
    """Exactly the documented fields, encrypted as the profile says; acknowledged, it is gone."""
    served = serve(Profile(encryption=cipher))
    with open_socket(served) as socket:
        [record_id] = served.publish(plate_no="京A12345")
        frame = receive(socket)
        value = record_of(frame, cipher)
        assert (value["recordId"], value["plateNo"], frame["redeliveryCount"]) == (record_id, "京A12345", 0)
        acknowledge(socket, frame)
        assert settled(served)


def test_the_backlog_comes_first_and_in_order(served: Served) -> None:
    """Messages from before the connection, then new ones."""
    old = served.publish(3)
    with open_socket(served) as socket:
        new = served.publish(2)
        assert [record_of(receive(socket))["recordId"] for _ in range(5)] == old + new


def test_what_was_not_acknowledged_comes_after_a_reconnect(served: Served) -> None:
    """With the same message id."""
    served.publish(2)
    with open_socket(served) as socket:
        first, second = receive(socket), receive(socket)
        acknowledge(socket, second)
        assert wait_for(served, "message.acknowledged")
    with open_socket(served) as socket:
        again = receive(socket)
        assert (again["messageId"], again["redeliveryCount"]) == (first["messageId"], 0)
        assert again["payload"]


def test_an_ack_timeout_brings_a_message_again(served: Served) -> None:
    """On the machine's clock, without anybody doing anything."""
    with open_socket(served, f"{FAILOVER}&ackTimeoutMillis=1000") as socket:
        served.publish()
        first, second = receive(socket), receive(socket)
        assert second["messageId"] == first["messageId"]
        acknowledge(socket, second)
        assert settled(served)


def test_a_negative_acknowledgement_brings_a_message_again(served: Served) -> None:
    """After the delay that the consumer asked for."""
    with open_socket(served, f"{FAILOVER}&negativeAckRedeliveryDelay=0") as socket:
        served.publish()
        first = receive(socket)
        socket.send(json.dumps({"type": "negativeAcknowledge", "messageId": first["messageId"]}))
        assert receive(socket)["messageId"] == first["messageId"]


def test_a_full_consumer_gets_the_rest_as_it_acknowledges(served: Served) -> None:
    """`receiverQueueSize` messages at a time."""
    with open_socket(served, f"{FAILOVER}&receiverQueueSize=2") as socket:
        ids = served.publish(4)
        delivered = [line for line in served.history() if line["kind"] == "message.delivered"]
        assert len(delivered) == 2
        seen = []
        for _ in range(4):
            frame = receive(socket)
            seen.append(record_of(frame)["recordId"])
            acknowledge(socket, frame)
        assert seen == ids


def test_the_next_consumer_takes_over(served: Served) -> None:
    """Failover between two connections of one subscription."""
    with open_socket(served) as first, open_socket(served) as second:
        served.publish()
        message_id = receive(first)["messageId"]
        first.close()
        taken = receive(second)
        assert taken["messageId"] == message_id


def test_both_topics_are_served(served: Served) -> None:
    """Production and test each get every message."""
    with open_socket(served) as event, open_socket(served, path=PATH.replace("event", "event-test")) as test:
        served.publish()
        assert receive(event)["messageId"] == receive(test)["messageId"]


def test_a_long_backlog_is_delivered_in_turns(served: Served, monkeypatch: pytest.MonkeyPatch) -> None:
    """In its order and completely; others are served between, here after each message."""
    monkeypatch.setattr(delivery_turn, "TURN_S", -1)
    ids = served.publish(100)
    with open_socket(served, f"{FAILOVER}&receiverQueueSize=100000") as socket:
        assert [record_of(receive(socket))["recordId"] for _ in ids] == ids


def test_acknowledgements_may_come_as_bytes_or_with_a_type(served: Served) -> None:
    """Text, binary, and the type that Pulsar's documentation shows; unknown ids are ignored."""
    with open_socket(served) as socket:
        served.publish(3)
        frames = [receive(socket)["messageId"] for _ in range(3)]
        socket.send(json.dumps({"messageId": "unknown"}))
        socket.send(json.dumps({"messageId": frames[0]}).encode())
        socket.send(json.dumps({"type": "ack", "messageId": frames[1]}))
        socket.send(json.dumps({"type": "permit", "permitMessages": 100}))
        socket.send(json.dumps({"messageId": frames[2]}))
        assert settled(served)


def test_the_topic_never_ends(served: Served) -> None:
    """`isEndOfTopic` is answered as Pulsar answers it."""
    with open_socket(served) as socket:
        socket.send(json.dumps({"type": "isEndOfTopic"}))
        assert receive(socket) == {"endOfTopic": "false"}


def test_pings_are_answered(served: Served) -> None:
    """With a pong of the same payload; the Python SDK drops the link after three seconds without one."""
    with open_socket(served) as socket:
        assert socket.ping(b"payload").wait(DEADLINE_S)


def test_a_silent_connection_is_closed(serve: Serve) -> None:
    """With 1001, after the profile's time; the history says why, and what it held goes to the next consumer."""
    served = serve(Profile(queue_idle_ms=1_000))
    served.publish()
    with open_socket(served) as socket:
        held = receive(socket)
        with pytest.raises(ConnectionClosed) as caught:
            socket.recv(timeout=DEADLINE_S)
        assert caught.value.rcvd == Close(1001, "Idle Timeout")
    with open_socket(served) as socket:
        assert receive(socket)["messageId"] == held["messageId"]
        changes = [each["change"] for each in served.history() if each["kind"] == "consumer"]
    assert changes[:4] == ["connected", "active", "idle", "disconnected"]


@pytest.mark.parametrize(
    ("frame", "reason"),
    [
        ("", "the frame is not JSON: Expecting value at character 0"),
        ("{", "the frame is not JSON: Expecting property name"),
        ('{"messageId": NaN}', "the frame is not JSON: NaN is not a JSON value"),
        ("[]", "the frame is no JSON object: a frame is"),
        ("null", "the frame is no JSON object: a frame is"),
        ("{}", 'a frame is {"messageId": "..."}'),
        ('{"messageId": 1}', 'a frame is {"messageId": "..."}'),
        ('{"type": "unsubscribe"}', 'a frame is {"messageId": "..."}'),
        ('{"type": 5, "messageId": "m"}', 'a frame is {"messageId": "..."}'),
        (b"\xff", "the frame is not UTF-8"),
        ("[" * 50_000, "the frame is nested deeper than"),
    ],
    ids=lambda value: str(value)[:12],
)
def test_a_frame_that_is_none_closes_the_connection(served: Served, frame: str | bytes, reason: str) -> None:
    """With 1007 and why; what the consumer held goes to the next one, and what it says after that is not heard."""
    with open_socket(served) as socket:
        served.publish()
        held = receive(socket)
        socket.send(frame)
        with suppress(ConnectionClosed):
            acknowledge(socket, held)
        with pytest.raises(ConnectionClosed) as caught:
            socket.recv(timeout=DEADLINE_S)
        assert caught.value.rcvd is not None
        assert caught.value.rcvd.code == 1007
        assert caught.value.rcvd.reason.startswith(reason)
    with open_socket(served) as socket:
        assert receive(socket)["messageId"] == held["messageId"]


def test_a_frame_that_is_too_long_closes_the_connection(served: Served) -> None:
    """With 1009."""
    with open_socket(served) as socket:
        socket.send("x" * 100_000)
        with pytest.raises(ConnectionClosed) as caught:
            socket.recv(timeout=DEADLINE_S)
        assert caught.value.rcvd is not None
        assert caught.value.rcvd.code == 1009


def test_a_stopping_server_says_goodbye(serve: Serve) -> None:
    """With 1001, to every consumer, the idle ones too."""
    served = serve(None)
    with open_socket(served) as active, open_socket(served) as idle:
        stop(served)
        for socket in (active, idle):
            with pytest.raises(ConnectionClosed) as caught:
                socket.recv(timeout=DEADLINE_S)
            assert caught.value.rcvd is not None
            assert caught.value.rcvd.code == 1001


def test_http_on_the_queues_port_is_told_what_it_is(served: Served) -> None:
    """A browser that lands there gets a sentence."""
    response = requests.get(served.server.ws.replace("ws:", "http:"), timeout=DEADLINE_S)
    assert response.status_code == 426
    assert "message queue" in response.text


def test_a_reset_keeps_consumers_connected(served: Served) -> None:
    """What comes after it is delivered, what came before is forgotten."""
    with open_socket(served) as socket:
        served.publish()
        old = receive(socket)
        served.lab("POST", "/reset")
        served.publish()
        new = receive(socket)
        assert new["messageId"] != old["messageId"]
        acknowledge(socket, old)
        acknowledge(socket, new)
        assert settled(served)


def wait_for(served: Served, kind: str) -> bool:
    """Look at the history until it has an event of that kind."""
    return any(line["kind"] == kind for _ in range(1000) for line in served.history())


def stop(served: Served) -> None:
    """Say goodbye as the server does when it stops, on its own loop."""
    messages = served.server._messages  # a whole stop would end the lab plane too
    served.server._tasks[0].get_loop().call_soon_threadsafe(messages.close_all)


def test_a_client_that_does_not_read_fills_no_memory() -> None:
    """Messages that time out again and again wait once for a stalled reader, not once for each redelivery."""
    project = make_project()
    cloud = Cloud(project.clock)
    cloud.add(project)
    assert isinstance(project.clock, VirtualClock)
    written: list[str] = []

    async def run() -> None:
        stalled = asyncio.Event()
        socket = MessageSocket(cloud)

        async def send(event: Any) -> None:
            if event["type"] == "websocket.send":
                written.append(event["text"])
                await stalled.wait()

        inbox: asyncio.Queue[Any] = asyncio.Queue()
        inbox.put_nowait({"type": "websocket.connect"})
        task = asyncio.create_task(socket(stalled_scope(project), inbox.get, send))
        await turns(10)
        keep_passes(project, *range(NOON, NOON + 5), fate="deliver")
        for _ in range(50):
            advance(project, 1_000)
            await turns(1)
        stalled.set()
        await turns(1_000)
        inbox.put_nowait({"type": "websocket.disconnect", "code": 1000})
        await task

    asyncio.run(run())
    redelivered = [entry.to_json() for entry in project.history.after() if entry.event.kind == "message.delivered"]
    assert max(int(str(entry["redelivery_count"])) for entry in redelivered) >= 49
    assert len(written) <= 5 + 5


def test_a_closing_connection_is_struck_once(served: Served) -> None:
    """However many messages are due on it: two closings are two connections."""
    record_ids = served.publish(5)
    served.lab("POST", "/faults", {"kind": "socket.close", "times": 2})
    for _ in range(2):
        with open_socket(served) as socket:
            with pytest.raises(ConnectionClosed) as closed:
                receive(socket)
            assert closed.value.rcvd is not None
            assert closed.value.rcvd.code == 1011
    with open_socket(served) as socket:
        assert [record_of(receive(socket))["recordId"] for _ in range(5)] == record_ids


def test_a_connection_may_be_closed_as_after_a_silence(served: Served) -> None:
    """`socket.idle`: with 1001 and the text of a silence; the message comes over the next connection."""
    [record_id] = served.publish()
    served.lab("POST", "/faults", {"kind": "socket.idle"})
    with open_socket(served) as socket, pytest.raises(ConnectionClosed) as closed:
        receive(socket)
    assert closed.value.rcvd == Close(1001, "Idle Timeout")
    with open_socket(served) as socket:
        assert record_of(receive(socket))["recordId"] == record_id


async def turns(count: int) -> None:
    """Let everything else have its turn on the loop, so often."""
    for _ in range(count):
        await asyncio.sleep(0)


def stalled_scope(project: Project) -> Any:
    """The handshake of a consumer that may hold five messages for a second each."""
    path = f"/ws/v2/consumer/persistent/{project.access_id}/out/event/{project.access_id}-sub"
    password = queue_password(project.access_id, project.access_secret)
    return {
        "type": "websocket",
        "path": path,
        "query_string": b"ackTimeoutMillis=1000&subscriptionType=Failover&receiverQueueSize=5",
        "headers": [(b"username", project.access_id.encode()), (b"password", password.encode())],
    }


def advance(project: Project, by_ms: int) -> None:
    """Move the project's virtual clock."""
    assert isinstance(project.clock, VirtualClock)
    project.clock.advance(by_ms)
