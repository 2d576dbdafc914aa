import pytest

from mock_server.clock import VirtualClock
from mock_server.history.events import CommandMoved
from mock_server.history.log import History
from mock_server.model import Command, CommandResult, ProcessStatus
from mock_server.profile import Profile
from mock_server.state.journal import Journal
from mock_server.state.later import Later
from mock_server.vendor.commands import KEPT, Commands
from tests.support import NOON

FINAL = (ProcessStatus.SUCCEEDED, ProcessStatus.FAILED, ProcessStatus.UNKNOWN)


class World:
    """Commands on a virtual clock, and what they report."""

    def __init__(self, profile: Profile | None = None) -> None:
        self.clock = VirtualClock(NOON)
        self.history = History(self.clock.now_ms)
        self.reported: list[CommandResult] = []
        later = Later(self.clock, Journal())
        self.commands = Commands(self.clock, profile or Profile(), self.history, later, self.reported.append)

    def status(self, command: Command) -> ProcessStatus | None:
        """How far an issued command has come."""
        known = self.commands.get(command.sn)
        return None if known is None else known.status

    def moves(self) -> list[tuple[int, int]]:
        """When the commands reached which status."""
        return [
            (entry.time - NOON, entry.event.status)
            for entry in self.history.after()
            if isinstance(entry.event, CommandMoved)
        ]


@pytest.mark.parametrize("outcome", FINAL)
def test_a_command_is_sending_then_sent_then_done(outcome: ProcessStatus) -> None:
    """Statuses 1, 2 and the outcome come at the profile's times, and the outcome is reported once."""
    world = World(Profile(command_sent_ms=30, command_done_ms=70))
    command = world.commands.issue("lot", outcome)
    seen = []
    for _ in range(10):
        seen.append(world.status(command))
        world.clock.advance(10)
    assert seen == [1, 1, 1, 2, 2, 2, 2, outcome, outcome, outcome]
    assert world.moves() == [(0, 1), (30, 2), (70, outcome)]
    assert world.reported == [CommandResult(command.sn, "lot", NOON, outcome)]


@pytest.mark.parametrize(("sent", "done"), [(0, 0), (50, 50), (500, 200)])
def test_a_final_status_is_final_whatever_the_profile_says(sent: int, done: int) -> None:
    """A command never goes back from its outcome to `sent`."""
    world = World(Profile(command_sent_ms=sent, command_done_ms=done))
    command = world.commands.issue("lot", ProcessStatus.SUCCEEDED)
    world.clock.advance(1000)
    assert world.status(command) is ProcessStatus.SUCCEEDED
    assert [status for _, status in world.moves()] == [1, 2, 3]


def test_serial_numbers_are_long_decimal_texts_and_never_repeat() -> None:
    """They begin with 135 as in the vendor's example."""
    world = World()
    numbers = [world.commands.issue("lot", ProcessStatus.SUCCEEDED).sn for _ in range(50)]
    assert len(set(numbers)) == 50
    assert all(number.isdigit() and number.startswith("135") and len(number) == 16 for number in numbers)


def test_the_oldest_commands_are_forgotten() -> None:
    """A bounded number can be asked for; a forgotten one still ends and reports."""
    world = World()
    first = world.commands.issue("lot", ProcessStatus.SUCCEEDED)
    for _ in range(KEPT):
        last = world.commands.issue("lot", ProcessStatus.SUCCEEDED)
    assert world.commands.get(first.sn) is None
    assert world.commands.get(last.sn) is last
    world.clock.advance(1000)
    assert world.reported[0].sn == first.sn


def test_an_unknown_serial_number_is_none() -> None:
    """Nothing is made up."""
    assert World().commands.get("135") is None
