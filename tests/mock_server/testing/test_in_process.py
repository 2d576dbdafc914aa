"""`mock_parking` itself: how it is started, whom it answers, and how it lives with other parkings and other mocks."""

import asyncio
import io
import threading
import unittest
from collections.abc import Iterator
from typing import Any

import pytest
import requests
import requests_mock
import responses
from hypothesis import given, settings
from hypothesis import strategies as st
from requests.adapters import HTTPAdapter, Retry
from tuya_connector import TuyaOpenAPI
from urllib3.util import Timeout

from mock_server import MockParking, Parking, mock_parking
from mock_server.clock import SystemClock
from mock_server.faults.catalogue import FaultKind
from mock_server.testing.parking import Lot
from mock_server.testing.vendor_hosts import API_HOSTS
from tests.mock_server.signed_client import SignedClient, sync_body, sync_path
from tests.support import LOT, NOON, examples

TOKEN = "/v1.0/token?grant_type=1"
UNPATCHED = (HTTPAdapter.send, HTTPAdapter.get_connection, requests.Session.send)


@pytest.fixture(autouse=True)
def _nothing_left() -> Iterator[None]:
    """After every test `requests` is what it was: patched in a decorated class, which has a world of its own."""
    before = patched()
    yield
    assert patched() == before


def patched() -> tuple[object, ...]:
    """What a parking patches of `requests`."""
    return HTTPAdapter.send, HTTPAdapter.get_connection, requests.Session.send


def connected(parking: Parking, api: str = "") -> bool:
    """Whether a client of that parking gets a token from it, now."""
    before = len(parking.requests)
    with SignedClient(parking, api) as client:
        client.connect()
    return len(parking.requests) == before + 1


def stranger(url: str = "https://openapi.tuyacn.com" + TOKEN) -> dict[str, Any]:
    """The answer to a call without an access id."""
    answer: dict[str, Any] = requests.get(url, timeout=5).json()
    return answer


# Ways to start.


def test_context_manager() -> None:
    """Inside of the block the vendor's hosts are answered; what happened can be looked at afterwards."""
    with mock_parking() as parking:
        assert connected(parking)
    assert parking.requests[0].path == "/v1.0/token"


@mock_parking()
def test_a_path_keeps_its_slashes() -> None:
    """As over a socket: two at the start make another path."""
    codes = [stranger(f"https://openapi.tuyacn.com{path}")["code"] for path in ("/v1.0/token", "//v1.0/token")]
    assert codes == [1105, 1108]


def test_start_and_stop() -> None:
    """start() returns the parking; stop() may be called again."""
    parking = mock_parking().start()
    assert connected(parking)
    parking.stop()
    parking.stop()
    mock_parking().stop()


def test_start_twice_is_refused_and_changes_nothing() -> None:
    """A parking that runs cannot be started; its world stays as it is."""
    with mock_parking() as parking:
        lot = parking.add_lot(LOT)
        with pytest.raises(RuntimeError, match="started already"):
            parking.start()
        assert lot.enter().device_id == LOT
        assert connected(parking)


def test_what_is_done_before_the_start_is_refused() -> None:
    """What would be forgotten at the start is refused instead."""
    parking = mock_parking()
    with pytest.raises(RuntimeError, match="not started"):
        parking.add_lot()


def test_a_restart_is_a_new_world() -> None:
    """Nothing of the last time is there; the settings are."""
    parking = mock_parking(devices=[{"device_id": LOT}], clock="virtual", now_ms=NOON)
    with parking:
        parking.lot(LOT).enter()
        parking.clock.advance(1)
        assert connected(parking)
    with parking:
        assert (parking.records, parking.requests, parking.clock.now_ms) == ([], [], NOON)
        assert parking.lot(LOT).device_id == LOT


@mock_parking()
def test_decorated(parking: Parking) -> None:
    """A decorated function gets the parking by its parameter."""
    assert connected(parking)


