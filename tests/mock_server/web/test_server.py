import asyncio
import json
import socket
import threading
from collections.abc import Callable, Iterable
from contextlib import closing
from typing import Any
from urllib.parse import urlsplit

import pytest
import requests
import time_machine
from freezegun import freeze_time

from mock_server.clock import SystemClock
from mock_server.cloud import Cloud
from mock_server.faults.catalogue import FaultKind
from mock_server.faults.faults import Fault
from mock_server.model import HOUR
from mock_server.web.server import Server, ThreadedServer
from mock_server.web.serving.listening import AddressInUseError, listen
from mock_server.web.serving.loop import SteadyEventLoop, new_event_loop
from tests.mock_server.web.conftest import DEADLINE_S, Served
from tests.sdk.world import wait_until
from tests.support import ACCESS_ID, LOT, NOON, Api, keep_passes, make_project, sync_info
from tests.support import sign as sign_by_the_page


def taken_port(listener: socket.socket) -> int:
    """The port that a socket listens on."""
    return int(listener.getsockname()[1])


def test_all_addresses_answer(served: Served) -> None:
    """API, queue in both forms, and lab plane, on ports of their own."""
    api, ws, pulsar, lab = served.server.addresses()
    assert len({urlsplit(address).port for address in (api, ws, pulsar, lab)}) == 4
    assert ws.endswith("/")
    assert requests.get(f"{api}/v1.0/token", timeout=DEADLINE_S).json()["code"] == 1105
    assert requests.get(ws.replace("ws:", "http:"), timeout=DEADLINE_S).status_code == 426
    assert requests.get(f"{lab}/healthz", timeout=DEADLINE_S).json()["status"] == "ok"


def test_the_planes_do_not_mix(served: Served) -> None:
    """The lab is not on the API's port, nor the API on the lab's."""
    api, _, _, lab = served.server.addresses()
    assert requests.get(f"{api}/_lab/projects", timeout=DEADLINE_S).json()["code"] == 1108
    assert requests.get(f"{lab}/v1.0/token", timeout=DEADLINE_S).status_code == 404


def test_a_client_over_sockets(served: Served) -> None:
    """Token, sync, re-report and the command's end, on the machine's clock."""
    exports = served.server.exports(served.project)
    assert exports["api"] == served.server.api
    [record_id] = served.publish()
    now = served.project.clock.now_ms()
    token: Any = call(served, "GET", "/v1.0/token?grant_type=1")["result"]["access_token"]
    body = {"dataType": 0, "recordSyncInfos": [sync_info(0, now - 60_000, now + 60_000)]}
    path = f"/v1.0/parking-control/{LOT}/records/sync"
    sn = call(served, "POST", path, json.dumps(body).encode(), token)["result"]["sn"]
    [rereport] = served.lab("GET", "/rereports")
    assert (rereport["sn"], rereport["record_ids"]) == (sn, [record_id])
    statuses = set()
    for _ in range(10_000):
        statuses.add(call(served, "GET", f"/v1.0/expand/cmds/{sn}", token=token)["result"]["process_status"])
        if 3 in statuses:
            break
    assert 3 in statuses


def call(served: Served, method: str, target: str, body: bytes = b"", token: str = "") -> Any:
    """A signed call over a socket."""
    t = str(served.project.clock.now_ms())
    headers = {
        "client_id": ACCESS_ID,
        "t": t,
        "sign_method": "HMAC-SHA256",
        "access_token": token,
        "sign": sign_by_the_page(served.project.access_secret, method, target, body, ACCESS_ID + token + t),
        "Content-Type": "application/json",
    }
    return requests.request(method, served.server.api + target, data=body, headers=headers, timeout=DEADLINE_S).json()


def test_idle_waits_and_times_out(served: Served) -> None:
    """It answers at once when idle, when the time is up, or as soon as the project gets idle."""
    assert served.lab("GET", "/idle?timeout_ms=0")["idle"] is True
    served.publish(uplink={"delay_ms": 50})
    assert served.lab("GET", "/idle?timeout_ms=0")["pending"] == {"messages": 0, "timers": 1}
    assert served.lab("GET", "/idle?timeout_ms=100")["pending"] == {"messages": 1, "timers": 0}
    waiting: list[Any] = []
    waiter = threading.Thread(target=lambda: waiting.append(served.lab("GET", "/idle?timeout_ms=10000")))
    waiter.start()
    served.lab("POST", "/reset")
    waiter.join(DEADLINE_S)
    assert [answer["idle"] for answer in waiting] == [True]


def test_a_taken_address_names_its_flag() -> None:
    """And leaves none of the other ports taken."""
    with closing(listen("127.0.0.1", 0, "--port")) as taken, closing(listen("127.0.0.1", 0, "--port")) as free:
        port, free_port = taken_port(taken), taken_port(free)
        free.close()
        with pytest.raises(AddressInUseError, match=f"cannot listen on 127.0.0.1:{port}") as caught:
            Server(Cloud(), port=free_port, lab_port=port)
        assert caught.value.flag == "--lab-port"
        listen("127.0.0.1", free_port, "--port").close()


