"""Runs a client that is written for the queue's WebSocket over its native port.

The client keeps its text frames: this side turns them into what a client library of Pulsar does. A message that is
refused is asked for again later, by the client's own time, and everything that is not acknowledged comes with it. There
is no ack timeout: in all official SDKs it is off.
"""

import base64
import json
from collections.abc import Callable, Mapping
from dataclasses import replace
from typing import Any
from urllib.parse import parse_qs, urlsplit

from contracts.client.interface import (
    Capability,
    Client,
    DumpedRecord,
    Effect,
    HttpAnswer,
    Link,
    MakeClient,
    Socket,
    Start,
    Stream,
    Window,
)
from contracts.client.own_time import Activity
from contracts.client.pulsar import PulsarConsumer, PulsarMessage, Subscribed
from mock_server.model import JsonObject
from mock_server.wire.message_id import message_id_text

NEGATIVE_ACK_DELAY_MS = 60_000
"""When a refused message is asked for again, unless the URL says otherwise (the libraries' default)."""


class PulsarSocket:
    """A native consumer that is read and answered by the text frames of the WebSocket."""

    def __init__(self, consumer: PulsarConsumer, now: Callable[[], int], delay_ms: int) -> None:
        self._consumer = consumer
        self._now = now
        self._delay_ms = delay_ms
        self._held: dict[str, PulsarMessage] = {}
        self._due: dict[str, int] = {}
        self._refused: dict[str, PulsarMessage] = {}

    @property
    def closed(self) -> int | None:
        """The close code, None while it is open."""
        return self._consumer.closed

    @property
    def due_at(self) -> int | None:
        """When it will next ask for messages again, by the client's clock; None if nothing is to be asked for."""
        return None if self.closed is not None else min(self._due.values(), default=None)

    def receive(self) -> str | None:
        """The next message as a text frame, None if none has arrived."""
        self._ask_again()
        message = self._consumer.receive()
        if message is None:
            return None
        message_id = message_id_text(message.message_id.ledger, message.message_id.entry)
        self._settle(message_id)
        self._held[message_id] = message
        return json.dumps(_frame(message_id, message))

    def send(self, text: str) -> None:
        """Acknowledge one message or refuse it, as a text frame says; other frames are without meaning here."""
        frame: Any = json.loads(text)
        message = self._held.get(frame.get("messageId"))
        kind = frame.get("type", "ack")
        if kind == "ack":
            self.acknowledge(str(frame.get("messageId")))
        elif message is not None and kind == "negativeAcknowledge":
            self._refused[frame["messageId"]] = message
            self._due[frame["messageId"]] = self._now() + self._delay_ms

    def partition_of(self, message_id: str) -> int:
        """The partition of a message that it holds. KeyError for another."""
        return self._held[message_id].partition

    def acknowledge(self, message_id: str) -> None:
        """Acknowledge one message; ignores one that it does not hold."""
        message = self._held.get(message_id)
        if message is not None:
            self._settle(message_id)
            self._consumer.acknowledge(message)

    def may_acknowledge_up_to(self, message_id: str) -> bool:
        """Whether nothing of its partition waits to come again, which an acknowledgement up to it would cover."""
        message = self._held.get(message_id)
        return message is not None and all(each.partition != message.partition for each in self._refused.values())

    def acknowledge_up_to(self, message_id: str) -> None:
        """Acknowledge a message and all of its partition that were published before it."""
        last = self._held.get(message_id)
        if last is None:
            return
        for each, message in [*self._held.items()]:
            if message.partition == last.partition:
                self._settle(each)
            if each == message_id:
                break
        self._consumer.acknowledge_up_to(last)

    def close(self) -> None:
        """Close it."""
        self._consumer.close()

    def _settle(self, message_id: str) -> None:
        for each in (self._held, self._refused, self._due):
            each.pop(message_id, None)

    def _ask_again(self) -> None:
        """Ask for everything again if something is due. What was refused stays so until it comes."""
        due_at = self.due_at
        if due_at is not None and due_at <= self._now():
            self._due.clear()
            self._consumer.redeliver()


def _frame(message_id: str, message: PulsarMessage) -> JsonObject:
    return {
        "messageId": message_id,
        "payload": base64.b64encode(message.payload).decode(),
        "properties": dict(message.properties),
        "publishTime": message.publish_time,
        "redeliveryCount": message.redelivery_count,
    }


