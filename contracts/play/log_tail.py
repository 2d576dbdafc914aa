"""The newest lines that a client's process wrote, kept with a run: they tell what it thought when it broke a rule."""

from collections import deque
from collections.abc import Iterable

from contracts.play.leaks import Secrets, masked
from contracts.play.recording import LogLine
from mock_server.words import shortened

LINES_KEPT, LINE_KEPT = 200, 500
"""The most lines of a run that are kept, the newest, and the most characters of each."""


class LogTail:
    """Lines with the virtual time at which the judge read them."""

    def __init__(self) -> None:
        self._lines: deque[LogLine] = deque(maxlen=LINES_KEPT)

    def add(self, lines: Iterable[str], now_ms: int) -> None:
        """Add lines."""
        self._lines.extend(LogLine(now_ms, line) for line in lines)

    def masked(self, secrets: Secrets) -> tuple[LogLine, ...]:
        """The lines, without secrets and plates. They are shortened last: half a secret would not be found."""
        return tuple(LogLine(line.time, shortened(masked(line.text, secrets), LINE_KEPT)) for line in self._lines)
