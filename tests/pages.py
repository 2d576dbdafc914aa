"""Pages that are executed: what their console and python blocks run, and whether that prints what the page says."""

import contextlib
import doctest
import os
import re
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from mock_server.cli import default_project
from mock_server.cloud import Cloud
from mock_server.web.server import Server, ThreadedServer
from tests.support import AS_A_USER, STORAGE

ROOT = Path(__file__).parent.parent
SDK_PAGES = tuple(ROOT / "docs" / "quickstart" / name for name in ("go.md", "java.md"))
"""Pages that need other compilers: `make test-sdks` runs them."""

FENCE = re.compile(r"^```(console|python|text)(?: title=\"([\w.]+)\")?\n(.*?)^```$", re.MULTILINE | re.DOTALL)
TEST_RUNS = ("pytest ", "python -m unittest ", "parking-mock check ", "parking-mock replay ")
SETTINGS = {
    "COLUMNS": "80",
    "NO_PROXY": "127.0.0.1",
    "PYTEST_ADDOPTS": " ".join(("-p no:randomly -p no:cacheprovider -W error", *AS_A_USER)),
}
"""What makes the output of a page's commands the same everywhere."""

DEADLINE_S = 300
"""How long a command may take on a machine that has other work."""


@dataclass(frozen=True)
class File:
    """A file of the page's own folder: a python block with a title."""

    name: str
    text: str


@dataclass(frozen=True)
class Example:
    """Something to run and what it prints; None if the page does not say.

    A run of tests, or a check, may fail as the page says.
    """

    run: list[str]
    expected: str | None
    may_fail: bool = False


def steps(page: str) -> Iterator[Example | File]:
    """What the reader of a page does, in order."""
    blocks = FENCE.findall(page)
    for place, (kind, title, text) in enumerate(blocks):
        if kind == "console":
            yield from console_examples(text)
        elif title:
            yield File(title, text)
        elif kind == "python":
            follows = blocks[place + 1] if place + 1 < len(blocks) else ("", "", "")
            yield Example([sys.executable, "-c", text], follows[2] if follows[0] == "text" else None)


def console_examples(text: str) -> Iterator[Example]:
    """Each `$ command`, continued by `> ` lines, and the lines behind it. Tests report on either stream."""
    for part in re.split(r"^\$ ", text, flags=re.MULTILINE)[1:]:
        lines = part.splitlines()
        end = next((place for place, line in enumerate(lines[1:], 1) if not line.startswith("> ")), len(lines))
        script = "\n".join([lines[0], *(line.removeprefix("> ") for line in lines[1:end])])
        runs_tests = script.startswith(TEST_RUNS)
        all_output = f"exec 2>&1\n{script}" if runs_tests else script
        yield Example(["bash", "-c", all_output], "\n".join(lines[end:]), runs_tests)


@contextlib.contextmanager
def serving() -> Iterator[Server]:
    """A fresh server with the default project, on free ports."""
    cloud = Cloud()
    cloud.add(default_project())
    with ThreadedServer(Server(cloud)) as threaded:
        yield threaded.server


def with_real_ports(page: str, server: Server) -> str:
    """The page with the ports of the running server in place of the default ones."""
    addresses = (("8280", server.api), ("8285", server.ws), ("7285", server.pulsar), ("8290", server.lab))
    for default, address in addresses:
        page = page.replace(f"127.0.0.1:{default}", address.split("//")[1].rstrip("/"))
    return page


def check(example: Example, folder: Path, page: str) -> None:
    """Run an example and compare what it prints."""
    kept = {name: value for name, value in os.environ.items() if not name.startswith(("PYTEST_", "CI"))}
    variables = kept | SETTINGS | {"PATH": f"{Path(sys.executable).parent}:{os.environ['PATH']}"}
    variables["HYPOTHESIS_STORAGE_DIRECTORY"] = str(STORAGE if folder == ROOT else own_storage(folder))
    done = subprocess.run(  # noqa: S603 our own documentation
        example.run, env=variables, cwd=folder, capture_output=True, text=True, timeout=DEADLINE_S, check=False
    )
    assert done.returncode in ((0, 1) if example.may_fail else (0,)), done.stdout + done.stderr
    if example.expected is not None:
        assert matches(example.expected, done.stdout), f"{page} says\n{example.expected}\nbut\n{done.stdout}"


def own_storage(folder: Path) -> Path:
    """Where hypothesis keeps the failures of a folder's tests; the constants of modules are those of every process."""
    storage, constants = folder / ".hypothesis", STORAGE / "constants"
    if not storage.exists():
        storage.mkdir()
        constants.mkdir(parents=True, exist_ok=True)
        (storage / constants.name).symlink_to(constants)
    return storage


def matches(expected: str, printed: str) -> bool:
    """Whether the text is what was expected, `...` standing for anything."""
    checker = doctest.OutputChecker()
    return checker.check_output(expected.strip() + "\n", printed.strip() + "\n", doctest.ELLIPSIS)
