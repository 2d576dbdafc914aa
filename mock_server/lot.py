"""The lots of one project: they keep records, count them, and report a cell again when a claim differs."""

from collections import deque
from collections.abc import Sequence
from random import Random

from mock_server.clock import Clock
from mock_server.history import CountCompared, History, RecordKept, Rereported, mask_plate
from mock_server.model import Cell, Record, Rereport, SyncInfo
from mock_server.profile import Profile
from mock_server.store import Store
from mock_server.uplink import Fate, Uplink

REREPORTS_KEPT = 10_000
"""How many re-reports can still be asked for (our choice)."""


class Lots:
    """Records, recounts and re-reports. `rereports` holds the latest re-reports, oldest first."""

    def __init__(
        self, clock: Clock, store: Store, uplink: Uplink, profile: Profile, history: History, random: Random
    ) -> None:
        self._clock = clock
        self._store = store
        self._uplink = uplink
        self._profile = profile
        self._history = history
        self._random = random
        self.rereports: deque[Rereport] = deque(maxlen=REREPORTS_KEPT)

    def keep(self, record: Record, fate: Fate = "deliver") -> None:
        """Keep a record and send it up the line. The same record id again is a newer version, not a second record."""
        replaced = self._store.put(record) is not None
        self._history.add(
            RecordKept(
                device_id=record.device_id,
                record_id=record.record_id,
                data_type=record.data_type,
                pass_direction=record.pass_direction,
                event_time=record.event_time,
                plate_no=mask_plate(record.plate_no),
                uplink=f"delay {fate} ms" if isinstance(fate, int) else fate,
                replaced=replaced,
            )
        )
        self._uplink.send(record, fate)

    def count(self, cell: Cell) -> int:
        """How many records the lot has in a cell."""
        return self._store.count(cell.line, *self._profile.bounds(cell.start_time, cell.end_time))

    def records_in(self, cell: Cell) -> list[Record]:
        """The records of a cell, in the order of their times."""
        return self._store.fetch(cell.line, *self._profile.bounds(cell.start_time, cell.end_time))

    def compare(self, sn: str, infos: Sequence[SyncInfo]) -> None:
        """Compare each claimed count with the lot's own, then report again what differs."""
        counts = [self.count(info.cell) for info in infos]
        for info, counted in zip(infos, counts, strict=True):
            self._history.add(CountCompared(sn, info.cell, info.claimed, counted, info.claimed == counted))
        differs = [self._asks_for_rereport(info, counted) for info, counted in zip(infos, counts, strict=True)]
        whole_command = self._profile.rereport_scope == "command" and any(differs)
        for info, counted, differing in zip(infos, counts, differs, strict=True):
            if differing or whole_command:
                self._rereport(sn, info, counted)

    def _asks_for_rereport(self, info: SyncInfo, counted: int) -> bool:
        ignored = self._profile.over_count == "ignore" and info.claimed > counted
        return info.claimed != counted and not ignored

    def _rereport(self, sn: str, info: SyncInfo, counted: int) -> None:
        records = self.records_in(info.cell)
        if self._profile.rereport_order == "shuffled":
            self._random.shuffle(records)
        self._history.add(Rereported(sn, info.cell, info.claimed, counted, len(records)))
        decided_at = self._clock.now_ms()
        message_ids = self._uplink.resend(records, self._profile.rereport_spread_ms)
        record_ids = tuple(record.record_id for record in records)
        self.rereports.append(Rereport(sn, decided_at, info.cell, info.claimed, counted, record_ids, message_ids))
