"""A consumer over whose time the server watches, as Pulsar's WebSocket proxy does for its clients.

The ack timeout and the delay after a negative acknowledgement are parameters of the connection (documented). A native
client has both in its own library, and asks for redelivery instead.
"""

from dataclasses import dataclass, field

from mock_server.clock import Clock, Timer
from mock_server.queue.consumer import ACK_TIMEOUT, Consumer, PendingMessage
from mock_server.queue.subscription import Subscription


@dataclass(eq=False, slots=True)
class Times:
    """The times of a consumer in milliseconds; an `ack_timeout_ms` of 0 means no timeout."""

    ack_timeout_ms: int = 0
    negative_ack_delay_ms: int = 60_000


@dataclass(eq=False, slots=True, kw_only=True)
class TimedConsumer(Consumer):
    """A consumer of one subscription with an ack timeout, and a delay after a negative acknowledgement."""

    subscription: Subscription
    clock: Clock
    times: Times = field(default_factory=Times)
    _timer: Timer | None = None
    _refused: dict[str, Timer] = field(default_factory=dict)

    def refuse(self, message_id: str) -> None:
        """Have a message that it holds redelivered after the delay; ignores other ids."""
        if message_id in self.unacknowledged:
            at_ms = self.clock.now_ms() + self.times.negative_ack_delay_ms
            what = "redelivery after a negative ack"
            self._refused[message_id] = self.clock.call_at(at_ms, lambda: self._again(message_id), what)
            self.subscription.refuse(self, message_id)

    def take(self, pending: PendingMessage) -> None:
        """Hold a message, deliver it, and wait for its acknowledgement."""
        Consumer.take(self, pending)
        if self._timer is None:
            self._start_timer()

    def release(self, message_id: str) -> PendingMessage | None:
        """Hold a message no more, nor wait for it: no timer without a message keeps the project from being idle."""
        if self._refused and message_id in self._refused and message_id in self.set_aside:
            self._refused.pop(message_id).cancel()
        released = Consumer.release(self, message_id)
        if self._timer is not None and not self.unacknowledged:
            self._stop_timer()
        return released

    def release_all(self) -> list[PendingMessage]:
        """Hold nothing, nor wait for anything."""
        self._stop_timer()
        for timer in self._refused.values():
            timer.cancel()
        self._refused.clear()
        return Consumer.release_all(self)

    def _again(self, message_id: str) -> None:
        self.subscription.redeliver(self, [message_id])

    def _start_timer(self) -> None:
        """Start the timer of the earliest deadline, unless it runs. One a consumer: deadlines are in delivery order."""
        if self.times.ack_timeout_ms and self._timer is None and self.unacknowledged:
            first = next(iter(self.unacknowledged.values()))
            self._timer = self.clock.call_at(self._deadline(first), self._expire, ACK_TIMEOUT)

    def _stop_timer(self) -> None:
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None

    def _deadline(self, pending: PendingMessage) -> int:
        return pending.delivered_at + self.times.ack_timeout_ms

    def _expire(self) -> None:
        self._timer = None
        now = self.clock.now_ms()
        expired = []
        for message_id, pending in self.unacknowledged.items():
            if self._deadline(pending) > now:
                break
            expired.append(message_id)
        self.subscription.redeliver(self, expired)
        self._start_timer()
