"""The Pulsar WebSocket consumer endpoint, as the official clients use it: a native coroutine on the serving loop.

`/ws/v2/consumer/persistent/{access_id}/out/{event|event-test}/{access_id}-{suffix}` with the headers `username` and
`password`. Text frames go out; acknowledgements come in.
"""

import asyncio
import json
import re
from collections.abc import Mapping
from contextlib import suppress
from dataclasses import dataclass
from hmac import compare_digest
from typing import TYPE_CHECKING
from urllib.parse import parse_qs

from mock_server.cloud import Cloud
from mock_server.faults import DELIVERY, SOCKET, Occasion
from mock_server.model import Message, Record
from mock_server.problems import parse_json, whole_number
from mock_server.project import Project
from mock_server.queue import TOPICS, Consumer, Subscription, SubscriptionBusyError, SubscriptionType
from mock_server.uplink import record_operation
from mock_server.wire.encryption import GCM_NONCE_BYTES, queue_password
from mock_server.wire.messages import encrypted_payload, frame, status_report

if TYPE_CHECKING:
    from uvicorn._types import ASGIReceiveCallable, ASGISendCallable, Scope, WebSocketScope

_PATH = re.compile(r"/ws/v2/consumer/persistent/([^/]+)/([^/]+)/([^/]+)/([^/]+)/?")
_BAD_PAYLOAD = 1007
_GOING_AWAY = 1001
_FAILED = 1011

MIN_ACK_TIMEOUT_MS = 1000
"""Pulsar refuses a shorter ack timeout, other than none."""

MAX_RECEIVER_QUEUE = 100_000
MAX_SUBSCRIPTIONS = 100
"""How many subscriptions a project may have (our choice): a client that invents names is stopped."""


class HandshakeRefusedError(Exception):
    """A handshake that fails: the HTTP status and a sentence."""

    def __init__(self, status: int, reason: str) -> None:
        super().__init__(reason)
        self.status = status
        self.reason = reason


@dataclass(frozen=True, slots=True)
class ConsumerRequest:
    """What a handshake asks for, once it is found to be right."""

    project: Project
    topic: str
    subscription: str
    type: SubscriptionType
    ack_timeout_ms: int
    receiver_queue_size: int
    negative_ack_delay_ms: int


def read_handshake(path: str, query: str, headers: Mapping[str, str], cloud: Cloud) -> ConsumerRequest:
    """Check a handshake: path 404, credentials 401, foreign subscription 403, parameters 400."""
    match = _PATH.fullmatch(path)
    if match is None:
        raise HandshakeRefusedError(
            404, "the path is /ws/v2/consumer/persistent/{access_id}/out/{topic}/{subscription}"
        )
    access_id, namespace, topic, subscription = match.groups()
    project = _authenticated(access_id, headers, cloud)
    if namespace != "out" or topic not in TOPICS:
        raise HandshakeRefusedError(404, "the topics are out/event and out/event-test")
    if not subscription.startswith(f"{access_id}-"):
        raise HandshakeRefusedError(403, "a subscription is named {access_id}-{suffix}; the SDKs use the suffix sub")
    given = parse_qs(query, keep_blank_values=True)
    return ConsumerRequest(
        project=project,
        topic=topic,
        subscription=subscription,
        type=_subscription_type(given),
        ack_timeout_ms=_ack_timeout(given),
        receiver_queue_size=_number(given, "receiverQueueSize", 1000, 1, MAX_RECEIVER_QUEUE),
        negative_ack_delay_ms=_number(given, "negativeAckRedeliveryDelay", 60_000, 0, 86_400_000),
    )


def _authenticated(access_id: str, headers: Mapping[str, str], cloud: Cloud) -> Project:
    project = cloud.get(access_id)
    if project is not None and headers.get("username") == access_id:
        expected = queue_password(access_id, project.access_secret)
        if compare_digest(expected.encode(), headers.get("password", "").encode()):
            return project
    raise HandshakeRefusedError(401, "username must be the access id, password the md5 derived from the secret")


