"""Rules of receiving about the client's store: after repeats, late records, and records out of order."""

from collections import Counter
from collections.abc import Iterator

from contracts.client.interface import DumpedRecord
from contracts.play.recording import Act, ActKind, Dump
from contracts.rules.base import Breach, Outcome, RuleBook, judged
from contracts.rules.evidence.acknowledgements import name_of, never_taken
from contracts.rules.evidence.storage import (
    SeqSpan,
    Shortage,
    age_ms,
    exits_before_entries,
    explained,
    first_readable,
    is_looked_at,
    is_old,
    left_out,
    names,
    out_of_order,
    seq_of_first_ack,
    stored,
)
from contracts.run.known_faults import has_unknown_fields
from contracts.run.run import Run
from mock_server.history.index import Delivery, LotRecord
from mock_server.model import HOUR, MINUTE, RecordKey

RULES = RuleBook("Receiving")

VERY_OLD_MS = 22 * HOUR
"""A record of this age at its delivery exercises REC-OLD."""

JUST_MS = MINUTE
"""What was delivered within this time before a crash and acknowledged may not have been written yet."""


def _short(shortage: Shortage, which: str = "") -> Breach:
    return Breach(f"{names(shortage.among)}: {shortage.shown}{which}", shortage.seq)


@RULES.rule(
    "REC-PERSIST-ACK",
    "must",
    "derived",
    statement="A message is acknowledged only when what it says is stored durably.",
    why="The queue forgets what was acknowledged, with a cumulative acknowledgement all that came before it too: a"
    " crash between the acknowledgement and the writing loses it.",
    needs=("store", "crash"),
    spares="Storing frames as they come and decoding them later; records that are stored only after the next "
    "delivery if the acknowledgement comes then too. Only what a client does store otherwise is held "
    "against it.",
)
def persist_ack(run: Run) -> Outcome:
    """Every record that was acknowledged just before a crash is stored after the restart."""
    restarts = [(dump, _just_acked(run, death, dump)) for death, dump in _restarts(run)]
    missing = [(dump, [each for each in acked if _is_lost(run, each, dump)]) for dump, acked in restarts]
    return judged(
        any(acked for _, acked in restarts),
        (
            Breach(f"{names(lost)}: acknowledged just before a crash, but not stored after it", dump.seq)
            for dump, lost in missing
            if lost
        ),
    )


def _restarts(run: Run) -> Iterator[tuple[Act, Dump]]:
    """Each death of the client with the first dump after its restart, made at the same time."""
    death: Act | None = None
    for act in run.acts_of(ActKind.CRASHES, ActKind.DIED, ActKind.START):
        if act.kind is not ActKind.START:
            death = death or act
        elif death is not None:
            looks = (dump for dump in run.dumps if dump.asked_seq >= act.seq and dump.time == act.time)
            yield from ((death, dump) for dump in [*looks][:1])
            death = None


def _just_acked(run: Run, death: Act, dump: Dump) -> list[LotRecord]:
    return [
        record
        for record in run.records.values()
        if run.takes_sync(record.kept.device_id)
        and any(_is_just_acked(each, death, dump) for each in record.deliveries)
    ]


def _is_just_acked(delivery: Delivery, death: Act, dump: Dump) -> bool:
    acked = delivery.readable and delivery.acked_seq is not None and delivery.acked_seq <= dump.asked_seq
    return acked and delivery.time >= death.time - JUST_MS


def _is_lost(run: Run, record: LotRecord, dump: Dump) -> bool:
    """Whether a record is missing in a dump and stored after a later acknowledgement: this client does store it."""
    again = [each.acked_seq for each in record.deliveries if each.acked_seq is not None and each.acked_seq > dump.seq]
    later = [other for other in run.dumps if again and other.asked_seq >= again[0]]
    return record.key not in stored(dump) and all(record.key in stored(other) for other in later)


@RULES.rule(
    "REC-UPSERT",
    "must",
    "derived",
    statement="A record that comes again changes nothing in the store.",
    why="The queue delivers at least once, and a re-report repeats everything, what is known already too.",
    needs=("store",),
    spares="Event sourcing, if the dump shows one record; replacing a record by a newer version.",
)
def upsert(run: Run) -> Outcome:
    """No record is stored twice, and none is changed by another delivery of the same version."""
    repeated = [record for record in run.records.values() if sum(each.readable for each in record.deliveries) > 1]
    shown = any(dump.asked_seq >= second for dump in run.dumps for second in map(_second_readable, repeated))
    return judged(shown, [*_stored_twice(run), *_changed(run)])


def _second_readable(record: LotRecord) -> float:
    return first_readable(record, first_readable(record))


def _stored_twice(run: Run) -> Iterator[Breach]:
    told: set[RecordKey] = set()
    for dump in run.dumps:
        rows = Counter((each.device_id, each.data_type, each.record_id) for each in dump.records)
        for key, number in rows.items():
            if number > 1 and key not in told:
                told.add(key)
                yield Breach(f"record {key[2]} is stored {number} times", dump.seq)


