"""The one fold of a history: what belongs to what; whole, piece by piece, and without its beginning."""

from collections import Counter

import hypothesis.strategies as st
from hypothesis import given, settings

from mock_server.clock import VirtualClock
from mock_server.faults.catalogue import ACKNOWLEDGEMENT, CALL, DELIVERY, FRAME, SOCKET, FaultKind
from mock_server.faults.chaos import Chaos
from mock_server.history.digest import Digest
from mock_server.history.events import (
    Event,
    FaultInjected,
    MessageDelivered,
    MessageDiscarded,
    MessagePublished,
    RequestAnswered,
    RequestReceived,
)
from mock_server.history.index import HistoryIndex
from mock_server.history.log import Entry
from mock_server.history.story import differences, story
from mock_server.lots.seed import NewRecord
from mock_server.model import MINUTE, DataType, PassDirection, Spoils
from mock_server.project import Project
from mock_server.queue.consumer import Consumer
from tests.mock_server.history.support import picture
from tests.support import JIESHUN_LOT, LOT, NOON, Api, examples, keep_passes, make_project, sync_info

STEPS = ("keep", "lose", "correct", "remove", "connect", "acknowledge", "refuse", "sync", "jieshun", "wait")
ACTS = st.lists(st.tuples(st.sampled_from(STEPS), st.integers(0, 5)), max_size=25)


class Stage:
    """A project under chaos in which acts happen, with a consumer that answers when it is told to."""

    def __init__(self, chaos_seed: int) -> None:
        self.clock = VirtualClock(NOON)
        self.project = make_project(clock=self.clock, chaos=Chaos("rough", chaos_seed))
        self.api = Api(self.project, garbled=True)
        self.api.token = self.project.tokens.grant().access_token
        self.consumer: Consumer | None = None

    def play(self, act: str, number: int) -> None:
        """One act."""
        getattr(self, f"_{act}")(number)

    def _keep(self, number: int) -> None:
        keep_passes(self.project, *range(NOON - number, NOON))

    def _lose(self, number: int) -> None:
        keep_passes(self.project, NOON - number, fate="lose")

    def _correct(self, number: int) -> None:
        for record in list(self.project.store.records())[number : number + 1]:
            self.project.lots.keep(record)

    def _remove(self, number: int) -> None:
        for record in list(self.project.store.records())[number : number + 1]:
            self.project.lots.remove(record.key)

    def _connect(self, _: int) -> None:
        if self.consumer is not None:
            self.project.queue.main.disconnect(self.consumer)
        self.consumer = Consumer(self.project.new_consumer_id(), lambda *_: None)
        self.project.queue.main.connect(self.consumer)

    def _acknowledge(self, number: int) -> None:
        for message_id in self._held(number):
            self.project.queue.main.acknowledge(self._listening(), message_id)

    def _refuse(self, number: int) -> None:
        for message_id in self._held(number):
            self.project.queue.main.refuse(self._listening(), message_id)

    def _held(self, number: int) -> list[str]:
        return list(self.consumer.unacknowledged)[:number] if self.consumer is not None else []

    def _listening(self) -> Consumer:
        assert self.consumer is not None
        return self.consumer

    def _sync(self, number: int) -> None:
        self.api.sync(sync_info(number), sync_info(0, direction=1))

    def _jieshun(self, number: int) -> None:
        self.api.sync(sync_info(number), device_id=JIESHUN_LOT)

    def _wait(self, number: int) -> None:
        self.clock.advance(number * MINUTE)


def history_of(acts: list[tuple[str, int]], chaos_seed: int) -> tuple[Project, list[Entry]]:
    """A project in which acts have happened, and its history."""
    stage = Stage(chaos_seed)
    for act, number in acts:
        stage.play(act, number)
    return stage.project, list(stage.project.history.after())


def index_of(*events: Event) -> HistoryIndex:
    """These events, one after another, read."""
    return HistoryIndex(Entry(seq, NOON, event) for seq, event in enumerate(events, 1))