@pytest.mark.parametrize("host", ["203.0.113.1", "no-such-host.invalid", ""])
def test_an_unknown_host_is_refused_with_its_flag(host: str) -> None:
    """An address of another machine, a name that is nobody's, and none, which would be every address."""
    with pytest.raises(AddressInUseError) as caught:
        Server(Cloud(), host=host)
    assert caught.value.flag == "--host"
    assert caught.value.reason


@pytest.mark.parametrize("host", ["127.0.0.1", "localhost", "0.0.0.0"])  # noqa: S104 that the lab stays away from it is the point
def test_the_lab_stays_on_loopback(host: str) -> None:
    """Wherever the API and the queue listen."""
    server = Server(Cloud(), host=host)
    try:
        assert urlsplit(server.lab).hostname == "127.0.0.1"
    finally:
        server.close()


@pytest.mark.parametrize(
    ("host", "public_host", "exported"),
    [
        ("127.0.0.1", None, "127.0.0.1"),
        ("0.0.0.0", None, "127.0.0.1"),  # noqa: S104 that it is no address to call is the point
        ("0.0.0.0", "cloud", "cloud"),  # noqa: S104 the same
        ("::", None, "127.0.0.1"),
        ("127.0.0.1", "fd00::7", "[fd00::7]"),
    ],
)
def test_what_is_exported_can_be_called(host: str, public_host: str | None, exported: str) -> None:
    """No wildcard is; a public host stands for the API and the queue, while the lab plane stays on loopback."""
    server = Server(Cloud(), host, public_host=public_host)
    try:
        lab = exported if host == "127.0.0.1" else "127.0.0.1"
        assert [address.rpartition(":")[0].partition("//")[2] for address in server.addresses()] == [
            exported,
            exported,
            exported,
            lab,
        ]
    finally:
        server.close()


def test_localhost_is_both_families() -> None:
    """On one port, as clients resolve the name to either."""
    with ThreadedServer(Server(Cloud(), "localhost")) as threaded:
        for address in threaded.server.addresses():
            port = urlsplit(address).port
            for host in ("127.0.0.1", "::1"):
                socket.create_connection((host, port or 0), timeout=DEADLINE_S).close()


def test_ipv6_addresses_have_brackets() -> None:
    """So that they are addresses."""
    try:
        server = Server(Cloud(), host="::1")
    except AddressInUseError:
        pytest.skip("this machine has no IPv6")
    try:
        assert server.api.startswith("http://[::1]:")
        assert server.lab.startswith("http://[::1]:")
    finally:
        server.close()


def test_a_stopped_server_frees_its_addresses() -> None:
    """They can be listened on again at once."""
    with ThreadedServer(Server(Cloud())) as threaded:
        ports = [urlsplit(address).port or 0 for address in threaded.server.addresses()]
        assert requests.get(f"{threaded.server.lab}/healthz", timeout=DEADLINE_S).ok
    for port in ports:
        listen("127.0.0.1", port, "--port").close()


def test_a_closed_server_frees_its_addresses_too() -> None:
    """Though it never started."""
    server = Server(Cloud())
    ports = [urlsplit(address).port or 0 for address in server.addresses()]
    server.close()
    for port in ports:
        listen("127.0.0.1", port, "--port").close()


def test_a_server_can_live_on_a_loop_of_its_callers() -> None:
    """Start returns when every address answers, stop when none does."""

    async def run() -> None:
        server = Server(Cloud())
        await server.start()
        loop, health = asyncio.get_running_loop(), f"{server.lab}/healthz"
        answer = await loop.run_in_executor(None, lambda: requests.get(health, timeout=DEADLINE_S))
        assert answer.ok
        await server.stop()
        with pytest.raises(requests.ConnectionError):
            await loop.run_in_executor(None, lambda: requests.get(health, timeout=DEADLINE_S))

    asyncio.run(run())


def test_who_waits_is_answered_when_the_server_goes() -> None:
    """With an answer of its plane, at once: no status 500, no waiting for what will not come."""
    project = make_project(clock=SystemClock())
    cloud = Cloud()
    cloud.add(project)
    project.arm(Fault(FaultKind.ANSWER_LATE, HOUR, path="/v1.0/token"))
    keep_passes(project, NOON, fate=HOUR)
    headers = Api(project).signed_headers("GET", "/v1.0/token?grant_type=1")
    answers: list[requests.Response] = []

    def ask(url: str) -> threading.Thread:
        asking = threading.Thread(
            target=lambda: answers.append(requests.get(url, headers=headers, timeout=DEADLINE_S)), daemon=True
        )
        asking.start()
        return asking

    with ThreadedServer(Server(cloud)) as threaded:
        server = threaded.server
        late = ask(f"{server.api}/v1.0/token?grant_type=1")
        polling = ask(f"{server.lab}/_lab/projects/{ACCESS_ID}/idle?timeout_ms=60000")
        wait_until(lambda: len(server._api._waiting | server._lab._flask._waiting) == 2, "both wait")
    late.join(DEADLINE_S)
    polling.join(DEADLINE_S)
    assert [answer.status_code for answer in answers] == [200, 200]
    assert sorted(answer.json().get("success", answer.json().get("idle")) for answer in answers) == [False, True]


