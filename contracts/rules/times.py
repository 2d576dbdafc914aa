"""Rules of time: units, forms and time zones, and clocks of lots and clients that are wrong."""

from collections.abc import Iterable, Iterator, Mapping

from contracts.diagnosis import wrong_counters as counters
from contracts.diagnosis.explain import differs, explaining
from contracts.diagnosis.wrong_counter import WrongCounter
from contracts.diagnosis.wrong_identities import FIRST_VERSION
from contracts.play.recording import ActKind
from contracts.rules.base import NOT_EXERCISED, Breach, Outcome, RuleBook, judged
from contracts.rules.evidence.requests import asked_again
from contracts.rules.evidence.stored_times import StoredTime, leap_deliveries, stored_times
from contracts.rules.times_windows import dst_breaches, dst_days, skew_breaches, skewed_asks, step_breaches, steps_felt
from contracts.run.run import Run
from contracts.run.syncs import Sync
from contracts.run.time_zones import local_offset_ms
from mock_server.history.index import Delivery
from mock_server.model import DAY, HOUR, MINUTE, SECOND
from mock_server.wire.sync_asked import CAMEL, SNAKE
from mock_server.words import range_text, time_text

RULES = RuleBook("Time")

YEAR = 366 * DAY
"""Bounds within this many milliseconds of now are taken to be in milliseconds."""

NEAR = 15 * MINUTE
"""Clocks that differ by at most 15 minutes are taken to be in the same time zone."""

UNITS = {"seconds": SECOND, "microseconds": 1 / 1000, "nanoseconds": 1 / 1_000_000}
"""Units that clients mistake for milliseconds, each with its length in milliseconds."""

CONVENTIONS = (counters.HALF_OPEN, counters.CLOSED_END, counters.OPEN_START, counters.OPEN)
"""Counters that differ about records at the bounds of a window only: WIN-BOUNDARY judges them."""

MISREAD: Mapping[str, tuple[WrongCounter, ...]] = {
    "s": (counters.SECONDS_AS_MS,),
    "text": (counters.ZONE_AHEAD, counters.TEXT_AS_LOCAL, counters.NO_TEXT),
    "iso": (counters.ZONE_AHEAD, counters.TEXT_AS_LOCAL, counters.NO_TEXT),
}
"""The wrong counters of clients that misread times of another form than milliseconds, by that form."""


@RULES.rule(
    "TIME-MS",
    "must",
    "documented",
    statement="Bounds of windows are epoch milliseconds.",
    why="Seconds lie in January 1970: the lot counts nothing there, and the windows that were meant are never checked.",
    spares="Windows of any age within a year of now.",
)
def milliseconds(run: Run) -> Outcome:
    """No bound that lies years away is near now in another unit."""
    bounds = [(sync, bound) for sync in run.syncs for bound in _bounds(sync)]
    return judged(
        bounds,
        (
            Breach(f"the bound {bound} is {time_text(bound)}: it is near now if read as {unit}", sync.seq)
            for sync, bound in bounds
            for unit in _units_of(bound, sync.time)
        ),
    )


def _bounds(sync: Sync) -> Iterator[int]:
    for fields in sync.entry_fields:
        for name in (SNAKE.start_time, CAMEL.start_time, SNAKE.end_time, CAMEL.end_time):
            if type(bound := fields.get(name)) is int:
                yield bound


def _units_of(bound: int, now: int) -> list[str]:
    if abs(bound - now) < YEAR:
        return []
    return [unit for unit, size in UNITS.items() if abs(bound * size - now) < YEAR]


@RULES.rule(
    "TIME-WHOLE-MS",
    "must",
    "derived",
    statement="Event times are kept to the millisecond.",
    why="A record whose time is cut to the second may lie in another window than the lot's: both counts stay wrong.",
    spares="Times that the lot itself writes in whole seconds. Claims alone break it only if no stored time "
    "has milliseconds and no other reading of a window's bounds explains them.",
)
def whole_milliseconds(run: Run) -> Outcome:
    """No stored time is cut to the second, and no claim is explained by times that are."""
    fine = [each for each in stored_times(run) if all(at % SECOND for at in each.message_times)]
    cut = [each for each in fine if _is_cut(each)]
    wrong = (counters.WHOLE_SECONDS, counters.ROUNDED_SECONDS)
    breaches = [Breach(f"{each.text}: cut to the second", each.seq) for each in cut]
    has_milliseconds = any(each.event_ms is not None and each.event_ms % SECOND for each in fine)
    text = "by times that are cut to the second"
    return judged(
        fine or _would_show(run, wrong), breaches or ([] if has_milliseconds else _explained(run, wrong, text))
    )