class PulsarLink:
    """A link whose WebSockets are consumers at `address`, the native port of the queue. `now` is the client's time.

    It calls and opens streams by the link `beneath`.
    """

    def __init__(self, link: Link, address: str, now: Callable[[], int]) -> None:
        self.beneath = link
        self._address = address
        self._now = now
        self._sockets: list[PulsarSocket] = []

    def wakes_at(self, own: int | None) -> int | None:
        """When a client wakes that would at its `own` time, and earlier where a socket is to ask for messages again."""
        moments = [each.due_at for each in self._sockets if each.due_at is not None]
        return own if own is None or not moments else min(own, max(min(moments), self._now() + 1))

    def call(
        self, method: str, url: str, headers: Mapping[str, str], body: bytes = b"", timeout_s: float = 10
    ) -> HttpAnswer:
        """Send one HTTP request."""
        return self.beneath.call(method, url, headers, body, timeout_s)

    def connect(self, url: str, headers: Mapping[str, str]) -> Socket:
        """Consume what a WebSocket to this URL would."""
        self._sockets = [each for each in self._sockets if each.closed is None]
        self._sockets.append(self.consume(url, headers))
        return self._sockets[-1]

    def consume(self, url: str, headers: Mapping[str, str]) -> PulsarSocket:
        """The consumer for the URL of a WebSocket."""
        parts = urlsplit(url)
        tenant, namespace, topic, subscription = parts.path.split("/")[-4:]
        asked = {name: values[-1] for name, values in parse_qs(parts.query).items()}
        subscribed = Subscribed(
            f"persistent://{tenant}/{namespace}/{topic}",
            subscription,
            asked.get("subscriptionType", "Exclusive"),
            int(asked.get("receiverQueueSize", 1000)),
        )
        consumer = PulsarConsumer(self.open(self._address), headers["username"], headers["password"], subscribed)
        delay_ms = int(asked.get("negativeAckRedeliveryDelay", NEGATIVE_ACK_DELAY_MS))
        return PulsarSocket(consumer, self._now, delay_ms)

    def open(self, url: str) -> Stream:
        """Open a stream."""
        return self.beneath.open(url)


class OverNative(Client):
    """A client that is given native consumers in place of its WebSockets."""

    def __init__(self, client: Client) -> None:
        self._client = client
        self._link: PulsarLink | None = None
        self._now_ms = 0
        self.clock = client.clock
        self.instances = client.instances
        self.has_output = client.has_output

    @property
    def can(self) -> frozenset[Capability]:
        """What the client can."""
        return self._client.can

    def start(self, start: Start) -> None:
        """Start it with a link of its own."""
        self._now_ms = start.now_ms
        self._link = PulsarLink(start.link, str(start.exports["pulsar"]), lambda: self._now_ms)
        self._client.start(replace(start, link=self._link))

    def sync(self, now_ms: int, window: Window | None = None) -> None:
        """Make a pass."""
        self._now_ms = now_ms
        self._client.sync(now_ms, window)

    def advance(self, now_ms: int) -> None:
        """Run its timers."""
        self._now_ms = now_ms
        self._client.advance(now_ms)

    def wakes_at(self) -> int | None:
        """When its next timer is due, or messages are to be asked for again."""
        own = self._client.wakes_at()
        return own if self._link is None else self._link.wakes_at(own)

    def quiet(self) -> None:
        """Store and acknowledge what has arrived."""
        self._client.quiet()

    def dump(self) -> list[DumpedRecord]:
        """Its records."""
        return self._client.dump()

    def effects(self) -> list[Effect]:
        """Its effects."""
        return self._client.effects()

    def crash(self) -> None:
        """Stop at once."""
        self._client.crash()

    def stop(self) -> None:
        """Shut down in order."""
        self._client.stop()

    def end(self) -> None:
        """Release what it has."""
        self._client.end()

    def activity(self) -> Activity | None:
        """What its process is doing."""
        return self._client.activity()

    def take_output(self) -> list[str]:
        """What its process has written."""
        return self._client.take_output()


def over_native(make_client: MakeClient) -> MakeClient:
    """A function that makes the same clients over the native port."""
    return lambda exports: OverNative(make_client(exports))