def of_call(kind: FaultKind, request: int | None) -> FaultInjected:
    """A fault that struck a call."""
    return FaultInjected(kind, kind.default, CALL, "call", spoils=kind.spoils, request=request)


def of_delivery(kind: FaultKind, message_id: str, consumer: str) -> FaultInjected:
    """A fault that struck a delivery."""
    site = SOCKET if kind is FaultKind.SOCKET_CLOSE else DELIVERY
    return FaultInjected(kind, 7, site, "message", spoils=kind.spoils, message_id=message_id, consumer=consumer)


def delivered(message_id: str, consumer: str) -> MessageDelivered:
    """A delivery."""
    return MessageDelivered(message_id, "event", "sub", consumer, 0)


REQUEST = RequestReceived("GET", "/v1.0/token", "", {}, "")
PUBLISHED = tuple(MessagePublished(name, LOT, "uplink", None, None) for name in ("m1", "m2"))


def test_what_a_library_throws_away_the_application_has_not_seen() -> None:
    """Nor what came with a wrong checksum, whose connection goes on: the next message is a usual one."""
    index = index_of(
        *PUBLISHED,
        delivered("m1", "c"),
        FaultInjected(FaultKind.MESSAGE_BAD_CHECKSUM, 0, FRAME, "m", Spoils.DELIVERY, None, "m1", "c"),
        MessageDiscarded("m1", "event", "sub", "c", "ChecksumMismatch"),
        delivered("m2", "c"),
    )
    assert [(each.torn, each.acked_seq) for each in index.deliveries] == [(True, None), (False, None)]
    unstruck = index_of(PUBLISHED[0], delivered("m1", "c"), MessageDiscarded("m1", "event", "sub", "c", ""))
    assert [each.torn for each in unstruck.deliveries] == [True]


def test_a_lost_acknowledgement_is_one_of_the_client() -> None:
    """It has given one at that time, and the message comes again all the same."""
    fault = FaultInjected(FaultKind.ACK_LOSE, 60_000, ACKNOWLEDGEMENT, "m", Spoils.DELIVERY, None, "m1", "c")
    index = index_of(PUBLISHED[0], delivered("m1", "c"), fault, delivered("m1", "c"))
    assert [(each.acked_seq, each.torn) for each in index.deliveries] == [(3, False), (None, False)]


def test_a_fault_belongs_to_the_call_that_it_names() -> None:
    """Whatever else was asked or answered between."""
    index = index_of(
        REQUEST,
        REQUEST,
        of_call(FaultKind.ANSWER_LATE, 1),
        RequestAnswered(2, None, None, None, "whole"),
        of_call(FaultKind.COMMAND_LOSE, 1),
        of_call(FaultKind.ANSWER_BUSY, None),
    )
    assert index.faults_by_call == {1: (FaultKind.ANSWER_LATE, FaultKind.COMMAND_LOSE)}
    assert len(index.faults) == 3


def test_a_fault_belongs_to_the_delivery_that_it_names() -> None:
    """A message goes to two consumers; the fault spoils what one of them is handed."""
    index = index_of(
        *PUBLISHED,
        delivered("m1", "c1"),
        delivered("m1", "c2"),
        delivered("m2", "c1"),
        of_delivery(FaultKind.MESSAGE_FLIP_BIT, "m1", "c1"),
        of_delivery(FaultKind.MESSAGE_UNKNOWN_FIELDS, "m2", "c1"),
    )
    assert [each.damaged for each in index.deliveries] == [True, False, False]
    assert [each.faults for each in index.deliveries] == [
        {FaultKind.MESSAGE_FLIP_BIT: 7},
        {},
        {FaultKind.MESSAGE_UNKNOWN_FIELDS: 7},
    ]
    assert [each.readable for each in index.deliveries] == [False, True, True]


def test_a_connection_that_closes_hands_over_no_more() -> None:
    """The delivery that it struck and what follows to the same consumer are torn, others are not."""
    index = index_of(
        *PUBLISHED,
        delivered("m1", "c1"),
        of_delivery(FaultKind.SOCKET_CLOSE, "m1", "c1"),
        delivered("m2", "c1"),
        delivered("m1", "c2"),
    )
    assert [each.torn for each in index.deliveries] == [True, True, False]


