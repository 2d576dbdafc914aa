"""The lines that `serve` prints for the calls it gets."""

import pytest

from mock_server.call_log import CallLog
from mock_server.clock import VirtualClock
from mock_server.cloud import Cloud
from mock_server.faults.catalogue import FaultKind
from mock_server.faults.faults import Fault
from mock_server.history.events import ConsumerRefused
from mock_server.model import HOUR
from tests.support import JIESHUN_LOT, LOT, NOON, Api, keep_passes, make_project, sync_info


@pytest.fixture
def lines() -> list[str]:
    """What was written."""
    return []


@pytest.fixture
def api(lines: list[str]) -> Api:
    """A client of a project whose calls are logged."""
    api = Api(make_project()).connect()
    cloud = Cloud(VirtualClock(NOON))
    cloud.add(api.project)
    CallLog(cloud, lines.append)
    return api


def test_a_call_is_one_line(api: Api, lines: list[str]) -> None:
    """With its device, what the lot found, and what is re-reported."""
    keep_passes(api.project, NOON - 1, NOON - 2)
    api.sync(sync_info(0, NOON - HOUR, NOON), sync_info(2, NOON - HOUR, NOON))
    api.sync(sync_info(0), device_id=JIESHUN_LOT)
    window = "passes, enter, 2022-05-17 11:00:00.000 - 12:00:00.000"
    first, second = lines
    assert first == (
        f"12:00:00.000 POST /v1.0/parking-control/{LOT}/records/sync -> success, sn 1350000000000001; "
        f"{window}: claimed 0, lot has 2, mismatch; {window}: claimed 2, lot has 2, equal; re-reports 2"
    )
    assert second.endswith(f"{JIESHUN_LOT}/records/sync -> 2003 function not support")


def test_many_cells_are_summed_up(api: Api, lines: list[str]) -> None:
    """A call with hundreds of them is one line too."""
    api.sync(*[sync_info(0, NOON - HOUR - place, NOON) for place in range(10)])
    assert lines[0].endswith("; and 7 more cells")
    assert lines[0].count("claimed") == 3


def test_what_a_fault_did_is_said(api: Api, lines: list[str]) -> None:
    """A refusal by a fault can be told from one that the client deserves."""
    api.project.arm(Fault(FaultKind.ANSWER_BUSY, 1110))
    api.sync(sync_info(0))
    assert lines[0].endswith("; fault answer.busy")


def test_a_refused_consumer_is_a_line(api: Api, lines: list[str]) -> None:
    """With its carrier, its library and the reason, none of which can steer a terminal."""
    api.project.history.add(ConsumerRefused("native", "Pulsar\x1b Go", "busy", "there is another"))
    assert lines == ["12:00:00.000 native Pulsar? Go may not consume: there is another"]


def test_nothing_in_a_line_steers_a_terminal(api: Api, lines: list[str]) -> None:
    """Nor are secrets in it; after a reset it goes on."""
    api.send("GET", "/v1.0/%1b[2J\u202e?access_token=secret", headers=api.signed_headers("GET", "/v1.0/x"))
    api.project.reset()
    api.send("GET", "/v1.0/x", headers=api.signed_headers("GET", "/v1.0/x"))
    assert len(lines) == 2
    assert all(line.isprintable() for line in lines)
    assert "secret" not in lines[0]
