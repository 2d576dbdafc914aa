"""A real browser: Debian's chromium, headless. Every page fails its test if its console shows an error."""

import shutil
from collections.abc import Iterator

import pytest
from playwright.sync_api import Browser, BrowserContext, ConsoleMessage, Page, Playwright, expect, sync_playwright

FLAGS = (
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
)
DEADLINE_MS = 60_000
expect.set_options(timeout=DEADLINE_MS)


def launch(playwright: Playwright, *flags: str) -> Browser:
    """Start the browser."""
    executable = shutil.which("chromium")
    assert executable, "the set-up installs chromium"
    return playwright.chromium.launch(executable_path=executable, args=[*FLAGS, *flags])


@pytest.fixture(scope="package")
def playwright() -> Iterator[Playwright]:
    """What drives browsers. It keeps an event loop running, so it must be gone before tests of other folders run.

    `tests/conftest.py` lets the tests of this folder follow each other.
    """
    with sync_playwright() as running:
        yield running


@pytest.fixture(scope="package")
def browser(playwright: Playwright) -> Iterator[Browser]:
    """One browser for all tests here."""
    started = launch(playwright)
    yield started
    started.close()


@pytest.fixture
def context(browser: Browser) -> Iterator[BrowserContext]:
    """A profile of its own for each test, wide and light unless the test says otherwise."""
    opened = browser.new_context(viewport={"width": 1280, "height": 900}, reduced_motion="reduce")
    opened.set_default_timeout(DEADLINE_MS)
    yield opened
    opened.close()


@pytest.fixture
def page(context: BrowserContext) -> Iterator[Page]:
    """A page whose console must stay clean."""
    opened = context.new_page()
    said: list[str] = []

    def listen(message: ConsoleMessage) -> None:
        if message.type in ("error", "warning"):
            said.append(f"{message.type}: {message.text}")

    opened.on("console", listen)
    opened.on("pageerror", lambda error: said.append(f"exception: {error}"))
    yield opened
    assert not said, said
