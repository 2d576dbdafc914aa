"""How the examples in Go and Java are built, each once for all test processes."""

import fcntl
import os
import re
import shutil
import subprocess
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path

_BLOCK = re.compile(r"^```sh\n(.*?)^```$", re.MULTILINE | re.DOTALL)

TOOLS = {"go": "Go 1.22 or newer", "javac": "a JDK of 17 or newer", "mvn": "Maven"}

QUICK_JAVA = {"JAVA_TOOL_OPTIONS": "-XX:TieredStopAtLevel=1"}
"""Maven and the compiler end before Java's second compiler pays."""


def need(*tools: str) -> None:
    """Fail with what is to be installed if one is missing."""
    for tool in tools:
        assert shutil.which(tool), f"not run: these tests need {tool}: install {TOOLS[tool]}"


def make(folder: Path, command: list[str], variables: Mapping[str, str] | None = None) -> None:
    """Run a step of a build. Parallel test processes wait in line."""
    with _alone(folder):
        _run(folder, command, variables or {})


def build_as_its_page_says(folder: Path) -> None:
    """Run the first `sh` block of an example's page in its folder, unless nothing there has changed since."""
    (script, *_) = _BLOCK.findall((folder / "README.md").read_text(encoding="utf-8"))
    need(*(tool for tool in TOOLS if re.search(rf"\b{tool} ", script)))
    done = folder / "build" / "done"
    with _alone(folder):
        changed_at = max(path.stat().st_mtime for path in folder.iterdir() if path.is_file())
        if not done.exists() or done.stat().st_mtime < changed_at:
            _run(folder, ["sh", "-ec", script], QUICK_JAVA)
            done.touch()


@contextmanager
def _alone(folder: Path) -> Iterator[None]:
    (folder / "build").mkdir(exist_ok=True)
    with (folder / "build" / "lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        yield


def _run(folder: Path, command: list[str], variables: Mapping[str, str]) -> None:
    # a fixed command, or one of our pages
    done = subprocess.run(  # noqa: S603
        command, cwd=folder, env=os.environ | variables, capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, f"{' '.join(command)} failed in {folder}:\n{done.stdout}{done.stderr}"
