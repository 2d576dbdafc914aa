"""Several instances of one client behind one `Client`, as in a deployment with replicas."""

from collections.abc import Sequence

from contracts.client.interface import Capability, Client, DumpedRecord, Effect, Start, Window
from contracts.client.own_time import Activity


class Replicas(Client):
    """Instances that share their exports and their folder. Records and effects are those of the first.

    One that does not start beside the first, for a lock on the folder perhaps, leaves the others alone.
    """

    def __init__(self, clients: Sequence[Client]) -> None:
        self._clients = list(clients)
        self.has_output = any(each.has_output for each in clients)

    @property
    def can(self) -> frozenset[Capability]:
        """The capabilities that all of them have."""
        return frozenset.intersection(*(each.can for each in self._clients))

    def start(self, start: Start) -> None:
        """Start the first, and each of the others that can run beside it."""
        first, *others = self._clients
        first.start(start)
        for each in others:
            try:
                each.start(start)
            except Exception:  # noqa: BLE001 however it says that it does not run beside another
                each.end()
                self._clients.remove(each)

    def sync(self, now_ms: int, window: Window | None = None) -> None:
        """Each makes a pass."""
        for each in self._clients:
            each.sync(now_ms, window)

    def advance(self, now_ms: int) -> None:
        """Run the timers of each."""
        for each in self._clients:
            each.advance(now_ms)

    def wakes_at(self) -> int | None:
        """When the first of them wakes; None if one of them does not say."""
        moments = [each.wakes_at() for each in self._clients]
        known = [moment for moment in moments if moment is not None]
        return min(known) if len(known) == len(moments) else None

    def quiet(self) -> None:
        """Each stores and acknowledges what has arrived."""
        for each in self._clients:
            each.quiet()

    def dump(self) -> list[DumpedRecord]:
        """The records of the first."""
        return self._clients[0].dump()

    def effects(self) -> list[Effect]:
        """The effects of the first."""
        return self._clients[0].effects()

    def crash(self) -> None:
        """Crash each."""
        for each in self._clients:
            each.crash()

    def stop(self) -> None:
        """Stop each."""
        for each in self._clients:
            each.stop()

    def end(self) -> None:
        """End each."""
        for each in self._clients:
            each.end()

    def activity(self) -> Activity | None:
        """What they are doing together; None if that cannot be seen of one of them."""
        seen = [each.activity() for each in self._clients]
        known = [each for each in seen if each is not None]
        if len(known) < len(seen):
            return None
        return Activity(any(each.is_busy for each in known), sum(each.used_s for each in known))

    def take_output(self) -> list[str]:
        """The output of all of them."""
        return [line for each in self._clients for line in each.take_output()]
