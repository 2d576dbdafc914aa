"""Writes docs/example-report, the report on the example that is wrong on purpose: `make docs ARGS=example-report`."""

import os
import re
import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).parent.parent
REPORT = Path("docs/example-report")
RULES = ("FORM-TYPES", "CNT-RECORD-ID", "CNT-DIRECTION", "CNT-EVENT-TIME")
"""Rules of which the example breaks one: each broken rule brings the same history, in a file of its own."""

COMMAND = (
    *("-m", "mock_server", "check", "--exec", "python examples/python-client/adapter.py --broken"),
    *(word for rule in RULES for word in ("--rule", rule)),
    *("--case", "count/copies", "--examples", "3", "--seed", "0", "--jobs", "1", "--report", str(REPORT)),
)
DEADLINE_S = 300


def environment() -> dict[str, str]:
    """That of an example's process: this Python is `python`, no proxy stands before the loopback."""
    kept = {name: value for name, value in os.environ.items() if not name.startswith(("PARKING_MOCK_", "PYTEST_"))}
    path = f"{Path(sys.executable).parent}:{os.environ['PATH']}"
    return kept | {"PATH": path, "NO_PROXY": "127.0.0.1"}


def make(folder: Path) -> None:
    """Write the report below a folder that has `examples`. One that is there is compared with, and kept as the last.

    All times in `junit.xml` are written as one: they are the only thing that differs from run to run.
    """
    done = subprocess.run(  # noqa: S603 our own command
        [sys.executable, *COMMAND],
        cwd=folder,
        env=environment(),
        capture_output=True,
        text=True,
        timeout=DEADLINE_S,
        check=False,
    )
    if done.returncode != 1:
        sys.exit(f"the broken client was not found broken:\n{done.stdout}{done.stderr}")
    junit = folder / REPORT / "junit.xml"
    junit.write_text(re.sub(' time="[^"]*"', ' time="0.100"', junit.read_text(encoding="utf-8")), encoding="utf-8")


def main() -> None:
    """Write it where it is kept, as if for the first time."""
    for old in sorted((ROOT / REPORT).rglob("*"), reverse=True):
        old.rmdir() if old.is_dir() else old.unlink()
    make(ROOT)
