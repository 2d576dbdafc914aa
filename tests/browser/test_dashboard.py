"""The dashboard in a real browser, driven by clicks and keys."""

import subprocess
from collections.abc import Iterator
from typing import Literal

import pytest
from playwright.sync_api import Browser, BrowserContext, Page, expect

from mock_server.cloud import Cloud
from mock_server.lab_client import LabClient
from mock_server.web.server import Server, ThreadedServer
from tests.browser.accessibility import violations
from tests.browser.lab import Lab, keep, served
from tests.support import ACCESS_ID, LOT, make_project

PLATE = "京A12345"


@pytest.fixture
def lab() -> Iterator[Lab]:
    """A server of its own."""
    with served() as running:
        yield running


@pytest.fixture
def dashboard(lab: Lab, page: Page) -> Page:
    """The page, live."""
    return live(page, lab.url)


def live(page: Page, url: str) -> Page:
    """Open the page and wait until it follows the history."""
    page.goto(url)
    expect(page.locator("#line")).to_have_text("Live")
    return page


def press(page: Page, name: str) -> None:
    """Click a button and wait until its call has succeeded."""
    page.locator("#answer").evaluate("each => { each.textContent = each.className = ''; }")
    page.get_by_role("button", name=name, exact=True).click()
    expect(page.locator("#answer")).to_have_class("good")


def test_loss_is_seen_as_it_happens(dashboard: Page) -> None:
    """Cars that enter appear by themselves; those whose records got lost are marked."""
    press(dashboard, "Lose")
    press(dashboard, "Cars enter")
    expect(dashboard.locator(".record")).to_have_count(10)
    expect(dashboard.locator(".record.lost")).to_have_count(3)
    expect(dashboard.locator(".scene .lost")).to_have_text("3 lost on the way")
    expect(dashboard.locator("#queue dd").first).to_have_text("7")
    expect(dashboard.locator(".feed .kind-record-lost")).to_have_count(3)


BUTTONS = (
    ("Duplicate", "POST", "/faults"),
    ("Delay by 5 minutes", "POST", "/faults"),
    ("Lot goes off line", "PATCH", f"/devices/{LOT}"),
    ("Expire the token", "POST", "/faults"),
    ("Set chaos", "PUT", "/chaos"),
    ("Calm", "DELETE", "/faults"),
    ("Cars leave", "POST", f"/devices/{LOT}/records"),
    ("Cars pay", "POST", f"/devices/{LOT}/records"),
    ("Step an hour", "POST", "/clock"),
    ("Step a day", "POST", "/clock"),
)


def test_each_button_is_one_call(dashboard: Page, lab: Lab) -> None:
    """A click makes one call of the lab API, the one that is shown as curl."""
    calls: list[tuple[str, str]] = []
    dashboard.on("request", lambda each: calls.append((each.method, each.url)) if each.method != "GET" else None)
    for button, method, path in BUTTONS:
        calls.clear()
        press(dashboard, button)
        assert calls == [(method, f"{lab.url}/_lab/projects/{ACCESS_ID}{path}")], button
        assert dashboard.inner_text("#call code").startswith(f"curl -X {method} '{calls[0][1]}'"), button


def test_a_line_of_the_feed_is_forked(dashboard: Page, lab: Lab) -> None:
    """A press of its button makes a project of the world behind it, and a link leads there; what is there stays."""
    keep(lab, 2)
    line = lab.project.history()[-1]["seq"]
    keep(lab, 3)
    button = dashboard.get_by_role("button", name=f"Fork behind line {line}", exact=True)
    button.focus()
    assert f"""-d '{{"at":{line}}}'""" in dashboard.inner_text("#call code")
    dashboard.keyboard.press("Enter")
    expect(dashboard.locator("#forked a")).to_contain_text(f"behind line {line}")
    expect(button).to_be_focused()
    keep(lab, 1)
    expect(dashboard.locator(".record")).to_have_count(6)
    dashboard.locator("#forked a").click()
    expect(dashboard.locator("#line")).to_have_text("Live")
    expect(dashboard.locator(".record")).to_have_count(2)
    assert "project=" in dashboard.url


@pytest.mark.slow
def test_a_world_that_goes_back_is_seen(dashboard: Page, lab: Lab) -> None:
    """After a restore the page shows the world that there is, and offers to fork what can be."""
    keep(lab, 2)
    kept = lab.project.checkpoint()
    keep(lab, 3)
    expect(dashboard.locator(".record")).to_have_count(5)
    lab.project.restore(kept["name"])
    expect(dashboard.locator(".record")).to_have_count(2)
    expect(dashboard.locator("#feed h2")).to_contain_text(f"{kept['line']} events")
    expect(dashboard.get_by_role("button", name="Fork behind line")).to_have_count(1)


def test_the_curl_works(dashboard: Page, lab: Lab) -> None:
    """What is shown before a click does in a shell what the click would do."""
    dashboard.get_by_label("How many").fill("2")
    dashboard.get_by_role("button", name="Cars enter").focus()
    shown = dashboard.inner_text("#call code")
    done = subprocess.run(["bash", "-c", shown], capture_output=True, text=True, check=True, timeout=60)  # noqa: S603, S607 our own command
    assert done.stdout.count("record_id") == 2
    assert len([line for line in lab.project.history() if line["kind"] == "record.kept"]) == 2
    expect(dashboard.locator(".record")).to_have_count(2)


