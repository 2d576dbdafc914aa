"""The story of the demo in three acts. Every number in it is read from the history, as it happens."""

from collections.abc import Callable, Generator, Iterable, Iterator
from itertools import pairwise
from typing import NamedTuple

from contracts.clients.reference import DRAIN_MS, ReferenceClient
from contracts.clients.zoo.counting import CountsDeliveries
from contracts.demo.stage import DemoError, DemoStage, News, hold
from mock_server.guide import Caption, Who
from mock_server.history.events import (
    CountCompared,
    MessageAcknowledged,
    MessageDelivered,
    MessagePublished,
    RecordKept,
    RecordLost,
    RequestAnswered,
    RequestReceived,
    Rereported,
    SyncAsked,
)
from mock_server.history.index import line_of
from mock_server.model import HOUR, JIESHUN, MINUTE, Cell, DataType, PassDirection

ASKS_AT = 5 * MINUTE
"""How long after a window's end the client asks."""

ROUNDS = 3
"""So many rounds of the client that never stops are told."""


class OnTheHour(ReferenceClient):
    """The reference client with windows of whole hours, which need no explanation.

    Its own are half a second earlier, so that no record lies on a boundary.
    """

    def window_start(self, at_ms: int) -> int:
        """The full hour."""
        return at_ms // HOUR * HOUR


class CountsDeliveriesOnTheHour(CountsDeliveries):
    """A client that counts deliveries, with the same windows."""

    window_start = OnTheHour.window_start


class StoryAct(NamedTuple):
    """A part of the story: its title, and what tells it on a stage."""

    title: str
    tell: Callable[[DemoStage], Iterator[Caption]]


class _Teller:
    """What the acts share: the hour from 8 to 9 at one lot."""

    def __init__(self, stage: DemoStage, brand: str = "") -> None:
        stage.clear()
        self.lot = next(lot for lot in stage.lots() if (lot.supplier_code == JIESHUN) == bool(brand))
        self.stage = stage

    @property
    def end(self) -> int:
        """Where the hour ends."""
        return self.stage.midnight + 9 * HOUR

    @property
    def cell(self) -> Cell:
        """The hour's entering cars."""
        return Cell(self.lot.device_id, DataType.PASS, PassDirection.ENTER, self.end - HOUR, self.end)

    def caption(self, who: Who, text: str, *lines: str, until: int | None = None) -> Caption:
        """One step, about the hour. The page shows the history up to the entry `until`, all of it by default."""
        return Caption(who, text, lines, self.cell, until)

    def asked_at(self, news: News) -> int:
        """The number of the entry with the client's question about the hour."""
        asked = ((entry.seq, entry.event) for entry in reversed(news.entries))
        cells = ((seq, [each.cell for each in event.entries]) for seq, event in asked if isinstance(event, SyncAsked))
        return next(seq for seq, known in cells if self.cell in known)

    def compared_at(self, news: News) -> int:
        """The number of the entry with the lot's comparison of the hour."""
        compared = ((entry.seq, entry.event) for entry in news.entries)
        return next(seq for seq, event in compared if isinstance(event, CountCompared) and self.is_ours(event))

    def is_ours(self, event: CountCompared | Rereported) -> bool:
        """Whether an event is about the hour."""
        return event.cell == self.cell

    def entered(self, news: News) -> tuple[list[RecordKept], list[RecordKept]]:
        """The cars that entered in the hour: those whose message went out, and those whose message got lost."""
        lost = {event.record_id for event in news.of(RecordLost)}
        cars = [each for each in news.of(RecordKept) if self.is_entering(each)]
        return [each for each in cars if each.record_id not in lost], [each for each in cars if each.record_id in lost]

    def is_entering(self, event: RecordKept) -> bool:
        """Whether a record belongs to the hour's entering cars."""
        same = line_of(event) == self.cell.line
        return same and self.cell.start_time <= event.event_time < self.cell.end_time

    def hour_passes(self, *, timers: bool = True) -> tuple[News, list[RecordKept], list[RecordKept]]:
        """The hour, up to the moment at which the client asks."""
        self.stage.go_to(self.end + ASKS_AT, timers=timers)
        news = self.stage.news()
        sent, lost = self.entered(news)
        hold(sent and lost, "some cars should come through and some should get lost")
        return news, sent, lost

    def ask(self) -> tuple[News, CountCompared]:
        """The client does what is due; the lot compares the hour."""
        self.stage.act()
        news = self.stage.news()
        compared = [each for each in news.of(CountCompared) if self.is_ours(each)]
        hold(len(compared) == 1, f"the lot should compare the hour once, not {len(compared)} times")
        return news, compared[0]

    def ask_again(self) -> tuple[News, CountCompared]:
        """The same, ten minutes after the last message of a re-report."""
        self.stage.settle()
        self.stage.go_to(self.stage.now_ms + DRAIN_MS)
        self.stage.news()
        return self.ask()

    def call_line(self, news: News) -> str:
        """The call about the hour and its answer, in one line."""
        answers = {each.request: each for each in news.of(RequestAnswered)}
        claims = {
            each.request: entry.claimed
            for each in news.of(SyncAsked)
            for entry in each.entries
            if entry.cell == self.cell
        }
        for entry in reversed(news.entries):
            call, answer = entry.event, answers.get(entry.seq)
            if isinstance(call, RequestReceived) and entry.seq in claims and answer is not None:
                said = f"success, sn {answer.sn}" if answer.code is None else f"code {answer.code}, {answer.msg}"
                return f"{call.method} {call.path}  total_count {claims[entry.seq]} -> {said}"
        raise DemoError("the client should have called")


