import base64
import json
from dataclasses import replace
from datetime import datetime
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mock_server.model import INT64_MAX, LATEST_MS, Command, CommandResult, JsonScalar, Message, ProcessStatus, Record
from mock_server.wire.encryption import Encryption, decrypt_ecb, decrypt_gcm, message_sign
from mock_server.wire.messages import command_record, encrypted_payload, frame, iso_time, status_report
from tests.strategies import new_bill, new_pass
from tests.support import ACCESS_SECRET, LOT, NOON

PASS = new_pass("r1", NOON - 5).keep_as("r1", NOON)
BILL = new_bill("b1", NOON - 7).keep_as("b1", NOON)


def message(subject: Record | CommandResult) -> Message:
    """A publication of a subject."""
    return Message("bWVzc2FnZQ==", "assist_1", NOON, subject, "uplink")


def reported(subject: Record | CommandResult) -> tuple[str, dict[str, Any]]:
    """The code and the inner fields of a report, which must have the legacy shape."""
    report: Any = status_report(message(subject), "key")
    assert {**report, "status": []} == {"dataId": "assist_1", "devId": LOT, "productKey": "key", "status": []}
    [status] = report["status"]
    assert status["t"] == NOON
    assert set(status) == {"code", "t", "value"}
    return status["code"], json.loads(status["value"])


def test_a_pass() -> None:
    """The fields that every pass has; no field that nobody gave."""
    assert reported(PASS) == (
        "vehicle_pass_record",
        {"recordId": "r1", "plateNo": "京A12345", "passDirection": 0, "passTime": NOON - 5},
    )


def test_a_pass_with_everything() -> None:
    """Lab names become camel case."""
    details: dict[str, JsonScalar] = {"lane_device_id": "lane", "car_type": 0, "image_url": "http://x"}
    _, value = reported(replace(PASS, details=details))
    assert value.items() >= {"laneDeviceId": "lane", "carType": 0, "imageUrl": "http://x"}.items()


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
    _, value = reported(replace(BILL, plate_no="", details=details))
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


@given(st.text(st.characters(codec=None), max_size=20), st.sampled_from(("aes_ecb", "aes_gcm")))
def test_a_payload_is_ascii_outside_and_any_text_inside(text: str, encryption: Encryption) -> None:
    """Signed, decryptable, base64 of pure ASCII (the Python SDK decodes no more)."""
    payload = encrypted_payload({"text": text}, NOON, ACCESS_SECRET, encryption, b"n" * 12)
    outer = json.loads(base64.b64decode(payload, validate=True).decode("ascii"))
    assert set(outer) == {"data", "protocol", "pv", "t", "sign"}
    assert (outer["protocol"], outer["pv"], outer["t"]) == (4, "2.0", NOON)
    assert outer["sign"] == message_sign(outer, ACCESS_SECRET)
    decrypt = decrypt_ecb if encryption == "aes_ecb" else decrypt_gcm
    assert json.loads(decrypt(outer["data"], ACCESS_SECRET)) == {"text": text}


def test_a_frame_has_what_consumers_need() -> None:
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
    payload = encrypted_payload(report, NOON, ACCESS_SECRET, encryption, nonce, flip_at=flip_at)
    outer: dict[str, str] = json.loads(base64.b64decode(payload))
    return outer


    """`properties` is an object, which the Node SDK needs; the publish time is ISO 8601 with milliseconds."""
    assert json.loads(frame(message(PASS), "cGF5", "aes_gcm", 3)) == {
        "messageId": "bWVzc2FnZQ==",
        "payload": "cGF5",
        "properties": {"em": "aes_gcm"},
        "publishTime": "2022-05-17T12:00:00.000Z",
        "redeliveryCount": 3,
    }


@given(st.integers(min_value=0, max_value=4_102_444_800_000))
def test_times_are_iso_to_the_millisecond(at_ms: int) -> None:
    """As the standard library reads them."""
    read = datetime.fromisoformat(iso_time(at_ms))
    assert round(read.timestamp() * 1000) == at_ms


@given(st.integers(min_value=LATEST_MS, max_value=INT64_MAX))
def test_a_time_that_no_calendar_has_is_told_all_the_same(at_ms: int) -> None:
    """A client may ask for a window of any 64-bit number."""
    assert (str(at_ms) in iso_time(at_ms)) == (at_ms > LATEST_MS)
