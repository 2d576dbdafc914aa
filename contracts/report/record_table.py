"""The table of a run's records: how often each was delivered, and what the client has stored in the end."""

from collections import Counter, defaultdict
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Literal, TypeAlias

from contracts.client.interface import DumpedRecord
from contracts.run.run import Run
from mock_server.history.index import LotRecord, line_of
from mock_server.model import RecordKey

RecordFate: TypeAlias = Literal["ok", "lost", "doubled", "foreign", "misplaced", "stale"]
FATES: tuple[RecordFate, ...] = ("ok", "lost", "doubled", "foreign", "misplaced", "stale")


@dataclass(frozen=True, slots=True)
class RecordRow:
    """One record. `stored` is the number of its rows in the client's last dump, None if the client has no `dump`."""

    name: str
    what: str
    event_time: int
    delivered: int
    rereported: int
    acked: bool
    stored: int | None
    fate: RecordFate
    why: str

    @property
    def text(self) -> str:
        """The fate and the reason."""
        return f"{self.fate}: {self.why}" if self.why else self.fate


def rows(run: Run) -> Iterator[RecordRow]:
    """Every record that a lot has had, in the order of the history, then the client's records with unknown ids."""
    stored = _stored(run)
    for record in run.records.values():
        fate, why = fate_of(run, record, stored)
        yield RecordRow(
            name=record.name,
            what=kind_text(record.kept.data_type, record.kept.pass_direction),
            event_time=record.kept.event_time,
            delivered=len(record.deliveries),
            rereported=sum(each.origin == "rereport" for each in record.deliveries),
            acked=record.acked_before(run.entries[-1].seq + 1),
            stored=None if stored is None else len(_copies(run, record, stored)),
            fate=fate,
            why=why,
        )
    yield from _foreign(run, stored or {})


def _foreign(run: Run, stored: dict[str, list[DumpedRecord]]) -> Iterator[RecordRow]:
    """The client's records whose id no lot has ever used."""
    known = {record.name for record in run.records.values()}
    for name, copies in stored.items():
        if name not in known:
            first = copies[0]
            what = kind_text(first.data_type, first.pass_direction)
            yield RecordRow(
                name, what, first.event_ms, 0, 0, False, len(copies), "foreign", "no lot has a record of this id"
            )


def kind_text(data_type: int, direction: int | None) -> str:
    """The kind of a record in words."""
    return "bill" if data_type == 1 else {0: "pass, enter", 1: "pass, leave"}.get(direction or 0, "pass")


def _stored(run: Run) -> dict[str, list[DumpedRecord]] | None:
    if not run.dumps:
        return None
    found: dict[str, list[DumpedRecord]] = defaultdict(list)
    for each in run.dumps[-1].records:
        found[each.record_id].append(each)
    return found


def _copies(run: Run, record: LotRecord, stored: dict[str, list[DumpedRecord]]) -> list[DumpedRecord]:
    """The client's records with a record's id: its own ones, or else those that are of no other record."""
    rows = stored.get(record.name, [])
    own = [each for each in rows if _key(each) == record.key]
    return own or [each for each in rows if _key(each) not in run.records]


def _key(row: DumpedRecord) -> RecordKey:
    return (row.device_id, row.data_type, row.record_id)


def fate_of(run: Run, record: LotRecord, stored: dict[str, list[DumpedRecord]] | None = None) -> tuple[RecordFate, str]:
    """The fate of a record at the end of a run, and the reason."""
    if record.removed_seq is not None:
        return "foreign", "the lot has forgotten it"
    if not record.deliveries:
        return "lost", "never delivered"
    found = _stored(run) if stored is None else stored
    if found is None:
        acked = record.acked_before(run.entries[-1].seq + 1)
        return ("ok", "") if acked else ("lost", "never acknowledged")
    copies = _copies(run, record, found)
    if not copies:
        return "lost", "delivered, not stored"
    if len(copies) > 1:
        return "doubled", f"stored {len(copies)} x"
    return _place(run, record, copies[0])


def _place(run: Run, record: LotRecord, one: DumpedRecord) -> tuple[RecordFate, str]:
    """The fate of a record that is stored once: compares the stored line, time and version with those of the lot."""
    versions = [(*line_of(kept), kept.event_time) for kept in record.kept_as]
    own = (one.device_id, one.data_type, one.pass_direction, one.event_ms)
    if own in versions[:-1] and own != versions[-1]:
        return "stale", "stored as it was before the lot corrected it"
    if own != versions[-1]:
        return "misplaced", "stored under another lot, type, direction or time"
    return ("stale", "the lot has corrected it, what is stored has not changed") if _is_old(run, record) else ("ok", "")


def _is_old(run: Run, record: LotRecord) -> bool:
    """Whether the client's content hash is the same as before the last version was delivered to it."""
    newest = [each.seq for each in record.deliveries if each.readable and each.version == record.versions]
    if record.versions == 1 or not newest:
        return record.versions > 1
    hashes = [
        each.content_hash if dump.seq < newest[0] else None
        for dump in run.dumps
        for each in dump.records
        if _key(each) == record.key
    ]
    last = next(each.content_hash for each in run.dumps[-1].records if _key(each) == record.key)
    return last is not None and last in hashes


def summed(found: list[RecordRow]) -> Counter[RecordFate]:
    """The number of records of each fate."""
    return Counter(row.fate for row in found)
