"""Tests of the browser that the other tests use."""

import pytest
from playwright.sync_api import Page

from tests.browser.accessibility import violations

GOOD = '<!doctype html><html lang="en"><title>t</title><main><h1>Hello</h1></main></html>'


def test_a_page_is_shown(page: Page) -> None:
    """Its text can be read, and axe finds nothing wrong."""
    page.set_content(GOOD)
    assert page.inner_text("h1") == "Hello"
    assert violations(page) == []


@pytest.mark.slow
def test_axe_finds_what_is_wrong(page: Page) -> None:
    """An image without a text is a violation: the judge of our pages can fail."""
    page.set_content(GOOD.replace("</main>", '<img src="data:,"></main>'))
    assert any(each.startswith("image-alt") for each in violations(page))
