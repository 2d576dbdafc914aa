"""The pictures of the documentation: made by a command, shown by the pages, and not out of date."""

import json
import re
import subprocess
import sys
from pathlib import Path

import pytest

from tests.make_screenshots import FINGERPRINTS, IMAGES, ROOT, SHOTS

PICTURE = re.compile(r"\]\(([\w./-]+\.png)\)")
PNG = b"\x89PNG\r\n"
PAGES = [ROOT / "README.md", *sorted((ROOT / "docs").rglob("*.md"))]


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder of pictures made now."""
    folder = tmp_path_factory.mktemp("images")
    command = [sys.executable, "-m", "tests.make_screenshots", str(folder)]
    subprocess.run(command, check=True, cwd=ROOT)  # noqa: S603 our own command
    return folder


@pytest.mark.slow
def test_the_command_makes_every_picture(made: Path) -> None:
    """Each shot becomes a picture."""
    for shot in SHOTS:
        assert (made / f"{shot.name}.png").read_bytes().startswith(PNG)


@pytest.mark.slow
def test_pictures_are_up_to_date(made: Path) -> None:
    """The pages look and read as when their pictures were made: otherwise run `make screenshots`."""
    kept, now = (json.loads((folder / FINGERPRINTS).read_text(encoding="utf-8")) for folder in (IMAGES, made))
    assert kept == now


def test_pages_show_pictures_that_exist() -> None:
    """No page shows a picture that is not there, and no picture is kept that no page shows."""
    shown = {(page.parent / name).resolve() for page in PAGES for name in PICTURE.findall(page.read_text("utf-8"))}
    assert shown == set(IMAGES.resolve().glob("*.png"))
