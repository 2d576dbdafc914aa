"""Commands on their way: a serial number, and process statuses that move on the clock."""

from collections import OrderedDict
from collections.abc import Callable
from functools import partial

from mock_server.clock import Clock
from mock_server.history.events import CommandMoved
from mock_server.history.log import History
from mock_server.model import Command, CommandResult, ProcessStatus
from mock_server.profile import Profile

SN_PREFIX = "135"
"""The example serial number of the vendor's page starts so; a serial number is a long decimal string (documented)."""

KEPT = 10_000
"""How many commands can still be asked for (our choice); older ones are forgotten."""


class Commands:
    """The commands of one project by `sn`. `report` is told each outcome once it is final."""

    def __init__(
        self, clock: Clock, profile: Profile, history: History, report: Callable[[CommandResult], None]
    ) -> None:
        self._clock = clock
        self._profile = profile
        self._history = history
        self._report = report
        self._commands: OrderedDict[str, Command] = OrderedDict()
        self._issued = 0

    def issue(self, device_id: str, outcome: ProcessStatus) -> Command:
        """Accept a command that will end with `outcome`."""
        now = self._clock.now_ms()
        self._issued += 1
        sn = f"{SN_PREFIX}{self._issued:013d}"
        command = self._commands[sn] = Command(sn, device_id, now)
        if len(self._commands) > KEPT:
            self._commands.popitem(last=False)
        self._move(command, ProcessStatus.SENDING)
        done_at = now + self._profile.command_done_ms
        sent_at = min(now + self._profile.command_sent_ms, done_at)
        self._clock.call_at(sent_at, partial(self._move, command, ProcessStatus.SENT))
        self._clock.call_at(done_at, partial(self._finish, command, outcome))
        return command

    def get(self, sn: str) -> Command | None:
        """The command of that serial number, or None."""
        return self._commands.get(sn)

    def _move(self, command: Command, status: ProcessStatus) -> None:
        command.status = status
        self._history.add(CommandMoved(command.sn, command.device_id, status))

    def _finish(self, command: Command, outcome: ProcessStatus) -> None:
        self._move(command, outcome)
        self._report(CommandResult(command.sn, command.device_id, command.happen_time, outcome))
