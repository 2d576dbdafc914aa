"""One suite for both modes: what a parking does in process and what it does on a real server."""

import codecs
import io
import json
import threading
from array import array
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from functools import partial
from typing import Any

import pytest
import requests
from requests.adapters import HTTPAdapter, Retry

from mock_server.faults.catalogue import FaultKind
from mock_server.model import HOUR, MINUTE
from mock_server.testing.in_process import MockParking, mock_parking
from mock_server.testing.parking import Lot, Parking
from mock_server.testing.served import serve_project
from mock_server.web.server import ThreadedServer
from tests.mock_server.signed_client import SignedClient, sync_body, sync_path
from tests.support import LOT, NOON

pytestmark = pytest.mark.parking_mock(clock="virtual", now_ms=NOON)

AT = NOON - MINUTE


@pytest.fixture(params=["parking_mock", "parking_server"])
def parking(request: pytest.FixtureRequest) -> Parking:
    """A parking of either mode, made by the plugin."""
    made: Parking = request.getfixturevalue(request.param)
    return made


@pytest.fixture
def lot(parking: Parking) -> Lot:
    """An ordinary lot."""
    return parking.add_lot(LOT)


@pytest.fixture
def client(parking: Parking, lot: Lot) -> Iterator[SignedClient]:
    """A client that has a token."""
    with SignedClient(parking) as client:
        yield client.connect()


def drain(parking: Parking) -> list[str | None]:
    """The record ids of all that is due, acknowledged."""
    ids = []
    for message in parking.consume():
        ids.append(message.record_id)
        message.ack()
    return ids


# Lots and devices.


def test_a_lot_has_the_id_it_is_given_or_the_next_free_one(parking: Parking) -> None:
    """Device ids are the vendor's style when none is given; a name and a brand may be chosen."""
    given = parking.add_lot(LOT, device_name="East", supplier_code="jieshun", online=False)
    assert (given.device_id, parking.add_lot().device_id) == (LOT, "6ce0000000000002")
    devices: Any = parking.exports["devices"]
    shown = {"device_name": "East", "supplier_code": "jieshun", "kind": "lot", "online": False}
    assert devices[0] == {"device_id": LOT, **shown}


def test_a_lane_is_a_device_and_no_lot(parking: Parking) -> None:
    """A lane device keeps no records, and says so."""
    lane = parking.add_lane(device_name="Lane 1")
    devices: Any = parking.exports["devices"]
    assert (devices[0]["device_id"], devices[0]["kind"]) == (lane, "lane")
    with pytest.raises(ValueError, match="is a lane device"):
        parking.lot(lane).enter(at=AT)


@pytest.mark.parametrize(
    ("change", "words"), [({"device_id": LOT}, "is a device .* already"), ({"device_id": "a/b"}, "device_id")]
)
def test_a_lot_that_cannot_be_added(parking: Parking, lot: Lot, change: dict[str, Any], words: str) -> None:
    """A device id that is taken or that no path can carry is refused, and the message names it."""
    with pytest.raises(ValueError, match=words):
        parking.add_lot(**change)


def test_an_unknown_lot(parking: Parking, lot: Lot) -> None:
    """Whoever asks for a lot that is not there is told which are."""
    with pytest.raises(KeyError, match=f"no device nowhere .*there are: {LOT}"):
        parking.lot("nowhere")
    assert parking.lot(LOT).device_id == LOT


