"""Several instances of one client, driven as if they were one: what a deployment with replicas is."""

from collections.abc import Sequence

from contracts.client.interface import Capability, Client, DumpedRecord, Effect, Start, Window


class Replicas(Client):
    """Instances that share their exports and their folder. The first one's store is looked at."""

    def __init__(self, clients: Sequence[Client]) -> None:
        self._clients = clients
        self.has_output = any(each.has_output for each in clients)

    @property
    def can(self) -> frozenset[Capability]:
        """What all of them can."""
        return frozenset.intersection(*(each.can for each in self._clients))

    def start(self, start: Start) -> None:
        """Start each."""
        for each in self._clients:
            each.start(start)

    def sync(self, now_ms: int, window: Window | None = None) -> None:
        """Each makes a pass."""
        for each in self._clients:
            each.sync(now_ms, window)

    def advance(self, now_ms: int) -> None:
        """The timers of each."""
        for each in self._clients:
            each.advance(now_ms)

    def wakes_at(self) -> int | None:
        """When the first of them wakes; not known if one does not say."""
        moments = [each.wakes_at() for each in self._clients]
        known = [moment for moment in moments if moment is not None]
        return min(known) if len(known) == len(moments) else None

    def quiet(self) -> None:
        """Each takes what has come to it."""
        for each in self._clients:
            each.quiet()

    def dump(self) -> list[DumpedRecord]:
        """The records of the first."""
        return self._clients[0].dump()

    def effects(self) -> list[Effect]:
        """The effects of the first."""
        return self._clients[0].effects()

    def crash(self) -> None:
        """All die."""
        for each in self._clients:
            each.crash()

    def stop(self) -> None:
        """All end."""
        for each in self._clients:
            each.stop()

    def end(self) -> None:
        """Nothing of any of them is left."""
        for each in self._clients:
            each.end()

    def take_output(self) -> list[str]:
        """What any of them has written."""
        return [line for each in self._clients for line in each.take_output()]
