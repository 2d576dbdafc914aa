"""Issued commands: their serial numbers and their process statuses, which change on the project's clock."""

from collections import OrderedDict
from collections.abc import Callable
from functools import partial

from mock_server.clock import Clock
from mock_server.history.events import CommandMoved
from mock_server.history.log import History
from mock_server.model import Command, CommandResult, ProcessStatus
from mock_server.profile import Profile

SN_PREFIX = "135"
"""The beginning of the vendor's example; a serial number is a long decimal string (documented)."""

KEPT = 10_000
"""The most commands that can be queried by `sn` (our choice); older ones are dropped, and unknown from then on."""


class Commands:
    """The commands of one project by `sn`. `report` is called with each command's result once its status is final."""

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
        """Accept a command: SENDING now, SENT and then `outcome` at the times of the profile."""
        now = self._clock.now_ms()
        self._issued += 1
        sn = f"{SN_PREFIX}{self._issued:013d}"
        command = self._commands[sn] = Command(sn, device_id, now)
        if len(self._commands) > KEPT:
            self._commands.popitem(last=False)
        self._set_status(command, ProcessStatus.SENDING)
        done_at = now + self._profile.command_done_ms
        sent_at = min(now + self._profile.command_sent_ms, done_at)
        self._clock.call_at(sent_at, partial(self._set_status, command, ProcessStatus.SENT), "command status")
        self._clock.call_at(done_at, partial(self._finish, command, outcome), "command status")
        return command

    def get(self, sn: str) -> Command | None:
        """The command of that serial number, or None."""
        return self._commands.get(sn)

    def _set_status(self, command: Command, status: ProcessStatus) -> None:
        command.status = status
        self._history.add(CommandMoved(command.sn, command.device_id, status))

    def _finish(self, command: Command, outcome: ProcessStatus) -> None:
        self._set_status(command, outcome)
        self._report(CommandResult(command.sn, command.device_id, command.happen_time, outcome))