def _is_cut(stored: StoredTime) -> bool:
    return stored.event_ms is not None and stored.event_ms % SECOND == 0 and 0 < abs(stored.off_ms) < SECOND


def _would_show(run: Run, wrong: Iterable[WrongCounter]) -> bool:
    """Whether one of these counters would have claimed another number than a right client."""
    return any(differs(run, counter) for counter in wrong)


def _explained(run: Run, wrong: Iterable[WrongCounter], text: str) -> list[Breach]:
    """One breach if one of these counters explains all claims, and no other cause does: bounds, or a first version."""
    if explaining(run, wrong) is None or explaining(run, (*CONVENTIONS, FIRST_VERSION)) is not None:
        return []
    claim, low, high = run.off_bracket[0]
    right = range_text(low, high)
    return [Breach(f"the client claimed {claim.claimed} where {right} was right: explained {text}", claim.seq)]


@RULES.rule(
    "TIME-ZONE",
    "must",
    "derived",
    statement="Windows and records' times are the same whatever time zone the process runs in.",
    why="A local time that is taken for UTC is hours off: the client asks about the future, or counts other records.",
    spares="Planning by the lots' calendar in any zone, if what is sent is right.",
)
def zone(run: Run) -> Outcome:
    """No window, stored time or claim is off by the UTC offset of the process's time zone."""
    ahead = local_offset_ms(run)
    if not ahead:
        return NOT_EXERCISED
    is_number = not counters.tells_text(run)  # TIME-RECORD-FORM judges times that are text
    stored = stored_times(run) if is_number else []
    wrong = (counters.LOCAL_AS_UTC, counters.UTC_AS_LOCAL) if is_number else ()
    hours = f"{abs(ahead) / HOUR:g} hours"
    breaches = [
        *_ahead_of_now(run, ahead, hours),
        *(Breach(f"{each.text}: {hours} off", each.seq) for each in stored if abs(each.off_ms) == abs(ahead)),
        *_explained(run, wrong, f"by times that are {hours} off"),
    ]
    in_sight = [claim for claim in run.claims if claim.cell.start_time + ahead > claim.time + NEAR]
    return judged(stored or in_sight or _would_show(run, wrong), breaches)


def _ahead_of_now(run: Run, ahead: int, hours: str) -> Iterator[Breach]:
    """Windows in the future that are not when moved by the offset. Not judged if the client's clock was wrong."""
    if run.acts_of(ActKind.CLOCK_JUMPS):
        return
    for claim in run.claims:
        start = claim.cell.start_time
        if start > claim.time + NEAR and start - ahead <= claim.time:
            text = f"asked at {time_text(claim.time)} about a window that begins at {time_text(start)}"
            yield Breach(f"{text}; the process runs in {run.scenario.tz}, {hours} ahead of UTC", claim.seq)


@RULES.rule(
    "TIME-RECORD-FORM",
    "must",
    "derived",
    statement="A record's time is understood in every form that a lot writes: milliseconds, seconds, text.",
    why="A text of Beijing taken for local time, or seconds taken for milliseconds, puts a record into a wrong window.",
    spares="A form that has no milliseconds stored without them; a time with a second 60 (TIME-LEAP).",
)
def record_form(run: Run) -> Outcome:
    """Where times have another form than milliseconds, stored times are right to the second, and claims are too."""
    form = run.profile.record_time
    if form == "ms":
        return NOT_EXERCISED
    stored = [each for each in stored_times(run) if not _is_ahead(each)]
    misread = [each for each in stored if abs(each.off_ms) >= SECOND]
    unread = stored if all(each.event_ms is None for each in stored) else []
    breaches = [Breach(f"{each.text}; the lot's times are of the form {form!r}", each.seq) for each in misread + unread]
    text = f"by times of the form {form!r} that are misread"
    return judged(stored or _would_show(run, MISREAD[form]), breaches or _explained(run, MISREAD[form], text))


