"""One line for each call of the vendor's API, for people: what was asked, how it was answered, what is re-reported.

And one for each consumer that the queue refuses, since few clients show why.

The lines are read from the histories of all projects, so credentials and plates are masked, and nothing is in them that
is not in a history.
"""

from collections.abc import Callable
from weakref import WeakKeyDictionary

from mock_server.cloud import Cloud
from mock_server.history.events import (
    ConsumerRefused,
    CountCompared,
    FaultInjected,
    RequestAnswered,
    RequestReceived,
    Rereported,
)
from mock_server.history.log import Entry
from mock_server.project import Project
from mock_server.words import clock_text, line_text, printable, window_text

CELLS_SHOWN = 3
"""How many compared cells of a call its line names."""


class CallLog:
    """Writes a line for each call that is answered from now on. `write` must not block for long."""

    def __init__(self, cloud: Cloud, write: Callable[[str], object]) -> None:
        self._write = write
        self._followers: WeakKeyDictionary[Project, _Follower] = WeakKeyDictionary()
        cloud.listen(self._follow, self._leave)

    def _follow(self, project: Project) -> None:
        follower = self._followers[project] = _Follower(self._write)
        history = project.history
        follower.stop = history.listen(lambda: follower.read(history.newest))

    def _leave(self, project: Project) -> None:
        self._followers.pop(project).stop()


class _Follower:
    """Reads one history as it grows."""

    def __init__(self, write: Callable[[str], object]) -> None:
        self._write = write
        self._request: RequestReceived | None = None
        self._parts: list[str] = []
        self._cells = 0
        self._last: Entry | None = None
        self.stop: Callable[[], None] = lambda: None

    def read(self, newest: Entry | None) -> None:
        """Take the newest entry, unless that is done: listeners of a history are called at other times too."""
        if newest is not None and newest is not self._last:
            self._last = newest
            self._take(newest)

    def _take(self, entry: Entry) -> None:
        """A call's entries are between its request and its answer, with none of another call among them."""
        event = entry.event
        if isinstance(event, RequestReceived):
            self._request, self._parts, self._cells = event, [], 0
        elif isinstance(event, CountCompared):
            self._cells += 1
            if self._cells <= CELLS_SHOWN:
                self._parts.append(_compared(event))
        elif isinstance(event, Rereported) and self._parts and self._cells <= CELLS_SHOWN:
            self._parts.append(f"re-reports {event.records}")
        elif isinstance(event, FaultInjected) and event.request is not None:
            self._parts.append(f"fault {event.fault}")
        elif isinstance(event, RequestAnswered) and self._request is not None:
            self._write(self._line(entry.time, self._request, event))
            self._request = None
        elif isinstance(event, ConsumerRefused):
            client = f"{event.carrier} {event.client}".strip()
            self._write(printable(f"{clock_text(entry.time, precise=True)} {client} may not consume: {event.message}"))

    def _line(self, time: int, request: RequestReceived, answer: RequestAnswered) -> str:
        said = f"{answer.code} {answer.msg}" if answer.code is not None else _success(answer.sn)
        more = [f"and {self._cells - CELLS_SHOWN} more cells"] if self._cells > CELLS_SHOWN else []
        gone = {"whole": [], "garbled": ["answer damaged"], "not": ["answer not sent"]}[answer.sent]
        query = f"?{request.query}" if request.query else ""
        asked = f"{clock_text(time, precise=True)} {request.method} {request.path}{query}"
        return printable("; ".join((f"{asked} -> {said}", *self._parts, *more, *gone)))


def _success(sn: str | None) -> str:
    return f"success, sn {sn}" if sn else "success"


def _compared(event: CountCompared) -> str:
    window = window_text(event.cell.start_time, event.cell.end_time)
    verdict = "equal" if event.equal else "mismatch"
    return f"{line_text(event.cell)}, {window}: claimed {event.claimed}, lot has {event.counted}, {verdict}"