def test_lots_added_from_many_threads_have_ids_of_their_own(parking: Parking) -> None:
    """Adding a lot is one step: no two threads get the same id."""
    ids: list[str] = []
    threads = [threading.Thread(target=lambda: ids.append(parking.add_lot().device_id)) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(set(ids)) == 8


def test_off_line_and_on_line(parking: Parking, lot: Lot, client: SignedClient) -> None:
    """A lot that is off line refuses to sync until it is on line again."""
    lot.go_offline()
    assert client.sync(0)["code"] == 2001
    lot.go_online()
    assert client.sync(0)["success"]


# Records and their fates.


def test_what_a_lot_keeps(parking: Parking, lot: Lot) -> None:
    """enter, leave and bill keep a record each, with the fields of its kind."""
    entered = lot.enter("京A12345", at=AT, car_type=2, lane_device_id="lane")
    left = lot.leave("京A12345", at=AT + 1, record_id="out-1")
    paid = lot.bill("京A12345", at=AT + 2, paid_amount=500)
    assert [(int(each.data_type), each.pass_direction, each.event_time) for each in (entered, left, paid)] == [
        (0, 0, AT),
        (0, 1, AT + 1),
        (1, None, AT + 2),
    ]
    assert (entered.details, left.record_id, paid.details) == (
        {"lane_device_id": "lane", "car_type": 2},
        "out-1",
        {"paid_amount": 500},
    )
    assert lot.records() == parking.records == [entered, left, paid]
    assert (lot.records(1), lot.records(0)) == ([paid], [entered, left])


def test_a_lot_counts_its_window(parking: Parking, lot: Lot) -> None:
    """A lot counts each direction and its bills apart, and only its own."""
    lot.enter(at=AT)
    lot.enter(at=AT - HOUR)
    lot.leave(at=AT)
    lot.bill(at=AT)
    parking.add_lot().enter(at=AT)
    assert [lot.count(NOON - HOUR, NOON, direction) for direction in (0, 1, None)] == [1, 1, 1]
    assert lot.count(0, NOON) == 2


@pytest.mark.parametrize(
    ("uplink", "published"),
    [("deliver", 1), ("lose", 0), ("duplicate", 2), (None, 1), (5 * MINUTE, 0), ({"delay_ms": 1}, 0)],
)
@pytest.mark.parametrize("act", ["enter", "leave", "bill"])
def test_the_fate_of_a_record(parking: Parking, lot: Lot, act: str, uplink: Any, published: int) -> None:
    """The lot keeps every record; how often its message is on the queue now is the uplink's doing."""
    record = getattr(lot, act)("京A12345", at=AT, uplink=uplink)
    assert drain(parking) == [record.record_id] * published
    assert lot.records() == [record]


@pytest.mark.parametrize("uplink", ["loose", {"delay": 5}, -1, True, 1.5])
def test_no_such_fate(lot: Lot, uplink: Any) -> None:
    """A fate that there is not is refused, and nothing is kept."""
    with pytest.raises(ValueError, match="uplink"):
        lot.enter(at=AT, uplink=uplink)
    assert lot.records() == []


def test_a_delayed_message_comes_when_it_is_due(parking: Parking, lot: Lot) -> None:
    """A delayed record is a timer on the project's clock."""
    record = lot.enter(at=AT, uplink=5 * MINUTE)
    parking.clock.advance(5 * MINUTE - 1)
    assert (drain(parking), parking.idle.timers) == ([], 1)
    parking.clock.advance(1)
    assert (drain(parking), parking.idle.idle) == ([record.record_id], True)


@pytest.mark.parametrize(
    "at", [AT, datetime.fromtimestamp(AT / 1000, UTC), datetime.fromtimestamp(AT / 1000, UTC).astimezone()]
)
def test_when(lot: Lot, at: int | datetime) -> None:
    """A time is epoch milliseconds or a datetime with a zone, whichever zone."""
    assert lot.enter(at=at).event_time == AT


def test_now_by_default(lot: Lot) -> None:
    """Without a time it happens now, on the project's clock."""
    assert lot.bill().event_time == NOON


def test_milliseconds_of_a_datetime_are_exact(lot: Lot) -> None:
    """No millisecond is lost on the way through a float."""
    at = datetime(2022, 5, 17, 11, tzinfo=UTC)
    times = [lot.enter(at=at + timedelta(milliseconds=each)).event_time for each in range(200)]
    assert times == [NOON - HOUR + each for each in range(200)]


def test_a_naive_datetime_is_refused(lot: Lot) -> None:
    """Nobody knows when a datetime without a zone is."""
    with pytest.raises(ValueError, match="time zone"):
        lot.enter(at=datetime(2022, 5, 17, 12))  # noqa: DTZ001 that is what is refused


@pytest.mark.parametrize(
    ("wrong", "words"),
    [
        ({"event_time": AT}, "at says when"),
        ({"data_type": 1}, "says what it is"),
        ({"at": AT / 7}, "event_time must be an integer, not a fraction"),
        ({"at": "noon"}, "event_time must be an integer, not a string"),
        ({"paid_amount": 5}, "paid_amount is not known"),
        ({"record_id": ""}, "record_id must have 1 to 64 characters"),
        ({"plate_no": "x" * 33}, "plate_no must have"),
    ],
)
def test_a_record_that_cannot_be(lot: Lot, wrong: dict[str, Any], words: str) -> None:
    """What is wrong with a record is said in a ValueError, and nothing is kept."""
    with pytest.raises(ValueError, match=words):
        lot.enter(**wrong)
    assert lot.records() == []


def test_a_record_is_deleted(parking: Parking, lot: Lot) -> None:
    """A deleted record no longer counts, and nobody is told."""
    record = lot.enter(at=AT, uplink="lose")
    lot.delete(record)
    assert (lot.records(), lot.count(NOON - HOUR, NOON), drain(parking)) == ([], 0, [])


# The API.


def test_equal_counts_are_silent(parking: Parking, lot: Lot, client: SignedClient) -> None:
    """A count that is right brings nothing back."""
    lot.enter(at=AT)
    assert client.sync(1)["success"]
    assert parking.rereports == []
    parking.assert_no_rereport()


@pytest.mark.parametrize(("act", "direction"), [("enter", 0), ("leave", 1), ("bill", None)])
def test_unequal_counts_bring_the_records_back(
    parking: Parking, lot: Lot, client: SignedClient, act: str, direction: int | None
) -> None:
    """A count that is wrong brings the cell's records again, and the re-report tells which and why."""
    record = getattr(lot, act)("京A12345", at=AT, uplink="lose")
    sn = client.sync(0, direction=direction)["result"]["sn"]
    (rereport,) = parking.rereports
    assert rereport.records == [record]
    assert (rereport.sn, rereport.claimed, rereport.counted) == (sn, 0, 1)
    cell = rereport.cell
    assert (cell.pass_direction, cell.start_time, cell.end_time) == (direction, NOON - HOUR, NOON)
    assert record.record_id in drain(parking)


def test_requests_are_decoded(parking: Parking, client: SignedClient) -> None:
    """What the client sent: method, path, query, headers, body as a value, and what it was told. No credential."""
    client.sync(0)
    client.call("GET", "/v1.0/expand/devices?page_no=1&page_size=5")
    client.call("GET", "/nowhere")
    token, sync, devices, wrong = parking.requests
    assert (token.method, token.path, token.query, token.body) == ("GET", "/v1.0/token", "grant_type=1", None)
    assert (sync.method, sync.path, sync.body, sync.code) == ("POST", sync_path(), sync_body(0), None)
    assert (devices.query, devices.sent, wrong.code) == ("page_no=1&page_size=5", "whole", 1108)
    assert sync.headers["client_id"] == parking.access_id
    assert client.token not in str(parking.requests)


def test_a_body_that_is_no_json_is_shown_as_it_is(parking: Parking, client: SignedClient) -> None:
    """A body that cannot be decoded stays text."""
    headers = client.headers("POST", sync_path(), b"{oops") | {"Content-Type": "application/json"}
    client.session.post(client.api + sync_path(), data=b"{oops", headers=headers, timeout=60)
    assert (parking.requests[-1].body, parking.requests[-1].code) == ("{oops", 1109)


def test_bodies_of_any_kind_arrive(parking: Parking, client: SignedClient) -> None:
    """Whatever `requests` takes for a body is read: text, bytes, parts, a file."""
    raw = json.dumps(sync_body(0)).encode()
    headers = client.headers("POST", sync_path(), raw)
    bodies: list[Any] = [raw, raw.decode(), bytearray(raw), iter([raw[:9], raw[9:]]), io.BytesIO(raw)]
    bodies += [memoryview(raw), array("B", raw), (part for part in [raw[:9], b"", raw[9:]]), io.StringIO(raw.decode())]
    for body in bodies:
        answer = client.session.post(client.api + sync_path(), data=body, headers=headers, timeout=60)
        assert answer.json()["success"], type(body)


@pytest.mark.parametrize(
    "damage",
    [
        lambda raw: codecs.BOM_UTF8 + raw,
        lambda raw: raw.replace(b"dataType", b"data\x00Type"),
        lambda raw: b"\x00" + raw,
        lambda raw: raw.decode().encode("utf-16"),
        lambda raw: raw + b"\x00",
    ],
    ids=["byte order mark", "null inside", "null before", "UTF-16", "null behind"],
)
def test_signs_that_json_has_not(parking: Parking, client: SignedClient, damage: Callable[[bytes], bytes]) -> None:
    """A byte order mark or a null makes a body no JSON: 1109 in an envelope (our choice), never an exception."""
    raw = damage(json.dumps(sync_body(0)).encode())
    headers = client.headers("POST", sync_path(), raw)
    answer = client.session.post(client.api + sync_path(), data=raw, headers=headers, timeout=60)
    assert (answer.status_code, answer.json()["code"]) == (200, 1109)
    assert parking.requests[-1].code == 1109


def retrying(client: SignedClient, retry: Retry) -> None:
    """Let a client's session retry."""
    for scheme in ("http://", "https://"):
        client.session.mount(scheme, HTTPAdapter(max_retries=retry))


TOKEN = "/v1.0/token?grant_type=1"
ANY_METHOD = None
"""What urllib3's Retry takes for `allowed_methods` to mean each of them."""


def test_lost_answers_are_asked_for_again(parking: Parking, client: SignedClient) -> None:
    """A mounted adapter's retries are urllib3's own: each of them is a call, and the last one gets the answer."""
    retrying(client, Retry(3, backoff_factor=0, allowed_methods=ANY_METHOD))
    parking.add_fault(FaultKind.ANSWER_LOSE, times=2, path="/v1.0/token")
    response = client.send("GET", TOKEN)
    assert response.json()["success"]
    retries: Any = response.raw.retries
    assert [each.error is not None for each in retries.history] == [True, True]
    assert [each.sent for each in parking.requests[-3:]] == ["not", "not", "whole"]


@pytest.mark.parametrize(
    "retry",
    [
        Retry(0, read=False),
        Retry(3, read=0, allowed_methods=ANY_METHOD),
        Retry(3, backoff_factor=0, allowed_methods=["PUT"]),
        Retry(2, backoff_factor=0, allowed_methods=ANY_METHOD),
    ],
    ids=["requests' own", "no reads", "other methods", "not enough"],
)
def test_lost_answers_beyond_the_retries(parking: Parking, client: SignedClient, retry: Retry) -> None:
    """Where the retries are at an end, or are not for this, the client gets requests' ConnectionError."""
    retrying(client, retry)
    parking.add_fault(FaultKind.ANSWER_LOSE, times=9, path="/v1.0/token")
    before = len(parking.requests)
    with pytest.raises(requests.ConnectionError):
        client.send("GET", TOKEN)
    assert len(parking.requests) - before == (3 if retry.total == 2 else 1)


def test_late_answers_are_asked_for_again(parking_mock: MockParking) -> None:
    """So are answers beyond the client's time-out; in process only the virtual clock has waited."""
    with SignedClient(parking_mock) as client:
        retrying(client, Retry(3, backoff_factor=0, allowed_methods=ANY_METHOD))
        parking_mock.add_fault(FaultKind.ANSWER_LATE, times=2, delay_ms=3_000, path="/v1.0/token")
        response = client.send("GET", TOKEN, timeout=(5, 1))
        assert response.json()["success"]
        retries: Any = response.raw.retries
        assert len(retries.history) == 2
        assert parking_mock.clock.now_ms == NOON + 2_000


def test_a_body_over_the_limit_is_refused(parking: Parking, client: SignedClient) -> None:
    """More than a megabyte is refused in the vendor's words, in either mode."""
    answer = client.call("POST", sync_path(), {"pad": "x" * 1_100_000})
    assert (answer["code"], "over 1048576 bytes" in answer["msg"]) == (1109, True)


@pytest.mark.parametrize("method", ["HEAD", "OPTIONS", "TRACE", "PATCH"])
def test_odd_methods_are_answered(parking: Parking, client: SignedClient, method: str) -> None:
    """Every method gets HTTP 200, HEAD without a body."""
    response = client.send(method, "/v1.0/token?grant_type=1")
    code = None if method == "HEAD" else response.json()["code"]
    assert (response.status_code, code) == (200, None if method == "HEAD" else 1108)


def test_history_is_the_lab_apis(parking: Parking, lot: Lot, client: SignedClient) -> None:
    """The history is a list of objects with seq, time and kind; numbers have no gaps."""
    client.sync(1)
    history = parking.history
    assert [each["seq"] for each in history] == list(range(1, len(history) + 1))
    assert {"device", "request", "answer", "count.compared", "rereport"} <= {each["kind"] for each in history}


# Faults, chaos, tokens.


def test_a_directed_fault(parking: Parking, client: SignedClient) -> None:
    """A fault strikes as often as it should, where it should, and is counted."""
    fault = parking.add_fault(FaultKind.ANSWER_BUSY, code=1110, times=2, path=sync_path())
    codes = [client.sync(0).get("code") for _ in range(3)]
    assert (codes, parking.faults_struck, fault.times) == ([1110, 1110, None], {FaultKind.ANSWER_BUSY: 2}, 2)


@pytest.mark.parametrize(
    "wrong", [{"kind": "answer.bussy"}, {"kind": "answer.busy", "time": 2}, {"kind": "answer.busy", "times": 0}]
)
def test_no_such_fault(parking: Parking, wrong: dict[str, Any]) -> None:
    """A fault that there is not is refused, and the message names what there is."""
    with pytest.raises(ValueError, match=r"must be one of uplink\.lose|is not known|must be from 1"):
        parking.add_fault(**wrong)


def test_a_lost_answer_is_a_broken_connection(parking: Parking, client: SignedClient) -> None:
    """answer.lose: the call is carried out, and the client gets a ConnectionError."""
    parking.add_fault(FaultKind.ANSWER_LOSE)
    with pytest.raises(requests.ConnectionError):
        client.sync(1)
    assert (len(parking.rereports), parking.requests[-1].sent) == (1, "not")


def test_chaos_and_calm(parking: Parking, lot: Lot) -> None:
    """Chaos strikes at random from a seed, calm ends it and forgets directed faults."""
    parking.set_chaos("rough", seed=1, budget=5)
    parking.add_fault(FaultKind.UPLINK_LOSE, skip=1000)
    for _ in range(200):
        lot.enter(at=AT)
    struck = parking.faults_struck
    assert sum(struck.values()) == 5
    parking.calm()
    for _ in range(1200):
        lot.enter(at=AT)
    assert parking.faults_struck == struck


def test_no_such_chaos(parking: Parking) -> None:
    """A preset that there is not is refused, and the message names those there are."""
    with pytest.raises(ValueError, match="must be one of off, gentle, default, rough, not 'wild'"):
        parking.set_chaos("wild")


def test_a_token_that_dies(parking: Parking, client: SignedClient) -> None:
    """A token that has died gets 1010; the next one works."""
    parking.expire_token()
    assert client.sync(0)["code"] == 1010
    assert client.connect().sync(0)["success"]


# The clock.


def test_a_virtual_clock_is_moved_by_hand(parking: Parking) -> None:
    """It stands still, goes forward by an amount or to a time, and never back."""
    parking.clock.advance(5)
    parking.clock.advance_to(NOON + 10)
    parking.clock.advance_to(datetime.fromtimestamp(NOON / 1000 + 1, UTC))
    assert parking.clock.now_ms == NOON + 1000
    with pytest.raises(ValueError, match="time does not go back"):
        parking.clock.advance_to(NOON)


@pytest.mark.parking_mock(clock="system", now_ms=None)
def test_the_systems_clock_is_not(parking: Parking) -> None:
    """Only a virtual clock can be moved."""
    with pytest.raises(TypeError, match='clock="virtual"'):
        parking.clock.advance(1)


# The queue.


def test_messages_are_decrypted(parking: Parking, lot: Lot) -> None:
    """A message tells its code, its value, the whole report, and how often it has come before."""
    lot.bill("京A12345", at=AT, record_id="b-1", paid_amount=500)
    (message,) = parking.consume()
    assert (message.code, message.record_id, message.redelivery_count) == ("temporary_parking_bill", "b-1", 0)
    assert message.value == {"recordId": "b-1", "plateNo": "京A12345", "payTime": AT, "paidAmount": 500}
    assert (message.report["devId"], bool(message.message_id)) == (LOT, True)


def test_the_result_of_a_command_has_no_record(parking: Parking, client: SignedClient) -> None:
    """A command's result is a message too; it is about no record."""
    sn = client.sync(0)["result"]["sn"]
    parking.clock.advance(MINUTE)
    (message,) = parking.consume()
    assert (message.code, message.record_id, message.value["sn"]) == ("command_result", None, sn)


def test_acknowledged_messages_do_not_come_again(parking: Parking, lot: Lot) -> None:
    """What is not acknowledged comes again, in its place, with a higher redelivery count."""
    ids = [lot.enter(at=AT + each).record_id for each in range(3)]
    for message in parking.consume():
        if message.record_id == ids[1]:
            message.ack()
    again = [(each.record_id, each.redelivery_count) for each in parking.consume()]
    assert again == [(ids[0], 1), (ids[2], 1)]


def test_acknowledging_late_or_twice(parking: Parking, lot: Lot) -> None:
    """A message may be acknowledged after the loop, and twice."""
    lot.enter(at=AT)
    (message,) = parking.consume()
    message.ack()
    message.ack()
    assert (list(parking.consume()), parking.idle.messages) == ([], 0)


def test_a_limit_takes_no_more_than_it_says(parking: Parking, lot: Lot) -> None:
    """Messages behind the limit stay on the queue as if nobody had looked: they were never delivered."""
    ids = [lot.enter(at=AT + each).record_id for each in range(3)]
    first = parking.consume(limit=1)
    message = next(first)
    message.ack()
    assert next(first, None) is None
    assert [(each.record_id, each.redelivery_count) for each in parking.consume()] == [(ids[1], 0), (ids[2], 0)]
    assert list(parking.consume(limit=0)) == []


def test_leaving_the_loop_early(parking: Parking, lot: Lot) -> None:
    """After a break the rest waits, and the next consumer gets it."""
    ids = [lot.enter(at=AT + each).record_id for each in range(3)]
    for message in parking.consume():
        message.ack()
        break
    assert drain(parking) == ids[1:]


def test_many_messages_held_at_once(parking: Parking, lot: Lot) -> None:
    """However many are not acknowledged, consume() ends only when none is due."""
    parking.run(lambda: [parking.keep(LOT, {"data_type": 1, "event_time": AT}) for _ in range(1100)])
    held = list(parking.consume())
    assert len({message.record_id for message in held}) == 1100
    for message in held:
        message.ack()
    assert parking.idle.idle


def test_what_happens_while_consuming_comes_too(parking: Parking, lot: Lot) -> None:
    """A message that is published inside of the loop is part of it."""
    lot.enter(at=AT, record_id="a")
    seen = []
    for message in parking.consume():
        message.ack()
        seen.append(message.record_id)
        if message.record_id == "a":
            lot.enter(at=AT, record_id="b")
    assert seen == ["a", "b"]


def test_idle(parking: Parking, lot: Lot) -> None:
    """Idle is a fact: no message that is not acknowledged, no timer."""
    assert (parking.idle.idle, parking.wait_until_idle()) == (True, True)
    lot.enter(at=AT)
    lot.enter(at=AT, uplink=MINUTE)
    assert (parking.idle.messages, parking.idle.timers, parking.idle.idle) == (1, 1, False)
    with pytest.raises(AssertionError, match="not idle"):
        parking.wait_until_idle(timeout_s=0)


def test_reset(parking: Parking, client: SignedClient, lot: Lot) -> None:
    """A reset forgets records, messages, requests and what was added; a lot of before says so."""
    lot.enter(at=AT)
    parking.reset()
    assert (parking.records, parking.requests, parking.exports["devices"], drain(parking)) == ([], [], [], [])
    with pytest.raises(KeyError, match="a reset or a restart forgets it"):
        lot.enter(at=AT)
    with pytest.raises(KeyError, match="a reset or a restart forgets it"):
        lot.go_offline()


@pytest.mark.parking_mock(devices=[{"device_id": LOT}])
def test_a_reset_goes_back_to_the_devices_it_began_with(parking: Parking) -> None:
    """Devices of the settings come back."""
    parking.add_lot()
    parking.reset()
    devices: Any = parking.exports["devices"]
    assert [each["device_id"] for each in devices] == [LOT]


# Assertions that explain themselves.


@dataclass
class Stored:
    """A record as some client keeps it."""

    record_id: str


def test_converged(parking: Parking, lot: Lot) -> None:
    """A client's records may be texts, mappings or objects; of one lot or of all."""
    ids = [lot.enter(at=AT).record_id, lot.bill(at=AT).record_id]
    other = parking.add_lot().enter(at=AT).record_id
    parking.assert_converged([Stored(ids[0]), {"recordId": ids[1]}, other])
    parking.assert_converged([{"record_id": ids[0]}, ids[1]], lot)
    with pytest.raises(TypeError, match="no record_id in int"):
        parking.assert_converged([7])


def test_the_same_record_id_in_two_lots_is_two_records(parking: Parking, lot: Lot) -> None:
    """A record id belongs to its lot: a client that has both has nothing twice."""
    lot.enter(at=AT, record_id="same")
    parking.add_lot().enter(at=AT, record_id="same")
    parking.assert_converged(["same", "same"])
    with pytest.raises(AssertionError, match="missing  same"):
        parking.assert_converged(["same"])


def failure_of(check: Callable[[], object]) -> list[str]:
    """The lines with which an assertion fails."""
    with pytest.raises(AssertionError) as failed:
        check()
    return str(failed.value).split("\n  ")


def test_not_converged_says_why(parking: Parking, lot: Lot) -> None:
    """Each record that differs is named, with the likely reason."""
    lot.enter(at=AT, record_id="acked")
    lot.enter(at=AT, record_id="seen")
    next(parking.consume()).ack()
    list(parking.consume(limit=1))
    lot.enter(at=AT, record_id="lost", uplink="lose")
    lot.enter(at=AT, record_id="late", uplink=MINUTE)
    lot.enter(at=AT, record_id="twice", uplink="duplicate")
    lot.delete(lot.enter(at=AT, record_id="gone"))
    lines = failure_of(lambda: parking.assert_converged(["twice", "twice", "gone", "made-up"]))
    assert lines == [
        "not converged: the client has 4 records, the lot 5",
        "missing  acked: acknowledged by the client: stored and forgotten, or never stored",
        "missing  late: on its way",
        "missing  lost: lost on the way (uplink); no sync has asked for it again",
        "missing  seen: delivered 1 x and never acknowledged",
        "extra    gone: deleted at the lot",
        "extra    made-up: no lot ever had it",
        "doubled  twice, 2 x: published 2 x under one record id: count record ids, not messages",
    ]


def test_not_converged_with_one_lot(parking: Parking, lot: Lot) -> None:
    """A record of another lot is extra; one that nobody consumes is on the queue."""
    lot.enter(at=AT, record_id="here")
    parking.add_lot().enter(at=AT, record_id="there")
    assert failure_of(lambda: parking.assert_converged(["there"], lot))[1:] == [
        "missing  here: on the queue, not delivered yet: nobody consumes",
        "extra    there: of another lot or kind",
    ]


def test_lost_again(parking: Parking, lot: Lot, client: SignedClient) -> None:
    """A record that was lost from its re-report too is said to be."""
    lot.enter(at=AT, record_id="lost", uplink="lose")
    parking.add_fault(FaultKind.REREPORT_LOSE)
    client.sync(0)
    assert failure_of(lambda: parking.assert_converged([]))[1] == (
        "missing  lost: lost on the way (uplink, rereport.lose); lost again when it was re-reported"
    )


@pytest.mark.parametrize(
    ("claimed", "why"), [(0, "lost, not stored yet, or not counted"), (5, "counted twice, of another")]
)
def test_a_rereport_that_should_not_be(
    parking: Parking, lot: Lot, client: SignedClient, claimed: int, why: str
) -> None:
    """assert_no_rereport names the cell, both counts and the likely reason."""
    lot.enter(at=AT)
    client.sync(claimed)
    head, line = failure_of(parking.assert_no_rereport)
    assert head == "1 re-report that should not be"
    assert line.startswith(f"lot {LOT}, passes, enter, 2022-05-17 11:00:00")
    assert f"claimed {claimed}, the lot has 1: {why}" in line
    parking.assert_no_rereport(after=1)


def test_no_rereport_came(parking: Parking, client: SignedClient) -> None:
    """wait_for_rereport tells the story when none comes."""
    client.sync(0)
    head, *story = failure_of(partial(parking.wait_for_rereport, timeout_s=0))
    assert head == "no re-report came"
    assert any("claimed 0, equal" in line for line in story)


def test_a_rereport_that_another_thread_brings(parking: Parking, client: SignedClient) -> None:
    """wait_for_rereport waits for the sync of a client that runs in a thread of its own."""
    client.sync(1)
    waiting = threading.Event()

    def sync() -> None:
        waiting.wait(20)
        client.sync(2)

    thread = threading.Thread(target=sync)
    thread.start()
    assert parking.wait_for_rereport().claimed == 1
    waiting.set()
    assert parking.wait_for_rereport(after=1, timeout_s=60).claimed == 2
    thread.join()


@pytest.mark.parking_mock(clock="system", now_ms=None)
def test_the_systems_clock_is_waited_for(parking: Parking) -> None:
    """What a timer of the system's clock brings is waited for, in process too."""
    record = parking.add_lot().enter(uplink=30)
    before = len(parking.entries())
    parking.wait_until(lambda: parking.project.history.last > before, 20)
    assert drain(parking) == [record.record_id]
    assert parking.wait_until_idle()


def test_the_story(parking: Parking, lot: Lot, client: SignedClient) -> None:
    """At most ten things in lines that fit on a screen: a summary, what was lost, the last calls with their outcome."""
    for number in range(30):
        lot.enter("京A12345", at=AT, record_id=f"r\n{number}", uplink="lose")
    client.sync(0)
    client.call("GET", "/" + "x" * 900)
    lines = parking.story()
    assert len([line for line in lines if not line.startswith(" ")]) <= 10
    assert lines[0] == "30 records at the lots, 30 lost on the way at least once, 30 not acknowledged"
    assert lines[3] == "lost   r?29 京A***5 (uplink)"
    assert max(map(len, lines)) <= 160
    assert lines[-1].endswith("... -> 1108 uri path invalid")
    assert "京A12345" not in "\n".join(lines)


def test_a_fault_does_not_show_a_refresh_token(parking: Parking, client: SignedClient) -> None:
    """Neither history nor story show the refresh token of a call that a fault struck."""
    refresh = client.call("GET", "/v1.0/token?grant_type=1")["result"]["refresh_token"]
    parking.add_fault(FaultKind.ANSWER_BUSY, path="/v1.0/token")
    assert client.call("GET", f"/v1.0/token/{refresh}")["code"] == 1111
    told = json.dumps(parking.history) + "\n".join(parking.story())
    assert (refresh in told, client.token in told, parking.access_secret in told) == (False, False, False)


# Both modes together.


def script(parking: Parking) -> str:
    """A day with everything in it; the answer is its history, without what belongs to the mode or the client."""
    lot = parking.add_lot(LOT)
    parking.set_chaos("rough", seed=3)
    for number in range(40):
        lot.enter("京A12345", at=AT + number, uplink=(None, "lose", "duplicate", 5)[number % 4])
    lot.bill(at=AT, paid_amount=100)
    parking.calm()
    parking.add_fault(FaultKind.REREPORT_SHUFFLE)
    with SignedClient(parking) as client:
        client.connect()
        for claimed in (0, 40):
            client.sync(claimed)
        parking.expire_token()
        client.sync(1)
        client.connect().sync(1, direction=None)
    drain(parking)
    parking.clock.advance(2 * HOUR)
    drain(parking)
    parking.assert_converged(each.record_id for each in parking.records)
    entries = [each | {"headers": None} for each in parking.history]
    return "\n".join(json.dumps(each) for each in entries).replace(parking.access_id, "ACCESS_ID")


def test_the_same_script_gives_the_same_history_in_both_modes(parking_session_server: ThreadedServer) -> None:
    """Settings, seed and calls make the history, not the mode: but for addresses, access ids and headers."""
    settings: dict[str, Any] = {"clock": "virtual", "now_ms": NOON, "seed": 7, "profile": "slow-rereport"}
    modes: list[AbstractContextManager[Parking]] = [
        mock_parking(**settings),
        mock_parking(**settings),
        serve_project(parking_session_server, **settings),
    ]
    histories = []
    for mode in modes:
        with mode as parking:
            histories.append(script(parking))
    assert histories[0].count("\n") > 200
    assert histories[0] == histories[1] == histories[2]
