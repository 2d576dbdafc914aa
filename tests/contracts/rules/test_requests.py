"""Tests of what a request for redelivery shows of the client that made it."""

from collections.abc import Sequence
from typing import Any

import pytest

from contracts.client.over_native import PulsarSocket, over_native
from contracts.clients.native import NativeClient, NativeReferenceClient
from contracts.clients.reference import ReferenceClient
from contracts.clients.zoo.receiving import AcksTheLastOnly, RefusesNewFields
from contracts.play.scenario import BEGIN, Happens, Scenario, Strikes
from contracts.rules.evidence.requests import asked_again, refusals
from mock_server.faults.catalogue import FaultKind
from mock_server.history.events import MessageAcknowledged
from mock_server.model import MINUTE, SECOND
from tests.contracts.support import broken, played

AT = BEGIN + 10 * MINUTE
NEW_FIELDS = (Strikes(AT, FaultKind.MESSAGE_UNKNOWN_FIELDS, record="r1"), Happens(AT, "r1"))
DAMAGED = (Strikes(AT, FaultKind.MESSAGE_FLIP_BIT, record="r0"), Happens(AT, "r0"))


def short(*steps: Any) -> Scenario:
    """A scenario that ends some minutes after its last step."""
    return Scenario(steps=steps, settles=False, runs_ms=4 * MINUTE)


def test_a_message_that_alone_was_held_was_refused() -> None:
    """A request cannot be for any other."""
    run = played(short(*NEW_FIELDS), over_native(RefusesNewFields))
    (refused,) = [each for each in run.deliveries if each.seq in refusals(run)]
    assert refused.faults
    assert broken("REC-TOLERANT", short(*NEW_FIELDS), over_native(RefusesNewFields))


class HoldsFor(NativeClient):
    """Keeps a message in work: stores and acknowledges it a while later, as a client does that writes now and then."""

    hold_ms = 15 * SECOND

    def __init__(self, exports: Any = None) -> None:
        super().__init__(exports)
        self._work: list[tuple[int, PulsarSocket, dict[str, Any]]] = []

    def take_messages(self, socket: PulsarSocket, frames: Sequence[dict[str, Any]]) -> None:
        """What can be read waits for its turn; the rest is refused at once."""
        with self._store.transaction():
            for frame in frames:
                if self.take(frame):
                    self._work.append((self.now_ms() + self.hold_ms, socket, frame))
                else:
                    self.answer_frame(socket, frame, is_done=False)

    def plan(self) -> None:
        """Acknowledge what has been in work for long enough."""
        for due, socket, frame in self._work:
            if due <= self.now_ms():
                self.answer_frame(socket, frame, is_done=True)
        self._work = [each for each in self._work if each[0] > self.now_ms()]
        super().plan()

    def wakes_at(self) -> int | None:
        """Also when something in work is done."""
        moments = [each[0] for each in self._work]
        own = super().wakes_at()
        return min([*moments, *([] if own is None else [own])], default=None)


@pytest.mark.parametrize("later_ms", [MINUTE - 5 * SECOND, MINUTE - 12 * SECOND])
def test_a_message_in_work_is_not_refused(later_ms: int) -> None:
    """It comes again because another one was refused: whether it was held for seconds only, or beside that one."""
    new = (Strikes(AT, FaultKind.MESSAGE_UNKNOWN_FIELDS, record="r1"), Happens(AT + later_ms, "r1"))
    scenario = short(*DAMAGED, *new)
    run = played(scenario, HoldsFor)
    assert any(each.seq in asked_again(run) for each in run.deliveries)
    assert not broken("REC-TOLERANT", scenario, HoldsFor)
    assert not broken("REC-CUMULATIVE", scenario, HoldsFor)


def test_what_is_never_asked_for_is_passed_over() -> None:
    """A client that acknowledges the last of a batch singly leaves the others for good."""
    scenario = short(Happens(AT, "r1", many=3))
    assert broken("REC-CUMULATIVE", scenario, over_native(AcksTheLastOnly))
    for client in (NativeReferenceClient, over_native(ReferenceClient)):
        assert not broken("REC-CUMULATIVE", scenario, client)


def test_a_cumulative_acknowledgement_never_covers_what_was_refused() -> None:
    """Until that has come again the reference client acknowledges singly."""
    scenario = short(
        *DAMAGED, Happens(AT, "r1", many=3), Happens(AT + 10 * SECOND, "r2"), Happens(AT + 2 * MINUTE, "r3")
    )
    run = played(scenario, NativeReferenceClient)
    damaged = next(each for each in run.deliveries if each.damaged)
    again = next(each for each in run.deliveries if each.message_id == damaged.message_id and not each.damaged)
    assert damaged.acked_seq is None
    assert again.acked_seq is not None
    events = [(entry.seq, entry.event) for entry in run.entries]
    cumulative = [seq for seq, event in events if isinstance(event, MessageAcknowledged) and event.cumulative]
    assert cumulative
    assert not [seq for seq in cumulative if damaged.seq < seq < again.seq]
    assert {each.record_id for each in run.dumps[-1].records} == {"r0", "r1", "r1-2", "r1-3", "r2", "r3"}
