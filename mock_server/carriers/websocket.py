"""One accepted WebSocket consumer, without its transport: sends messages as text frames, reads acknowledgements."""

import json
from abc import ABC, abstractmethod
from dataclasses import dataclass

from mock_server.carriers.access import AccessRefusedError, Topic, client_text, find_subscriptions, join
from mock_server.carriers.acknowledging import acknowledge
from mock_server.carriers.delivery import connection_strikes, deliver, told_count
from mock_server.carriers.timed_consumer import TimedConsumer, Times
from mock_server.faults.catalogue import FaultKind
from mock_server.model import Message
from mock_server.problems import parse_json
from mock_server.project import Project
from mock_server.queue.consumer import About, ReceiverQueue, SharedReceiverQueue, SubscriptionType
from mock_server.queue.subscription import Subscription
from mock_server.wire.messages import frame

BAD_PAYLOAD = 1007
GOING_AWAY = 1001
FAILED = 1011
"""WebSocket close codes (RFC 6455, 7.4.1): a frame that is not valid, a server that stops, an internal error."""


FRAME = 'a frame is {"messageId": "..."}, or has a type that there is'
"""What a frame of a client is, as the reason of a close, which is short: at most 123 bytes."""


@dataclass(frozen=True, slots=True)
class ConsumerRequest:
    """The subscription and parameters of a valid handshake; times in milliseconds."""

    project: Project
    topic: Topic
    subscription: str
    type: SubscriptionType
    ack_timeout_ms: int
    receiver_queue_size: int
    negative_ack_delay_ms: int
    client: str = ""


class ConsumerSession(ABC):
    """A consumer of a subscription and its frames. A subclass is the transport.

    AccessRefusedError if the project may not have another subscription.
    """

    def __init__(self, asked: ConsumerRequest) -> None:
        self._project = asked.project
        self._failing: int | None = None
        self._is_closed = False
        self._ended = False
        self._idle = False
        self._receiver_queue_size = asked.receiver_queue_size
        self._consumer_id = asked.project.new_consumer_id()
        subscriptions = find_subscriptions(asked.project, asked.topic, asked.subscription)
        is_shared = len(subscriptions) > 1
        room = (SharedReceiverQueue if is_shared else ReceiverQueue)(asked.receiver_queue_size)
        self._consumers = [self._consumer_of(asked, each, room) for each in subscriptions]

    def _consumer_of(self, asked: ConsumerRequest, subscription: Subscription, room: ReceiverQueue) -> TimedConsumer:
        """The consumer of one partition, or of the topic if it has none."""
        return TimedConsumer(
            consumer_id=self._consumer_id,
            deliver=self._deliver,
            room=room,
            type=asked.type,
            about=About("websocket", client_text(asked.project, asked.client)),
            close=lambda: self.end(GOING_AWAY),
            subscription=subscription,
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
        """Start to consume. AccessRefusedError if the subscription may not be shared."""
        for consumer in self._consumers:
            if self._failing is None:  # or a message of an earlier partition has broken the connection
                join(self._project, consumer.subscription, consumer)

    def disconnect(self) -> None:
        """Stop to consume: the messages that are not acknowledged are redelivered."""
        for consumer in self._consumers:
            consumer.subscription.disconnect(consumer, idle=self._idle)

    def go_on(self) -> None:
        """Deliver what there is room for: it has its turn again."""
        for consumer in self._consumers:
            consumer.subscription.go_on()

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
            for consumer in self._consumers:
                consumer.refuse(message_id)
        elif kind in (None, "ack") and isinstance(message_id, str):
            self._acknowledge(message_id)
        elif kind != "permit":
            raise ValueError(FRAME)

    def _acknowledge(self, message_id: str) -> None:
        for consumer in self._consumers:
            if acknowledge(self._project, consumer.subscription, consumer, message_id):
                return

    def _deliver(self, message: Message, redelivery_count: int) -> None:
        if self._failing is not None or self._is_closed:
            return
        consumer = self._consumer_id
        strikes = connection_strikes(self._project, message, self._consumers[0].subscription.name, consumer)
        if strikes:
            self._break(strikes[0].kind)
        elif self.has_room():
            # Without room the client does not read, and this is a redelivery: its earlier frame is still to be sent.
            self.put(message_frame(self._project, message, redelivery_count, consumer))

    def _break(self, kind: str) -> None:
        """Lose the connection, or only the consumer that the proxy has for it, after the present delivery."""
        if kind == FaultKind.CONSUMER_CLOSE:
            self._is_closed = True
            clock = self._project.clock
            timer = clock.call_at(clock.now_ms(), self._consume_again, "consumer closed by the broker")
            timer.on_dropped = self._stay
        else:
            self._failing = GOING_AWAY if kind == FaultKind.SOCKET_IDLE else FAILED
            self.fail_soon(self._failing)

    def _stay(self) -> None:
        """Stay the consumer that it is: a reset came before the broker had closed it."""
        self._is_closed = False

    def _consume_again(self) -> None:
        """Subscribe again, as Pulsar's proxy does when the broker has closed its consumer: the client is not told."""
        self._is_closed = False
        if self._consumers[0] not in self._consumers[0].subscription.consumers:
            return
        self.disconnect()
        self._consumer_id = self._project.new_consumer_id()
        for consumer in self._consumers:
            consumer.consumer_id = self._consumer_id
        try:
            self.connect()
        except AccessRefusedError as refused:
            self.end(FAILED, str(refused))


def message_frame(project: Project, message: Message, redelivery_count: int, consumer: str) -> str:
    """The text frame of a message for a consumer, changed by the faults that strike this delivery."""
    delivery = deliver(project, message, consumer)
    return frame(message, delivery.payload, delivery.properties, told_count(project, redelivery_count))
