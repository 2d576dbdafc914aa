"""One consumer of a native connection: permits, deliveries, acknowledgements and redeliveries of a subscription.

The client's library has the ack timeout and the delay after a negative acknowledgement, and asks for redelivery then;
so there is no timer here.
"""

from abc import ABC, abstractmethod
from itertools import takewhile

from mock_server.carriers.access import (
    AccessRefusedError,
    Refusal,
    Topic,
    check_name,
    client_text,
    find_subscriptions,
    join,
)
from mock_server.carriers.acknowledging import acknowledge, acknowledge_up_to
from mock_server.carriers.delivery import SentMessage, connection_strikes, deliver, has_bad_checksum, told_count
from mock_server.faults.faults import Strike
from mock_server.model import Message
from mock_server.project import Project
from mock_server.queue.consumer import About, Consumer, Permits, SubscriptionType
from mock_server.queue.subscription import Subscription
from mock_server.wire.message_id import acknowledged_id, message_id_numbers, message_id_text
from mock_server.wire.pulsar_commands import (
    AckType,
    CommandAck,
    CommandActiveConsumerChange,
    CommandSeek,
    CommandSubscribe,
    MessageIdData,
    PulsarCommand,
    SubType,
)
from mock_server.wire.pulsar_message import Addressee, Metadata, message_frame

LATEST = 2**63 - 1
"""The ledger of a seek to the end (read in the clients: the highest signed number)."""

_VALIDATION_ERRORS = {
    0: "UncompressedSizeCorruption",
    1: "DecompressionError",
    2: "ChecksumMismatch",
    3: "BatchDeSerializeError",
    4: "DecryptionError",
}
"""Why a client's library may discard a message (documented: the protocol's names)."""

_TYPES: dict[int, SubscriptionType] = {SubType.EXCLUSIVE: "Exclusive", SubType.FAILOVER: "Failover"}


class NativeLink(ABC):
    """The connection of a consumer, as the consumer needs it."""

    client = ""
    """The client's library and version, as it says."""

    is_failing = False
    """Whether a fault has struck it: nothing more is sent."""

    @abstractmethod
    def send(self, command: PulsarCommand) -> None:
        """Send a command, without blocking."""

    @abstractmethod
    def write(self, frame: bytes) -> None:
        """Send a frame, without blocking."""

    @abstractmethod
    def has_turn(self) -> bool:
        """Whether another message may be sent now; if not, `NativeConsumer.go_on` is called later."""

    @abstractmethod
    def strike(self, strike: Strike, consumer: "NativeConsumer") -> None:
        """Do what a fault does to the connection or to this consumer of it, after the delivery that is on the stack."""

    @abstractmethod
    def end(self) -> None:
        """Close the connection."""


