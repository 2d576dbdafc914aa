"""The programs of `node/` as subprocesses that speak JSON lines."""

import fcntl
import json
import shutil
import subprocess
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from tests.sdk.program import Program

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


class NodeProgram(Program):
    """A program of `node/`, with the arguments that it takes."""

    def __init__(self, script: str, *arguments: str) -> None:
        super().__init__(["node", script, *arguments], NODE)

    def connected(self, settings: dict[str, Any]) -> "NodeProgram":
        """A `connector.mjs` that makes its calls by a new connector from now on: each program has one at a time."""
        assert self.ask("connect", **settings) == {"value": None}
        return self

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


@dataclass(frozen=True)
class StartNode:
    """Starts programs for a world, with settings that replace the usual ones."""

    connector: Callable[..., NodeProgram]
    consumer: Callable[..., NodeProgram]
