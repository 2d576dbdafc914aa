"""Tests of checks that end while a client never answers: because they are asked to, or because they are killed."""

import json
import os
import select
import shlex
import signal
import subprocess
import sys
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path

import pytest

from contracts.client.child_process import TAG
from tests.command_line import DEADLINE_S, command
from tests.contracts.client.scripts import script

PROC = Path("/proc")

HANGS = f"""
    "start": lambda call: (
        open("told", "w").write(f"{{os.getpid()}} {{os.environ['{TAG}']}} {{call['folder']}}\\n"),
        time.sleep(10_000),
    ),
"""
"""The client tells its process id, tag and folder through a pipe, and never answers `start`."""


def session_of(leader: int) -> set[int]:
    """The living processes of a session."""
    found = set()
    for stat in PROC.glob("[0-9]*/stat"):
        with suppress(OSError):
            if int(stat.read_text().rpartition(")")[2].split()[3]) == leader:
                found.add(int(stat.parent.name))
    return found


def has_ended(pid: int) -> bool:
    """Wait until a process has ended; False if it has not after the deadline."""
    with suppress(ProcessLookupError):
        handle = os.pidfd_open(pid)
        try:
            return bool(select.select([handle], [], [], DEADLINE_S)[0])
        finally:
            os.close(handle)
    return True


@pytest.fixture
def judged(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator["subprocess.Popen[str]"]:
    """A check whose clients never answer, with much patience; in so many processes as the parameter says."""
    os.mkfifo(tmp_path / "told")
    words = command(
        "check", "--exec", shlex.join(script(tmp_path, HANGS)), "--jobs", str(request.param), "--patience", "10000"
    )
    with subprocess.Popen(  # noqa: S603 our own command
        [*words, "--case", "count/*", "--report", "report"],
        cwd=tmp_path,
        stdout=subprocess.PIPE,
        text=True,
        start_new_session=True,
    ) as process:
        yield process
        with suppress(ProcessLookupError):
            os.killpg(process.pid, signal.SIGKILL)


def told(folder: Path, number: int) -> dict[int, tuple[str, Path]]:
    """Tag and folder of the first clients that tell them, by process id."""
    content, pipe = b"", os.open(folder / "told", os.O_RDWR)
    while content.count(b"\n") < number:
        assert select.select([pipe], [], [], DEADLINE_S)[0], "no client was started"
        content += os.read(pipe, 4096)
    os.close(pipe)
    each = [line.split() for line in content.decode().splitlines()]
    return {int(pid): (tag, Path(folder)) for pid, tag, folder in each}


@pytest.mark.slow
@pytest.mark.parametrize("judged", [2], indirect=True)
def test_workers_end_when_their_parent_is_killed(judged: "subprocess.Popen[str]", tmp_path: Path) -> None:
    """A run that takes for ever is broken off; clients, folders and semaphores are gone with the workers."""
    clients = told(tmp_path, 2)
    workers = {int(tag.partition("-")[0]) for tag, _ in clients.values()}
    others = session_of(judged.pid) - {judged.pid}
    assert workers < others, "and the process that removes the semaphores, when the last worker has ended"
    judged.kill()
    assert all(has_ended(pid) for pid in (*others, *clients))
    assert not any(place.exists() for _, place in clients.values())


@pytest.mark.slow
@pytest.mark.parametrize("judged", [1], indirect=True)
def test_a_check_that_is_asked_to_end_waits_for_no_client(judged: "subprocess.Popen[str]", tmp_path: Path) -> None:
    """After some seconds the run is broken off, without a second signal; the report is there, the client is gone."""
    clients = told(tmp_path, 1)
    judged.send_signal(signal.SIGTERM)
    assert "INTERRUPTED with 0 of" in judged.communicate(timeout=DEADLINE_S)[0]
    assert judged.returncode == 3
    assert json.loads((tmp_path / "report" / "report.json").read_text(encoding="utf-8"))["interrupted"]
    assert all(has_ended(pid) for pid in clients)


LEAVES = """
from threading import Event, Thread
from contracts.check.workers import _leave
from contracts.play.exits import CaughtExits

with CaughtExits():
    Thread(target=_leave).start()
    Event().wait()
"""
"""A worker has to end while it calls a client, for which `os._exit` is another function."""


def test_a_worker_ends_while_it_calls_a_client() -> None:
    """What a client's exit is taken for does not keep the worker from its own."""
    done = subprocess.run([sys.executable, "-c", LEAVES], timeout=DEADLINE_S, check=False)  # noqa: S603 our own
    assert done.returncode == 1