@mock_parking()
def test_decorated_without_the_parameter() -> None:
    """Without the parameter the vendor's hosts are answered all the same."""
    assert not stranger()["success"]


HELD = mock_parking()


@HELD
def test_decorated_with_a_parking_that_is_held() -> None:
    """A function without the parameter runs in the very parking that decorates it."""
    HELD.add_lot(LOT)
    assert connected(HELD)


@mock_parking()
def test_decorated_beside_fixtures(tmp_path: Any, parking: Parking, monkeypatch: pytest.MonkeyPatch) -> None:
    """Fixtures come as they do without the decorator."""
    monkeypatch.chdir(tmp_path)
    assert connected(parking)


@pytest.mark.parametrize("direction", [0, 1])
@mock_parking()
def test_decorated_and_parametrized(direction: int, parking: Parking) -> None:
    """Parameters come too."""
    assert parking.add_lot().count(0, NOON, direction) == 0


@pytest.fixture
@mock_parking()
def fixture_lot(parking: Parking) -> Iterator[Lot]:
    """A fixture that is a generator: the parking lives until it is torn down."""
    yield parking.add_lot(LOT)
    assert connected(parking)


def test_decorated_fixture(fixture_lot: Lot) -> None:
    """The parking of a fixture is there while the test runs."""
    assert not stranger()["success"]
    assert fixture_lot.enter().device_id == LOT


@given(plate_no=st.sampled_from(["京A12345", ""]))
@settings(max_examples=examples(5))
@mock_parking()
def test_decorated_inside_of_given(parking: Parking, plate_no: str) -> None:
    """Every example has a world of its own."""
    parking.add_lot(LOT).enter(plate_no)
    assert len(parking.records) == 1


def test_the_name_and_the_docstring_stay() -> None:
    """A decorated function is still itself."""
    assert test_decorated.__name__ == "test_decorated"
    assert "gets the parking" in (test_decorated.__doc__ or "")


@mock_parking()
async def coroutine(number: int, parking: Parking) -> tuple[int, bool]:
    """A decorated coroutine function."""
    await asyncio.sleep(0)
    return number, connected(parking)


def test_decorated_coroutine() -> None:
    """A coroutine function is patched while it runs, not while it is called."""
    running = coroutine(7)
    assert patched() == UNPATCHED
    assert asyncio.run(running) == (7, True)


def test_coroutines_at_once() -> None:
    """Each call has a world of its own, so calls may overlap, in any order of their ends."""

    async def all_of_them() -> list[tuple[int, bool]]:
        return await asyncio.gather(*(coroutine(number) for number in range(5)))

    assert asyncio.run(all_of_them()) == [(number, True) for number in range(5)]


def test_an_asynchronous_generator_is_refused() -> None:
    """What cannot be decorated is refused when it is decorated, with a way out."""

    async def events() -> Any:
        yield 1

    with pytest.raises(TypeError, match="use `with mock_parking"):
        mock_parking()(events)


class Inherited:
    """Tests that a class inherits."""

    def test_inherited(self, parking: Parking) -> None:
        """An inherited test is decorated with the class that inherits it."""
        assert connected(parking)


@mock_parking(devices=[{"device_id": LOT}])
class TestDecoratedClass(Inherited):
    """A decorated class of pytest."""

    def test_with(self, parking: Parking, tmp_path: Any) -> None:
        """A method gets the parking and fixtures."""
        parking.lot(LOT).enter()
        assert (len(parking.records), tmp_path.exists()) == (1, True)

    def test_each_alone(self, parking: Parking) -> None:
        """Every test has a world of its own."""
        assert parking.records == []

    def test_without(self) -> None:
        """A method without the parameter is patched too."""
        assert not stranger()["success"]

    @staticmethod
    def test_static(parking: Parking) -> None:
        """A static method stays static."""
        assert connected(parking)

    @classmethod
    def test_of_the_class(cls, parking: Parking) -> None:
        """A class method stays one."""
        assert (cls, connected(parking)) == (TestDecoratedClass, True)

    def helper(self) -> bool:
        """What is no test is left alone."""
        return patched() == UNPATCHED