@pytest.mark.slow
def test_going_off_line_and_back(dashboard: Page) -> None:
    """The list says that a lot is off line; its button brings it back."""
    press(dashboard, "Lot goes off line")
    expect(dashboard.locator("#lots .offline")).to_have_count(1)
    press(dashboard, "Lot comes back on line")
    expect(dashboard.locator("#lots .offline")).to_have_count(0)


def test_the_clock_is_shown_and_moves(dashboard: Page) -> None:
    """A step of an hour is an hour on the page."""
    expect(dashboard.locator("#now time")).to_have_text("20:00:00")
    press(dashboard, "Step an hour")
    expect(dashboard.locator("#now time")).to_have_text("21:00:00")


def test_a_refusal_is_told(context: BrowserContext, lab: Lab) -> None:
    """A call that is refused says what the lab API says; the browser's console tells of it too."""
    page = live(context.new_page(), lab.url)
    page.evaluate("() => { document.querySelector('[name=times]').form.noValidate = true; }")
    page.get_by_label("The next").fill("0")
    page.get_by_role("button", name="Lose", exact=True).click()
    expect(page.locator("#answer")).to_contain_text("400: ")
    expect(page.locator("#answer")).to_have_class("bad")


def test_plates_are_masked_unless_asked(dashboard: Page, lab: Lab) -> None:
    """No plate is on the page until somebody asks; what was asked for stays while things happen."""
    keep(lab, 2)
    expect(dashboard.locator(".plate").first).to_have_text("京A***5")
    assert PLATE not in dashboard.content()
    press(dashboard, "Show plates")
    expect(dashboard.locator(".plate").first).to_have_text(PLATE)
    keep(lab, record_id="another")
    expect(dashboard.locator(".record")).to_have_count(3)
    expect(dashboard.locator(".plate", has_text=PLATE)).to_have_count(2)


@pytest.mark.slow
def test_the_feed_is_filtered(dashboard: Page, lab: Lab) -> None:
    """Only the chosen kinds are listed, by the address too."""
    keep(lab, 3, uplink="lose")
    expect(dashboard.locator(".feed .kind-record-lost")).to_have_count(3)
    dashboard.goto(f"{lab.url}/?show=losses")
    expect(dashboard.locator(".feed li")).to_have_count(3)
    keep(lab, 2)
    expect(dashboard.locator("#feed small")).to_contain_text("events")
    expect(dashboard.locator(".scene .lot b")).to_have_text("5")
    expect(dashboard.locator(".feed li")).to_have_count(3)
    dashboard.get_by_role("checkbox", name="records").check()
    expect(dashboard.locator(".feed .kind-record-kept")).to_have_count(5)


@pytest.mark.slow
def test_a_reset_begins_again(dashboard: Page, lab: Lab) -> None:
    """After a reset nothing of before is left on the page."""
    keep(lab, 3)
    expect(dashboard.locator(".record")).to_have_count(3)
    lab.project.reset()
    expect(dashboard.locator(".record")).to_have_count(0)


@pytest.mark.slow
def test_what_is_typed_and_focused_stays(dashboard: Page, lab: Lab) -> None:
    """Things happen, and neither what was typed nor the focus is lost."""
    field = dashboard.get_by_label("How many")
    field.fill("77")
    field.focus()
    keep(lab, 3)
    expect(dashboard.locator(".record")).to_have_count(3)
    expect(field).to_have_value("77")
    expect(field).to_be_focused()


@pytest.mark.slow
def test_the_keyboard_is_enough(dashboard: Page, lab: Lab) -> None:
    """The first Tab leads to the content; buttons are reached by Tab and pressed by Enter."""
    dashboard.keyboard.press("Tab")
    expect(dashboard.locator(".skip")).to_be_focused()
    button = dashboard.get_by_role("button", name="Cars enter")
    for _ in range(60):
        dashboard.keyboard.press("Tab")
        if button.evaluate("each => each === document.activeElement"):
            break
    expect(button).to_be_focused()
    dashboard.keyboard.press("Enter")
    expect(dashboard.locator(".record")).to_have_count(10)


def test_names_are_text(lab: Lab, page: Page) -> None:
    """A name that is a tag, a script or an attribute's end is shown as it is and does nothing."""
    evil = "<img src=x onerror=alert(1)>\"'`<script>alert(2)</script>"
    lab.project.add_device(device_id="x'\"&<b>", device_name=evil, supplier_code="<i>")
    lab.project.add_records(
        "x'\"&<b>", [{"data_type": 0, "pass_direction": 0, "event_time": 1, "plate_no": "<b>'\"&x"}]
    )
    page.on("dialog", lambda _: pytest.fail("a script ran"))
    live(page, lab.url)
    page.get_by_role("link", name=evil).click()
    expect(page.locator(".record")).to_have_count(1)
    assert page.locator("main img, main script, main i").count() == 0
    press(page, "Cars enter")
    expect(page.locator("#windows h2")).to_contain_text(evil)


