"""The story so far: what became of each record, told from the history, in lines that a person reads."""

from collections import Counter, defaultdict
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from typing import Self

from mock_server.history.events import CountCompared, FaultInjected, RequestAnswered, RequestReceived, Rereported
from mock_server.history.index import HistoryIndex, LotRecord
from mock_server.history.log import Entry
from mock_server.wire.messages import COMMAND_RESULT, UNKNOWN_EVENT
from mock_server.words import cell_text, folded, printable, shortened

TITLE = "parking-mock: the story so far"
"""What stands above a story."""

THINGS = 10
"""How many things a story tells at most, each on a line of its own, or on several if it is long."""

WIDTH = 160
"""How many signs a line has at most."""

NAME_SHOWN = 200
"""How many signs of an id or a path are shown."""

_COLUMN = 7
"""Where the text of a line begins, behind its kind."""


@dataclass(frozen=True, slots=True)
class Journey:
    """What became of the records of one id: how often their messages were published, delivered, acknowledged, or lost.

    `lost` has the causes, in order.
    """

    record_id: str
    plate_no: str
    published: int
    delivered: int
    acknowledged: int
    lost: tuple[str, ...]
    removed: bool
    discarded: int = 0

    @classmethod
    def of(cls, records: list[LotRecord]) -> Self:
        """The records of one id: more than one if several lots, or both kinds, have it."""
        return cls(
            record_id=records[0].name,
            plate_no=max(records, key=lambda each: each.kept_seq).kept.plate_no,
            published=sum(each.published for each in records),
            delivered=sum(each.delivered for each in records),
            acknowledged=sum(each.acknowledged for each in records),
            lost=tuple(cause for _, cause in sorted(loss for each in records for loss in each.losses.items())),
            removed=any(each.removed_seq is not None for each in records),
            discarded=sum(each.discarded for each in records),
        )

    def why_missing(self) -> str:
        """Why a client does not have it, as far as the history tells."""
        if self.acknowledged:
            return "acknowledged by the client: stored and forgotten, or never stored"
        if self.discarded:
            return "thrown away by the client's library, which could not read it: a count tells, and a sync asks for it"
        if self.delivered:
            return f"delivered {self.delivered} x and never acknowledged"
        if self.published:
            return "on the queue, not delivered yet: nobody consumes"
        if not self.lost:
            return "on its way"
        again = "lost again when it was re-reported" if len(self.lost) > 1 else "no sync has asked for it again"
        return f"lost on the way ({', '.join(self.lost)}); {again}"

    def why_doubled(self) -> str:
        """Why a client has it twice."""
        return f"published {self.published} x under one record id: count record ids, not messages"


def journeys(index: HistoryIndex) -> dict[str, Journey]:
    """The journey of every record that the history still tells of, by record id."""
    named: dict[str, list[LotRecord]] = defaultdict(list)
    for record in index.records.values():
        named[record.name].append(record)
    return {record_id: Journey.of(records) for record_id, records in named.items()}


def story(entries: Iterable[Entry]) -> list[str]:
    """The last things that happened, ten at most: a summary, what was lost, the last calls and re-reports."""
    known = list(entries)
    index = HistoryIndex(known)
    told = journeys(index).values()
    losses = [_loss_line(each) for each in told if each.lost]
    calls = list(_call_lines(known, index))
    shown_losses = losses[-3:]
    room = THINGS - 1 - len(shown_losses)
    things = (_summary(list(told), index), *shown_losses, *calls[-room:])
    return [line for thing in things for line in folded("", printable(thing), WIDTH, _COLUMN)]


def _loss_line(journey: Journey) -> str:
    return f"lost   {shortened(journey.record_id, NAME_SHOWN)} {journey.plate_no} ({', '.join(journey.lost)})"


def told_beside_a_failure(tell: Callable[[], list[str]]) -> str:
    """A story that goes along with somebody else's failure, which a failure of ours must not hide."""
    try:
        return "\n".join(tell())
    except Exception as error:  # noqa: BLE001 whatever it is, the other failure is what matters
        return f"it cannot be told: {error!r}"


def how_many(count: int, name: str) -> str:
    """A number of things, in the singular or the plural."""
    return f"{count} {name}" if count == 1 else f"{count} {name}s"


def _summary(told: list[Journey], index: HistoryIndex) -> str:
    lost = sum(bool(each.lost) for each in told)
    waiting = sum(each.published > each.acknowledged for each in told)
    records = f"{how_many(len(told), 'record')} at the lots, {lost} lost on the way at least once"
    return f"{records}, {waiting} not acknowledged{_pending_text(index)}"


def _pending_text(index: HistoryIndex) -> str:
    """The messages about no record that are on the queue, by their codes."""
    codes = [
        COMMAND_RESULT if message.event.sn is not None else UNKNOWN_EVENT
        for message in index.messages.values()
        if message.event.record_id is None and not any(each.acked_seq for each in message.latest.values())
    ]
    pending = ", ".join(f"{number} {code}" for code, number in Counter(codes).items())
    return f"; also pending: {pending}" if pending else ""


def _call_lines(entries: Iterable[Entry], index: HistoryIndex) -> Iterator[str]:
    for entry in entries:
        event = entry.event
        if isinstance(event, RequestAnswered) and event.request in index.calls:
            yield f"call   {_call_text(index.calls[event.request].request, event)}"
        elif isinstance(event, CountCompared):
            verdict = "equal" if event.equal else f"the lot has {event.counted}"
            yield f"count  {cell_text(event.cell)}: claimed {event.claimed}, {verdict}"
        elif isinstance(event, Rereported):
            yield f"again  {cell_text(event.cell)}: {event.records} records re-reported"
        elif isinstance(event, FaultInjected):
            yield f"fault  {event.fault} on {event.operation}"


def _call_text(request: RequestReceived, answer: RequestAnswered) -> str:
    outcome = f"{answer.code} {answer.msg}" if answer.code is not None else "success"
    unsent = {"whole": "", "garbled": ", answer garbled", "not": ", answer never sent"}[answer.sent]
    return f"{request.method} {shortened(request.path, NAME_SHOWN)} -> {outcome}{unsent}"


def differences(claimed: Counter[str], kept: Counter[str], entries: Iterable[Entry]) -> list[str]:
    """In which record ids a client and the lots differ, and how often each has them, with the likely reason."""
    told = journeys(HistoryIndex(entries))
    lines = [f"missing  {each}: {_missing(told.get(each))}" for each in sorted(kept - claimed)]
    lines += [f"extra    {each}: {_extra(told.get(each))}" for each in sorted(set(claimed) - set(kept))]
    doubled = sorted(each for each in claimed - kept if each in kept)
    return lines + [f"doubled  {each}, {claimed[each]} x: {_doubled(told.get(each))}" for each in doubled]


def _missing(journey: Journey | None) -> str:
    return journey.why_missing() if journey else "the history no longer tells of it"


def _extra(journey: Journey | None) -> str:
    if journey is None:
        return "no lot ever had it"
    return "deleted at the lot" if journey.removed else "of another lot or kind"


def _doubled(journey: Journey | None) -> str:
    return journey.why_doubled() if journey else "counted twice"