def test_a_helper_of_a_decorated_class() -> None:
    """Only test methods are decorated, and only of the decorated class."""
    assert TestDecoratedClass().helper()
    base: Any = Inherited()
    with pytest.raises(TypeError, match="parking"):
        base.test_inherited()


@mock_parking()
class Cases(unittest.TestCase):
    """A decorated class of unittest."""

    def test_with(self, parking: Parking) -> None:
        """The runner gives no arguments; the decorator does."""
        assert connected(parking)

    def test_without(self) -> None:
        """The parameter may be left out."""
        assert not stranger()["success"]


@mock_parking()
class AsyncCases(unittest.IsolatedAsyncioTestCase):
    """A decorated class of asynchronous tests."""

    async def test_with(self, parking: Parking) -> None:
        """A coroutine method gets the parking."""
        await asyncio.sleep(0)
        assert connected(parking)


@pytest.mark.parametrize(("cases", "count"), [(Cases, 2), (AsyncCases, 1)])
def test_unittest(cases: type[unittest.TestCase], count: int) -> None:
    """The runner of unittest runs decorated classes."""
    suite = unittest.defaultTestLoader.loadTestsFromTestCase(cases)
    result = unittest.TextTestRunner(io.StringIO()).run(suite)
    assert (result.testsRun, result.failures, result.errors) == (count, [], [])


# Whom it answers.


@pytest.mark.parametrize("scheme", ["https", "http"])
@pytest.mark.parametrize("host", API_HOSTS)
def test_every_region(host: str, scheme: str) -> None:
    """Every API host of the vendor is answered, over TLS or not."""
    with mock_parking() as parking:
        assert connected(parking, f"{scheme}://{host}")


@pytest.mark.parametrize(
    "url",
    [
        "https://OPENAPI.TuyaCN.com",
        "https://openapi.tuyacn.com:443",
        "https://me@openapi.tuyacn.com",
        "https://openapi.tuyacn.com.",
    ],
)
def test_other_spellings_of_a_host(url: str) -> None:
    """No spelling of the vendor's address gets past the mock."""
    with mock_parking() as parking:
        assert connected(parking, url)


@pytest.mark.parametrize("scheme", ["https", "http"])
def test_past_a_proxy(monkeypatch: pytest.MonkeyPatch, scheme: str) -> None:
    """A proxy of the environment is not asked for the vendor's hosts."""
    for name in ("HTTP_PROXY", "http_proxy", "HTTPS_PROXY", "https_proxy"):
        monkeypatch.setenv(name, "http://127.0.0.1:9")
    with mock_parking() as parking, requests.Session() as session:
        answer = session.get(
            f"{scheme}://openapi.tuyacn.com{TOKEN}", headers={"client_id": parking.access_id}, timeout=5
        )
        assert (answer.json()["success"], parking.requests[0].path) == (False, "/v1.0/token")


def test_other_hosts_pass() -> None:
    """A request to another host goes where it would go without us: here to nobody."""
    with mock_parking() as parking:
        with pytest.raises(requests.ConnectionError, match="Max retries"):
            requests.get("http://127.0.0.1:9/", timeout=5)
        assert parking.requests == []


@pytest.mark.parametrize(
    "url", ["https://example.org/", "https://openapi.tuyacn.com.example.org/", "https://xopenapi.tuyacn.com/"]
)
def test_other_hosts_are_refused(url: str) -> None:
    """With elsewhere="refuse" they get ConnectionError, whose message says who refuses."""
    with mock_parking(elsewhere="refuse") as parking:
        with pytest.raises(requests.ConnectionError, match='elsewhere="refuse"'):
            requests.get(url, timeout=5)
        assert connected(parking)