class NativeConsumer:
    """A consumer that joins a subscription. AccessRefusedError if it may not.

    Nothing is delivered before `add_permits`. `is_closing` says that it is to be closed: nothing more is sent to it.
    """

    def __init__(self, link: NativeLink, project: Project, topic: Topic, asked: CommandSubscribe) -> None:
        kind = _subscription_type(project, asked)
        check_name(project, asked.subscription)
        self.number = asked.consumer_id
        self.is_closing = False
        self._asked = asked
        self._link = link
        self._project = project
        self._epoch = asked.consumer_epoch
        self._permits = Permits()
        self._is_active: bool | None = None
        self._is_announced = False
        self.subscription = _subscription(project, topic, asked.subscription)
        self._consumer = Consumer(
            consumer_id=project.new_consumer_id(),
            deliver=self._deliver,
            room=self._permits,
            type=kind,
            about=_about(project, link, asked),
            close=link.end,
            on_active=self._on_active,
            has_turn=link.has_turn,
        )
        join(project, self.subscription, self._consumer)

    def is_asked_by(self, asked: CommandSubscribe) -> bool:
        """Whether a client that subscribes means this consumer."""
        return (asked.topic, asked.subscription) == (self._asked.topic, self._asked.subscription)

    def announce(self) -> None:
        """Tell the client whether it is the active consumer, and from now on each change."""
        self._is_announced = True
        self._link.send(CommandActiveConsumerChange(self.number, self._is_active))

    def _on_active(self, is_active: bool) -> None:  # noqa: FBT001 the queue calls it so
        self._is_active = is_active
        if self._is_announced:
            self.announce()

    def leave(self) -> None:
        """Stop to consume: the messages that are not acknowledged are redelivered."""
        self.subscription.disconnect(self._consumer)

    def go_on(self) -> None:
        """Deliver what there are permits for: it has its turn again."""
        self.subscription.go_on()

    def add_permits(self, count: int) -> None:
        """Deliver so many messages more."""
        self._permits.add(count)
        self.subscription.go_on()

    def acknowledge(self, command: CommandAck) -> None:
        """Remove the messages that an acknowledgement names. One that names none, or what is not pending, is ignored.

        A cumulative one names a single message, as clients do.
        """
        ids = [acknowledged_id(each) for each in command.message_ids]
        if command.validation_error is not None:
            for message_id in ids:
                self.subscription.discard(self._consumer, message_id, _error_text(command.validation_error))
        elif command.ack_type == AckType.INDIVIDUAL:
            for message_id in ids:
                acknowledge(self._project, self.subscription, self._consumer, message_id)
        elif command.ack_type == AckType.CUMULATIVE and len(ids) == 1:
            acknowledge_up_to(self._project, self.subscription, self._consumer, ids[0])

    def redeliver(self, epoch: int | None) -> None:
        """Deliver everything again that is not acknowledged. Messages carry the newest epoch from then on."""
        if epoch is not None:
            self._epoch = max(epoch, self._epoch or 0)
        self.subscription.rewind(self._consumer)

    def seek(self, command: CommandSeek) -> None:
        """Acknowledge what was published before a message or a time; nothing that is acknowledged comes back."""
        passed = _passed(self.subscription.pending_messages(), command)
        if passed:
            self.subscription.acknowledge_up_to(self._consumer, passed[-1].message_id)

    def may_unsubscribe(self) -> bool:
        """Whether its subscription may be forgotten: not the SDKs' own, and none that others consume."""
        others = [each for each in self.subscription.consumers if each is not self._consumer]
        return self.subscription.name != self._project.queue.main_name and not others

    def unsubscribe(self) -> None:
        """Leave, and have the subscription forgotten."""
        self.leave()
        self._project.queue.forget(self.subscription)

    def newest_id(self) -> MessageIdData:
        """The id of the newest message that was published to its subscription, (-1, -1) before the first."""
        newest = self._project.queue.newest(self.subscription.topic, self.subscription.partition)
        return MessageIdData(*message_id_numbers(newest)) if newest else MessageIdData(-1, -1)

    def _deliver(self, message: Message, redelivery_count: int) -> None:
        if self._link.is_failing or self.is_closing:
            return
        consumer_id = self._consumer.consumer_id
        strikes = connection_strikes(self._project, message, self.subscription.name, consumer_id)
        if strikes:
            self._link.strike(strikes[0], self)
        else:
            self._link.write(self._frame(message, redelivery_count, deliver(self._project, message, consumer_id)))

    def _frame(self, message: Message, redelivery_count: int, delivery: SentMessage) -> bytes:
        count = told_count(self._project, redelivery_count)
        return message_frame(
            Addressee(self.number, self.subscription.partition, count, self._epoch),
            message.message_id,
            Metadata(message.publish_time, delivery.properties, message.subject.device_id),
            delivery.payload,
            damage=int(has_bad_checksum(self._project, message, self._consumer.consumer_id)),
        )


def _about(project: Project, link: NativeLink, asked: CommandSubscribe) -> About:
    client, name = client_text(project, link.client), client_text(project, asked.consumer_name or "")
    return About("native", client, name, asked.priority_level or 0)


def _subscription_type(project: Project, asked: CommandSubscribe) -> SubscriptionType:
    if asked.durable is False:
        raise AccessRefusedError(Refusal.PARAMETER, "readers are not served: there is no retention", project)
    if asked.sub_type not in _TYPES:
        raise AccessRefusedError(Refusal.PARAMETER, "the type of a subscription is Failover or Exclusive", project)
    return _TYPES[asked.sub_type]


def _subscription(project: Project, topic: Topic, name: str) -> Subscription:
    """The subscription of a topic without partitions, or of one partition."""
    found = find_subscriptions(project, topic, name)
    if len(found) > 1:
        sentence = f"the topic has partitions: a consumer is one of {topic.name}-partition-0 and so on"
        raise AccessRefusedError(Refusal.PARAMETER, sentence, project)
    return found[0]


def _error_text(error: int) -> str:
    """Why a client's library discarded a message."""
    return _VALIDATION_ERRORS.get(error, f"error {error}")


def _passed(pending: list[Message], command: CommandSeek) -> list[Message]:
    """The messages before the place of a seek, in the order of publication; none if there is no such place."""
    if command.message_id is None:
        return list(takewhile(lambda message: message.publish_time < (command.message_publish_time or 0), pending))
    if command.message_id.ledger == LATEST:
        return pending
    sought = message_id_text(command.message_id.ledger, command.message_id.entry)
    place = next((at for at, message in enumerate(pending) if message.message_id == sought), 0)
    return pending[:place]
