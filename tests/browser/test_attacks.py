"""What a page of another site may do to the lab plane from inside a browser: nothing."""

import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import pytest
from playwright.sync_api import BrowserContext, Page, Playwright

from tests.browser.conftest import launch
from tests.browser.lab import Lab, keep, served
from tests.support import ACCESS_ID, sampled

ATTACKS = {
    "a JSON call": "fetch(lab + '/faults', {method: 'POST', headers: {'Content-Type': 'application/json'}, body})",
    "a simple call": "fetch(lab + '/faults', {method: 'POST', mode: 'no-cors', body})",
    "a call with DELETE": "fetch(lab, {method: 'DELETE', mode: 'cors'})",
    "a beacon": "Promise.resolve(navigator.sendBeacon(lab + '/reset', body))",
    "a look at the history": "fetch(lab + '/history').then(answer => answer.text()).then(text => stolen.push(text))",
    "a look at the page": "fetch(home).then(answer => answer.text()).then(text => stolen.push(text))",
    "a stream": """new Promise(done => {
        const source = new EventSource(lab + '/history');
        source.addEventListener('record.kept', event => { stolen.push(event.data); done(); });
        source.addEventListener('error', () => { source.close(); done(); });
    })""",
    "a form": """new Promise(done => {
        const frame = Object.assign(document.createElement('iframe'), {name: 'target', onload: done});
        document.body.append(frame);
        const form = document.createElement('form');
        document.body.append(Object.assign(form, {method: 'post', action: lab + '/reset', target: 'target'}));
        form.submit();
    })""",
}


class _Site(BaseHTTPRequestHandler):
    """A page of another site."""

    def do_GET(self) -> None:
        """Answer with a page that does nothing by itself."""
        self.send_response(200)
        self.send_header("Content-Type", "text/html")
        self.end_headers()
        self.wfile.write(b"<!doctype html><title>another site</title><body>")

    def log_message(self, format: str, *args: object) -> None:  # noqa: A002 the base class calls it so
        """Say nothing."""


@pytest.fixture(scope="module")
def site() -> Iterator[str]:
    """The address of another site, which shares nothing with the lab plane but the machine."""
    server = ThreadingHTTPServer(("127.0.0.1", 0), _Site)
    thread = threading.Thread(target=server.serve_forever)
    thread.start()
    yield f"http://127.0.0.1:{server.server_port}/"
    server.shutdown()
    thread.join()
    server.server_close()


@pytest.fixture(scope="module")
def lab() -> Iterator[Lab]:
    """A server with a record."""
    with served() as running:
        keep(running)
        yield running


def attack(page: Page, lab_url: str, what: str) -> list[str]:
    """Let a page do its worst; what it has learned."""
    script = f"""async () => {{
        const lab = "{lab_url}/_lab/projects/{ACCESS_ID}", home = "{lab_url}/";
        const body = JSON.stringify({{kind: "uplink.lose"}}), stolen = [];
        await Promise.resolve().then(() => {what}).catch(() => null);
        return stolen;
    }}"""
    learned: list[str] = page.evaluate(script)
    return learned


@pytest.mark.parametrize("name", sampled(ATTACKS, every=len(ATTACKS)))
def test_another_site_can_do_nothing(context: BrowserContext, site: str, lab: Lab, name: str) -> None:
    """A page of another site changes nothing in a project and learns nothing of it."""
    before = lab.project.history()
    page = context.new_page()
    page.goto(site)
    assert attack(page, lab.url, ATTACKS[name]) == []
    assert lab.project.history() == before


@pytest.mark.slow
def test_another_site_cannot_frame_the_page(context: BrowserContext, site: str, lab: Lab) -> None:
    """The dashboard is not shown inside a page of another site, where clicks could be stolen."""
    page = context.new_page()
    page.goto(site)
    page.evaluate(
        """url => new Promise(done => {
            const frame = Object.assign(document.createElement('iframe'), {src: url, onload: done});
            document.body.append(frame);
        })""",
        lab.url,
    )
    assert all("parking" not in frame.content() for frame in page.frames if frame.parent_frame is not None)


@pytest.mark.slow
def test_a_name_that_was_rebound(playwright: Playwright, lab: Lab) -> None:
    """A site whose name suddenly points to this machine is the same origin to the browser, and still refused."""
    before = lab.project.history()
    rebound = f"http://attacker.test:{lab.port}"
    browser = launch(playwright, "--host-resolver-rules=MAP attacker.test 127.0.0.1")
    page = browser.new_page()
    answer = page.goto(rebound)
    assert answer is not None
    assert (answer.status, "foreign_host" in answer.text()) == (403, True)
    assert not any(ACCESS_ID in each for name in ATTACKS for each in attack(page, rebound, ATTACKS[name]))
    browser.close()
    assert lab.project.history() == before


@pytest.mark.slow
def test_the_page_allows_nothing_but_its_own(context: BrowserContext, lab: Lab) -> None:
    """A script that somehow got onto the page is not run, and nothing leaves the page for elsewhere."""
    page = context.new_page()
    page.goto(lab.url)
    ran = page.evaluate(
        """() => {
            const script = document.createElement('script');
            script.textContent = 'window.ran = true';
            document.body.append(script);
            const holder = document.createElement('div');
            holder.innerHTML = '<img src=x onerror="window.ran = true">';
            document.body.append(holder);
            return new Promise(done => setTimeout(() => done(window.ran === true), 0));
        }"""
    )
    assert not ran
    refused = page.evaluate("site => fetch(site).then(() => false, () => true)", "http://127.0.0.2:1/")
    assert refused
