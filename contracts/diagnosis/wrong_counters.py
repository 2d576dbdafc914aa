"""Known wrong counters: hypotheses of how a client may count wrongly, one defect each.

A wrong counter says what a client with its defect would have claimed at every claim of a run. One that explains all
claims of a run in which some claim is off the bracket names the defect (`contracts.diagnosis.explain`).
"""

from collections.abc import Callable
from datetime import datetime, timedelta

from contracts.clients.messages import BEIJING as BEIJING_TIME
from contracts.diagnosis import wrong_identities as identities
from contracts.diagnosis.client_view import ClientView, KnownFrom, SeenRecord
from contracts.diagnosis.counting_model import Bounds, CountingModel
from contracts.diagnosis.wrong_counter import Count, WrongCounter
from contracts.run.run import Run
from contracts.run.time_zones import local_offset_ms
from mock_server.model import DAY, HOUR, MINUTE, SECOND, CarType, DataType, Line, PassDirection
from mock_server.model import UNKNOWN_ENUM as UNKNOWN_ENUM_VALUE
from mock_server.wire.record_time import LOT_OFFSET_MS

# Lines


def _both_directions(line: Line) -> tuple[Line, ...]:
    return (line,) if line.pass_direction is None else tuple(line._replace(pass_direction=way) for way in PassDirection)


def _other_direction(line: Line) -> tuple[Line, ...]:
    if line.pass_direction is None:
        return (line,)
    return (line._replace(pass_direction=PassDirection(1 - line.pass_direction)),)


def _project(line: Line) -> Line:
    return line._replace(device_id="")


def _bills(line: Line) -> Line:
    return Line(line.device_id, DataType.BILL, None)


def _passes(line: Line, *ways: PassDirection) -> tuple[Line, ...]:
    return tuple(Line(line.device_id, DataType.PASS, way) for way in ways)


def _bills_with_passes(line: Line) -> tuple[Line, ...]:
    return (line, *(_passes(line, *PassDirection) if line.data_type is DataType.BILL else (_bills(line),)))


def _leaving_as_bills(line: Line) -> tuple[Line, ...]:
    return (line, _bills(line)) if line.pass_direction is PassDirection.LEAVE else (line,)


def _bills_as_leaving(line: Line) -> tuple[Line, ...]:
    return (line, *_passes(line, PassDirection.LEAVE)) if line.data_type is DataType.BILL else (line,)


BOTH_DIRECTIONS = WrongCounter(
    "counts entering and leaving passes together",
    "count each direction apart",
    CountingModel(counts_in=_both_directions).count,
)
OTHER_DIRECTION = WrongCounter(
    "takes entering passes for leaving ones and leaving ones for entering",
    "0 is enter, 1 is leave",
    CountingModel(counts_in=_other_direction).count,
)
BILLS_WITH_PASSES = WrongCounter(
    "counts bills and passes together",
    "count data type 0 and data type 1 apart",
    CountingModel(counts_in=_bills_with_passes).count,
)
LEAVING_AS_BILLS = WrongCounter(
    "counts leaving passes as bills too",
    "count as bills what came as a temporary parking bill, nothing else",
    CountingModel(counts_in=_leaving_as_bills).count,
)
BILLS_AS_LEAVING = WrongCounter(
    "counts bills as leaving passes too",
    "count as passes what came as a vehicle pass, nothing else",
    CountingModel(counts_in=_bills_as_leaving).count,
)
WHOLE_PROJECT = WrongCounter(
    "counts the records of all lots together",
    "count the records of the lot that is asked",
    CountingModel(counts_in=lambda line: (_project(line),), counted_line=_project).count,
)

# Time


def _message_time(seen: SeenRecord) -> int:
    return seen.delivery.published_time


def _repeat_time(seen: SeenRecord) -> int:
    """The message's time if it is a re-report."""
    return seen.delivery.published_time if seen.delivery.origin == "rereport" else seen.event_time


def _shifted(by_ms: int) -> CountingModel:
    return CountingModel(time=lambda seen: seen.event_time + by_ms)