def _subscription_type(given: Mapping[str, list[str]]) -> SubscriptionType:
    value = given.get("subscriptionType", ["Exclusive"])[0]
    if value == "Failover":
        return "Failover"
    if value == "Exclusive":
        return "Exclusive"
    raise HandshakeRefusedError(400, "subscriptionType must be Failover or Exclusive")


def _ack_timeout(given: Mapping[str, list[str]]) -> int:
    timeout = _number(given, "ackTimeoutMillis", 0, 0, 86_400_000)
    if 0 < timeout < MIN_ACK_TIMEOUT_MS:
        raise HandshakeRefusedError(400, f"ackTimeoutMillis must be 0 or at least {MIN_ACK_TIMEOUT_MS}")
    return timeout


def _number(given: Mapping[str, list[str]], name: str, default: int, low: int, high: int) -> int:
    value = whole_number(given.get(name, [str(default)])[0])
    if value is None or not low <= value <= high:
        raise HandshakeRefusedError(400, f"{name} must be a number from {low} to {high}")
    return value


class MessageSocket:
    """The ASGI application of the queue's address."""

    def __init__(self, cloud: Cloud) -> None:
        self._cloud = cloud
        self._sessions: set[_Session] = set()

    async def __call__(self, scope: "Scope", receive: "ASGIReceiveCallable", send: "ASGISendCallable") -> None:
        """Serve one connection until it ends."""
        if scope["type"] == "http":
            await _answer_http(send)
        elif scope["type"] == "websocket":
            await receive()
            try:
                session = self._open(scope, send)
            except HandshakeRefusedError as refused:
                await _deny(send, refused)
                return
            await self._run(session, receive)

    def close_all(self) -> None:
        """Close every connection: the server is going away."""
        for session in tuple(self._sessions):
            session.end(_GOING_AWAY)

    def _open(self, scope: "WebSocketScope", send: "ASGISendCallable") -> "_Session":
        headers = {name.decode("latin-1").lower(): value.decode("latin-1") for name, value in scope["headers"]}
        asked = read_handshake(scope["path"], scope["query_string"].decode("latin-1"), headers, self._cloud)
        queue = asked.project.queue
        is_new = not queue.has_subscription(asked.topic, asked.subscription)
        if is_new and len(queue.subscriptions()) >= MAX_SUBSCRIPTIONS:
            raise HandshakeRefusedError(409, f"there are {MAX_SUBSCRIPTIONS} subscriptions already")
        return _Session(asked, send)

    async def _run(self, session: "_Session", receive: "ASGIReceiveCallable") -> None:
        self._sessions.add(session)
        try:
            await session.run(receive)
        finally:
            self._sessions.discard(session)


