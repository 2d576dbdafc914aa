"""Queue messages in the form that clients receive.

The outer frame, the encryption and the shape of a status report are the vendor's; the codes and the inner fields
of passes, bills and command results are our choice, because the vendor does not publish them.
"""

import base64
import json
from binascii import b2a_base64
from collections.abc import Mapping
from json.encoder import encode_basestring as _quoted
from json.encoder import encode_basestring_ascii as _escaped
from typing import Any

from mock_server.model import Command, CommandResult, DataType, JsonObject, Message, ProcessStatus, Record, UnknownEvent
from mock_server.profile import Profile
from mock_server.wire.encryption import Encryption, encrypt_ecb, encrypt_gcm, message_sign
from mock_server.wire.record_time import RecordTime, written_time

_DEFAULTS = Profile()

PROTOCOL = 4
"""The number of the legacy status report, used by third-party devices (documented for a sister product)."""

CODES = {DataType.PASS: "vehicle_pass_record", DataType.BILL: "temporary_parking_bill"}
COMMAND_RESULT = "command_result"
UNKNOWN_EVENT = "parking_space_alarm"

DATA_POINTS = {CODES[DataType.PASS]: 101, CODES[DataType.BILL]: 102, COMMAND_RESULT: 103, UNKNOWN_EVENT: 104}
"""The data point of each code: the key under which a status has its value a second time.

That there is such a key, a number as text, is documented; the numbers are our choice. A product's own data points begin
at 101.
"""

_PASS_DETAILS = {"lane_device_id": "laneDeviceId", "car_type": "carType", "image_url": "imageUrl"}
_BILL_DETAILS = {
    "order_no": "orderNo",
    "enter_time": "enterTime",
    "leave_time": "leaveTime",
    "payable_amount": "payableAmount",
    "paid_amount": "paidAmount",
    "pay_method": "payMethod",
}
_TIMES = ("passTime", "enterTime", "leaveTime", "payTime")
_compact = json.JSONEncoder(ensure_ascii=False, separators=(",", ":")).encode

_UNKNOWN: JsonObject = {"x-new": {"confidence": 0.97, "tags": ["added", None]}}
"""The fields that no page documents, of a fault."""

STATUS_TEXTS = {
    ProcessStatus.SENDING: "The command is being sent",
    ProcessStatus.SENT: "The command is sent",
    ProcessStatus.SUCCEEDED: "The command succeeded",
    ProcessStatus.FAILED: "The command failed",
    ProcessStatus.UNKNOWN: "The result of the command is unknown",
}
"""The `message` of a command at each status (the text of 2 is documented, the others are our choice)."""


def pass_value(record: Record) -> JsonObject:
    """The inner fields of a vehicle pass."""
    own: JsonObject = {
        "recordId": record.record_id,
        "plateNo": record.plate_no,
        "passDirection": int(record.pass_direction or 0),
        "passTime": record.event_time,
    }
    return own | _details(record, _PASS_DETAILS)


def bill_value(record: Record) -> JsonObject:
    """The inner fields of a temporary parking bill."""
    own: JsonObject = {"recordId": record.record_id, "plateNo": record.plate_no, "payTime": record.event_time}
    return own | _details(record, _BILL_DETAILS)


def command_value(command: Command | CommandResult) -> JsonObject:
    """The inner fields of a command result, under the names of the command record in camel case."""
    return {
        "sn": command.sn,
        "deviceId": command.device_id,
        "happenTime": command.happen_time,
        "processStatus": int(command.status),
        "message": STATUS_TEXTS[command.status],
    }


def command_record(command: Command) -> JsonObject:
    """The answer of `GET /v1.0/expand/cmds/{sn}` (documented fields)."""
    return {
        "sn": command.sn,
        "happen_time": command.happen_time,
        "message": STATUS_TEXTS[command.status],
        "device_id": command.device_id,
        "process_status": int(command.status),
    }


def status_report(message: Message, product_key: str, profile: Profile = _DEFAULTS) -> JsonObject:
    """The plain JSON of a message, which is encrypted in `data`."""
    report: JsonObject = json.loads(status_text(message, product_key, profile))
    return report


