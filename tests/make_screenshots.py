"""Writes the pictures of `docs/images`: `make screenshots`.

What each picture shows is kept beside it as a fingerprint of the page's text and style, so that a test can tell when
a picture is out of date without comparing the picture itself, which differs from machine to machine.
"""

import hashlib
import json
import re
import sys
from pathlib import Path
from typing import Literal, NamedTuple

from playwright.sync_api import Browser, Page, sync_playwright

from tests.browser.conftest import launch
from tests.demo_page import DemoPage, demo_page

ROOT = Path(__file__).parent.parent
IMAGES = ROOT / "docs" / "images"
STYLE = ROOT / "mock_server" / "web" / "dashboard" / "pages" / "static" / "dashboard.css"
FINGERPRINTS = "made-from.json"

WIDE, NARROW = (1280, 900), (390, 844)
PORT = re.compile(r"127\.0\.0\.1:\d+")


class Shot(NamedTuple):
    """A picture: where in the story, on what screen."""

    name: str
    act: int
    step: int
    size: tuple[int, int]
    colours: Literal["light", "dark"]


SHOTS = (
    Shot("story-wide-light", 0, 6, WIDE, "light"),
    Shot("story-wide-dark", 0, 6, WIDE, "dark"),
    Shot("story-narrow-light", 0, 6, NARROW, "light"),
    Shot("story-narrow-dark", 0, 6, NARROW, "dark"),
    Shot("never-stops", 1, 7, WIDE, "light"),
)


def make(folder: Path) -> dict[str, str]:
    """Write every picture and the fingerprints; return these."""
    folder.mkdir(parents=True, exist_ok=True)
    with demo_page() as demo, sync_playwright() as playwright:
        browser = launch(playwright)
        made = {shot.name: take(shot, demo, browser, folder) for shot in SHOTS}
        browser.close()
    (folder / FINGERPRINTS).write_text(json.dumps(made, indent=1) + "\n", encoding="utf-8")
    return made


def take(shot: Shot, demo: DemoPage, browser: Browser, folder: Path) -> str:
    """One picture; what it was made from."""
    told = demo.go_to(shot.act, shot.step)
    width, height = shot.size
    page = browser.new_page(
        viewport={"width": width, "height": height}, color_scheme=shot.colours, reduced_motion="reduce"
    )
    page.goto(demo.url)
    page.wait_for_selector("#line.live")
    page.wait_for_function("said => document.querySelector('#caption .said').textContent === said", arg=told["caption"])
    page.screenshot(path=folder / f"{shot.name}.png")
    made_from = fingerprint(page)
    page.close()
    return made_from


def fingerprint(page: Page) -> str:
    """A page's text and style. What says when it happened is left out: each telling is on a day of its own."""
    shown = "\n".join(page.inner_text(part) for part in ("#story", "#cell", "#windows", "#lots", "#controls"))
    text = re.sub(r"\w{3} \d+ \w{3} \d{4}", "DAY", PORT.sub("HOST", shown))
    return hashlib.sha256(text.encode() + STYLE.read_bytes()).hexdigest()[:16]


if __name__ == "__main__":
    make(Path(sys.argv[1]) if len(sys.argv) > 1 else IMAGES)
