"""The page about the wire is enough to write a consumer: its own one gets everything, whatever goes wrong."""

import contextlib
from collections.abc import Callable
from typing import Any

import jsonschema_rs
import pytest

from mock_server import ServedParking
from mock_server.carriers.access import AccessRefusedError
from mock_server.clock import VirtualClock
from mock_server.cloud import Cloud
from mock_server.faults.catalogue import FaultKind
from mock_server.web.queue import handshake_shapes
from mock_server.web.queue.handshake import read_handshake
from mock_server.wire.encryption import queue_password
from mock_server.wire.messages import CODES
from tests.pages import ROOT, File, steps
from tests.sdk.world import wait_until
from tests.support import ACCESS_ID, ACCESS_SECRET, NOON, make_project

Store = Callable[[str, str, dict[str, Any], int], None]
Consume = Callable[[dict[str, Any], Store, Callable[[], bool]], None]

TROUBLES = (
    FaultKind.SOCKET_CLOSE,
    FaultKind.MESSAGE_UNKNOWN_FIELDS,
    FaultKind.UPLINK_DUPLICATE,
    FaultKind.MESSAGE_UNKNOWN_EVENT,
)

MESSAGES = 6
"""A pass twice, its correction, another pass, a bill, and the result of a command."""


@pytest.fixture(name="consume", scope="module")
def consume_fixture() -> Consume:
    """The function of the page's consumer, as a reader copies it."""
    page = (ROOT / "docs" / "wire.md").read_text(encoding="utf-8")
    [text] = [step.text for step in steps(page) if isinstance(step, File)]
    names: dict[str, Any] = {}
    exec(text, names)  # noqa: S102 our own page
    consume: Consume = names["consume"]
    return consume


@pytest.mark.parametrize(
    "profile",
    [pytest.param(name, marks=pytest.mark.parking_mock(profile=name)) for name in ("default", "gcm", "empty-codes")],
)
def test_the_consumer_of_the_page_gets_everything(
    parking_server: ServedParking, consume: Consume, profile: str
) -> None:
    """Passes, bills, corrections and results of commands, in both encryptions, over lost connections, from damage."""
    lot, clock = parking_server.add_lot(), parking_server.clock
    for kind in TROUBLES:
        parking_server.add_fault(kind)
    parking_server.add_fault(FaultKind.MESSAGE_FLIP_BIT, record_id="corrected")
    first = lot.enter("京A12345", record_id="corrected")
    parking_server.run(lambda: None)  # the loop has published it
    published = max(clock.now_ms, first.created_time)
    wait_until(lambda: clock.now_ms > published, "a millisecond")  # or nothing would tell the newer version
    lot.enter("京A12346", record_id="corrected")
    lot.leave("京A12345")
    lot.bill("京A12345", paid_amount=500)
    sn = parking_server.run(lambda: parking_server.project.sync(lot.device_id, [])).sn
    told: list[tuple[str, str, str]] = []
    stored: dict[tuple[str, str, str], tuple[int, dict[str, Any]]] = {}

    def store(device_id: str, code: str, event: dict[str, Any], published_ms: int) -> None:
        key = device_id, code, event.get("recordId") or event["sn"]
        told.append(key)
        if key not in stored or stored[key][0] <= published_ms:
            stored[key] = published_ms, event

    kept = {(lot.device_id, CODES[each.data_type], each.record_id): each.plate_no for each in lot.records()}
    consume(parking_server.exports, store, lambda: len(told) == MESSAGES)
    assert stored.keys() == {*kept, (lot.device_id, "command_result", sn)}
    assert {key: event["plateNo"] for key, (_, event) in stored.items() if key in kept} == kept
    assert parking_server.faults_struck.keys() == {*TROUBLES, FaultKind.MESSAGE_FLIP_BIT}
    parking_server.wait_until_idle(timeout_s=60)


REFUSED = pytest.raises(AccessRefusedError)
QUERY = handshake_shapes.handshake_schemas()["HandshakeQuery"]


@pytest.mark.parametrize("name", QUERY["properties"])  # type: ignore[arg-type]  # a schema
@pytest.mark.parametrize(
    "value", ["Failover", "Exclusive", "Shared", -1, 0, 1, 999, 1000, 100_000, 100_001, 86_400_000, 86_400_001]
)
def test_the_schema_of_the_query_is_what_is_taken(name: str, value: str | int) -> None:
    """What the schema allows is taken, what it does not is refused."""
    cloud = Cloud(VirtualClock(NOON))
    cloud.add(make_project(clock=cloud.clock))
    headers = {"username": ACCESS_ID, "password": queue_password(ACCESS_ID, ACCESS_SECRET)}
    path = "/" + handshake_shapes.PATH.format(access_id=ACCESS_ID, topic="event", suffix="sub")
    taken = contextlib.nullcontext() if jsonschema_rs.is_valid(QUERY, {name: value}) else REFUSED
    with taken:
        read_handshake(path, f"{name}={value}", headers, cloud)