def lossy_line(stage: DemoStage) -> Iterator[Caption]:
    """Loss, wrong count, sync, mismatch, re-report, convergence, silence."""
    told = _Teller(stage)
    stage.open([told.lot.device_id], OnTheHour)
    yield told.caption(
        "lot",
        f"{told.lot.device_name} reports every car that enters over a message queue. A client wants to know them all. "
        "It is 7:55, and the line is bad.",
    )
    sent, lost = yield from _loss(told)
    compared = yield from _wrong_count(told, sent)
    stage.settle()
    hold(len(stage.news().of(MessageAcknowledged)) >= compared.counted, "the re-report should be acknowledged")
    yield told.caption(
        "client",
        f"The client knows {sent} of them by their record ids and stores the other {lost}. "
        f"Now it has all {compared.counted}.",
    )
    yield from _silence(told)


def _loss(told: _Teller) -> Generator[Caption, None, tuple[int, int]]:
    """Cars enter, some records get lost; how many came through and how many did not."""
    news, sent, lost = told.hour_passes()
    yield told.caption(
        "lot",
        f"From 8 to 9, {len(sent) + len(lost)} cars enter. {len(lost)} of the records get lost on their way.",
        "sent  " + _plates(sent),
        "lost  " + _plates(lost),
    )
    hold(_came(news, sent), "what is sent should be acknowledged")
    yield told.caption(
        "queue",
        f"The queue delivers the other {len(sent)}. The client stores each, then acknowledges it. "
        f"It cannot know that {len(lost)} are missing.",
    )
    return len(sent), len(lost)


def _wrong_count(told: _Teller, sent: int) -> Generator[Caption, None, CountCompared]:
    """The client asks, the lot compares and reports the hour again."""
    news, compared = told.ask()
    claimed, counted = compared.claimed, compared.counted
    yield told.caption(
        "client",
        f"At 9:05 the client counts its records of that hour and tells the lot: {claimed}. "
        "The answer only means that the question was passed on.",
        told.call_line(news),
        until=told.asked_at(news),
    )
    hold((claimed, compared.equal) == (sent, False), f"the client claims {claimed}")
    yield told.caption(
        "lot",
        f"The lot counts its own records of the same hour: {counted}, not {claimed}. A mismatch.",
        until=told.compared_at(news),
    )
    yield _rereport(told, news, compared)
    return compared


def _silence(told: _Teller) -> Iterator[Caption]:
    """The client asks once more, and the counts are equal."""
    news, again = told.ask_again()
    hold(again.claimed == again.counted, f"the client counts {again.claimed}, the lot {again.counted}")
    yield told.caption(
        "client",
        f"Ten minutes later it tells its count once more: {again.claimed}.",
        told.call_line(news),
        until=told.asked_at(news),
    )
    hold(not any(map(told.is_ours, news.of(Rereported))), "equal counts should re-report nothing")
    told.stage.settle()
    yield told.caption("lot", f"The lot counts {again.counted} too, and says nothing. Silence means: equal.")