def test_without_scripts_it_can_be_read(browser: Browser, lab: Lab) -> None:
    """With JavaScript off the page shows everything and says what its buttons need."""
    keep(lab, 3, uplink="lose")
    context = browser.new_context(java_script_enabled=False)
    page = context.new_page()
    page.goto(lab.url)
    assert page.locator(".record.lost").count() == 3
    assert page.locator(".feed .kind-record-lost").count() == 3
    assert "need JavaScript" in page.inner_text("noscript")
    page.get_by_role("link", name="Harbour Car Park").click()
    assert "Nothing has happened yet" in page.inner_text("#cell")
    context.close()


@pytest.mark.parametrize("width", [1280, pytest.param(390, marks=pytest.mark.slow)])
@pytest.mark.parametrize("colours", ["light", pytest.param("dark", marks=pytest.mark.slow)])
def test_it_is_accessible(browser: Browser, lab: Lab, colours: Literal["light", "dark"], width: int) -> None:
    """No violation of WCAG A or AA, wide and narrow, light and dark, with every state of a record on the page."""
    keep(lab, 3, uplink="lose")
    keep(lab, 3)
    context = browser.new_context(color_scheme=colours, viewport={"width": width, "height": 800})
    page = live(context.new_page(), lab.url)
    assert violations(page) == []
    assert page.evaluate("() => document.documentElement.scrollWidth <= innerWidth")
    context.close()


@pytest.mark.slow
def test_it_survives_a_restart(context: BrowserContext, page: Page) -> None:
    """When the server goes the page says so; when it is back it shows the new world by itself."""
    watching = context.new_page()
    with served() as lab:
        keep(lab, 5)
        live(watching, lab.url)
        expect(watching.locator(".record")).to_have_count(5)
    expect(watching.locator("#line")).to_have_text("Connection lost: trying again")
    with served(lab.port) as again:
        expect(watching.locator("#line")).to_have_text("Live")
        expect(watching.locator(".record")).to_have_count(0)
        keep(again, 2)
        expect(watching.locator(".record")).to_have_count(2)


@pytest.mark.slow
def test_a_project_that_is_gone(context: BrowserContext, lab: Lab) -> None:
    """A project that is deleted is said to be gone, and shown again when there is one of that name."""
    page = live(context.new_page(), lab.url)
    keep(lab, 3)
    expect(page.locator(".record")).to_have_count(3)
    lab.project.delete()
    expect(page.locator("#line")).to_contain_text("again")
    with LabClient(lab.url) as client:
        client.create_project(access_id=ACCESS_ID, clock="virtual")
    expect(page.locator("#line")).to_have_text("Live")
    expect(page.locator(".record")).to_have_count(0)
    page.goto(f"{lab.url}/?project=nobody")
    expect(page.locator("h1")).to_have_text("Nothing to see here")


@pytest.mark.slow
def test_ten_thousand_events_and_two_hundred_lots(page: Page) -> None:
    """The page stays small, follows what comes, and a look costs about what it costs with few events."""
    with served(lots=200) as lab:
        keep(lab, 100)
        live(page, lab.url)
        few = look_ms(page)
        for _ in range(10):
            keep(lab, 500)
        expect(page.locator("#lots li").first).to_contain_text("5100 records")
        assert len(lab.project.history()) >= 10_000
        assert page.locator("#lots li").count() == 200
        many = look_ms(page)
        assert page.evaluate("() => document.getElementsByTagName('*').length") < 6_000
        assert many < 5 * few, f"{few} ms with few events, {many} ms with many"
        press(page, "Cars leave")
        expect(page.locator("#lots li").first).to_contain_text("5110 records")


def look_ms(page: Page) -> float:
    """How long the quickest of some looks takes, from asking for the page to having read it."""
    measured: float = page.evaluate(
        """async () => {
            let least = Infinity;
            for (let look = 0; look < 8; look++) {
                const start = performance.now();
                new DOMParser().parseFromString(await (await fetch(location.href)).text(), "text/html");
                least = Math.min(least, performance.now() - start);
            }
            return least;
        }"""
    )
    return measured


@pytest.mark.slow
def test_a_token_is_a_password(browser: Browser) -> None:
    """Where a token is wanted the browser asks for it, and the page works with it; its curl asks for it too."""
    cloud = Cloud()
    cloud.add(make_project())
    with ThreadedServer(Server(cloud, lab_token="open-sesame")) as running:
        url = running.server.lab
        stranger = browser.new_context()
        answer = stranger.request.get(url)
        assert (answer.status, answer.headers["www-authenticate"].split()[0]) == (401, "Basic")
        stranger.close()
        context = browser.new_context(http_credentials={"username": "", "password": "open-sesame"})
        page = live(context.new_page(), url)
        press(page, "Cars enter")
        expect(page.locator(".record")).to_have_count(10)
        assert 'Bearer $TOKEN"' in page.inner_text("#call code")
        context.close()
