"""The documentation, executed: every console and python block of every page runs and prints what the page says."""

import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from mock_server.web.server import Server
from tests.make_confidence import confidence_table, readme_with_table
from tests.make_docs import PAGES as MADE
from tests.pages import ROOT, SDK_PAGES, Example, File, check, serving, steps, with_real_ports

PAGES = [ROOT / "README.md", *sorted((ROOT / "docs").rglob("*.md"))]

PROSE = [*PAGES, ROOT / "CHANGELOG.md", ROOT / "ARCHITECTURE.md", ROOT / "CONTRIBUTING.md"]
BLOCK = re.compile(r"^```.*?^```$", re.MULTILINE | re.DOTALL)
COUNT = re.compile(
    r"\b(?:\d{2,}|ten|eleven|twelve|twenty|thirty) (?:\S+ )?(?:rules|(?:known-bad )?clients|cases|kinds|presets)\b"
)
"""A count that grows with the code: no page can know it but one that is made from the code."""


@pytest.fixture
def server() -> Iterator[Server]:
    """A fresh server with the default project, on free ports."""
    with serving() as served:
        yield served


MANY = 3
"""A page with more commands than that is slow: each is a process of its own."""

LONG_STORIES = ("a-week-in-a-second.md", "keep-projects.md")
"""Pages that are slow although they run few commands: a week of traffic, and a server that is killed."""


def as_parameter(path: Path) -> Any:
    """A page as the parameter of a test, which is slow if the page runs tests or checks, or much else."""
    todo = [step for step in steps(path.read_text(encoding="utf-8")) if isinstance(step, Example)]
    is_slow = len(todo) > MANY or path.name in LONG_STORIES or any(step.may_fail for step in todo)
    return pytest.param(path, id=path.name, marks=pytest.mark.slow if is_slow else ())


@pytest.mark.parametrize("path", [as_parameter(path) for path in PAGES if path not in SDK_PAGES])
def test_page(path: Path, server: Server, tmp_path: Path) -> None:
    """The page's steps run in their order against one server and print what the page says."""
    todo = list(steps(with_real_ports(path.read_text(encoding="utf-8"), server)))
    folder = tmp_path if any(isinstance(step, File) for step in todo) else ROOT
    for step in todo:
        if isinstance(step, File):
            (folder / step.name).write_text(step.text, encoding="utf-8")
        else:
            check(step, folder, path.name)


@pytest.mark.parametrize("name", MADE)
def test_made_page_is_up_to_date(name: str) -> None:
    """A page that is made from the code says what the code says: otherwise run `make docs`."""
    assert (ROOT / "docs" / name).read_text(encoding="utf-8") == MADE[name]()


def test_readme_counts_what_it_stands_on() -> None:
    """README's table of sources says what the code and the pinned SDKs say: otherwise run `make docs ARGS=readme`."""
    text = (ROOT / "README.md").read_text(encoding="utf-8")
    assert text == readme_with_table(text)
    assert text.index(confidence_table()) < text.index("\n## ")
    with pytest.raises(ValueError, match="no place for the table"):
        readme_with_table("# parking-mock\n")


def test_prose_counts_nothing_that_grows() -> None:
    """Pages written by hand do not count rules, clients, cases, kinds or presets; blocks of commands are compared."""
    texts = {path: BLOCK.sub("", path.read_text(encoding="utf-8")) for path in PROSE if path.name not in MADE}
    found = {path.name: COUNT.findall(text.replace(confidence_table(), "")) for path, text in texts.items()}
    assert not {name: counts for name, counts in found.items() if counts}