def test_a_server_that_cannot_start_says_so_to_its_starter(monkeypatch: pytest.MonkeyPatch) -> None:
    """The error of the thread is the error of `with`, and nobody is told of it twice."""
    server = Server(Cloud())

    async def fail(**_: object) -> None:
        raise OSError("broken")

    monkeypatch.setattr(server._servers[1], "startup", fail)
    ports = ports_of(server)
    with pytest.raises(OSError, match="broken"), ThreadedServer(server):
        pass
    assert_free(ports)


def ports_of(server: Server) -> list[int | None]:
    """The ports that a server listens on."""
    return [urlsplit(address).port for address in server.addresses()]


def assert_free(ports: Iterable[int | None]) -> None:
    """Ports on which somebody else can listen now."""
    for port in ports:
        with socket.socket() as listener:
            listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            listener.bind(("127.0.0.1", port))
            listener.listen()


@pytest.mark.parametrize("place", range(3))
@pytest.mark.parametrize(
    ("failure", "raised", "words"),
    [
        (ImportError("no protocol"), ImportError, "no protocol"),
        (SystemExit(3), RuntimeError, "uvicorn could not start and would have exited with 3"),
        (None, RuntimeError, "a serving task ended before it listened"),
    ],
)
def test_whatever_dies_at_the_start_is_raised(
    place: int, failure: BaseException | None, raised: type[Exception], words: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A serving task that fails, would end the process, or just returns is raised; every address is free again."""
    server = Server(Cloud())

    async def fail(**_: object) -> None:
        if failure is not None:
            raise failure
        server._servers[place].should_exit = True

    monkeypatch.setattr(server._servers[place], "startup", fail)
    ports = ports_of(server)
    with pytest.raises(raised, match=words):
        asyncio.run(server.start())
    assert_free(ports)


def test_a_start_that_is_cancelled_frees_its_addresses(monkeypatch: pytest.MonkeyPatch) -> None:
    """A start that never comes to its end can be cancelled, as a signal does."""
    server = Server(Cloud())

    async def hang(**_: object) -> None:
        await asyncio.Event().wait()

    async def run() -> None:
        starting = asyncio.create_task(server.start())
        while not server._servers[0].started:  # noqa: ASYNC110 uvicorn has a flag here, no event
            await asyncio.sleep(0)
        starting.cancel()
        await asyncio.wait({starting})
        assert starting.cancelled()

    monkeypatch.setattr(server._servers[1], "startup", hang)
    ports = ports_of(server)
    asyncio.run(run())
    assert_free(ports)


@pytest.mark.parametrize("loop", [new_event_loop, SteadyEventLoop])
def test_frozen_time_does_not_hold_a_server_up(
    loop: Callable[[], asyncio.AbstractEventLoop], monkeypatch: pytest.MonkeyPatch
) -> None:
    """A server that starts, answers and stops while a test has frozen the time, or after it: nothing hangs."""
    monkeypatch.setattr("mock_server.web.server.new_event_loop", loop)
    with freeze_time("2024-05-01") as frozen, ThreadedServer(Server(Cloud())) as threaded:
        assert requests.get(f"{threaded.server.lab}/healthz", timeout=DEADLINE_S).json()["status"] == "ok"
        frozen.move_to("1999-01-01")
    with ThreadedServer(Server(Cloud())) as threaded:
        with freeze_time("2024-05-01"):
            assert requests.get(f"{threaded.server.lab}/healthz", timeout=DEADLINE_S).json()["status"] == "ok"
        with time_machine.travel(0, tick=False):
            assert requests.get(f"{threaded.server.lab}/healthz", timeout=DEADLINE_S).json()["status"] == "ok"


def test_a_server_that_does_not_stop_does_not_hold_its_caller_up(monkeypatch: pytest.MonkeyPatch) -> None:
    """After a bounded wait the caller is told; its own error is not hidden."""
    going_on = threading.Event()
    monkeypatch.setattr("mock_server.web.server._STOP_S", 0)
    threaded = ThreadedServer(Server(Cloud())).__enter__()
    threaded._loop.call_soon_threadsafe(going_on.wait)  # type: ignore[union-attr]  # it runs
    with pytest.raises(RuntimeError, match="has not stopped within 0 s"):
        threaded.__exit__(None, None, None)
    going_on.set()
    threaded._thread.join(DEADLINE_S)
    assert not threaded._thread.is_alive()
