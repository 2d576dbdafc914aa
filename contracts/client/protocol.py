"""The client protocol, version 1: one JSON object a call, one an answer, the same over lines and over HTTP.

-> {"id": 7, "verb": "sync", "now_ms": 1772439000000}
<- {"id": 7, "result": {}}
<- {"id": 7, "error": {"code": "unimplemented" | "failed", "message": "..."}}
"""

import json
from collections.abc import Mapping
from typing import Any

from contracts.client.interface import VERBS, Capability, DumpedRecord, Effect
from mock_server.model import JsonObject
from mock_server.problems import parse_json

PROTOCOL = 1
"""The version: it is raised when a verb or a field changes its meaning. New verbs and fields may be added without."""

EXIT_UNIMPLEMENTED = 89
"""The exit code by which a client says that it does not implement the verb."""

SHOWN = 200


class ProtocolError(Exception):
    """The answer violates the client protocol."""


class ClientFailedError(Exception):
    """The client answered that the verb failed."""


def call_json(number: int, verb: str, arguments: Mapping[str, object]) -> JsonObject:
    """A call as an object."""
    return {"id": number, "verb": verb, **arguments}


def call_text(number: int, verb: str, arguments: Mapping[str, object]) -> str:
    """A call as one line."""
    return json.dumps(call_json(number, verb, arguments), ensure_ascii=False)


def read_answer(text: str | bytes, number: int) -> tuple[JsonObject | None, str, str]:
    """Read an answer: the result, or code and message of the error. ProtocolError if it does not answer that call."""
    try:
        answer: Any = parse_json(text.encode() if isinstance(text, str) else text)
    except ValueError:
        raise ProtocolError(f"no JSON: {shown(text)}") from None
    if not isinstance(answer, dict) or answer.get("id") != number:
        raise ProtocolError(f"no answer to call {number}: {shown(text)}")
    if "error" not in answer:
        return _object(answer.get("result"), "result"), "", ""
    error = _object(answer["error"], "error")
    return None, str(error.get("code")), str(error.get("message", ""))


def _object(value: Any, name: str) -> JsonObject:
    if not isinstance(value, dict):
        raise ProtocolError(f"{name} must be an object, not {shown(json.dumps(value))}")
    return value


def shown(text: str | bytes) -> str:
    """The beginning of what somebody sent, fit to be printed."""
    plain = text.decode("utf-8", "replace") if isinstance(text, bytes) else text
    clean = "".join(sign if sign.isprintable() else "?" for sign in plain[:SHOWN])
    return f"{clean}..." if len(plain) > SHOWN else clean


def read_can(result: Mapping[str, Any]) -> frozenset[Capability]:
    """The verbs in a client's answer to `hello`. ProtocolError if it speaks another version of the protocol."""
    if result.get("protocol") != PROTOCOL:
        raise ProtocolError(f"the client speaks protocol {result.get('protocol')!r}, not {PROTOCOL}")
    named = result.get("can", [])
    if not isinstance(named, list):
        raise ProtocolError('"can" must be a list of verbs')
    return frozenset(verb for verb in VERBS if verb is Capability.START or verb in named)


def read_dump(result: Mapping[str, Any]) -> list[DumpedRecord]:
    """The records of an answer to `dump`. ProtocolError names the first that is malformed."""
    return [_record(place, each) for place, each in enumerate(_items(result, "records"))]


def _record(place: int, data: Any) -> DumpedRecord:
    try:
        record = DumpedRecord(
            record_id=data["record_id"],
            device_id=data["device_id"],
            data_type=data["data_type"],
            pass_direction=data.get("pass_direction"),
            event_ms=data["event_ms"],
            content_hash=data.get("content_hash"),
        )
    except (KeyError, TypeError, AttributeError) as error:
        raise ProtocolError(f"records[{place}]: {error!r}") from None
    if type(record.event_ms) is not int or not isinstance(record.record_id, str):
        raise ProtocolError(f"records[{place}]: record_id is a text, event_ms a whole number")
    return record


def read_effects(result: Mapping[str, Any]) -> list[Effect]:
    """The effects of an answer to `effects`."""
    try:
        return [Effect(str(each["kind"]), str(each["record_id"])) for each in _items(result, "effects")]
    except (KeyError, TypeError) as error:
        raise ProtocolError(f"effects: {error!r}") from None


def _items(result: Mapping[str, Any], name: str) -> list[Any]:
    items = result.get(name)
    if not isinstance(items, list):
        raise ProtocolError(f'"{name}" must be a list')
    return items


def dump_json(records: list[DumpedRecord]) -> JsonObject:
    """The answer to `dump`."""
    return {"records": [record._asdict() for record in records]}


def effects_json(effects: list[Effect]) -> JsonObject:
    """The answer to `effects`."""
    return {"effects": [effect._asdict() for effect in effects]}
