from random import Random

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mock_server.clock import VirtualClock
from mock_server.faults.faults import Faults
from mock_server.history.events import MessagePublished, RecordLost
from mock_server.history.log import History
from mock_server.model import HOUR, Cell, CommandResult, DataType, Message, PassDirection, ProcessStatus, Record
from mock_server.queue.queue import Queue
from mock_server.queue.uplink import STEP, Uplink
from mock_server.state.journal import Journal
from mock_server.state.later import Later
from tests.strategies import new_pass
from tests.support import NOON

CELL = Cell("lot", DataType.PASS, PassDirection.ENTER, NOON - HOUR, NOON)


class World:
    """An uplink on a virtual clock, and the queue behind it."""

    def __init__(self) -> None:
        self.clock = VirtualClock(NOON)
        self.history = History(self.clock.now_ms)
        journal = Journal()
        self.queue = Queue("id", self.clock, self.history, journal)
        faults, later = Faults(self.history, journal), Later(self.clock, journal)
        self.uplink = Uplink(self.clock, self.queue, self.history, Random(1), faults, later)

    def messages(self) -> list[Message]:
        """What is on the queue, in the order of publication."""
        return self.queue.main.pending_messages()


def record(number: int = 1) -> Record:
    """A record of the lot."""
    return new_pass(f"r{number}").keep_as(f"r{number}", NOON)


@pytest.fixture
def world() -> World:
    """Nothing sent yet."""
    return World()


def test_a_delivered_record_is_one_message_at_once(world: World) -> None:
    """It says when it was published and where it came from."""
    world.uplink.send(record(), "deliver")
    [message] = world.messages()
    assert (message.subject, message.publish_time, message.origin) == (record(), NOON, "uplink")


def test_a_lost_record_is_no_message_but_a_line_of_the_history(world: World) -> None:
    """The history is the only one who knows."""
    world.uplink.send(record(), "lose")
    assert world.messages() == []
    assert [entry.event for entry in world.history.after()] == [RecordLost(record().device_id, "r1", 0, "uplink")]
    assert world.clock.pending == 0


def test_a_doubled_record_is_two_publications(world: World) -> None:
    """Same record id, other message id and data id."""
    world.uplink.send(record(), "duplicate")
    one, two = world.messages()
    assert one.subject == two.subject
    assert one.message_id != two.message_id
    assert one.data_id != two.data_id


@pytest.mark.parametrize("delay_ms", [1, 60_000])
def test_a_delayed_record_comes_at_its_time(world: World, delay_ms: int) -> None:
    """Not a millisecond earlier, and stamped with the time of its publication."""
    world.uplink.send(record(), delay_ms)
    assert world.messages() == []
    world.clock.advance(delay_ms - 1)
    assert world.messages() == []
    world.clock.advance_to(NOON + delay_ms)
    assert [message.publish_time for message in world.messages()] == [NOON + delay_ms]


def test_a_delayed_record_is_overtaken(world: World) -> None:
    """The queue's order is that of publication, not that of events."""
    world.uplink.send(record(1), 10)
    world.uplink.send(record(2), "deliver")
    world.clock.advance(10)
    subjects = [message.subject for message in world.messages()]
    assert subjects == [record(2), record(1)]


def test_a_command_result_is_a_message(world: World) -> None:
    """With its serial number in the history."""
    result = CommandResult("135", "lot", NOON, ProcessStatus.FAILED)
    world.uplink.report(result)
    [message] = world.messages()
    assert (message.subject, message.origin) == (result, "command")
    events = [entry.event for entry in world.history.after()]
    assert events == [MessagePublished(message.message_id, "lot", "command", None, "135")]


@given(st.integers(min_value=0, max_value=30), st.integers(min_value=1, max_value=1000))
def test_a_spread_re_report_is_even(count: int, spread_ms: int) -> None:
    """The first comes at once, all come before the span is over, in order, with the ids that were announced."""
    world = World()
    _, announced = world.uplink.resend(CELL, [record(number) for number in range(count)], spread_ms)
    world.clock.advance(0)
    assert len(world.messages()) == len([place for place in range(count) if place * spread_ms < count])
    world.clock.advance(spread_ms - 1)
    messages = world.messages()
    assert tuple(message.message_id for message in messages) == announced
    gaps = [message.publish_time - NOON for message in messages]
    assert gaps == [place * spread_ms // count for place in range(count)]


@pytest.mark.parametrize("count", [0, 1, STEP, STEP + 1, 3 * STEP])
def test_a_long_re_report_lets_others_take_their_turn(world: World, count: int) -> None:
    """The first step is published at once, each further one by a timer at the same time; none is lost."""
    _, announced = world.uplink.resend(CELL, [record(number) for number in range(count)], 0)
    world.uplink.repeat()
    assert len(world.messages()) == min(count, STEP)
    steps = 0
    while world.clock.run_due(limit=1) or world.clock.pending:
        steps += 1
    world.uplink.send(record(10_000), "deliver")
    assert steps <= count // STEP
    assert tuple(message.message_id for message in world.messages()[:-1]) == announced
    assert len({message.message_id for message in world.messages()}) == count + 1


def test_many_re_reports_let_others_take_their_turn(world: World) -> None:
    """The step is that of all together, and whoever comes meanwhile waits behind them."""
    announced: list[str] = []
    for first in (0, STEP, 2 * STEP):
        announced += world.uplink.resend(CELL, [record(first + number) for number in range(STEP)], 0)[1]
    world.uplink.repeat()
    assert len(world.messages()) == STEP
    announced += world.uplink.resend(CELL, [record()], 0)[1]
    world.uplink.repeat()
    assert (len(world.messages()), world.clock.pending) == (STEP, 1)
    world.clock.run_all_due()
    assert [message.message_id for message in world.messages()] == announced
    assert world.clock.pending == 0


def test_a_new_ledger_has_new_message_ids(world: World) -> None:
    """After a reset no message id comes again."""
    world.uplink.send(record(), "deliver")
    world.uplink.open_ledger()
    world.uplink.send(record(), "deliver")
    one, two = world.messages()
    assert one.message_id != two.message_id
