"""The documentation, executed: every console and python block of every page runs and prints what the page says."""

import doctest
import os
import re
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest

from mock_server.cli import default_project
from mock_server.cloud import Cloud
from mock_server.web.server import Server, ThreadedServer
from tests.make_docs import PAGES as MADE

ROOT = Path(__file__).parent.parent
PAGES = [ROOT / "README.md", *sorted((ROOT / "docs").rglob("*.md"))]
FENCE = re.compile(r"^```(console|python|text)\n(.*?)^```$", re.MULTILINE | re.DOTALL)


@dataclass(frozen=True)
class Example:
    """Something to run and what it prints; None if the page does not say."""

    run: list[str]
    expected: str | None


def examples(page: str) -> Iterator[Example]:
    """The examples of a page, in order."""
    blocks = FENCE.findall(page)
    for place, (kind, text) in enumerate(blocks):
        if kind == "console":
            yield from console_examples(text)
        elif kind == "python":
            follows = blocks[place + 1] if place + 1 < len(blocks) else ("", "")
            yield Example([sys.executable, "-c", text], follows[1] if follows[0] == "text" else None)


def console_examples(text: str) -> Iterator[Example]:
    """Each `$ command`, continued by `> ` lines, with the lines behind it."""
    for part in re.split(r"^\$ ", text, flags=re.MULTILINE)[1:]:
        lines = part.splitlines()
        end = next((place for place, line in enumerate(lines[1:], 1) if not line.startswith("> ")), len(lines))
        script = "\n".join([lines[0], *(line.removeprefix("> ") for line in lines[1:end])])
        yield Example(["bash", "-c", script], "\n".join(lines[end:]))


@pytest.fixture
def server() -> Iterator[Server]:
    """A fresh server with the default project, on free ports."""
    cloud = Cloud()
    cloud.add(default_project())
    with ThreadedServer(Server(cloud)) as threaded:
        yield threaded.server


def with_real_ports(page: str, server: Server) -> str:
    """The page with the ports of the running server in place of the default ones."""
    for default, address in (("8280", server.api), ("8285", server.ws), ("8290", server.lab)):
        page = page.replace(f"127.0.0.1:{default}", address.split("//")[1].rstrip("/"))
    return page


@pytest.mark.parametrize("path", PAGES, ids=lambda path: path.name)
def test_page(path: Path, server: Server) -> None:
    """The page's examples run in their order against one server and print what the page says."""
    variables = os.environ | {"PATH": f"{Path(sys.executable).parent}:{os.environ['PATH']}"}
    for example in examples(with_real_ports(path.read_text(encoding="utf-8"), server)):
        done = subprocess.run(  # noqa: S603 our own documentation
            example.run, env=variables, cwd=ROOT, capture_output=True, text=True, timeout=60, check=False
        )
        assert done.returncode == 0, done.stderr
        if example.expected is not None:
            assert matches(example.expected, done.stdout), f"{path.name} says\n{example.expected}\nbut\n{done.stdout}"


@pytest.mark.parametrize("name", MADE)
def test_made_page_is_up_to_date(name: str) -> None:
    """A page that is made from the code says what the code says: otherwise run `make docs`."""
    assert (ROOT / "docs" / name).read_text(encoding="utf-8") == MADE[name]()


def matches(expected: str, printed: str) -> bool:
    """Whether the text is what was expected, `...` standing for anything."""
    checker = doctest.OutputChecker()
    return checker.check_output(expected.strip() + "\n", printed.strip() + "\n", doctest.ELLIPSIS)
