"""The programs of `node/` as subprocesses that speak JSON lines."""

import fcntl
import json
import queue
import shutil
import subprocess
import threading
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from types import TracebackType
from typing import Any, Self

from tests.sdk.world import DEADLINE_S

NODE = Path(__file__).parent / "node"


def install_packages(folder: Path = NODE) -> None:
    """Install what `package-lock.json` names, unless that is there already. Parallel test processes wait in line."""
    assert shutil.which("node"), "these tests run the official Node SDK: install Node 20 or newer"
    assert shutil.which("npm"), "these tests install the official Node SDK: install npm, which comes with Node"
    with (folder / "package-lock.json").open() as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        if not _is_installed(folder):
            _run_npm_ci(folder)


def _is_installed(folder: Path) -> bool:
    """Whether the lock that npm itself writes, last of all, tells of the same packages."""
    installed = folder / "node_modules" / ".package-lock.json"
    if not installed.exists():
        return False
    wanted = json.loads((folder / "package-lock.json").read_text())["packages"]
    return bool(json.loads(installed.read_text())["packages"] == {name: wanted[name] for name in wanted if name})


def _run_npm_ci(folder: Path) -> None:
    command = ["npm", "ci", "--no-audit", "--no-fund", "--loglevel=error"]
    # a fixed command
    done = subprocess.run(command, cwd=folder, capture_output=True, text=True, check=False)  # noqa: S603
    assert done.returncode == 0, f"{' '.join(command)} failed in {folder}:\n{done.stdout}{done.stderr}"


class NodeProgram:
    """A running program: what it prints is read with a deadline, what it logs goes into the failure's message."""

    def __init__(self, script: str, settings: dict[str, Any]) -> None:
        # a program of this folder, with settings of a test
        self._process = subprocess.Popen(  # noqa: S603
            ["node", script, json.dumps(settings)],  # noqa: S607 whichever Node is installed
            cwd=NODE,
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
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
        with self._process as process:
            assert process.stdin is not None
            process.stdin.close()
            try:
                process.wait(DEADLINE_S)
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
            line = self._printed.get(timeout=DEADLINE_S)
        except queue.Empty:
            raise AssertionError(f"the program printed nothing for {DEADLINE_S:.0f} s") from None
        assert line is not None, f"the program ended: {self._errors()}"
        return line

    def next_event(self, event: str) -> dict[str, Any]:
        """The next line that is this event; others before it are passed over."""
        while (line := self.next())["event"] != event:
            pass
        return line

    def ask(self, call: str, **options: Any) -> dict[str, Any]:
        """Let a `connector.mjs` make a call: `{"value": envelope}`, or `{"error": text}` if the SDK threw."""
        self.tell({"call": call, "options": options})
        return self.next()

    def request(self, method: str, path: str, **options: Any) -> dict[str, Any]:
        """The envelope of a call that does not throw."""
        outcome = self.ask("request", method=method, path=path, **options)
        assert "value" in outcome, outcome
        envelope: dict[str, Any] = outcome["value"]
        return envelope

    def _read(self) -> None:
        assert self._process.stdout is not None
        for line in self._process.stdout:
            self._printed.put(json.loads(line))
        self._printed.put(None)

    def _errors(self) -> str:
        assert self._process.stderr is not None
        return self._process.stderr.read()


@dataclass(frozen=True)
class StartNode:
    """Starts programs for a world, with settings that replace the usual ones."""

    connector: Callable[..., NodeProgram]
    consumer: Callable[..., NodeProgram]
