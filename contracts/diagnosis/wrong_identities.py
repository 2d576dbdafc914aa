"""Wrong counters that take one record for several, or several for one."""

from collections.abc import Callable, Hashable
from operator import itemgetter

from contracts.diagnosis.client_view import ClientView, KnownFrom, SeenRecord
from contracts.diagnosis.counting_model import CountingModel, record_key
from contracts.diagnosis.wrong_counter import Count, WrongCounter
from contracts.run.run import Run
from mock_server.model import MINUTE, SECOND


def _plate(seen: SeenRecord) -> tuple[str, int, str]:
    return (seen.line.device_id, seen.line.data_type, seen.kept.plate_no)


def _plate_and_minute(seen: SeenRecord) -> tuple[str, int, str, int]:
    return (*_plate(seen), seen.event_time // MINUTE)


def _content(seen: SeenRecord) -> tuple[object, ...]:
    kept = seen.kept
    return (record_key(seen), kept.plate_no, kept.pass_direction, seen.event_time, *sorted(kept.details.items()))


def _repeat(seen: SeenRecord) -> object:
    """Each re-reported message by itself, everything else by its record."""
    return seen.delivery.message_id if seen.delivery.origin == "rereport" else record_key(seen)


def _takes_for_one(what: str, key: Callable[[SeenRecord], Hashable], remedy: str) -> tuple[WrongCounter, ...]:
    """Counters that take records with one key for one record: they keep the first of them, or the last."""
    return tuple(
        WrongCounter(f"takes {what} for one, the {kept}", remedy, _merging(CountingModel(key=key, first_wins=first)))
        for kept, first in (("first", True), ("last", False))
    )


def _merging(model: CountingModel) -> Count:
    """The counts of a model where some records have the same key; a correct client's where none have."""

    def count(view: ClientView, known: KnownFrom) -> tuple[int, ...]:
        seen = view.seen["delivery"]
        keys, ids = seen.numbered(model.key), seen.numbered(record_key)
        merges = keys is not ids and len(set(keys)) < len(set(ids))
        return (model if merges else CountingModel()).count(view, known)

    return count


def _id_in(form: Callable[[str], Hashable]) -> Callable[[SeenRecord], Hashable]:
    """The primary key of a record with its id in another form."""
    return lambda seen: (seen.line.device_id, seen.line.data_type, form(seen.kept.record_id))


def _as_number(name: str) -> Hashable:
    return int(name) if name.isdecimal() else name


def _double_readings(view: ClientView, known: KnownFrom) -> tuple[int, ...]:
    """The counts without the passes that came after one of the same plate and line, three seconds apart at most."""
    dropped = view.run.once(_doubles)
    return CountingModel(stores=lambda seen: record_key(seen) not in dropped).count(view, known)


def _doubles(run: Run) -> set[Hashable]:
    first: dict[Hashable, SeenRecord] = {}
    for seen in run.once(ClientView).seen["delivery"].records:
        first.setdefault(record_key(seen), seen)
    found = [*first.values()]
    return {
        record_key(one) for place, one in enumerate(found) if any(_is_double(one, other) for other in found[:place])
    }


def _is_double(one: SeenRecord, other: SeenRecord) -> bool:
    plates = {"".join(filter(str.isalnum, each.kept.plate_no)) for each in (one, other)}
    return one.line == other.line and len(plates) == 1 and abs(one.event_time - other.event_time) < DOUBLE_MS


AS_TEXT = "compare ids as they are, sign by sign and to their end"

DOUBLE_MS = 3 * SECOND
"""Two passes of a plate that are less apart may be taken for two readings of one."""

DELIVERIES = WrongCounter(
    "counts every delivery",
    "count distinct record ids: a message may be delivered more than once",
    CountingModel(key=lambda seen: seen.delivery.seq).count,
)
MESSAGE_IDS = WrongCounter(
    "tells records apart by message id",
    "use the record id: a re-report is a new message about the same record",
    CountingModel(key=lambda seen: seen.delivery.message_id).count,
)
ADDS_REREPORTS = WrongCounter(
    "adds the re-reported records to its last count",
    "count what is stored anew each time: a re-report repeats what is there already",
    CountingModel(key=_repeat).count,
)
CORRECTIONS = WrongCounter(
    "counts a corrected record twice",
    "let a newer version of a record id take the place of the older one",
    CountingModel(key=_content).count,
)
PLATES = WrongCounter(
    "counts plates instead of records",
    "use the record id: a vehicle may pass more than once",
    CountingModel(distinct=_plate).count,
)
ONE_ROW_A_PLATE = WrongCounter(
    "keeps one record for each plate",
    "use the record id: a vehicle may pass more than once",
    CountingModel(key=_plate).count,
)
PLATES_BY_MINUTE = WrongCounter(
    "counts passes of one plate in one minute once",
    "use the record id: a vehicle may pass more than once in a minute",
    CountingModel(distinct=_plate_and_minute).count,
)
ONE_ROW_A_PLATE_AND_MINUTE = WrongCounter(
    "keeps one record for each plate and minute",
    "use the record id: a vehicle may pass more than once in a minute",
    CountingModel(key=_plate_and_minute).count,
)
FIRST_VERSION = WrongCounter(
    "keeps the first version of a corrected record",
    "let a newer version of a record id take the place of the older one",
    CountingModel(first_wins=True).count,
)
IDS_ALIKE = (
    *_takes_for_one("ids that differ in upper and lower case", _id_in(str.casefold), AS_TEXT),
    *_takes_for_one("ids that differ in their blanks", _id_in(str.strip), AS_TEXT),
    *_takes_for_one("ids that differ in leading zeros", _id_in(_as_number), AS_TEXT),
    *(
        counter
        for length in (36, 32, 20, 16)
        for counter in _takes_for_one(
            f"ids that are alike in their first {length} signs", _id_in(itemgetter(slice(length))), AS_TEXT
        )
    ),
)
PLATE_AND_TIME = _takes_for_one(
    "records of one plate at one time",
    lambda seen: (*_plate(seen), seen.event_time),
    "use the record id: two lanes may see one plate at the same time",
)
DOUBLE_READINGS = WrongCounter(
    "takes two passes of a plate within three seconds for one",
    "use the record id: the lot counts each of them",
    _double_readings,
)
ID_OVER_LOTS = _takes_for_one(
    "records of two lots with the same id",
    lambda seen: (seen.line.data_type, seen.kept.record_id),
    "a record is known by its lot, its data type and its id",
)
ID_OVER_TYPES = _takes_for_one(
    "a pass and a bill with the same id",
    lambda seen: (seen.line.device_id, seen.kept.record_id),
    "a record is known by its lot, its data type and its id",
)