def never_stops(stage: DemoStage) -> Iterator[Caption]:
    """The same day, and a client that counts deliveries."""
    told = _Teller(stage)
    stage.open([told.lot.device_id], CountsDeliveriesOnTheHour)
    _, sent, lost = told.hour_passes()
    yield told.caption(
        "lot",
        f"The same day, the same line: {len(sent) + len(lost)} cars, {len(lost)} records lost. "
        "But this client counts deliveries, not record ids.",
    )
    news, compared = told.ask()
    claims = [compared.claimed]
    yield told.caption(
        "client",
        f"At 9:05 it tells {compared.claimed}. So far nobody sees a difference.",
        told.call_line(news),
        until=told.asked_at(news),
    )
    for _ in range(ROUNDS - 1):
        yield _rereport(told, news, compared)
        news, compared = told.ask_again()
        claims.append(compared.claimed)
        yield told.caption(
            "client",
            f"It counts every one of them as a new car, and tells {compared.claimed} ten minutes later.",
            told.call_line(news),
            until=told.asked_at(news),
        )
    grows = all(low < high for low, high in pairwise(claims))
    hold(grows and compared.counted == len(sent) + len(lost), f"the claims should grow: {claims}")
    told_again = [each for each in news.of(Rereported) if told.is_ours(each)]
    hold(told_again, "the lot should report the hour again")
    yield told.caption(
        "lot",
        f"The lot still has {compared.counted} and reports them again. {', '.join(map(str, claims))}, ... "
        "it never stops: each answer makes the count more wrong.",
    )
    stage.settle()


def refuses(stage: DemoStage) -> Iterator[Caption]:
    """A lot that does not take the command."""
    told = _Teller(stage, JIESHUN)
    stage.open([told.lot.device_id], OnTheHour)
    _, sent, lost = told.hour_passes(timers=False)
    yield told.caption(
        "lot",
        f"{told.lot.device_name} is a lot of the brand Jieshun. The same morning: {len(sent)} of "
        f"{len(sent) + len(lost)} records come through.",
    )
    stage.act()
    news = stage.news()
    refusals = [each for each in news.of(RequestAnswered) if each.code is not None]
    hold(len(refusals) == 1, "the Jieshun lot should have refused")
    yield told.caption(
        "client", f"The client asks the lot to compare: {len(sent)}.", told.call_line(news), until=told.asked_at(news)
    )
    yield told.caption(
        "lot",
        "It cannot: Jieshun lots do not take this command. Nothing comes again.",
        f"HTTP 200, and yet code {refusals[0].code}",
    )
    stage.settle()
    stage.go_to(stage.now_ms + HOUR)
    hold(not stage.news().of(RequestReceived), "the client should leave the lot alone")
    yield told.caption(
        "client",
        f"The client leaves this lot alone and tells somebody. {len(lost)} records stay lost unless they are found "
        "some other way.",
    )


ACTS = (
    StoryAct("A bad line, and a client that counts records", lossy_line),
    StoryAct("The same line, and a client that counts deliveries", never_stops),
    StoryAct("A lot that refuses", refuses),
)


def _rereport(told: _Teller, news: News, compared: CountCompared) -> Caption:
    """The lot reports the hour again; the messages wait to be taken."""
    decided = [each for each in news.of(Rereported) if told.is_ours(each)]
    hold(len(decided) == 1, "the lot should report the hour again once")
    messages = [each for each in news.of(MessagePublished) if each.origin == "rereport"]
    delivered = {each.message_id for each in news.of(MessageDelivered)}
    hold(len(messages) >= compared.counted, "a re-report should be one message a record")
    hold(delivered.issuperset(each.message_id for each in messages), "a re-report should be delivered")
    return told.caption(
        "lot",
        f"The lot reports that hour again: all {compared.counted} records, as new messages with their old record ids.",
        f"{compared.counted} messages on persistent://{told.stage.project.access_id}/out/event",
    )


def _came(news: News, sent: Iterable[RecordKept]) -> bool:
    acknowledged = {each.message_id for each in news.of(MessageAcknowledged)}
    published = {each.record_id: each.message_id for each in news.of(MessagePublished)}
    return all(published.get(each.record_id) in acknowledged for each in sent)


def _plates(records: Iterable[RecordKept]) -> str:
    return "  ".join(each.plate_no or "(no plate)" for each in records)
