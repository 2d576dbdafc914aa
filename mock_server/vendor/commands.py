"""Issued commands: their serial numbers and their process statuses, which change on the project's clock."""

from collections.abc import Callable

from msgspec import Struct

from mock_server.clock import Clock
from mock_server.history.events import CommandMoved
from mock_server.history.log import History
from mock_server.model import Command, CommandResult, ProcessStatus
from mock_server.profile import Profile
from mock_server.state.later import Later
from mock_server.state.rows import Table

SN_PREFIX = "135"
"""The beginning of the vendor's example; a serial number is a long decimal string (documented)."""

KEPT = 10_000
"""The most commands that can be queried by `sn` (our choice); older ones are dropped, and unknown from then on."""


class StatusDue(Struct, frozen=True, gc=False):
    """A command reaches a process status. It is a final one unless it is SENT."""

    command: Command
    status: ProcessStatus

    @property
    def what(self) -> str:
        """What is pending."""
        return "command status"


class Commands:
    """The commands of one project by `sn`. `report` is called with each command's result once its status is final."""

    def __init__(
        self,
        clock: Clock,
        profile: Profile,
        history: History,
        later: Later,
        report: Callable[[CommandResult], None],
    ) -> None:
        self._clock = clock
        self._profile = profile
        self._history = history
        self._report = report
        self._later = later
        self._commands: Table[str, Command] = later.journal.table("commands", sorted_by_key=True)
        self._issued = later.journal.number("commands")
        later.on(StatusDue, self._reach)

    def issue(self, device_id: str, outcome: ProcessStatus) -> Command:
        """Accept a command: SENDING now, SENT and then `outcome` at the times of the profile."""
        now = self._clock.now_ms()
        self._issued.value += 1
        sn = f"{SN_PREFIX}{self._issued.value:013d}"
        command = Command(sn, device_id, now)
        self._commands.put(sn, command)
        if len(self._commands) > KEPT:
            self._commands.drop(next(iter(self._commands)))
        self._tell(command)
        done_at = now + self._profile.command_done_ms
        sent_at = min(now + self._profile.command_sent_ms, done_at)
        self._later.at(sent_at, StatusDue(command, ProcessStatus.SENT))
        self._later.at(done_at, StatusDue(command, outcome))
        return command

    def get(self, sn: str) -> Command | None:
        """The command of that serial number, or None."""
        return self._commands.get(sn)

    def _tell(self, command: Command) -> None:
        self._history.add(CommandMoved(command.sn, command.device_id, command.status))

    def _reach(self, due: StatusDue) -> None:
        command = Command(due.command.sn, due.command.device_id, due.command.happen_time, due.status)
        if command.sn in self._commands:
            self._commands.put(command.sn, command)
        self._tell(command)
        if due.status is not ProcessStatus.SENT:
            self._report(CommandResult(command.sn, command.device_id, command.happen_time, command.status))
