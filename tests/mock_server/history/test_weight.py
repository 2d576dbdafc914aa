"""The memory of histories: bounded for each and for all, whatever their entries hold."""

import json
import tracemalloc
from sys import getsizeof

import pytest

from mock_server.clock import VirtualClock
from mock_server.cloud import Cloud
from mock_server.history.events import CommandMoved, Event, RequestReceived
from mock_server.history.log import History
from mock_server.history.weight import SharedBudget, weigh
from mock_server.web.data_plane.masking import masked_body
from tests.support import NOON, SYNC_PATH, Api, make_project, sync_info

WIDE = "\U0001f600"


def request(body: str) -> RequestReceived:
    """A call with a body."""
    return RequestReceived("POST", "/v1.0/x", "", {"client_id": "me", "t": "1"}, body)


@pytest.mark.parametrize("content", ["", "x" * 5_000, "x" * 5_000 + WIDE])
def test_a_weight_is_about_what_python_takes(content: str) -> None:
    """Within a small factor, for short, long and wide texts."""
    history = History(lambda: 10**12)
    tracemalloc.start()
    try:
        before = tracemalloc.get_traced_memory()[0]
        for number in range(200):
            history.add(request(f"{number}{content}"))
        taken = tracemalloc.get_traced_memory()[0] - before
    finally:
        tracemalloc.stop()
    assert taken / 2 < history.bytes < taken * 3  # dictionaries that Python uses again are not traced


def test_a_history_drops_its_oldest_beyond_its_bytes() -> None:
    """And says how many; the newest stays, however long it is."""
    history = History(lambda: 0, max_bytes=10_000)
    for _ in range(50):
        history.add(request("x" * 1_000))
    assert history.bytes <= 10_000
    assert (history.last, history.dropped) == (50, 50 - len(list(history.after())))
    history.add(request("x" * 20_000))
    assert [entry.seq for entry in history.after()] == [51]
    history.load((), 0)
    assert history.bytes == 0


def test_many_histories_share_a_budget() -> None:
    """The largest pays; one that leaves pays and counts no more."""
    budget, histories = SharedBudget(40_000), [History(lambda: 0) for _ in range(3)]
    for history in histories:
        budget.join(history)
    small: Event = CommandMoved("sn", "lot", 1)
    histories[0].add(small)
    for _ in range(100):
        histories[1].add(request("x" * 1_000))
    assert sum(history.bytes for history in histories) <= 40_000
    assert (histories[0].dropped, histories[1].dropped > 0) == (0, True)
    budget.leave(histories[1])
    for _ in range(40):
        histories[2].add(small)
    assert histories[2].dropped == 0
    assert histories[2].bytes == 40 * weigh(small)


def test_projects_share_the_memory_of_their_cloud() -> None:
    """Until they are removed from it."""
    cloud, project = Cloud(VirtualClock(NOON)), make_project()
    cloud.add(project)
    assert project.history.budget is not None
    cloud.remove(project)
    assert project.history.budget is None


@pytest.mark.parametrize(("changes", "length", "events"), [({}, 16_384, 3), ({"sign": "0" * 64}, 512, 1)])
def test_a_stranger_is_recorded_briefly(changes: dict[str, str], length: int, events: int) -> None:
    """A caller with a known client id and a wrong signature: the beginning of what it sent, and 50 of its entries."""
    api = Api(make_project()).connect()
    infos = [sync_info(0, NOON - 1_000 - place, NOON) for place in range(120)]
    body = json.dumps({"dataType": 0, "recordSyncInfos": infos}).encode()
    before = api.project.history.last
    api.send("POST", SYNC_PATH, body, api.signed_headers("POST", SYNC_PATH, body, **changes))
    happened = [entry.event for entry in api.project.history.after(before)]
    received = next(event for event in happened if isinstance(event, RequestReceived))
    assert received.body == body.decode()[:length]
    assert sum(event.kind == "sync.asked" for event in happened) == events
    assert len(body) > 10_000


def test_a_wide_character_does_not_make_a_body_four_times_as_large() -> None:
    """Python would take four bytes for each character of it."""
    for widest, most in (("é", 20_000), ("京", 20_000), (WIDE, 20_000)):
        assert getsizeof(masked_body(("x" * 16_000 + widest).encode())) < most