@given(ACTS, st.integers(0, 99), st.lists(st.integers(1, 30), min_size=1))
@settings(max_examples=examples(60), deadline=None)
def test_piece_by_piece_is_at_once(acts: list[tuple[str, int]], chaos_seed: int, sizes: list[int]) -> None:
    """However a history is taken in pieces, after each the index has what one of all the entries so far has."""
    _, entries = history_of(acts, chaos_seed)
    growing = HistoryIndex()
    for size in sizes * len(entries):
        growing.take(entries[growing.last : growing.last + size])
        assert picture(growing) == picture(HistoryIndex(entries[: growing.last]))
        if growing.last == len(entries):
            break


def test_a_pass_and_a_bill_may_share_an_id() -> None:
    """A message belongs to the record of its own data type, not to the one that was kept last."""
    project = make_project()
    one = NewRecord(LOT, "same", DataType.PASS, PassDirection.ENTER, NOON, "", {})
    other = NewRecord(LOT, "same", DataType.BILL, None, NOON, "", {}, "duplicate")
    project.keep([one, other])
    index = HistoryIndex(project.history.after(0))
    published = {key[1]: record.published for key, record in index.records.items()}
    assert published == {DataType.PASS: 1, DataType.BILL: 2}


@given(ACTS, st.integers(0, 99), st.integers(1, 30))
@settings(max_examples=examples(60), deadline=None)
def test_what_is_over_is_forgotten(acts: list[tuple[str, int]], chaos_seed: int, size: int) -> None:
    """A follower that forgets has the lots' records with all that became of them, and what is still open."""
    project, entries = history_of(acts, chaos_seed)
    whole, follower = HistoryIndex(entries), HistoryIndex()
    while follower.last < len(entries):
        follower.take(entries[follower.last : follower.last + size])
        follower.forget()
    assert follower.records.keys() == {record.key for record in project.store.records()}
    for key, record in follower.records.items():
        if whole.records[key].removed_seq is None:
            sums = [(each.published, each.delivered, each.acknowledged) for each in (record, whole.records[key])]
            assert sums[0] == sums[1]
            assert (record.kept, record.losses) == (whole.records[key].kept, whole.records[key].losses)
    pending = [message.message_id for message in project.queue.main.pending_messages()]
    assert list(follower.messages) == pending
    assert follower.calls == {}
    assert follower.devices == whole.devices
    over = (follower.deliveries, follower.compared, follower.rereports, follower.faults, follower.consumers)
    assert not any(over)


@given(ACTS, st.integers(0, 99), st.integers(0, 200))
@settings(max_examples=examples(60), deadline=None)
def test_a_beginning_may_be_gone(acts: list[tuple[str, int]], chaos_seed: int, gone: int) -> None:
    """What is told of records, messages and calls from before the oldest entry is passed over, everywhere."""
    project, entries = history_of(acts, chaos_seed)
    late = entries[gone:]
    index = HistoryIndex(late)
    assert set(index.records) <= set(HistoryIndex(entries).records)
    assert all(delivery.message_id in index.messages for delivery in index.deliveries)
    assert story(late)
    kept = Counter(record.record_id for record in project.store.records())
    assert len(differences(Counter(), kept, late)) == len(kept)


@given(ACTS, st.integers(0, 99), st.integers(1, 200))
@settings(max_examples=examples(60), deadline=None)
def test_a_follower_may_miss_entries(acts: list[tuple[str, int]], chaos_seed: int, kept: int) -> None:
    """A digest that comes late to a history which has let go of entries reads the rest, and says what it missed."""
    project, entries = history_of(acts, chaos_seed)
    digest = Digest(project.profile)
    digest.read(project.history, len(entries) // 3)
    read = digest.last
    project.history._entries = type(project.history._entries)(entries, maxlen=kept)
    while digest.read(project.history, 7):
        pass
    assert digest.last == project.history.last
    assert digest.missed == max(0, project.history.dropped - read)
    assert digest.waiting >= 0
    assert digest.delivered >= 0
