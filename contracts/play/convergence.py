"""Whether a client and the lots have converged. The history is read once, as it grows: a session asks often."""

from collections import Counter
from collections.abc import Iterable

from mock_server.history.index import HistoryIndex
from mock_server.model import JIESHUN, Cell, DeviceKind, Record
from mock_server.project import Project

REDELIVERIES = 200
"""After so many redeliveries of one message the client will never acknowledge it."""


class Convergence:
    """Follows the history of one project.

    Converged means: every message is acknowledged, the last comparison of every cell was equal, and every record of a
    lot that takes syncs lies in a cell that was compared after the lot had it. `unlisted` lots need not be asked.

    With `since` the world is older than the client: only comparisons behind that line count, and it need not ask for
    every record, which may be years old; for something it must.
    """

    def __init__(self, project: Project, unlisted: Iterable[str] = (), since: int = 0) -> None:
        self._project = project
        self._since = since
        self._unlisted = frozenset(unlisted)
        self._index = HistoryIndex()
        self._redeliveries = 0
        self._last: dict[Cell, tuple[int, bool]] = {}
        self._unequal: Counter[Cell] = Counter()

    def reached(self) -> bool:
        """Whether client and lots agree now."""
        self._catch_up()
        return (
            not any(main.pending for main in self._project.queue.mains)
            and all(equal for _, equal in self._last.values())
            and (bool(self._last) if self._since else self._has_asked_for_all())
        )

    def stalled(self, rounds: int) -> bool:
        """Whether some cell was unequal `rounds` times, or some message came again `REDELIVERIES` times."""
        return self._redeliveries >= REDELIVERIES or any(count >= rounds for count in self._unequal.values())

    def _catch_up(self) -> None:
        index = self._index
        index.take(self._project.history.after(max(index.last, self._since)))
        for entry, event in (each for compared in index.compared.values() for each in compared):
            self._last[event.cell] = (entry.seq, event.equal)
            self._unequal[event.cell] += not event.equal
        for delivery in index.deliveries:
            self._redeliveries = max(self._redeliveries, delivery.redelivery_count)
        index.forget()

    def _has_asked_for_all(self) -> bool:
        return all(self._is_settled(record) for record in self._project.store.records() if self._is_asked(record))

    def _is_asked(self, record: Record) -> bool:
        device = self._project.devices[record.device_id]
        is_listed = record.device_id not in self._unlisted
        return is_listed and device.kind is DeviceKind.LOT and device.supplier_code != JIESHUN

    def _is_settled(self, record: Record) -> bool:
        known, profile = self._index.records.get(record.key), self._project.profile
        kept_seq = known.kept_seq if known is not None else 0
        line, time = record.line, profile.time_of(record)
        return any(seq > kept_seq and profile.holds(cell, line, time) for cell, (seq, _) in self._last.items())