@RULES.rule(
    "TIME-SKEW-LOT",
    "must",
    "derived",
    statement="A record whose time is ahead of now is kept as it is and counted in its own window later.",
    why="Lots have bad clocks. The lot counts such a record where its time says: dropped or moved it is missing there.",
    spares="Marking such a record, if it is stored with its own time.",
)
def skewed_lot(run: Run) -> Outcome:
    """A record ahead of now is stored with its own time if other records are right, and no claim shows otherwise."""
    stored = stored_times(run)
    ahead = [each for each in stored if _is_ahead(each)]
    wrong = (counters.CLAMPED, counters.NO_FUTURE)
    blameless = all(each.is_right for each in stored if each not in ahead)
    breaches = [
        Breach(f"{each.text}; it came before that time", each.seq)
        for each in ahead
        if blameless and (each.event_ms is None or _is_clamped(each))
    ]
    text = "by records that were ahead of now and left out, or moved to now"
    return judged(ahead or _would_show(run, wrong), breaches or _explained(run, wrong, text))


def _is_ahead(stored: StoredTime) -> bool:
    """Whether every delivery of a record was before the record's time."""
    times = [each.time for each in stored.record.deliveries if each.readable]
    return bool(times) and max(times) + SECOND <= min(stored.message_times)


def _is_clamped(stored: StoredTime) -> bool:
    came = [each.time for each in stored.record.deliveries]
    at = stored.event_ms
    return at is not None and abs(stored.off_ms) >= SECOND and any(abs(at - time) < 5 * MINUTE for time in came)


@RULES.rule(
    "TIME-DST",
    "must",
    "derived",
    statement="The days of 23 and of 25 hours are covered whole, with no window above 24 hours.",
    why="A window of a 25-hour day is refused, and an hour that a local calendar skips or repeats is never checked.",
    spares="Windows of UTC, of local hours, of half days; a day of 25 hours in two windows.",
)
def summer_time(run: Run) -> Outcome:
    """On a day on which the clocks change no window is above 24 hours or empty, and no time is left out."""
    return judged(dst_days(run), dst_breaches(run))


@RULES.rule(
    "TIME-SKEW-CLIENT",
    "should",
    "derived",
    statement="A client's clock that is five minutes off makes no gap and no window into the lot's future.",
    why="Records of the rest of such a window come after it was counted, and nobody asks about it again soon.",
)
def skewed_client(run: Run) -> Outcome:
    """No window ends after now because the client's clock is fast, and no gap between windows is due to its jump."""
    return judged(skewed_asks(run), skew_breaches(run))


@RULES.rule(
    "TIME-STEP",
    "should",
    "practice",
    statement="A clock that is set back makes no window of negative length and none that half overlaps an earlier one.",
    why="NTP sets clocks back. A plan that goes on from `now` then asks backwards, or twice about the same time.",
)
def stepped_back(run: Run) -> Outcome:
    """After a step back each new window has a positive length, and does not half overlap an earlier one."""
    return judged(steps_felt(run), step_breaches(run))


@RULES.rule(
    "TIME-LEAP",
    "info",
    "practice",
    statement="A time with a second 60 does not stop a client.",
    why="It is a legal time. A parser that knows none raises, and the message comes again and again.",
)
def leap_second(run: Run) -> Outcome:
    """Each message with a second 60 in its time is acknowledged or refused at some delivery."""
    leaps, asked = leap_deliveries(run), run.once(asked_again)

    def is_answered(delivery: Delivery) -> bool:
        return delivery.acked_seq is not None or delivery.seq in asked

    return judged(
        leaps,
        (
            Breach(f"{record.name}, with a second 60 in its time, was neither acknowledged nor refused", each.seq)
            for each in leaps
            if (record := each.record) is not None and not any(map(is_answered, record.deliveries))
        ),
    )