def _zone(by_ms: int) -> WrongCounter:
    return WrongCounter(f"is {by_ms // HOUR:+} hours off in its windows", NO_ZONE, _shifted(by_ms).count)


def _of_run(model: Callable[[Run], CountingModel]) -> Count:
    """The counts of a model that depends on the client's time zone, or on the form of the times that it is told."""
    return lambda view, known: model(view.run).count(view, known)


def _text_as_local(run: Run) -> CountingModel:
    return _shifted(LOT_OFFSET_MS - local_offset_ms(run) if tells_text(run) else 0)


def _seconds_as_ms(run: Run) -> CountingModel:
    tells_seconds = run.profile.record_time == "s"
    return CountingModel(time=lambda seen: seen.event_time // SECOND) if tells_seconds else CountingModel()


def tells_text(run: Run) -> bool:
    """Whether lots write the times of records as text."""
    return run.profile.record_time in ("text", "iso")


def _bounded(bounds: Bounds, text: str) -> WrongCounter:
    remedy = "put a record that lies on a boundary into the windows that the lot puts it into"
    return WrongCounter(text, remedy, CountingModel(bounds=bounds).count)


NO_ZONE = "epoch milliseconds know no time zone: do not convert them to local time on the way"
BEIJING = "a time that is a text is Beijing time, wherever the client runs: add its offset before storing it"

ARRIVAL = WrongCounter(
    "counts by the time of arrival",
    "use the time that is in the record",
    CountingModel(time=lambda seen: seen.delivery.time).count,
)
FIRST_ARRIVAL = WrongCounter(
    "counts by the time at which it stored the record first",
    "use the time that is in the record",
    CountingModel(time=lambda seen: seen.delivery.time, first_wins=True).count,
)
MESSAGE_TIME = WrongCounter(
    "counts by the time of the message",
    "use the time that is in the record",
    CountingModel(time=_message_time).count,
)
REREPORT_TIME = WrongCounter(
    "counts re-reported records by the time of their message",
    "use the time that is in the record: a re-report is about the past",
    CountingModel(time=_repeat_time).count,
)
CLAMPED = WrongCounter(
    "takes the present for the time of records that lie ahead of it",
    "keep the time that is in the record: a lot's clock may be fast",
    CountingModel(time=lambda seen: min(seen.event_time, seen.delivery.time)).count,
)
HALF_OPEN = _bounded("[s,e)", "counts from the start of a window to before its end")
CLOSED_END = _bounded("[s,e]", "counts a record at the very end of a window in it")
OPEN_START = _bounded("(s,e]", "counts a record at the very end of a window in it, and one at its start in none")
OPEN = _bounded("(s,e)", "leaves out records at the very start of a window")
ZONE_AHEAD, ZONE_BEHIND = _zone(8 * HOUR), _zone(-8 * HOUR)
LOCAL_AS_UTC = WrongCounter(
    "stores the local times of its zone as UTC", NO_ZONE, _of_run(lambda run: _shifted(local_offset_ms(run)))
)
UTC_AS_LOCAL = WrongCounter(
    "takes UTC for the local time of its zone", NO_ZONE, _of_run(lambda run: _shifted(-local_offset_ms(run)))
)
TEXT_AS_LOCAL = WrongCounter("reads a text as the local time of its zone", BEIJING, _of_run(_text_as_local))
SECONDS_AS_MS = WrongCounter(
    "takes seconds for milliseconds",
    "read the time of a record in the unit that the lot writes",
    _of_run(_seconds_as_ms),
)
WHOLE_SECONDS = WrongCounter(
    "keeps times in whole seconds",
    "keep milliseconds: half a second decides in which window a record is",
    CountingModel(time=lambda seen: seen.event_time // SECOND * SECOND).count,
)
ROUNDED_SECONDS = WrongCounter(
    "rounds times to whole seconds",
    "keep milliseconds: half a second decides in which window a record is",
    CountingModel(time=lambda seen: round(seen.event_time / SECOND) * SECOND).count,
)
WHOLE_SECOND_WINDOWS = WrongCounter(
    "compares times and windows in whole seconds",
    "keep milliseconds: half a second decides in which window a record is",
    CountingModel(time=lambda seen: seen.event_time // SECOND * SECOND, precision_ms=SECOND).count,
)


def _other_time(name: str) -> CountingModel:
    """Bills by another of their times."""

    def time(seen: SeenRecord) -> int:
        at_ms = seen.kept.details.get(name)
        return at_ms if isinstance(at_ms, int) else seen.event_time

    return CountingModel(time=time)


def _in_one(unit: str, next_start: Callable[[datetime], datetime]) -> WrongCounter:
    """Counts a window only as far as the day or month reaches in which it starts, in Beijing."""

    def span(start: int, end: int) -> tuple[int, int]:
        midnight = datetime.fromtimestamp(start / SECOND, BEIJING_TIME).replace(
            hour=0, minute=0, second=0, microsecond=0
        )
        return start, min(end, round(next_start(midnight).timestamp() * SECOND))

    return WrongCounter(
        f"counts a window in the {unit} of its start only",
        f"count all of a window that reaches over the end of a {unit}",
        CountingModel(span=span).count,
    )


OF_BILLS = "use the time of payment: by it the lot counts a bill"
BY_ENTER_TIME = WrongCounter("counts bills by the time of entering", OF_BILLS, _other_time("enter_time").count)
BY_LEAVE_TIME = WrongCounter("counts bills by the time of leaving", OF_BILLS, _other_time("leave_time").count)
IN_ITS_DAY = _in_one("day", lambda midnight: midnight + timedelta(days=1))
IN_ITS_MONTH = _in_one("month", lambda midnight: (midnight.replace(day=1) + timedelta(days=32)).replace(day=1))
NOT_THE_LAST_MINUTE = WrongCounter(
    "leaves out the last minute of a window",
    "count a window to its end",
    CountingModel(span=lambda start, end: (start, end - MINUTE)).count,
)

# What is left out


def _age_ms(seen: SeenRecord) -> int:
    return seen.delivery.time - seen.event_time


def _without(
    text: str, stores: Callable[[SeenRecord], bool], remedy: str = "count every record: the lot does"
) -> WrongCounter:
    return WrongCounter(f"leaves out {text}", remedy, CountingModel(stores=stores).count)


def _younger_than(most_ms: int, text: str) -> WrongCounter:
    remedy = "take records of any age: re-reports are old by nature"
    return _without(f"records that are older than {text} when they come", lambda seen: _age_ms(seen) <= most_ms, remedy)


def _is_not(value: int, *names: str) -> Callable[[SeenRecord], bool]:
    return lambda seen: all(seen.kept.details.get(name) != value for name in names)


def _amount(seen: SeenRecord, name: str) -> int:
    amount = seen.kept.details.get(name)
    return amount if isinstance(amount, int) else 0


NO_PLATE = _without("records without a plate", lambda seen: bool(seen.kept.plate_no))
ZERO_FEE = _without("bills of nothing", _is_not(0, "paid_amount"))
UNKNOWN_ENUM = _without(
    "records with a car type or a pay method that it does not know",
    _is_not(UNKNOWN_ENUM_VALUE, "car_type", "pay_method"),
)
UNPAID = _without(
    "bills of which less was paid than was to pay",
    lambda seen: _amount(seen, "paid_amount") >= _amount(seen, "payable_amount"),
)
NO_SUBSCRIBERS = _without("vehicles on a white list", _is_not(CarType.LONG_TERM, "car_type"))
NO_UNLICENSED = _without("vehicles without a licence", _is_not(CarType.UNLICENSED, "car_type"))
NO_REREPORTS = _without(
    "what is re-reported",
    lambda seen: seen.delivery.origin != "rereport",
    "store re-reported records: they are what was missing",
)
NO_FUTURE = _without(
    "records that lie ahead of the present",
    lambda seen: seen.event_time <= seen.delivery.time,
    "keep them: a lot's clock may be fast",
)
NO_TEXT = WrongCounter(
    "leaves out records whose time is a text",
    "read times in every form that lots write",
    _of_run(lambda run: CountingModel(stores=lambda _: not tells_text(run))),
)
OLD = tuple(
    _younger_than(most_ms, text) for most_ms, text in ((10 * MINUTE, "ten minutes"), (HOUR, "an hour"), (DAY, "a day"))
)

# How the count is made


def _cached(view: ClientView, known: KnownFrom) -> tuple[int, ...]:
    """The first count of each cell, again and again."""
    counts = CountingModel().count(view, known)
    first: dict[int, int] = {}
    return tuple(first.setdefault(cell, count) for cell, count in zip(view.asked, counts, strict=True))


def _page(size: int) -> WrongCounter:
    return WrongCounter(
        f"counts no more than {size} records",
        "let the database count, or read every page",
        CountingModel(claims=lambda count: min(count, size)).count,
    )


def _late(lag_ms: int, text: str) -> WrongCounter:
    remedy = "count where the records are written, not in a copy that follows"
    return WrongCounter(f"counts what it had {text} ago", remedy, CountingModel(lag_ms=lag_ms).count)


def _off_by(more: int, text: str) -> WrongCounter:
    count = CountingModel(claims=lambda count: max(0, count + more)).count
    return WrongCounter(f"claims one {text} than it has", "claim the number", count)


CACHED = WrongCounter("keeps the first count of a cell", "count anew for each sync: records come later too", _cached)
REPLACED = WrongCounter(
    "replaces a window by what a re-report brings",
    "add what a re-report brings: it may come in part, and it never deletes",
    CountingModel(rereport_replaces=True).count,
)
PAGES = tuple(_page(size) for size in (1000, 500, 200, 100))
LATE = _late(MINUTE, "a minute"), _late(10 * MINUTE, "ten minutes")
ONE_MORE, ONE_LESS = _off_by(1, "more"), _off_by(-1, "less")


CANDIDATES: tuple[WrongCounter, ...] = (
    identities.DELIVERIES,
    identities.MESSAGE_IDS,
    identities.ADDS_REREPORTS,
    identities.CORRECTIONS,
    identities.PLATES,
    identities.ONE_ROW_A_PLATE,
    identities.PLATES_BY_MINUTE,
    identities.ONE_ROW_A_PLATE_AND_MINUTE,
    *identities.IDS_ALIKE,
    *identities.PLATE_AND_TIME,
    identities.DOUBLE_READINGS,
    identities.FIRST_VERSION,
    BOTH_DIRECTIONS,
    OTHER_DIRECTION,
    BILLS_WITH_PASSES,
    LEAVING_AS_BILLS,
    BILLS_AS_LEAVING,
    WHOLE_PROJECT,
    *identities.ID_OVER_LOTS,
    *identities.ID_OVER_TYPES,
    ARRIVAL,
    FIRST_ARRIVAL,
    MESSAGE_TIME,
    REREPORT_TIME,
    CLAMPED,
    BY_ENTER_TIME,
    BY_LEAVE_TIME,
    IN_ITS_DAY,
    IN_ITS_MONTH,
    NOT_THE_LAST_MINUTE,
    HALF_OPEN,
    CLOSED_END,
    OPEN_START,
    OPEN,
    ZONE_AHEAD,
    ZONE_BEHIND,
    LOCAL_AS_UTC,
    UTC_AS_LOCAL,
    TEXT_AS_LOCAL,
    SECONDS_AS_MS,
    WHOLE_SECONDS,
    ROUNDED_SECONDS,
    WHOLE_SECOND_WINDOWS,
    NO_PLATE,
    ZERO_FEE,
    UNPAID,
    UNKNOWN_ENUM,
    NO_SUBSCRIBERS,
    NO_UNLICENSED,
    NO_REREPORTS,
    NO_FUTURE,
    NO_TEXT,
    *OLD,
    CACHED,
    REPLACED,
    *PAGES,
    *LATE,
    ONE_MORE,
    ONE_LESS,
)
"""Every wrong counter, in the order in which they are best told."""
