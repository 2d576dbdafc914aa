"""The report as a reader meets it: opened from disk, without a network, in a real browser."""

from collections.abc import Callable
from functools import cache
from pathlib import Path

import pytest
from playwright.sync_api import Page, ViewportSize

from contracts.check.results import Check
from contracts.clients.reference import ReferenceClient
from contracts.clients.zoo.counting import CountsDeliveries
from contracts.play.scenario import Happens, Scenario
from contracts.report.site import columns, site_html
from contracts.report.write import write_report
from tests.browser.accessibility import violations
from tests.contracts.report.support import AT, LOST, PLAN, checked
from tests.support import sampled

WIDE: ViewportSize = {"width": 1280, "height": 900}
NARROW: ViewportSize = {"width": 320, "height": 640}
HUNDREDS = Scenario((Happens(AT, "r1", many=200, copies=2),), runs_ms=LOST.runs_ms, settles=False)
PUNCTUATED = "exec /opt/acme-parking/bin/run --config=/etc/acme-parking/production.settings:reconciliation_client"
LONG = "a client with a name that is much too long for anybody's screen " * 5 + "x" * 300
OPEN_ALL = "document.querySelectorAll('details').forEach(each => each.open = true)"
WIDTH = "document.documentElement.scrollWidth"
OUTSIDE = """svg => {
  const box = svg.getBoundingClientRect();
  const inside = each => each.left >= box.left && each.right <= box.right && each.bottom <= box.bottom;
  return [...svg.querySelectorAll('text')].filter(each => !inside(each.getBoundingClientRect()))
    .map(each => each.textContent);
}"""

BROKEN_PARTS = """() => {
  const range = document.createRange();
  const lines = node => { range.selectNode(node); return range.getClientRects(); };
  const names = document.querySelectorAll('h1, .matrix thead th');
  const parts = [...names].flatMap(each => [...each.childNodes]).filter(each => each.nodeType === Node.TEXT_NODE);
  return parts.filter(each => !each.data.includes(' ') && lines(each).length > 1).map(each => each.data);
}"""

FOUND: dict[str, Callable[[], tuple[Check, str]]] = {
    "empty": lambda: (Check((), ()), "nothing"),
    "wrong": lambda: (checked(CountsDeliveries), "contracts.clients.zoo.counting:CountsDeliveries"),
    "right": lambda: (checked(ReferenceClient), "contracts.clients.reference:ReferenceClient"),
    "large": lambda: (checked(CountsDeliveries, HUNDREDS), LONG),
    "punctuated": lambda: (checked(CountsDeliveries), PUNCTUATED),
}


@pytest.fixture(scope="module")
def report_of(tmp_path_factory: pytest.TempPathFactory) -> Callable[[str], Path]:
    """Gives the folder of a report. It is written twice, so that it has a comparison, when it is asked for first."""

    @cache
    def folder_of(name: str) -> Path:
        folder = tmp_path_factory.mktemp(name)
        found, agent = FOUND[name]()
        for _ in range(2):
            write_report(folder, agent, PLAN, found)
        return folder

    return folder_of


def opened(page: Page, folder: Path) -> Page:
    """The report of a folder. It may ask for nothing but itself."""
    asked: list[str] = []
    page.on("request", lambda request: asked.append(request.url))
    page.context.set_offline(True)
    page.goto((folder / "index.html").as_uri())
    assert [url for url in asked if not url.startswith("data:")] == [(folder / "index.html").as_uri()]
    return page


@pytest.mark.slow
@pytest.mark.parametrize(
    ("name", "scheme", "screen"),
    [("wrong", "light", WIDE), ("wrong", "dark", NARROW), ("right", "light", NARROW), ("large", "light", WIDE)],
)
def test_nobody_is_shut_out(
    name: str, scheme: str, screen: ViewportSize, page: Page, report_of: Callable[[str], Path]
) -> None:
    """Axe finds no violation of level A or AA, light or dark, with everything unfolded."""
    page.emulate_media(color_scheme="dark" if scheme == "dark" else "light")
    page.set_viewport_size(screen)
    opened(page, report_of(name))
    if name != "large":  # unfolded it has more of what the others have, and takes axe half a minute
        page.evaluate(OPEN_ALL)
    assert violations(page) == []


def test_an_empty_report_shuts_nobody_out(page: Page, report_of: Callable[[str], Path]) -> None:
    """Nor does one that has nothing to tell."""
    page.set_viewport_size(NARROW)
    assert violations(opened(page, report_of("empty"))) == []


@pytest.mark.parametrize("name", sampled(FOUND, every=len(FOUND)))
def test_a_narrow_screen_is_enough(name: str, page: Page, report_of: Callable[[str], Path]) -> None:
    """Nothing but tables, commands and drawings scrolls sideways, each in a place of its own."""
    page.set_viewport_size(NARROW)
    opened(page, report_of(name))
    page.evaluate(OPEN_ALL)
    assert page.evaluate(WIDTH) == NARROW["width"]


@pytest.mark.slow
def test_the_page_of_many_reports_is_accessible(page: Page, report_of: Callable[[str], Path], tmp_path: Path) -> None:
    """Axe finds no violation in it, all unfolded, on a narrow screen, beside which only its table scrolls."""
    (tmp_path / "index.html").write_text(site_html(columns(map(report_of, ("wrong", "right")))), encoding="utf-8")
    page.set_viewport_size(NARROW)
    opened(page, tmp_path)
    page.evaluate(OPEN_ALL)
    assert page.evaluate(WIDTH) == NARROW["width"]
    assert violations(page) == []