def status_text(
    message: Message,
    product_key: str,
    profile: Profile = _DEFAULTS,
    *,
    unknown_fields: bool = False,
    leap_second: bool = False,
) -> str:
    """The text of a status report, which may have lone surrogates.

    Faults: `unknown_fields` adds fields that no page documents, `leap_second` writes times with a second 60.
    """
    code, value = _code_and_value(message.subject)
    value |= _times(value, profile.record_time, leap_second=leap_second)
    more = f",{_compact(_UNKNOWN)[1:-1]}" if unknown_fields else ""
    text = _quoted(f"{{{','.join([_member(name, each) for name, each in value.items()])}{more}}}")
    named = "" if profile.status_code == "empty" else code
    # Written out, as all JSON of each delivery: an encoder for a dictionary takes ten times as long (measured).
    status = f'{{"code":"{named}","t":{message.publish_time},"value":{text},"{DATA_POINTS[code]}":{text}{more}}}'
    ids = f'"dataId":{_quoted(message.data_id)},"devId":{_quoted(message.subject.device_id)}'
    return f'{{{ids},"productKey":{_quoted(product_key)},"status":[{status}]{more}}}'


def _member(name: str, value: object) -> str:
    if isinstance(value, str):
        return f'"{name}":{_quoted(value)}'
    return f'"{name}":{value if type(value) is int else _compact(value)}'


def outer_json(
    report: str, t: int, secret: str, encryption: Encryption, nonce: bytes, *, flip_at: int | None = None
) -> bytes:
    """The signed outer JSON of a report's text, which is ASCII. `t` is in epoch milliseconds.

    `flip_at` flips a bit of the cipher text after signing, in that byte of the plain text's place; 0 is the middle.
    """
    plain = report.encode("utf-8", "backslashreplace")
    data = encrypt_ecb(plain, secret) if encryption == "aes_ecb" else encrypt_gcm(plain, secret, nonce)
    sign = message_sign({"data": data, "protocol": PROTOCOL, "pv": "2.0", "t": t}, secret)
    if flip_at is not None:
        data = _with_flipped_bit(data, flip_at and flip_at + len(nonce))
    return f'{{"data": "{data}", "protocol": {PROTOCOL}, "pv": "2.0", "t": {t}, "sign": "{sign}"}}'.encode("ascii")


def _with_flipped_bit(data: str, place: int) -> str:
    """Base64 text with the lowest bit of one byte flipped: the middle byte for 0, the last for a place behind it."""
    raw = bytearray(base64.b64decode(data))
    raw[min(place, len(raw) - 1) or len(raw) // 2] ^= 1
    return base64.b64encode(raw).decode()


def frame(message: Message, payload: bytes, properties: Mapping[str, str], redelivery_count: int) -> str:
    """The text frame of a message in Pulsar's WebSocket consumer protocol (documented): the payload in base64.

    Pulsar writes the time with its server's offset. In public samples that is Beijing's, and `key` is the device id.
    """
    named = ", ".join([f"{_escaped(name)}: {_escaped(value)}" for name, value in properties.items()])
    sent = f'"messageId": "{message.message_id}", "payload": "{b2a_base64(payload, newline=False).decode()}"'
    times = f'"publishTime": "{written_time(message.publish_time, "iso")}", "redeliveryCount": {redelivery_count}'
    return f'{{{sent}, "properties": {{{named}}}, {times}, "key": {_escaped(message.subject.device_id)}}}'


def _code_and_value(subject: Record | CommandResult | UnknownEvent) -> tuple[str, JsonObject]:
    """The `code` of a subject in its status report, and the inner fields of its `value`."""
    if isinstance(subject, UnknownEvent):
        return UNKNOWN_EVENT, {"alarmType": 99}
    if isinstance(subject, CommandResult):
        return COMMAND_RESULT, command_value(subject)
    value = pass_value(subject) if subject.data_type is DataType.PASS else bill_value(subject)
    return CODES[subject.data_type], value


def _times(value: dict[str, Any], form: RecordTime, *, leap_second: bool) -> JsonObject:
    """The time fields of a value, rewritten in the profile's form."""
    return {name: written_time(value[name], form, leap_second=leap_second) for name in _TIMES if name in value}


def _details(record: Record, names: dict[str, str]) -> JsonObject:
    details = record.details
    return {wire: details[lab] for lab, wire in names.items() if lab in details} if details else {}
