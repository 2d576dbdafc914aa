"""One accepted consumer connection, without its transport: sends messages as text frames, reads acknowledgements."""

import json
from abc import ABC, abstractmethod

from mock_server.carriers.timed_consumer import TimedConsumer, Times
from mock_server.faults.catalogue import DELIVERY, SOCKET, FaultKind
from mock_server.faults.faults import Occasion
from mock_server.model import Message, Record
from mock_server.problems import parse_json
from mock_server.project import Project
from mock_server.queue.consumer import ReceiverQueue
from mock_server.queue.queue import MAX_SUBSCRIPTIONS
from mock_server.queue.subscription import SubscriptionBusyError
from mock_server.queue.uplink import record_occasion
from mock_server.web.queue.handshake import ConsumerRequest, HandshakeRefusedError
from mock_server.wire.encryption import GCM_NONCE_BYTES
from mock_server.wire.messages import encrypted_payload, frame, status_report

BAD_PAYLOAD = 1007
GOING_AWAY = 1001
FAILED = 1011
"""WebSocket close codes (RFC 6455, 7.4.1): a frame that is not valid, a server that stops, an internal error."""


FRAME = 'a frame is {"messageId": "..."}, or has a type that there is'
"""What a frame of a client is, as the reason of a close, which is short: at most 123 bytes."""


class ConsumerSession(ABC):
    """A consumer of a subscription and its frames. A subclass is the transport.

    HandshakeRefusedError if the project may not have another subscription.
    """

    def __init__(self, asked: ConsumerRequest) -> None:
        queue = asked.project.queue
        if not queue.has_subscription(asked.topic, asked.subscription):
            _check_new(asked)
        self._project = asked.project
        self._failing: int | None = None
        self._ended = False
        self._idle = False
        self._subscription = queue.subscription(asked.topic, asked.subscription)
        self._receiver_queue_size = asked.receiver_queue_size
        self._consumer = TimedConsumer(
            consumer_id=asked.project.new_consumer_id(),
            deliver=self._deliver,
            room=ReceiverQueue(asked.receiver_queue_size),
            type=asked.type,
            close=lambda: self.end(GOING_AWAY),
            subscription=self._subscription,
            clock=asked.project.clock,
            times=Times(asked.ack_timeout_ms, asked.negative_ack_delay_ms),
        )

    @abstractmethod
    def has_room(self) -> bool:
        """Whether another frame may be put."""

    @abstractmethod
    def put(self, text: str) -> None:
        """Send a frame, without blocking."""

    @abstractmethod
    def fail_soon(self, code: int) -> None:
        """Call `end(code)` after the subscription's present delivery, which is on the stack."""

    @abstractmethod
    def end(self, code: int, reason: str = "") -> None:
        """Disconnect the consumer and close the connection with a WebSocket close code, and a reason in words."""

    def connect(self) -> None:
        """Start to consume. HandshakeRefusedError if the subscription may not be shared."""
        try:
            self._subscription.connect(self._consumer)
        except SubscriptionBusyError as busy:
            raise HandshakeRefusedError(409, str(busy)) from None

    def disconnect(self) -> None:
        """Stop to consume: the messages that are not acknowledged are redelivered."""
        self._subscription.disconnect(self._consumer, idle=self._idle)

    def take(self, content: bytes) -> None:
        """Handle one frame of the client, or close the connection with the reason why it is none."""
        try:
            self._obey(parse_json(content, "the frame"))
        except ValueError as error:
            self.end(BAD_PAYLOAD, str(error))

    def _obey(self, command: object) -> None:
        """Handle a frame, an acknowledgement unless its `type` names another. ValueError if it is neither."""
        if not isinstance(command, dict):
            raise ValueError(f"the frame is no JSON object: {FRAME}")  # noqa: TRY004 one error for every invalid frame
        kind = command.get("type")
        message_id = command.get("messageId")
        if kind == "isEndOfTopic":
            if self.has_room():  # not to a client that asks and never reads
                self.put(json.dumps({"endOfTopic": "false"}))
        elif kind == "negativeAcknowledge" and isinstance(message_id, str):
            self._consumer.refuse(message_id)
        elif kind in (None, "ack") and isinstance(message_id, str):
            self._subscription.acknowledge(self._consumer, message_id)
        elif kind != "permit":
            raise ValueError(FRAME)

    def _deliver(self, message: Message, redelivery_count: int) -> None:
        if self._failing is not None:
            return
        consumer = self._consumer.consumer_id
        connection = f"socket {self._subscription.name}"
        occasion = Occasion(SOCKET, connection, message_id=message.message_id, consumer=consumer)
        strikes = self._project.faults.strike(occasion)
        if strikes:
            self._failing = GOING_AWAY if strikes[0].kind == FaultKind.SOCKET_IDLE else FAILED
            self.fail_soon(self._failing)
        elif self.has_room():
            # Without room the client does not read, and this is a redelivery: its earlier frame is still to be sent.
            self.put(message_frame(self._project, message, redelivery_count, consumer))


def _check_new(asked: ConsumerRequest) -> None:
    """HandshakeRefusedError if a subscription that does not exist may not be made."""
    if asked.project.profile.unknown_subscription == "refuse":
        where = f"POST /_lab/projects/{asked.project.access_id}/subscriptions makes it"
        raise HandshakeRefusedError(404, f"there is no subscription {asked.subscription} of {asked.topic}: {where}")
    if asked.project.queue.is_full:
        raise HandshakeRefusedError(409, f"there are {MAX_SUBSCRIPTIONS} subscriptions already")


def message_frame(project: Project, message: Message, redelivery_count: int, consumer: str) -> str:
    """The text frame of a message for a consumer, changed by the faults that strike this delivery."""
    struck = {strike.kind: strike.value for strike in project.faults.strike(_occasion(message, consumer))}
    encryption = project.profile.encryption
    nonce = project.random.randbytes(GCM_NONCE_BYTES) if encryption == "aes_gcm" else b""
    report = status_report(
        message,
        project.product_key,
        project.profile,
        unknown_fields=FaultKind.MESSAGE_UNKNOWN_FIELDS in struck,
        leap_second=FaultKind.MESSAGE_LEAP_SECOND in struck,
    )
    payload = encrypted_payload(
        report,
        message.publish_time,
        project.access_secret,
        encryption,
        nonce,
        flip_at=struck.get(FaultKind.MESSAGE_FLIP_BIT),
    )
    return frame(message, payload, encryption, redelivery_count)


def _occasion(message: Message, consumer: str) -> Occasion:
    subject, message_id = message.subject, message.message_id
    if isinstance(subject, Record):
        return record_occasion(DELIVERY, subject, message_id, consumer)
    return Occasion(DELIVERY, f"message {message_id}", subject.device_id, message_id=message_id, consumer=consumer)