@pytest.mark.slow
def test_a_long_name_breaks_at_punctuation_only(page: Page, report_of: Callable[[str], Path]) -> None:
    """On a telephone no part of it is broken between letters, and it does not push the verdicts off the screen."""
    page.set_viewport_size({"width": 390, "height": 844})
    opened(page, report_of("punctuated"))
    assert page.evaluate(BROKEN_PARTS) == []
    matrix = page.locator(".scroll:has(> .matrix)")
    assert matrix.evaluate("each => each.scrollWidth <= each.clientWidth")


def test_the_timeline_is_drawn(page: Page, report_of: Callable[[str], Path]) -> None:
    """Lanes, a shaded window, a deed in each column, labels that are not cut off, and a frame around the breach."""
    drawing = opened(page, report_of("wrong")).locator("svg.timeline").first
    assert drawing.is_visible()
    assert drawing.locator("text.lane").all_text_contents() == ["lot", "queue", "client"]
    shade, frame = drawing.locator("rect.shade").bounding_box(), drawing.locator("rect.here").bounding_box()
    assert shade
    assert shade["width"] > 100
    assert frame
    assert frame["x"] > shade["x"] + shade["width"]
    shapes = drawing.locator("g[data-shape]").evaluate_all("all => all.map(each => each.dataset.shape)")
    assert {"act", "kept", "lost", "delivery", "sync", "rereport"} <= set(shapes)
    assert drawing.evaluate(OUTSIDE) == []
    assert "3 / 2" in (drawing.text_content() or "")
    across = drawing.locator("g[data-shape]").evaluate_all("all => all.map(each => each.getBoundingClientRect().x)")
    assert across == sorted(across)


def test_a_drawing_has_a_table_beside_it(page: Page, report_of: Callable[[str], Path]) -> None:
    """Who does not see the drawing reads the same, column by column."""
    figure = opened(page, report_of("wrong")).locator("figure").first
    drawing = figure.get_by_role("img", name="Timeline")
    assert drawing.count() == 1
    assert figure.locator("tbody tr").count() == drawing.locator("g[data-shape]").count()


@pytest.mark.slow
def test_many_records_stay_few_columns(page: Page, report_of: Callable[[str], Path]) -> None:
    """Hundreds of records are drawn as one, and their table is folded."""
    drawing = opened(page, report_of("large")).locator("svg.timeline").first
    assert "200 \u00d7" in (drawing.text_content() or "")
    assert drawing.evaluate(OUTSIDE) == []
    assert not page.locator("table.records").first.is_visible()


def focus(page: Page) -> str:
    """What has the focus, as its text."""
    text: str = page.evaluate(r"document.activeElement.textContent.trim().replace(/\\\\s+/g, ' ')")
    return text


def test_everything_is_reached_with_the_keyboard(page: Page, report_of: Callable[[str], Path]) -> None:
    """The skip link first, then the rules; a rule leads to its failure; what is folded opens; the drawing scrolls."""
    page.set_viewport_size(NARROW)
    opened(page, report_of("wrong"))
    page.keyboard.press("Tab")
    assert focus(page) == "Skip to the verdicts"
    box = page.locator(".skip").bounding_box()
    assert box
    assert box["x"] >= 0
    page.locator(".chip.fail").first.focus()
    page.keyboard.press("Enter")
    assert page.url.endswith("#failure-1")
    head = page.locator("#failure-1 h3").bounding_box()
    assert head
    assert 0 <= head["y"] < NARROW["height"]
    page.keyboard.press("Tab")
    assert focus(page).startswith("Broken by the same history")
    page.keyboard.press("Tab")
    assert focus(page).startswith("What each known wrong counter would have claimed")
    page.keyboard.press("Enter")
    assert page.locator("#failure-1 table.suspects").is_visible()
    drawing = page.get_by_role("region", name="Timeline, scrolls sideways").first
    drawing.focus()
    page.keyboard.press("ArrowRight")
    page.wait_for_function("each => each.scrollLeft > 0", arg=drawing.element_handle())


@pytest.mark.slow
def test_the_focus_is_seen(page: Page, report_of: Callable[[str], Path]) -> None:
    """Whatever has it has an outline."""
    opened(page, report_of("wrong"))
    for _ in range(12):
        page.keyboard.press("Tab")
        style = page.evaluate("getComputedStyle(document.activeElement).outlineStyle")
        assert style != "none", focus(page)


def test_the_last_run_is_beside_it(page: Page, report_of: Callable[[str], Path]) -> None:
    """What is broken still is told where it is looked for."""
    opened(page, report_of("wrong"))
    assert "CNT-RECORD-ID" in page.locator("#comparison ~ ul").first.inner_text()
    assert "still" in page.locator(".chip.fail").first.inner_text().lower()


@pytest.mark.slow
def test_a_page_can_be_left_for_a_history(page: Page, report_of: Callable[[str], Path]) -> None:
    """The file of a failure lies where its link says."""
    opened(page, report_of("wrong"))
    page.locator("#failure-1 a[href^='failures/']").first.click()
    page.wait_for_url("**/failures/*.json")
    assert '"format": "parking-mock/failure"' in page.content()
