import base64
import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from msgspec import structs

from contracts.clients.messages import decrypt
from mock_server.model import (
    Command,
    CommandResult,
    JsonObject,
    JsonScalar,
    Message,
    ProcessStatus,
    Record,
    UnknownEvent,
)
from mock_server.profile import Profile
from mock_server.wire.encryption import Encryption, message_sign
from mock_server.wire.messages import DATA_POINTS, command_record, frame, outer_json, status_report, status_text
from mock_server.wire.record_time import RecordTime
from tests.strategies import new_bill, new_pass
from tests.support import ACCESS_SECRET, LOT, NOON

PASS = new_pass("r1", NOON - 5).keep_as("r1", NOON)
BILL = new_bill("b1", NOON - 7).keep_as("b1", NOON)


def message(subject: Record | CommandResult | UnknownEvent) -> Message:
    """A publication of a subject."""
    return Message("bWVzc2FnZQ==", "assist_1", NOON, subject, "uplink")


def reported(subject: Record | CommandResult) -> tuple[str, dict[str, Any]]:
    """The code and the inner fields of a report, which must have the legacy shape."""
    report: Any = status_report(message(subject), "key")
    assert {**report, "status": []} == {"dataId": "assist_1", "devId": LOT, "productKey": "key", "status": []}
    [status] = report["status"]
    assert status["t"] == NOON
    [point] = status.keys() - {"code", "t", "value"}
    assert (point, status[point]) == (str(DATA_POINTS[status["code"]]), status["value"])
    return status["code"], json.loads(status["value"])


@pytest.mark.parametrize("subject", [PASS, BILL])
def test_a_code_may_be_empty(subject: Record) -> None:
    """Then the number of the data point alone says what the status is; its text is the value all the same."""
    named: Any = status_report(message(subject), "key")["status"]
    empty: Any = status_report(message(subject), "key", Profile(status_code="empty"))["status"]
    assert empty == [named[0] | {"code": ""}]


def test_a_pass() -> None:
    """The fields that every pass has; no field that nobody gave."""
    assert reported(PASS) == (
        "vehicle_pass_record",
        {"recordId": "r1", "plateNo": "京A12345", "passDirection": 0, "passTime": NOON - 5},
    )


def test_a_pass_with_everything() -> None:
    """Lab names become camel case."""
    details: dict[str, JsonScalar] = {"lane_device_id": "lane", "car_type": 0, "image_url": "http://x"}
    _, value = reported(structs.replace(PASS, details=details))
    assert value.items() >= {"laneDeviceId": "lane", "carType": 0, "imageUrl": "http://x"}.items()


@pytest.mark.parametrize(
    ("form", "written"),
    [
        ("s", {"payTime": 1_652_788_800, "enterTime": 0}),
        ("text", {"payTime": "2022-05-17 20:00:00", "enterTime": "1970-01-01 08:00:00"}),
        ("iso", {"payTime": "2022-05-17T20:00:00.007+08:00", "enterTime": "1970-01-01T08:00:00.005+08:00"}),
    ],
)
def test_times_in_another_form(form: RecordTime, written: JsonObject) -> None:
    """Every time of a record is written in the one form that the lot has; what is no time stays."""
    bill = structs.replace(BILL, event_time=NOON + 7, details={"enter_time": 5, "paid_amount": 5})
    report: Any = status_report(message(bill), "key", Profile(record_time=form))
    value = json.loads(report["status"][0]["value"])
    assert value == {"recordId": "b1", "plateNo": "京A12345", "paidAmount": 5, **written}


def test_a_bill() -> None:
    """Belongs to its payment time; zero fees are told."""
    assert reported(BILL) == (
        "temporary_parking_bill",
        {"recordId": "b1", "plateNo": "京A12345", "payTime": NOON - 7},
    )
    details: dict[str, JsonScalar] = {
        "order_no": "o",
        "enter_time": 1,
        "leave_time": 2,
        "payable_amount": 0,
        "paid_amount": 0,
        "pay_method": 3,
    }
    _, value = reported(structs.replace(BILL, plate_no="", details=details))
    assert value == {
        "recordId": "b1",
        "plateNo": "",
        "payTime": NOON - 7,
        "orderNo": "o",
        "enterTime": 1,
        "leaveTime": 2,
        "payableAmount": 0,
        "paidAmount": 0,
        "payMethod": 3,
    }


