"""The layout of a run's timeline. Each event has a column of its own."""

from collections import defaultdict
from collections.abc import Iterator
from dataclasses import dataclass, replace
from itertools import groupby
from typing import Literal, TypeAlias

from contracts.play.recording import CUTS, Act, ActKind
from contracts.report.narration import (
    NO_EMPHASIS,
    PHASES,
    QUEUE_WORDS,
    Emphasis,
    act_text,
    sync_text,
    syncs_that_matter,
)
from contracts.run.run import Run
from contracts.run.syncs import Claim, Sync
from mock_server.history.events import FaultInjected, RecordKept, RecordLost, RecordRemoved
from mock_server.history.index import Delivery
from mock_server.history.log import Entry
from mock_server.history.story import how_many
from mock_server.model import Cell, DataType
from mock_server.words import cell_text, clock_text, day_text

Shape: TypeAlias = Literal["kept", "removed", "lost", "delivery", "ack", "sync", "rereport", "act"]
TimelineLane: TypeAlias = Literal["lot", "queue", "client"]

LANES: dict[TimelineLane, int] = {"lot": 62, "queue": 132, "client": 202}
"""The y coordinate of each lane, in SVG units."""

LEFT, STEP, HEIGHT = 74, 62, 286
"""The left margin, the width of a column and the height of the drawing, in SVG units."""

BEFORE, AFTER = 24, 8
"""The most columns before a breach, and after it."""

FOLDED_FROM = 5
"""From this number on, events of one kind at one time are drawn as one."""

ALONE: frozenset[Shape] = frozenset({"sync", "rereport", "act"})
"""The shapes that are never drawn as one."""

LABEL, COUNT_LABEL = 9, 6
"""The most characters of a label, and of a count in one."""


@dataclass(frozen=True, slots=True)
class TimelineMark:
    """One event, or several of one kind. `label` is drawn beside it, `text` describes it; `good` is false for faults.

    `again` marks the delivery of a re-report; `reaches` is false for a sync that did not reach the lot. `many` is the
    number of events that are drawn as this one, `more` a second line of the label.
    """

    seq: int
    time: int
    shape: Shape
    lane: TimelineLane
    label: str
    text: str
    good: bool = True
    again: bool = False
    reaches: bool = True
    many: int = 1
    more: str = ""
    bill: bool = False
    """Whether it is about a bill: drawn as a triangle, where a pass is a circle."""


@dataclass(frozen=True, slots=True)
class Column:
    """A mark at `x`. `clock` and `day` are the texts below it, empty where they equal those of the column before."""

    x: int
    mark: TimelineMark
    clock: str
    fraction: str
    day: str
    here: bool


@dataclass(frozen=True, slots=True)
class Timeline:
    """A drawing. `window` are the left and right edge of the shaded window, `window_text` is its cell in words."""

    columns: tuple[Column, ...]
    before: int
    after: int
    window: tuple[int, int] | None
    window_text: str
    instances: int = 1
    """How many instances of the client share its lane."""

    @property
    def width(self) -> int:
        """The width in SVG units."""
        return LEFT + STEP * len(self.columns) + STEP // 2

    @property
    def text(self) -> str:
        """A description of the drawing, in a sentence."""
        first, last = (f"{day_text(self.columns[place].mark.time)}" for place in (0, -1))
        shaded = f" Shaded: {self.window_text}." if self.window else ""
        return f"{how_many(len(self.columns), 'event')} on the lanes lot, queue and client, {first} to {last}.{shaded}"


def timeline(run: Run, seq: int, focus: Emphasis = NO_EMPHASIS) -> Timeline | None:
    """The drawing of the events around entry `seq` of the history, None if there are none."""
    marks = list(_folded(sorted(_marks(run, focus), key=lambda mark: mark.seq)))
    if not marks:
        return None
    place = next((place for place, mark in enumerate(marks) if mark.seq >= seq), len(marks) - 1)
    first, end = max(0, place - BEFORE), min(len(marks), place + AFTER + 1)
    columns = tuple(_columns(marks[first:end], place - first))
    cell = cell_at(run, seq)
    window = _window(columns, cell) if cell else None
    window_text = cell_text(cell) if cell else ""
    return Timeline(columns, first, len(marks) - end, window, window_text, run.scenario.instances)