def test_a_retrying_session() -> None:
    """A session's own adapter keeps its retries and its hooks."""
    seen = []
    with mock_parking() as parking, SignedClient(parking) as client:
        client.session.mount("https://", HTTPAdapter(max_retries=Retry(2)))
        client.session.hooks["response"] = [lambda response, **_: seen.append(response.status_code)]
        client.connect()
    assert seen == [200]


def test_header_values_as_bytes() -> None:
    """`requests` lets header values be bytes; they are read as such."""
    with mock_parking() as parking, mock_parking(), SignedClient(parking) as client:
        headers = {name: value.encode() for name, value in client.headers("GET", TOKEN).items()}
        assert client.session.get(client.api + TOKEN, headers=headers, timeout=5).json()["success"]


# More than one.


def test_nested() -> None:
    """Each is found by its access id; who carries none, or an unknown one, comes to the innermost."""
    with mock_parking() as outer, mock_parking() as inner:
        assert outer.access_id != inner.access_id
        assert (connected(outer), connected(inner)) == (True, True)
        unknown = requests.get("https://openapi.tuyacn.com" + TOKEN, headers={"client_id": "nobody"}, timeout=5)
        assert not unknown.json()["success"]
        assert not stranger()["success"]
        assert (len(outer.requests), len(inner.requests)) == (1, 1)
        inner.stop()
        assert connected(outer)


def test_the_innermost_says_what_becomes_of_other_hosts() -> None:
    """Inside of a parking that refuses, other hosts are refused; behind it they are not."""
    with mock_parking() as outer:
        with mock_parking(elsewhere="refuse"), pytest.raises(requests.ConnectionError, match="refuse"):
            requests.get("https://example.org", timeout=5)
        assert connected(outer)


def test_stopped_in_any_order() -> None:
    """The outer one may be stopped first."""
    outer, inner = mock_parking().start(), mock_parking().start()
    outer.stop()
    assert connected(inner)
    inner.stop()


