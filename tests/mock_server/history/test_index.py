"""Tests of the history read once."""

from mock_server.faults.catalogue import CALL, DELIVERY, SOCKET, FaultKind
from mock_server.history.events import (
    Event,
    FaultInjected,
    MessageDelivered,
    MessagePublished,
    RequestAnswered,
    RequestReceived,
)
from mock_server.history.index import HistoryIndex
from mock_server.history.log import Entry
from tests.support import LOT, NOON


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
