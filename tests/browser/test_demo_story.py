"""The demo in a real browser: the story as it is told, and the same done by hand."""

from collections.abc import Iterator

import pytest
from playwright.sync_api import Page, expect

from tests.browser.accessibility import violations
from tests.browser.test_dashboard import live, press
from tests.demo_page import DemoPage, demo_page


@pytest.fixture(scope="module")
def demo() -> Iterator[DemoPage]:
    """A running demo."""
    with demo_page() as running:
        yield running


@pytest.fixture
def story(demo: DemoPage, page: Page) -> Page:
    """The page of the demo, held at the first caption of the first act."""
    live(page, demo.url)
    demo.guide({"order": "pause"})
    page.get_by_role("button", name="Act 1").click()
    expect(page.locator("#caption")).to_contain_text("the line is bad")
    return page


def step_to(page: Page, text: str) -> None:
    """Step on until the caption says something."""
    caption = page.locator("#caption .said")
    for _ in range(10):
        before = caption.inner_text()
        if text in before:
            return
        page.get_by_role("button", name="Step", exact=True).click()
        expect(caption).not_to_have_text(before)
    pytest.fail(f"the story never says {text!r}")


@pytest.mark.slow
def test_from_loss_to_silence(story: Page) -> None:
    """Loss, wrong count, sync, mismatch, re-report, convergence and silence, each seen when it is told."""
    step_to(story, "get lost")
    expect(story.locator(".record.lost")).to_have_count(3)
    expect(story.locator(".scene .client b")).to_have_text("7")
    expect(story.locator("#cell .state")).to_contain_text("never asked")
    step_to(story, "A mismatch")
    expect(story.locator(".verdict")).to_contain_text("claimed 7, the lot counted 10")
    step_to(story, "reports that hour again")
    expect(story.locator("#cell .state")).to_contain_text("re-reporting")
    expect(story.locator(".feed .kind-rereport")).to_have_count(1)
    step_to(story, "Now it has all 10")
    expect(story.locator(".record.acknowledged")).to_have_count(10)
    step_to(story, "says nothing")
    expect(story.locator("#cell .state")).to_contain_text("repaired")
    expect(story.locator(".verdict")).to_contain_text("equal, so the lot is silent")


@pytest.mark.slow
def test_the_client_that_never_stops(story: Page) -> None:
    """The claims of a client that counts deliveries grow from round to round."""
    story.get_by_role("button", name="Act 2").click()
    expect(story.locator("#caption")).to_contain_text("this client counts deliveries")
    step_to(story, "it never stops")
    expect(story.locator("#cell .state")).to_contain_text("re-reporting, round 3")
    expect(story.locator(".scene .claim")).to_have_text("claimed 27")


def test_the_lot_that_refuses(story: Page) -> None:
    """A refusal is a state of the cell, with its code."""
    story.get_by_role("button", name="Act 3").click()
    expect(story.locator("#caption")).to_contain_text("of the brand Jieshun")
    step_to(story, "leaves this lot alone")
    expect(story.locator("#cell .state")).to_contain_text("refused")
    expect(story.locator(".verdict")).to_contain_text("2003 function not support")
    expect(story.locator(".record.lost")).to_have_count(3)


@pytest.mark.slow
def test_the_story_by_hand(story: Page) -> None:
    """With clicks only, from loss to convergence: the reference client does its part."""
    story.get_by_role("button", name="Act 4").click()
    expect(story.locator("#caption")).to_contain_text("Now you")
    press(story, "Lose")
    press(story, "Cars enter")
    expect(story.locator(".record.lost")).to_have_count(3)
    press(story, "Step an hour")
    expect(story.locator(".verdict")).to_contain_text("claimed 7, the lot counted 10")
    expect(story.locator(".record.acknowledged")).to_have_count(10)
    press(story, "Step an hour")
    expect(story.locator("#windows .state.repaired")).to_have_count(1)
    expect(story.locator("#cell .state")).to_contain_text("repaired")


@pytest.mark.slow
def test_it_is_steered_by_clicks(story: Page) -> None:
    """Play, pause, repeat and speed are buttons that say what is on."""
    story.get_by_role("button", name="fast").click()
    expect(story.get_by_role("button", name="fast")).to_have_attribute("aria-pressed", "true")
    story.get_by_role("button", name="Play").click()
    expect(story.get_by_role("button", name="Pause")).to_be_visible()
    expect(story.locator("#caption")).to_contain_text("get lost")
    story.get_by_role("button", name="Pause").click()
    expect(story.get_by_role("button", name="Play")).to_be_visible()
    story.get_by_role("button", name="Repeat").click()
    expect(story.locator("#caption")).to_contain_text("the line is bad")


@pytest.mark.slow
def test_the_story_is_accessible(story: Page) -> None:
    """No violation of WCAG A or AA while it is told; captions are announced."""
    step_to(story, "reports that hour again")
    assert violations(story) == []
    assert story.locator("#caption").get_attribute("aria-live") == "polite"