def test_parallel_in_threads() -> None:
    """Threads start, use and stop parkings of their own; no request of one goes astray."""
    wrong: list[object] = []

    @mock_parking(elsewhere="refuse")
    def work(parking: MockParking) -> None:
        lot = parking.add_lot(LOT)
        record = lot.enter(uplink="lose")
        now = parking.clock.now_ms + 1
        with SignedClient(parking) as client:
            client.connect().sync(0, until=now)
        if [each.records for each in parking.rereports] != [[record]] or len(parking.requests) != 2:
            wrong.append(parking.history)

    def repeat() -> None:
        try:
            for _ in range(20):
                work()
        except BaseException as error:  # noqa: BLE001 a thread's error is the test's
            wrong.append(error)

    threads = [threading.Thread(target=repeat) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert wrong == []


def test_a_decorated_function_that_calls_itself() -> None:
    """Each call has a world of its own."""

    @mock_parking()
    def count_down(number: int, parking: Parking) -> set[str]:
        return {parking.access_id} | (count_down(number - 1) if number else set())

    assert len(count_down(3)) == 4


# Beside `responses`.


@responses.activate
def test_inside_of_responses() -> None:
    """Other hosts are the outer mock's: what it knows it answers, the rest it refuses."""
    responses.get("https://mine.example/", json={"mine": True})
    with mock_parking() as parking:
        assert connected(parking)
        assert requests.get("https://mine.example/", timeout=5).json() == {"mine": True}
        with pytest.raises(requests.ConnectionError, match="refused by Responses"):
            requests.get("https://other.example/", timeout=5)
    assert requests.get("https://mine.example/", timeout=5).json() == {"mine": True}


def test_around_responses() -> None:
    """The inner mock is asked first: it answers what it knows and refuses the rest; behind it we answer again."""
    with mock_parking() as parking:
        with responses.RequestsMock() as inner:
            inner.get("https://openapi.tuyacn.com/v1.0/token", json={"mine": True})
            assert stranger() == {"mine": True}
            with pytest.raises(requests.ConnectionError, match="refused by Responses"):
                requests.get("https://openapi.tuyaeu.com/", timeout=5)
        assert connected(parking)


def test_between_parkings() -> None:
    """A mock between two parkings keeps working after the inner one has come and gone."""
    with mock_parking() as outer, responses.RequestsMock() as between:
        between.get("https://mine.example/", json={"mine": True})
        with mock_parking() as inner:
            assert (connected(outer), connected(inner)) == (True, True)
            assert requests.get("https://mine.example/", timeout=5).json() == {"mine": True}
        assert requests.get("https://mine.example/", timeout=5).json() == {"mine": True}


def test_stopped_while_another_mock_is_above() -> None:
    """A parking that ends before a later mock leaves that one in place, and nothing behind it in the end."""
    parking = mock_parking().start()
    with responses.RequestsMock() as later:
        later.get("https://mine.example/", json={"mine": True})
        parking.stop()
        assert requests.get("https://mine.example/", timeout=5).json() == {"mine": True}
    with pytest.raises(requests.ConnectionError):
        requests.get("http://127.0.0.1:9/", timeout=5)
    with mock_parking() as next_one:
        assert connected(next_one)


def test_a_mock_that_lets_the_vendor_pass() -> None:
    """What an inner mock lets pass comes to the parking, not to the real vendor."""
    with mock_parking() as parking, responses.RequestsMock() as inner:
        inner.add_passthru("https://openapi.tuyacn.com")
        assert connected(parking)


def test_inside_of_requests_mock() -> None:
    """A mock of the other library, too, is asked after a parking that was started later; other hosts are its own."""
    with requests_mock.Mocker() as outer:
        outer.get("https://mine.example/", json={"mine": True})
        with mock_parking() as parking:
            assert connected(parking)
            assert requests.get("https://mine.example/", timeout=5).json() == {"mine": True}
            with pytest.raises(requests_mock.NoMockAddress):
                requests.get("https://other.example/", timeout=5)
        assert requests.get("https://mine.example/", timeout=5).json() == {"mine": True}


def test_around_requests_mock() -> None:
    """Started later it is asked first, and with `real_http` what it does not know comes to the parking."""
    with mock_parking() as parking:
        with requests_mock.Mocker() as inner:
            inner.get("https://openapi.tuyacn.com/v1.0/token", json={"mine": True})
            assert stranger() == {"mine": True}
        with requests_mock.Mocker(real_http=True):
            assert connected(parking)
        assert connected(parking)


# Errors and faults.


def test_an_error_inside() -> None:
    """An error leaves as it is, takes the story along, and the patch ends."""

    @mock_parking()
    def fail(parking: Parking) -> None:
        parking.add_lot().enter("京A12345", uplink="lose")
        raise ZeroDivisionError

    with pytest.raises(ZeroDivisionError) as failed:
        fail()
    (note,) = failed.value.__notes__
    assert note.startswith("parking-mock: the story so far\n1 record at the lots, 1 lost")
    assert "京A12345" not in note


@pytest.mark.parametrize("when", ["skip", "exit"])
def test_an_exit_is_no_error(when: str) -> None:
    """What is no error leaves without a story."""
    with pytest.raises(SystemExit) as left, mock_parking():
        raise SystemExit(when)
    assert not hasattr(left.value, "__notes__")


def test_a_lost_answer() -> None:
    """The call is carried out; the client gets requests' own error with its request."""
    with mock_parking() as parking, SignedClient(parking) as client:
        parking.add_fault(FaultKind.ANSWER_LOSE, path="/v1.0/token")
        with pytest.raises(requests.ConnectionError) as lost:
            client.connect()
        assert lost.value.request is not None
        assert (client.connect().token != "", parking.requests[0].sent) == (True, "not")


@pytest.mark.parametrize("timeout", [1, 1.0, (5, 1), Timeout(read=1)])
def test_a_late_answer_is_a_time_out(timeout: Any) -> None:
    """A client that waits a second for an answer of two gets ReadTimeout, and its second has passed."""
    with mock_parking(clock="virtual", now_ms=NOON) as parking, SignedClient(parking) as client:
        parking.add_lot(LOT)
        client.connect()
        parking.add_fault(FaultKind.ANSWER_LATE, delay_ms=2_000)
        with pytest.raises(requests.ReadTimeout, match="Read timed out"):
            client.send("POST", sync_path(), sync_body(1), timeout=timeout)
        assert (parking.clock.now_ms, len(parking.rereports)) == (NOON + 1_000, 1)


@pytest.mark.parametrize("timeout", [None, 3, (1, None), Timeout(connect=1)])
def test_a_late_answer_that_is_waited_for(timeout: Any) -> None:
    """A client that waits long enough gets its answer, and a virtual clock has gone on."""
    with mock_parking(clock="virtual", now_ms=NOON) as parking, SignedClient(parking) as client:
        parking.add_fault(FaultKind.ANSWER_LATE, path="/v1.0/token", delay_ms=2_000)
        assert client.send("GET", TOKEN, timeout=timeout).json()["success"]
        assert parking.clock.now_ms == NOON + 2_000


def test_a_late_answer_on_the_systems_clock() -> None:
    """Nobody waits in process: an impatient client gets its time-out at once, a patient one its answer."""
    with mock_parking() as parking, SignedClient(parking) as client:
        parking.add_fault(FaultKind.ANSWER_LATE, path="/v1.0/token", delay_ms=3_600_000, times=2)
        start = SystemClock().now_ms()
        with pytest.raises(requests.ReadTimeout):
            client.send("GET", TOKEN, timeout=60)
        assert client.send("GET", TOKEN, timeout=None).json()["success"]
        assert SystemClock().now_ms() - start < 60_000


@pytest.mark.parametrize(
    ("kind", "status"),
    [
        (FaultKind.ANSWER_NOT_JSON, "garbled"),
        (FaultKind.ANSWER_EMPTY, "garbled"),
        (FaultKind.ANSWER_TRUNCATED, "garbled"),
    ],
)
def test_a_garbled_answer(kind: str, status: str) -> None:
    """A client that cannot read its answer gets requests' own JSON error."""
    with mock_parking() as parking, SignedClient(parking) as client:
        parking.add_fault(kind, path="/v1.0/token")
        with pytest.raises(requests.exceptions.JSONDecodeError):
            client.connect()
        assert parking.requests[0].sent == status


def test_nobody_else_can_bring_a_rereport() -> None:
    """With one thread and nothing due there is nothing to wait for, and nobody waits."""
    with mock_parking(clock="virtual") as parking:
        parking.add_lot().enter(uplink=60_000)
        alone = threading.active_count() == 1
        with pytest.raises(AssertionError, match="no re-report came"):
            parking.wait_for_rereport(timeout_s=60 if alone else 0)


# The official SDK.


def test_the_official_sdk() -> None:
    """tuya_connector connects, lists devices, and logs in again when its token is dead."""
    with mock_parking() as parking:
        lot = parking.add_lot(LOT)
        record = lot.enter(uplink="lose")
        api: Any = TuyaOpenAPI("https://openapi.tuyacn.com", parking.access_id, parking.access_secret)
        assert api.connect()["success"]
        assert api.get("/v1.0/expand/devices")["result"]["total"] == 1
        parking.expire_token()
        body = sync_body(0, until=parking.clock.now_ms + 1)
        assert api.post(sync_path(), body)["code"] == 1010
        assert api.post(sync_path(), body)["success"]
        api.session.close()
        assert [each.records for each in parking.rereports] == [[record]]
