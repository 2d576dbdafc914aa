"""Child processes: the servers that are measured, how they are stopped, and how much memory they hold."""

import json
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from time import clock_gettime
from typing import Any

_PORTS = ("--port=0", "--ws-port=0", "--pulsar-port=0", "--lab-port=0")
SERVE_AT = (sys.executable, "-m", "mock_server", "serve", "--json", "--chaos=off")
"""To be completed with ports."""

SERVE = (*SERVE_AT, *_PORTS)
FLOOR = (sys.executable, "-m", "benchmarks.floor")


class MissingToolError(Exception):
    """A program that a measurement needs is not installed; the text says how to get it."""


@dataclass(frozen=True)
class Running:
    """A server that has said where it listens."""

    process: subprocess.Popen[str]
    exports: dict[str, Any]

    def rss_mb(self) -> float:
        """Its resident memory."""
        return rss_mb(self.process.pid)

    def cpu_s(self) -> float:
        """The seconds that its threads have been on a core so far; Linux only."""
        # The clock of another process, as clock_getcpuclockid makes its number.
        return clock_gettime(~self.process.pid << 3 | 2)


@contextmanager
def running(command: tuple[str, ...]) -> Iterator[Running]:
    """Start a server that prints its addresses as one JSON line, and stop it at the end."""
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as process:
        try:
            yield Running(process, json.loads(_first_line(process)))
        finally:
            process.terminate()
            try:
                process.wait(10)
            except subprocess.TimeoutExpired:
                process.kill()


def rss_mb(pid: int) -> float:
    """The resident memory of a process, in MB; Linux only."""
    for line in Path(f"/proc/{pid}/status").read_text(encoding="ascii").splitlines():
        if line.startswith("VmRSS:"):
            return int(line.split()[1]) / 1024
    raise ProcessLookupError(pid)


def _first_line(process: subprocess.Popen[str]) -> str:
    if process.stdout is None:
        raise ValueError("the server's output is not read")
    return process.stdout.readline()