def cell_at(run: Run, seq: int) -> Cell | None:
    """The cell of a breach at an entry: that of its wrong claim, or else of its first claim."""
    wrong = [claim.cell for claim, _, _ in run.off_bracket if claim.seq == seq]
    asked = [claim.cell for claim in run.claims if claim.seq == seq]
    return next(iter([*wrong, *asked]), None)


def _columns(marks: list[TimelineMark], here: int) -> Iterator[Column]:
    clock, day = "", ""
    for place, mark in enumerate(marks):
        new_day, new_clock = day_text(mark.time)[5:10], clock_text(mark.time, precise=True)
        same = (new_day, new_clock) == (day, clock)
        yield Column(
            x=LEFT + STEP * place + STEP // 2,
            mark=mark,
            clock="" if same else new_clock[:8],
            fraction="" if same or new_clock.endswith(".000") else new_clock[8:],
            day="" if new_day == day else new_day,
            here=place == here,
        )
        clock, day = new_clock, new_day


def _window(columns: tuple[Column, ...], cell: Cell) -> tuple[int, int] | None:
    """The left and right edge of the columns of events in the cell's window; None if there are none."""
    inside = [column.x for column in columns if cell.start_time <= column.mark.time < cell.end_time]
    return (inside[0] - STEP // 2, inside[-1] + STEP // 2) if inside else None


def _marks(run: Run, focus: Emphasis) -> Iterator[TimelineMark]:
    yield from _of_lots(run)
    for delivery in run.deliveries:
        yield from _of_delivery(run, delivery)
    for sync, claims in syncs_that_matter(run, focus):
        yield _of_sync(run, sync, claims)
    for act in run.acts:
        yield from _of_act(act)


def _of_lots(run: Run) -> Iterator[TimelineMark]:
    for entry in run.entries:
        event = entry.event
        if isinstance(event, RecordKept):
            yield _kept(entry, event)
        elif isinstance(event, RecordRemoved):
            text = f"the lot forgets {event.record_id}"
            yield TimelineMark(entry.seq, entry.time, "removed", "lot", _label(event.record_id), text, good=False)
        elif isinstance(event, RecordLost):
            text = f"the message of {event.record_id} is lost ({event.cause})"
            yield TimelineMark(entry.seq, entry.time, "lost", "queue", _label(event.record_id), text, good=False)
        elif isinstance(event, FaultInjected) and event.fault in QUEUE_WORDS:
            label = "cut" if event.fault in CUTS else event.fault
            text = f"the queue {QUEUE_WORDS[event.fault]}"
            yield TimelineMark(entry.seq, entry.time, "act", "queue", label, text, good=False)
    for entry, again in run.rereports:
        counts = f"claimed {again.claimed}, counted {again.counted}"
        text = f"the lot reports {how_many(again.records, 'record')} again: {counts}"
        yield TimelineMark(entry.seq, entry.time, "rereport", "lot", f"again {again.records}", text)


def _kept(entry: Entry, event: RecordKept) -> TimelineMark:
    what = "corrects" if event.replaced else "keeps"
    when = "" if event.event_time == entry.time else f", event time {day_text(event.event_time)}"
    is_bill = event.data_type == DataType.BILL
    kind = "bill" if is_bill else "pass"
    text = f"the lot {what} {kind} {event.record_id}{when}"
    return TimelineMark(entry.seq, entry.time, "kept", "lot", _label(event.record_id), text, bill=is_bill)


def _of_delivery(run: Run, delivery: Delivery) -> Iterator[TimelineMark]:
    """The marks of a delivery and of its acknowledgement, if that has another time."""
    if delivery.record is None:
        return
    name, again = delivery.record.name, delivery.origin == "rereport"
    acked_at = None if delivery.acked_seq is None else _time_of(run, delivery.acked_seq)
    damage = ", torn on the way" if delivery.torn else ", damaged" if not delivery.readable else ""
    acked = {None: "not acknowledged", delivery.time: "acknowledged at once"}.get(acked_at, "acknowledged later")
    what = "re-reported record" if again else "record"
    times = f" for the {delivery.redelivery_count + 1}. time" if delivery.redelivery_count else ""
    text = f"the queue delivers {what} {name}{times}{damage}, {acked}"
    good = delivery.readable and acked_at is not None
    is_bill = delivery.record.kept.data_type == DataType.BILL
    yield TimelineMark(
        delivery.seq, delivery.time, "delivery", "queue", _label(name), text, good=good, again=again, bill=is_bill
    )
    if delivery.acked_seq is not None and acked_at is not None and acked_at != delivery.time:
        text = f"the client acknowledges {name}"
        yield TimelineMark(delivery.acked_seq, acked_at, "ack", "client", _label(name), text)


def _time_of(run: Run, seq: int) -> int:
    return run.once(_times)[seq]


def _times(run: Run) -> dict[int, int]:
    return {entry.seq: entry.time for entry in run.entries}


def _of_sync(run: Run, sync: Sync, claims: list[Claim]) -> TimelineMark:
    """The mark of a sync, labelled with its first claim that the lot contradicts, or else its first."""
    shown = next((claim for claim in claims if claim.counted is not None and not claim.equal), next(iter(claims), None))
    counted = "?" if shown is None or shown.counted is None else str(shown.counted)
    label = f"{_label(str(shown.claimed), COUNT_LABEL)} / {_label(counted, COUNT_LABEL)}" if shown else "failed"
    more = f"+{how_many(len(claims) - 1, 'cell')}" if len(claims) > 1 else ""
    good = shown is not None and shown.equal
    reaches = shown is not None and shown.counted is not None
    text = sync_text(run, sync, claims)
    return TimelineMark(sync.seq, sync.time, "sync", "client", label, text, good=good, reaches=reaches, more=more)


_ACTS: dict[ActKind, tuple[str, bool]] = {
    ActKind.START: ("starts", True),
    ActKind.CRASHES: ("crashes", False),
    ActKind.DIED: ("died", False),
    ActKind.CLOCK_JUMPS: ("clock", False),
    ActKind.GOES_OFFLINE: ("off line", False),
    ActKind.CALM: ("calm", True),
    ActKind.CONVERGED: ("agrees", True),
}
"""The label of each act that is drawn, and whether it is good news."""


def _of_act(act: Act) -> Iterator[TimelineMark]:
    if act.kind in _ACTS:
        label, good = _ACTS[act.kind]
        lane: TimelineLane = "lot" if act.kind is ActKind.GOES_OFFLINE else "client"
        text = PHASES.get(act.kind) or f"the {lane}: {act_text(act)}"
        yield TimelineMark(act.seq, act.time, "act", lane, label, text, good=good)


def _label(name: str, most: int = LABEL) -> str:
    return name if len(name) <= most else f"{name[: most - 1]}\u2026"


def _folded(marks: list[TimelineMark]) -> Iterator[TimelineMark]:
    """The marks, with many of one kind at one time as one, in the place of the first; those of ALONE stay apart."""
    for (_, alone), group in groupby(marks, key=lambda mark: (mark.time, mark.shape in ALONE)):
        if alone:
            yield from group
            continue
        alike: dict[tuple[Shape, bool, bool, bool], list[TimelineMark]] = defaultdict(list)
        for mark in group:
            alike[mark.shape, mark.good, mark.again, mark.bill].append(mark)
        yield from sorted((one for each in alike.values() for one in _as_one(each)), key=lambda mark: mark.seq)


def _as_one(alike: list[TimelineMark]) -> list[TimelineMark]:
    if len(alike) < FOLDED_FROM:
        return alike
    number, first = len(alike), alike[0]
    text = f"{number} times, first: {first.text}"
    return [replace(first, label=f"{number} \u00d7", text=text, many=number)]
