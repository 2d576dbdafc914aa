"""What only a parking on a real server does: other clients, other processes, and the thread that it lives in."""

import contextlib
import json
import subprocess
import sys
import threading
from typing import Any

import pytest
import requests
from tuya_connector import TuyaCloudPulsarTopic, TuyaOpenPulsar

from mock_server import MockParking, ServedParking
from mock_server.cloud import Cloud
from mock_server.faults.catalogue import FaultKind
from mock_server.spec import ProjectSpec
from mock_server.testing.served import serve_project
from mock_server.web.server import Server, ThreadedServer
from tests.mock_server.signed_client import SignedClient
from tests.sdk.python_sdk import Heard, cut, value_of
from tests.support import LOT, NOON


def test_exports_are_those_of_serve(parking_server: ServedParking) -> None:
    """The exports name three addresses that can be called."""
    exports: Any = parking_server.exports
    with requests.Session() as session:
        session.trust_env = False
        health = session.get(f"{exports['lab']}/healthz", timeout=60)
    assert (health.status_code, exports["api"][:7], exports["ws"][:5]) == (200, "http://", "ws://")
    assert exports["access_id"] == parking_server.access_id


def test_the_lab_api_shows_the_same_project(parking_server: ServedParking) -> None:
    """What Python does is what the lab API tells."""
    parking_server.add_lot(LOT).enter("京A12345")
    url = f"{parking_server.exports['lab']}/_lab/projects/{parking_server.access_id}/history"
    with requests.Session() as session:
        session.trust_env = False
        lines = session.get(url, timeout=60).content.splitlines()
    assert [json.loads(line) for line in lines] == parking_server.history


def test_another_process(parking_server: ServedParking) -> None:
    """A client in a process of its own reaches it."""
    program = "import sys, urllib.request as u; print(u.urlopen(sys.argv[1]).read().decode())"
    url = f"{parking_server.exports['api']}/v1.0/token?grant_type=1"
    done = subprocess.run([sys.executable, "-c", program, url], capture_output=True, check=True, timeout=60)  # noqa: S603 our own program
    assert json.loads(done.stdout)["success"] is False


def test_beside_a_parking_in_process(parking_server: ServedParking, parking_mock: MockParking) -> None:
    """Requests to the server pass the parking in process, and neither sees the other's."""
    with SignedClient(parking_server) as there, SignedClient(parking_mock) as here:
        there.connect()
        here.connect()
    assert (len(parking_server.requests), len(parking_mock.requests)) == (1, 1)


@pytest.fixture
def heard(parking_server: ServedParking) -> Any:
    """What the official SDK's message client hears; it is told to stop and left alone."""
    exports: Any = parking_server.exports
    heard = Heard()
    client = TuyaOpenPulsar(
        parking_server.access_id, parking_server.access_secret, exports["ws"], TuyaCloudPulsarTopic.PROD
    )
    client.daemon = True
    client.add_message_listener(heard)
    client.start()
    yield heard
    client._stop_event.set()
    cut(client)


def test_the_official_message_client(parking_server: ServedParking, heard: Heard) -> None:
    """tuya_connector's Pulsar class gets the messages, decrypts and acknowledges them."""
    record = parking_server.add_lot(LOT).enter("京A12345")
    assert value_of(heard.next())["recordId"] == record.record_id
    assert parking_server.wait_until_idle(timeout_s=60)
    parking_server.assert_converged([record])


def test_consume_beside_a_connected_client(parking_server: ServedParking, heard: Heard) -> None:
    """While a client is connected the messages are the client's, and consume() finds none."""
    parking_server.add_lot(LOT).enter()
    heard.next()
    assert list(parking_server.consume()) == []


@pytest.mark.parking_mock(clock="virtual", now_ms=NOON)
def test_a_late_answer_waits_for_the_clock(parking_server: ServedParking) -> None:
    """On a virtual clock a late answer goes out when somebody moves the clock."""
    parking_server.add_fault(FaultKind.ANSWER_LATE, path="/v1.0/token", delay_ms=2_000)
    with SignedClient(parking_server) as client:
        calling = threading.Thread(target=client.connect)
        calling.start()
        parking_server.wait_until(lambda: parking_server.project.clock.pending > 0, 20)
        parking_server.clock.advance(2_000)
        calling.join(20)
        assert client.token


def test_a_project_is_gone_after_its_block() -> None:
    """Behind the block nobody knows the access id; what happened can still be looked at while the server runs."""
    with ThreadedServer(Server(Cloud())) as threaded:
        with serve_project(threaded, seed=1) as parking:
            parking.add_lot(LOT)
        assert threaded.run(lambda: list(threaded.server.cloud)) == []
        assert parking.history[-1]["kind"] == "device"


def test_a_project_is_gone_after_an_error() -> None:
    """An error inside takes the project along."""
    with ThreadedServer(Server(Cloud())) as threaded:
        with contextlib.suppress(ZeroDivisionError), serve_project(threaded):
            raise ZeroDivisionError
        assert threaded.run(lambda: list(threaded.server.cloud)) == []


def test_a_wrong_setting_leaves_nothing_behind() -> None:
    """A project that cannot be made is not there."""
    with ThreadedServer(Server(Cloud())) as threaded:
        with pytest.raises(ValueError, match="chaos"), serve_project(threaded, chaos="wild"):
            pass
        assert threaded.run(lambda: list(threaded.server.cloud)) == []


def test_work_from_the_servers_own_thread(parking_server: ServedParking) -> None:
    """What is asked for on the loop is done there and then: nobody waits for himself."""
    assert parking_server.run(lambda: parking_server.run(lambda: threading.current_thread().name)) == "parking-mock"


def test_after_the_server_has_stopped() -> None:
    """Work for a server that is gone is refused, not waited for."""
    with ThreadedServer(Server(Cloud())) as threaded:
        parking = ServedParking(threaded, threaded.run(lambda: _added(threaded)))
    with pytest.raises(RuntimeError, match="the server does not run"):
        parking.add_lot()


def _added(threaded: ThreadedServer) -> Any:
    return threaded.server.cloud.add(ProjectSpec().make_project("0123456789abcdefghij"))
