from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from websockets.exceptions import InvalidStatus

import contracts.clients.small
from contracts.clients.small import BILLS, PASSES, RefusedError, SmallClient, Window
from contracts.demo import Lab
from mock_server.cli import default_project
from mock_server.clock import wall_clock_ms
from mock_server.cloud import Cloud
from mock_server.model import JsonObject
from mock_server.web.server import Server, ThreadedServer, silence_uvicorn
from tests.support import HOUR, JIESHUN_LOT, LOT, NOON

CARS = Window(LOT, PASSES, 0, NOON, NOON + HOUR)


@pytest.fixture
def exports() -> Iterator[Any]:
    """The addresses and keys of a running server."""
    silence_uvicorn()
    cloud = Cloud()
    project = cloud.add(default_project())
    with ThreadedServer(Server(cloud)) as running:
        yield running.server.exports(project)


@pytest.fixture
def lab(exports: Any) -> Iterator[Lab]:
    """Its lab plane."""
    with Lab(exports["lab"], exports["access_id"]) as lab:
        yield lab


@pytest.fixture
def client(exports: Any) -> Iterator[SmallClient]:
    """A client that listens."""
    with new_client(exports) as client:
        yield client


def new_client(exports: Any, **changes: str) -> SmallClient:
    """A client of the server that keeps real time."""
    given = exports | changes
    return SmallClient(given["api"], given["ws"], given["access_id"], given["access_secret"], wall_clock_ms)


def car(time: int = NOON, direction: int = 0, **further: object) -> JsonObject:
    """A pass."""
    return {"data_type": PASSES, "pass_direction": direction, "event_time": time, "plate_no": "京A12345", **further}


def test_counts_what_lies_in_the_window(client: SmallClient, lab: Lab) -> None:
    """The start belongs to the window and the end does not; the other direction, bills and other lots do not count."""
    lab.add_records(LOT, [car(NOON - 1), car(NOON), car(NOON + HOUR - 1), car(NOON + HOUR), car(direction=1)])
    lab.add_records(LOT, [{"data_type": BILLS, "event_time": NOON}])
    lab.add_records(JIESHUN_LOT, [car()])
    lab.settle()
    assert client.count(CARS) == 2
    assert client.count(Window(LOT, BILLS, None, NOON, NOON + HOUR)) == 1


def test_counts_a_record_once(client: SmallClient, lab: Lab) -> None:
    """A record that comes twice is one record, and both messages are acknowledged."""
    lab.add_records(LOT, [car(uplink="duplicate"), car()])
    assert len(lab.settle().of("message.acknowledged")) == 3
    assert client.count(CARS) == 2


def test_newer_version_of_a_record_replaces_it(client: SmallClient, lab: Lab) -> None:
    """A record whose time was corrected counts where it lies now."""
    lab.add_records(LOT, [car(record_id="one")])
    lab.add_records(LOT, [car(NOON + HOUR, record_id="one")])
    lab.settle()
    assert client.count(CARS) == 0


def test_sync_brings_what_was_lost(client: SmallClient, lab: Lab) -> None:
    """After a sync the client has what the lot has."""
    lab.add_records(LOT, [car(uplink="lose"), car()])
    lab.settle()
    assert client.count(CARS) == 1
    assert client.sync(CARS) == "1350000000000001"
    lab.settle()
    assert client.count(CARS) == 2


def test_a_dead_token_is_replaced(client: SmallClient, lab: Lab) -> None:
    """A token that the cloud does not know any more costs one more call, not the sync."""
    client.sync(CARS)
    client._token = "0" * 32
    client.sync(CARS)
    answers = [answer["code"] for answer in lab.settle().of("answer")]
    assert answers == [None, None, 1010, None, None]


def test_a_token_is_asked_for_once(client: SmallClient, lab: Lab) -> None:
    """Further calls use the same token, until it is about to expire."""
    client.sync(CARS)
    client.sync(CARS)
    client._renew_at = 0
    client.sync(CARS)
    paths = [request["path"].rpartition("/")[2] for request in lab.settle().of("request")]
    assert paths == ["token", "sync", "sync", "token", "sync"]


def test_a_refusal_is_an_exception(client: SmallClient) -> None:
    """A refusal comes with HTTP 200; the client raises its code and text."""
    with pytest.raises(RefusedError, match="2003 function not support") as refused:
        client.sync(CARS._replace(device_id=JIESHUN_LOT))
    assert (refused.value.code, refused.value.msg) == (2003, "function not support")


def test_a_lost_connection_is_made_again(client: SmallClient, lab: Lab, monkeypatch: pytest.MonkeyPatch) -> None:
    """Records that come while the client is away come when it is back."""
    monkeypatch.setattr("contracts.clients.small.RETRY_S", 0)
    assert client._socket is not None
    client._socket.close()
    lab.add_records(LOT, [car()])
    lab.settle()
    assert client.count(CARS) == 1


def test_a_wrong_secret_is_told_at_once(exports: Any) -> None:
    """With a wrong secret the queue refuses the client when it connects."""
    stranger = new_client(exports, access_secret="x" * 32)
    with pytest.raises(InvalidStatus), stranger:
        pass  # pragma: no cover


def test_it_is_small_and_stands_alone() -> None:
    """The example has under 200 lines and needs nothing of this project."""
    text = Path(str(contracts.clients.small.__file__)).read_text("utf-8")
    assert len(text.splitlines()) < 200
    assert "mock_server" not in text
    assert "from contracts" not in text
