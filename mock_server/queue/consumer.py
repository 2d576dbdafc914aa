"""One consumer of a subscription, whatever carries it: what it holds, and whether it takes more.

How long it may hold a message, and when one that it refuses comes again, is its carrier's business: see `carriers`.
"""

from abc import ABC, abstractmethod
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Literal

from msgspec import Struct

from mock_server.history.events import CarrierName
from mock_server.model import Message

SubscriptionType = Literal["Failover", "Exclusive"]

ACK_TIMEOUT = "ack timeout"
"""What a carrier calls its timers of ack timeouts: the only ones that an acknowledgement cancels."""

MAX_PERMITS = 1_000_000
"""The most permits that are counted (our choice): a client's sum of them has no bound."""


class PendingMessage(Struct, eq=False, gc=False):
    """A message in one subscription that no consumer has acknowledged yet, at its place in the order of publication.

    `acknowledged` marks one that is settled while the subscription still has it in its order or in its backlog.
    `delivered_at` is the time of its latest delivery, in epoch milliseconds.
    """

    message: Message
    place: int
    redelivery_count: int = 0
    acknowledged: bool = False
    delivered_at: int = 0


class Room(ABC):
    """How many messages a consumer takes. Consumers of several partitions may share one."""

    __slots__ = ()

    @abstractmethod
    def has_room(self) -> bool:
        """Whether one more message may be delivered."""

    @abstractmethod
    def took(self) -> None:
        """A message is delivered."""

    @abstractmethod
    def freed(self) -> None:
        """A message that was delivered is held no more: acknowledged, refused or to be delivered again."""

    def wait(self, go_on: Callable[[], None]) -> None:  # noqa: B027 only shared room has to tell
        """A subscription has a message and finds no room. It goes on when there is some."""

    def go_on(self) -> None:  # noqa: B027 only shared room has to tell
        """Let the subscriptions go on that have waited for room, if there is any."""


class ReceiverQueue(Room):
    """Room for a number of messages that are delivered and not acknowledged: a WebSocket consumer's."""

    __slots__ = ("_held", "size")

    def __init__(self, size: int = 1000) -> None:
        self.size = size
        self._held = 0

    def has_room(self) -> bool:
        """Whether fewer messages are held than its size."""
        return self._held < self.size

    def took(self) -> None:
        """One more is held."""
        self._held += 1

    def freed(self) -> None:
        """One less is held."""
        self._held -= 1


class SharedReceiverQueue(ReceiverQueue):
    """Room of one receiver queue for the consumers of several partitions."""

    __slots__ = ("_waiting",)

    def __init__(self, size: int) -> None:
        super().__init__(size)
        self._waiting: dict[Callable[[], None], None] = {}

    def wait(self, go_on: Callable[[], None]) -> None:
        """Let a subscription go on when there is room again."""
        self._waiting[go_on] = None

    def go_on(self) -> None:
        """Let the subscriptions that wait go on, each of which waits again if the room is not enough."""
        if self._waiting and self.has_room():
            waiting, self._waiting = self._waiting, {}
            for go_on in waiting:
                go_on()


class Permits(Room):
    """Room for as many deliveries as the client has asked for, acknowledged or not: a native consumer's."""

    __slots__ = ("count",)

    def __init__(self, count: int = 0) -> None:
        self.count = count

    def add(self, count: int) -> None:
        """Ask for so many deliveries more; beyond `MAX_PERMITS` together they are not counted."""
        self.count = min(self.count + max(count, 0), MAX_PERMITS)

    def has_room(self) -> bool:
        """Whether a permit is left."""
        return self.count > 0

    def took(self) -> None:
        """Use up one permit."""
        self.count -= 1

    def freed(self) -> None:
        """Nothing: a permit is for a delivery, whatever becomes of the message."""


@dataclass(frozen=True, slots=True)
class About:
    """What a consumer is, and says of itself: its library with the version, its name, its priority (0 comes first)."""

    carrier: CarrierName = "test"
    client: str = ""
    name: str = ""
    priority: int = 0


@dataclass(eq=False, slots=True)
class Consumer:
    """A consumer. `deliver(message, redelivery count)` must not block; ids are unique in the project.

    `unacknowledged` has the delivered messages by message id, in the order of delivery; `set_aside` those that it has
    refused and that wait for their next delivery. `has_turn` returns whether it takes a message now: one that does not
    has `Subscription.go_on` called later. `on_active` is told whether it is the active one, when it comes and at each
    change. `is_awaited` returns whether it is worth waiting for its acknowledgements:
    not where the thread that would have to wait is the one that acknowledges.
    """

    consumer_id: str
    deliver: Callable[[Message, int], None]
    room: Room = field(default_factory=ReceiverQueue)
    type: SubscriptionType = "Failover"
    about: About = field(default_factory=About)
    unacknowledged: dict[str, PendingMessage] = field(default_factory=dict)
    set_aside: dict[str, PendingMessage] = field(default_factory=dict)
    close: Callable[[], None] = lambda: None
    on_active: Callable[[bool], None] = lambda _: None
    has_turn: Callable[[], bool] = lambda: True
    is_awaited: Callable[[], bool] = lambda: True

    def take(self, pending: PendingMessage) -> None:
        """Hold a message and deliver it to the client."""
        self.unacknowledged[pending.message.message_id] = pending
        self.room.took()
        self.deliver(pending.message, pending.redelivery_count)

    def release(self, message_id: str) -> PendingMessage | None:
        """Hold a message no more, delivered or set aside. None if it holds no such message."""
        pending = self.unacknowledged.pop(message_id, None)
        if pending is None:
            return self.set_aside.pop(message_id, None)
        self.room.freed()
        return pending

    def release_all(self) -> list[PendingMessage]:
        """Hold nothing any more. Returns what it held, what was set aside first."""
        held = [*self.set_aside.values(), *self.unacknowledged.values()]
        for _ in self.unacknowledged:
            self.room.freed()
        self.set_aside.clear()
        self.unacknowledged.clear()
        return held
