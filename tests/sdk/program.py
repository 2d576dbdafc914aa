"""Programs in other languages as subprocesses that speak JSON lines."""

import contextlib
import json
import queue
import subprocess
import tempfile
import threading
from collections.abc import Mapping, Sequence
from pathlib import Path
from types import TracebackType
from typing import Any, Self

from tests.sdk.world import DEADLINE_S


class Program:
    """A running program: what it prints is read with a deadline, what it logs goes into the failure's message.

    Lines of its standard output that are no JSON object are an SDK's talk, and passed over.
    """

    def __init__(
        self,
        command: Sequence[str],
        folder: Path,
        variables: Mapping[str, str] | None = None,
        deadline_s: float = DEADLINE_S,
    ) -> None:
        self._deadline_s = deadline_s
        self._log = tempfile.TemporaryFile("w+")  # noqa: SIM115 closed by __exit__; no pipe, which nobody empties
        self._process = subprocess.Popen(  # noqa: S603 a program of ours, with settings of a test
            command,
            cwd=folder,
            env=variables,
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=self._log,
            text=True,
        )
        self._printed: queue.Queue[dict[str, Any] | None] = queue.Queue()
        self._reader = threading.Thread(target=self._read, daemon=True)

    def __enter__(self) -> Self:
        self._reader.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        with self._log, self._process as process:
            assert process.stdin is not None
            with contextlib.suppress(BrokenPipeError):  # it has ended already
                process.stdin.close()
            try:
                process.wait(self._deadline_s)
            except subprocess.TimeoutExpired:
                process.kill()
            self._reader.join()

    def tell(self, message: dict[str, Any]) -> None:
        """Write one line to its standard input."""
        assert self._process.stdin is not None
        self._process.stdin.write(json.dumps(message) + "\n")
        self._process.stdin.flush()

    def next(self) -> dict[str, Any]:
        """The next line that it prints."""
        try:
            line = self._printed.get(timeout=self._deadline_s)
        except queue.Empty:
            raise AssertionError(
                f"the program printed nothing for {self._deadline_s:.0f} s: {self._errors()}"
            ) from None
        assert line is not None, f"the program ended: {self._errors()}"
        return line

    def next_event(self, event: str) -> dict[str, Any]:
        """The next line that is this event; others before it are passed over."""
        while (line := self.next())["event"] != event:
            pass
        return line

    def _read(self) -> None:
        assert self._process.stdout is not None
        for line in self._process.stdout:
            if line.startswith("{"):
                self._printed.put(json.loads(line))
        self._printed.put(None)

    def _errors(self) -> str:
        self._log.seek(0)
        return self._log.read()