class _Session:
    """One accepted connection: a consumer of a subscription, a writer, and a reader of acknowledgements."""

    def __init__(self, asked: ConsumerRequest, send: "ASGISendCallable") -> None:
        self._project = asked.project
        self._send = send
        self._outbox: asyncio.Queue[str | int] = asyncio.Queue()
        self._failing = False
        self._ended = False
        self._subscription: Subscription = asked.project.queue.subscription(asked.topic, asked.subscription)
        self._consumer = Consumer(
            consumer_id=asked.project.new_consumer_id(),
            deliver=self._deliver,
            ack_timeout_ms=asked.ack_timeout_ms,
            receiver_queue_size=asked.receiver_queue_size,
            negative_ack_delay_ms=asked.negative_ack_delay_ms,
            type=asked.type,
            close=lambda: self.end(_GOING_AWAY),
        )

    async def run(self, receive: "ASGIReceiveCallable") -> None:
        """Accept, deliver and read until either side ends it."""
        try:
            self._subscription.connect(self._consumer)
        except SubscriptionBusyError as busy:
            await _deny(self._send, HandshakeRefusedError(409, str(busy)))
            return
        writer: asyncio.Task[None] | None = None
        try:
            await self._send({"type": "websocket.accept", "subprotocol": None, "headers": []})
            writer = asyncio.create_task(self._write())
            await self._read(receive)
        finally:
            self._subscription.disconnect(self._consumer)
            if writer is not None:
                writer.cancel()
                with suppress(asyncio.CancelledError):
                    await writer

    def end(self, code: int) -> None:
        """Close the connection from our side. What the client still sends is not heard."""
        self._ended = True
        self._subscription.disconnect(self._consumer)
        self._outbox.put_nowait(code)

    def _deliver(self, message: Message, redelivery_count: int) -> None:
        if self._failing:
            return
        if self._project.faults.strike(Occasion(SOCKET, f"socket {self._subscription.name}")):
            # The subscription is in the middle of delivering: it learns of the end when it is done.
            self._failing = True
            asyncio.get_running_loop().call_soon(self.end, _FAILED)
        elif self._outbox.qsize() < self._consumer.receiver_queue_size:
            # Behind a full outbox this is a redelivery to a client that does not read: the message is in there already.
            self._outbox.put_nowait(_frame(self._project, message, redelivery_count))

    async def _write(self) -> None:
        with suppress(OSError):
            while True:
                item = await self._outbox.get()
                if isinstance(item, int):
                    await self._send({"type": "websocket.close", "code": item, "reason": ""})
                    return
                await self._send({"type": "websocket.send", "bytes": None, "text": item})

    async def _read(self, receive: "ASGIReceiveCallable") -> None:
        while True:
            event = await receive()
            if event["type"] != "websocket.receive":
                return
            if self._ended:
                continue
            try:
                self._take(event.get("text") or (event.get("bytes") or b"").decode())
            except ValueError:
                self.end(_BAD_PAYLOAD)

    def _take(self, text: str) -> None:
        """One frame of the client: an acknowledgement unless its `type` says otherwise. ValueError if it is none."""
        command = parse_json(text.encode())
        if not isinstance(command, dict):
            raise ValueError("a frame is a JSON object")  # noqa: TRY004 one error for all that is no frame
        kind = command.get("type")
        message_id = command.get("messageId")
        if kind == "isEndOfTopic":
            self._outbox.put_nowait(json.dumps({"endOfTopic": "false"}))
        elif kind == "negativeAcknowledge" and isinstance(message_id, str):
            self._subscription.negative_acknowledge(self._consumer, message_id)
        elif kind in (None, "ack") and isinstance(message_id, str):
            self._subscription.acknowledge(self._consumer, message_id)
        elif kind != "permit":
            raise ValueError("a frame is {messageId} or has a known type")


def _frame(project: Project, message: Message, redelivery_count: int) -> str:
    struck = {strike.kind for strike in project.faults.strike(_occasion(message))}
    encryption = project.profile.encryption
    nonce = project.random.randbytes(GCM_NONCE_BYTES) if encryption == "aes_gcm" else b""
    report = status_report(message, project.product_key, unknown_fields="message.unknown-fields" in struck)
    payload = encrypted_payload(
        report,
        message.publish_time,
        project.access_secret,
        encryption,
        nonce,
        flip_bit="message.flip-bit" in struck,
    )
    return frame(message, payload, encryption, redelivery_count)


def _occasion(message: Message) -> Occasion:
    subject = message.subject
    if isinstance(subject, Record):
        return Occasion(DELIVERY, record_operation(subject), subject.device_id, subject.data_type)
    return Occasion(DELIVERY, f"message {message.message_id}", subject.device_id)


async def _deny(send: "ASGISendCallable", refused: HandshakeRefusedError) -> None:
    headers = [(b"content-type", b"text/plain; charset=utf-8")]
    await send({"type": "websocket.http.response.start", "status": refused.status, "headers": headers})
    await send({"type": "websocket.http.response.body", "body": refused.reason.encode(), "more_body": False})


async def _answer_http(send: "ASGISendCallable") -> None:
    headers = [(b"content-type", b"text/plain; charset=utf-8")]
    body = b"This is the message queue: connect a WebSocket consumer, as the SDKs do.\n"
    await send({"type": "http.response.start", "status": 426, "headers": headers, "trailers": False})
    await send({"type": "http.response.body", "body": body, "more_body": False})
