"""The lots of one project: they keep records, count them, and re-report a cell when a claimed count differs."""

from collections.abc import Sequence
from dataclasses import dataclass
from random import Random
from typing import ClassVar

from msgspec import structs

from mock_server.clock import Clock
from mock_server.faults.catalogue import RECORD, FaultKind
from mock_server.faults.faults import Faults, Strike
from mock_server.history.events import CountCompared, RecordKept, RecordRemoved, Rereported
from mock_server.history.log import History
from mock_server.lots.store import Store
from mock_server.model import (
    UNKNOWN_ENUM,
    Cell,
    DataType,
    Fate,
    JsonScalar,
    Record,
    RecordKey,
    Rereport,
    SyncInfo,
    mask_plate,
)
from mock_server.profile import Profile
from mock_server.queue.uplink import Uplink, record_occasion
from mock_server.state.later import Later
from mock_server.state.rows import Table

REREPORTS_KEPT = 10_000
"""The most re-reports that are kept for the lab API (our choice); older ones are dropped."""


@dataclass(frozen=True, slots=True)
class DeletionDue:
    """A lot loses a record."""

    what: ClassVar[str] = "deletion of a record"
    key: RecordKey


@dataclass(frozen=True, slots=True)
class CorrectionDue:
    """A lot corrects a record."""

    what: ClassVar[str] = "correction of a record"
    key: RecordKey


class Lots:
    """Records, recounts and re-reports."""

    def __init__(
        self,
        clock: Clock,
        store: Store,
        uplink: Uplink,
        profile: Profile,
        history: History,
        random: Random,
        faults: Faults,
        later: Later,
    ) -> None:
        self._clock = clock
        self._store = store
        self._uplink = uplink
        self._profile = profile
        self._history = history
        self._random = random
        self._faults = faults
        self._later = later
        self._rereports: Table[int, Rereport] = later.journal.table("rereports", sorted_by_key=True)
        later.on(DeletionDue, lambda due: self.remove(due.key))
        later.on(CorrectionDue, lambda due: self._correct(due.key))

    @property
    def rereports(self) -> list[Rereport]:
        """The latest re-reports, oldest first."""
        return list(self._rereports.values())

    def add(self, record: Record, fate: Fate = None) -> Record:
        """Keep a new record; return it as kept. Without a fate, faults may change it, or plan its deletion."""
        strikes = self._faults.strike(record_occasion(RECORD, record)) if fate is None else []
        for strike in strikes:
            record = _with_odd_value(record, strike)
        self.keep(record, fate)
        for strike in strikes:
            self._plan_change(record, strike)
        return record

    def keep(self, record: Record, fate: Fate = None) -> None:
        """Keep a record and send it up the uplink. A known record id is a newer version, not a second record."""
        replaced = self._store.put(record) is not None
        self._history.add(
            RecordKept(
                device_id=record.device_id,
                record_id=record.record_id,
                data_type=record.data_type,
                pass_direction=record.pass_direction,
                event_time=record.event_time,
                plate_no=mask_plate(record.plate_no),
                uplink=f"delay {fate} ms" if isinstance(fate, int) else fate or "",
                replaced=replaced,
                created_time=record.created_time,
                details={name: value for name, value in record.details.items() if name != "image_url"},
            )
        )
        self._uplink.send(record, fate)

    def remove(self, key: RecordKey) -> bool:
        """Remove a record: it is no longer counted, and no message says so. False if there was none."""
        with self._later.journal:
            record = self._store.remove(key)
            if record is not None:
                self._history.add(RecordRemoved(record.device_id, record.record_id, record.data_type))
        return record is not None

    def count(self, cell: Cell) -> int:
        """The number of records that the lot has in a cell."""
        return self._store.count(cell.line, *self._profile.bounds(cell.start_time, cell.end_time))

    def records_in(self, cell: Cell) -> list[Record]:
        """The records of a cell, ordered by their times."""
        return self._store.fetch(cell.line, *self._profile.bounds(cell.start_time, cell.end_time))

    def compare(self, sn: str, infos: Sequence[SyncInfo]) -> None:
        """Compare the claimed counts of a command with the lot's own, then re-report the cells that differ."""
        counts = [self.count(info.cell) for info in infos]
        for info, counted in zip(infos, counts, strict=True):
            self._history.add(CountCompared(sn, info.cell, info.claimed, counted, info.claimed == counted))
        differs = [self._needs_rereport(info, counted) for info, counted in zip(infos, counts, strict=True)]
        whole_command = self._profile.rereport_scope == "command" and any(differs)
        for info, counted, differing in zip(infos, counts, differs, strict=True):
            if differing or whole_command:
                self._rereport(sn, info, counted)
        self._uplink.repeat()

    def _needs_rereport(self, info: SyncInfo, counted: int) -> bool:
        ignored = self._profile.over_count == "ignore" and info.claimed > counted
        return info.claimed != counted and not ignored

    def _rereport(self, sn: str, info: SyncInfo, counted: int) -> None:
        records = self.records_in(info.cell)
        if self._profile.rereport_order == "shuffled":
            self._random.shuffle(records)
        self._history.add(Rereported(sn, info.cell, info.claimed, counted, len(records)))
        decided_at = self._clock.now_ms()
        records, message_ids = self._uplink.resend(info.cell, records, self._profile.rereport_spread_ms)
        record_ids = tuple(record.record_id for record in records)
        rereport = Rereport(sn, decided_at, info.cell, info.claimed, counted, record_ids, message_ids)
        self._rereports.put(next(reversed(self._rereports), 0) + 1, rereport)
        if len(self._rereports) > REREPORTS_KEPT:
            self._rereports.drop(next(iter(self._rereports)))

    def _plan_change(self, record: Record, strike: Strike) -> None:
        at_ms = self._clock.now_ms() + strike.value
        if strike.kind == FaultKind.RECORD_DELETE:
            self._later.at(at_ms, DeletionDue(record.key))
        elif strike.kind == FaultKind.RECORD_CORRECT:
            self._later.at(at_ms, CorrectionDue(record.key))

    def _correct(self, key: RecordKey) -> None:
        record = self._store.get(key)
        if record is not None:
            self.keep(structs.replace(record, plate_no=_corrected(record.plate_no)))


def _with_odd_value(record: Record, strike: Strike) -> Record:
    """The record as a fault changes it: without a plate, with a fee of 0, or with an unknown enum value."""
    details: dict[str, JsonScalar] = {}
    if strike.kind == FaultKind.RECORD_NO_PLATE:
        return structs.replace(record, plate_no="")
    if strike.kind == FaultKind.RECORD_ZERO_FEE and record.data_type is DataType.BILL:
        details = {"payable_amount": 0, "paid_amount": 0}
    elif strike.kind == FaultKind.RECORD_UNKNOWN_ENUM:
        name = "pay_method" if record.data_type is DataType.BILL else "car_type"
        details = {name: UNKNOWN_ENUM}
    return structs.replace(record, details={**record.details, **details})


def _corrected(plate_no: str) -> str:
    """The plate after a correction: another last digit, or a plate where there was none."""
    last = plate_no[-1:]
    digit = (int(last) + 1) % 10 if last.isascii() and last.isdigit() else 0
    return f"{plate_no[:-1]}{digit}" if plate_no else "京A00000"