@pytest.mark.parametrize("status", list(ProcessStatus))
def test_a_command_is_told_alike_by_the_queue_and_by_the_api(status: ProcessStatus) -> None:
    """The same fields, in camel case on the queue and in snake case in the API."""
    code, value = reported(CommandResult("135", LOT, NOON, status))
    record = command_record(Command("135", LOT, NOON, status))
    assert code == "command_result"
    assert value == {
        "sn": "135",
        "deviceId": LOT,
        "happenTime": NOON,
        "processStatus": int(status),
        "message": record["message"],
    }
    assert set(record) == {"sn", "happen_time", "message", "device_id", "process_status"}
    assert (record["process_status"], record["happen_time"]) == (int(status), NOON)


def test_the_documented_text_of_a_sent_command() -> None:
    """The one text that the vendor's page shows."""
    assert command_record(Command("135", LOT, NOON, ProcessStatus.SENT))["message"] == "The command is sent"


TEXTS = st.text(st.characters(codec=None), max_size=20)


@given(text=TEXTS, device_id=TEXTS, unknown_fields=st.booleans(), form=st.sampled_from(("ms", "text")))
def test_what_is_written_out_is_as_the_encoder_of_json_writes_it(
    text: str, device_id: str, *, unknown_fields: bool, form: RecordTime
) -> None:
    """Report, payload and frame, character for character: with any text in them, unknown fields and a leap second."""
    record = structs.replace(PASS, device_id=device_id, plate_no=text, details={"car_type": 0, "image_url": text})
    profile = Profile(record_time=form)
    report = status_text(message(record), "key", profile, unknown_fields=unknown_fields, leap_second=True)
    read = json.loads(report)
    assert report == json.dumps(read, ensure_ascii=False, separators=(",", ":"))
    value = read["status"][0]["value"]
    assert value == json.dumps(json.loads(value), ensure_ascii=False, separators=(",", ":"))
    assert unknown_fields == ("x-new" in read) == ("x-new" in read["status"][0]) == ("x-new" in json.loads(value))
    payload = outer_json(report, NOON, ACCESS_SECRET, "aes_ecb", b"").decode("ascii")
    assert payload == json.dumps(json.loads(payload))
    framed = frame(message(record), payload.encode(), {"em": text, text: "aes_ecb"}, 3)
    assert framed == json.dumps(json.loads(framed))


@given(TEXTS, st.sampled_from(("aes_ecb", "aes_gcm")))
def test_a_payload_is_ascii_outside_and_any_text_inside(text: str, encryption: Encryption) -> None:
    """Signed, decryptable, pure ASCII (the Python SDK decodes no more)."""
    payload = outer_json(json.dumps({"text": text}, ensure_ascii=False), NOON, ACCESS_SECRET, encryption, b"n" * 12)
    outer = json.loads(payload.decode("ascii"))
    assert set(outer) == {"data", "protocol", "pv", "t", "sign"}
    assert (outer["protocol"], outer["pv"], outer["t"]) == (4, "2.0", NOON)
    assert outer["sign"] == message_sign(outer, ACCESS_SECRET)
    assert json.loads(decrypt(outer["data"], ACCESS_SECRET, encryption)) == {"text": text}


@pytest.mark.parametrize(("encryption", "nonce"), [("aes_ecb", b""), ("aes_gcm", b"n" * 12)])
@pytest.mark.parametrize(("flip_at", "byte"), [(0, None), (5, 5), (10**12, -1)])
def test_one_bit_is_flipped_where_it_is_asked_for(
    encryption: Encryption, nonce: bytes, flip_at: int, byte: int | None
) -> None:
    """The lowest bit of the byte of the cipher text that stands for a byte of the text; 0 is the middle byte."""
    whole, damaged = (
        base64.b64decode(_outer({"text": "x" * 40}, encryption, nonce, at)["data"]) for at in (None, flip_at)
    )
    place = len(whole) // 2 if byte is None else len(whole) - 1 if byte < 0 else byte + len(nonce)
    assert [each for each in range(len(whole)) if whole[each] != damaged[each]] == [place]
    assert whole[place] ^ damaged[place] == 1


def _outer(report: dict[str, object], encryption: Encryption, nonce: bytes, flip_at: int | None) -> dict[str, str]:
    payload = outer_json(json.dumps(report), NOON, ACCESS_SECRET, encryption, nonce, flip_at=flip_at)
    outer: dict[str, str] = json.loads(payload)
    return outer


def test_a_frame_has_what_consumers_need() -> None:
    """`properties` is an object, as the Node SDK needs; the time has an offset, `key` is the device id."""
    assert json.loads(frame(message(PASS), b"pay", {"em": "aes_gcm"}, 3)) == {
        "messageId": "bWVzc2FnZQ==",
        "payload": "cGF5",
        "properties": {"em": "aes_gcm"},
        "publishTime": "2022-05-17T20:00:00.000+08:00",
        "redeliveryCount": 3,
        "key": LOT,
    }