def _changed(run: Run) -> Iterator[Breach]:
    """Records that are stored differently in two dumps, though the messages between them repeat the same version."""
    starts = [act.seq for act in run.acts_of(ActKind.START)]
    for before, after in zip(run.dumps, run.dumps[1:], strict=False):
        if any(before.seq <= seq < after.seq for seq in starts[1:]):
            continue
        were = {(each.device_id, each.data_type, each.record_id): each for each in before.records}
        for each in after.records:
            key = (each.device_id, each.data_type, each.record_id)
            if key in were and _is_another(were[key], each) and _came_as_it_was(run, key, before.seq, after.seq):
                yield Breach(f"record {each.record_id} came again and is stored differently since", after.seq)


def _is_another(before: DumpedRecord, after: DumpedRecord) -> bool:
    """Whether a stored record has changed in its first five fields or its hash."""
    return before[:5] != after[:5] or (before.content_hash != after.content_hash)


def _came_as_it_was(run: Run, key: RecordKey, low: int, high: int) -> bool:
    record = run.records.get(key)
    if record is None or record.versions > 1:
        return False
    if any(not each.readable or has_unknown_fields(each) for each in record.deliveries):
        return False
    return any(low < each.seq <= high for each in record.deliveries)


@RULES.rule(
    "REC-NO-REPLAY-EFFECT",
    "must",
    "derived",
    statement="A record that comes again has no second effect.",
    why="A re-report repeats records that were acted on already: nobody may be charged twice for one passage.",
    needs=("effects",),
    spares="One more effect for a corrected version.",
)
def no_replay_effect(run: Run) -> Outcome:
    """Each effect happens at most once for each version of the records of that id."""
    done = Counter(run.effects or ())
    allowed: Counter[str] = Counter()
    for record in run.records.values():
        allowed[record.name] += record.versions
    acted_on = {effect.record_id for effect in done}
    repeated = (each for each in run.records.values() if each.name in acted_on)
    return judged(
        any(sum(delivery.readable for delivery in each.deliveries) > each.versions for each in repeated),
        (
            Breach(f"{effect.kind} happened {number} times because of record {effect.record_id}", run.entries[-1].seq)
            for effect, number in done.items()
            if number > allowed[effect.record_id] > 0
        ),
    )


@RULES.rule(
    "REC-NO-REPLACE",
    "must",
    "derived",
    statement="A re-report deletes nothing: what has been received stays.",
    why="A re-report may arrive in part, or over a long time: a window that is emptied for it loses what was there.",
    spares="Deleting what the lot says it has deleted. Broken only where re-reports explain every missing record.",
)
def no_replace(run: Run) -> Outcome:
    """No acknowledged record is missing because a re-report lacks it or has not brought it yet."""
    spans = left_out(run)
    short = explained(run, lambda record, seq: _is_left_out(spans, record, seq))
    return judged(
        any(is_looked_at(run, run.records[key], low, high) for key, some in spans.items() for low, high in some),
        (_short(each, ", after a re-report came without") for each in short),
    )


def _is_left_out(spans: dict[RecordKey, list[SeqSpan]], record: LotRecord, seq: int) -> bool:
    return any(low < seq < high for low, high in spans.get(record.key, ()))


@RULES.rule(
    "REC-ORDER",
    "must",
    "derived",
    statement="Records are taken in any order.",
    why="Retries, partitions and re-reports shuffle them: an exit may come before its entry.",
    spares="Sorting what has come. Broken only where the order explains every missing record.",
)
def order(run: Run) -> Outcome:
    """No acknowledged record is missing because it was delivered out of the order of event times."""
    odd = out_of_order(run)
    exits = (
        (record, first_readable(record), first_readable(record, entered))
        for record, entered in exits_before_entries(run)
    )
    spans = left_out(run)
    other = explained(run, lambda record, seq: is_old(record, seq) or _is_left_out(spans, record, seq))
    by_order = [] if other else explained(run, lambda record, _: record.key in odd)
    return judged(
        any(is_looked_at(run, record, came, again) for record, came, again in exits),
        (_short(each, ", after coming out of order") for each in by_order),
    )


@RULES.rule(
    "REC-OLD",
    "must",
    "derived",
    statement="Old records are taken.",
    why="A re-report brings old records by its nature: who drops them can never be repaired.",
    spares="Keeping old records apart. Broken only where their age explains every missing record.",
)
def old(run: Run) -> Outcome:
    """No record is missing or never acknowledged because it was delivered long after its event time."""
    ages = ((record, age_ms(record)) for record in run.records.values())
    very = [record for record, age in ages if age is not None and age >= VERY_OLD_MS]
    left = [each for each in never_taken(run, "old") if each.for_good]
    return judged(
        any(is_looked_at(run, record, seq_of_first_ack(record)) for record in very),
        [
            *(_short(each, ", after coming late") for each in explained(run, is_old)),
            *(Breach(f"{name_of(each.delivery)}, which came late, was never acknowledged", each.seq) for each in left),
        ],
    )
