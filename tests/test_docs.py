"""The documentation, executed: every console and python block of every page runs and prints what the page says."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from mock_server.web.server import Server
from tests.make_docs import PAGES as MADE
from tests.pages import ROOT, File, check, serving, steps, with_real_ports

PAGES = [ROOT / "README.md", *sorted((ROOT / "docs").rglob("*.md"))]


@pytest.fixture
def server() -> Iterator[Server]:
    """A fresh server with the default project, on free ports."""
    with serving() as served:
        yield served


@pytest.mark.parametrize("path", PAGES, ids=lambda path: path.name)
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
