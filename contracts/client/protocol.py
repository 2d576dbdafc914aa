"""The client protocol, version 1: one JSON object a call, one an answer, the same over lines and over HTTP.

-> {"id": 7, "verb": "sync", "now_ms": 1772439000000}
<- {"id": 7, "result": {}}
<- {"id": 7, "error": {"code": "unimplemented" | "failed", "message": "..."}}
"""

import json
from collections.abc import Iterable, Mapping
from typing import Any

from contracts.client.interface import VERBS, Capability, DumpedRecord, Effect, declared
from mock_server.model import JsonObject
from mock_server.problems import parse_json, type_name

PROTOCOL = 1
"""The version: it is raised when a verb or a field changes its meaning. New verbs and fields may be added without."""

EXIT_UNIMPLEMENTED = 89
"""The exit code by which a client says that it does not implement the verb."""

SHOWN = 200

BYTE_ORDER_MARK = b"\xef\xbb\xbf"
"""The UTF-8 byte order mark that some platforms write at the beginning of a stream. It is no part of an answer."""

FIRST_MS, LAST_MS = -62_135_596_800_000, 253_402_300_799_999
"""The times of the years 1 to 9999, in epoch milliseconds: no other has a date that can be shown."""


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
    raw = text.encode("utf-8", "surrogatepass") if isinstance(text, str) else text
    try:
        answer: Any = parse_json(raw.removeprefix(BYTE_ORDER_MARK))
    except ValueError:
        raise ProtocolError(f"no JSON: {shown(text) or 'nothing'}") from None
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
    """The beginning of what somebody sent, fit to be printed; signs that cannot be printed are escaped."""
    plain = (text.decode("utf-8", "replace") if isinstance(text, bytes) else text).strip()
    clean = "".join(sign if sign.isprintable() else _escaped(sign) for sign in plain[: SHOWN + 1])
    return f"{clean[:SHOWN]}..." if len(clean) > SHOWN else clean


def _escaped(sign: str) -> str:
    return sign.encode("unicode_escape").decode()


def is_object(line: bytes) -> bool:
    """Whether a line may be an answer: it begins with a brace, perhaps behind a byte order mark."""
    return line.removeprefix(BYTE_ORDER_MARK).lstrip().startswith(b"{")


def read_can(result: Mapping[str, Any]) -> frozenset[Capability]:
    """What a client's answer to `hello` says that it can: its verbs, and `declared` by its `clock` and `instances`.

    ProtocolError if it speaks another version of the protocol, names no verbs or names one that does not exist (a
    misspelt verb would never be called), another clock than `real`, as without one, and `virtual`, or no number of
    instances.
    """
    if result.get("protocol") != PROTOCOL:
        raise ProtocolError(f'"protocol" is {_json(result.get("protocol"))}, not {PROTOCOL}')
    named = result.get("can")
    if not isinstance(named, list):
        raise ProtocolError(f'"can" is {_json(named)}, not a list of the verbs that the client has: {", ".join(VERBS)}')
    unknown = [_json(each) for each in named if each not in ("hello", *VERBS)]
    if unknown:
        raise ProtocolError(f'"can" names {", ".join(unknown)}, which is no verb; verbs are {", ".join(VERBS)}')
    clock = result.get("clock", "real")
    if clock not in ("real", "virtual"):
        raise ProtocolError(f'"clock" is {_json(clock)}; it may be "real" or "virtual"')
    instances = result.get("instances")
    if instances is not None and (type(instances) is not int or instances < 1):
        raise ProtocolError(f'"instances" is {_json(instances)}, not how many of it may run side by side')
    verbs = frozenset(verb for verb in VERBS if verb is Capability.START or verb in named)
    return verbs | declared(clock, instances)


def read_dump(result: Mapping[str, Any]) -> list[DumpedRecord]:
    """The records of an answer to `dump`. ProtocolError names the first that is malformed, and its field."""
    return [checked_record(place, _record(place, each)) for place, each in enumerate(_items(result, "records"))]


def _record(place: int, data: Any) -> DumpedRecord:
    """A record with its fields as they are. ProtocolError if it lacks one that is required."""
    if not isinstance(data, dict):
        raise ProtocolError(f"records[{place}] must be an object, not {_kind(data)}")
    missing = [name for name in DumpedRecord._fields if name not in data and name not in _MAY_BE_ABSENT]
    if missing:
        raise ProtocolError(f"records[{place}] has no {' and no '.join(missing)}: {_json(data)}")
    return DumpedRecord(*(data.get(name) for name in DumpedRecord._fields))  # type: ignore[arg-type]  # checked next


_MAY_BE_ABSENT = ("pass_direction", "content_hash")
"""The fields of a dumped record that a bill, or a client without hashes, need not have."""

_TYPES: Mapping[str, tuple[type, str, bool]] = {
    "record_id": (str, "a string", False),
    "device_id": (str, "a string", False),
    "data_type": (int, "an integer", False),
    "pass_direction": (int, "an integer or null", True),
    "event_ms": (int, "an integer, in epoch milliseconds", False),
    "content_hash": (str, "a string or null", True),
}
"""The type of each field of a dumped record, in words, and whether it may be null."""


def checked_record(place: int, record: object) -> DumpedRecord:
    """A record of a dump, whichever way it came. ProtocolError names the first field of a wrong type."""
    if not isinstance(record, DumpedRecord):
        raise ProtocolError(f"records[{place}] must be a DumpedRecord, not {type(record).__name__}")
    for name, value in zip(DumpedRecord._fields, record, strict=True):
        wanted, words, may_be_null = _TYPES[name]
        is_right = isinstance(value, wanted) and not isinstance(value, bool)
        if not is_right and not (value is None and may_be_null):
            raise ProtocolError(f"records[{place}].{name} must be {words}, not {_kind(value)}")
    if not FIRST_MS <= record.event_ms <= LAST_MS:
        raise ProtocolError(f"records[{place}].event_ms is no time of the years 1 to 9999: {record.event_ms}")
    return record


def checked_dump(records: object) -> list[DumpedRecord]:
    """The records that a client of this process has returned. ProtocolError as for one elsewhere."""
    if not isinstance(records, Iterable):
        raise ProtocolError(f"dump must return records, not {type(records).__name__}")
    return [checked_record(place, each) for place, each in enumerate(records)]


def read_effects(result: Mapping[str, Any]) -> list[Effect]:
    """The effects of an answer to `effects`. ProtocolError names the first that is malformed."""
    return [_effect(place, each) for place, each in enumerate(_items(result, "effects"))]


def _effect(place: int, data: Any) -> Effect:
    if not isinstance(data, dict):
        raise ProtocolError(f"effects[{place}] must be an object, not {_kind(data)}")
    missing = [name for name in Effect._fields if name not in data]
    if missing:
        raise ProtocolError(f"effects[{place}] has no {' and no '.join(missing)}: {_json(data)}")
    return Effect(str(data["kind"]), str(data["record_id"]))


def checked_effects(effects: object) -> list[Effect]:
    """The effects that a client of this process has returned. ProtocolError names the first that is none."""
    if not isinstance(effects, Iterable):
        raise ProtocolError(f"effects must return effects, not {type(effects).__name__}")
    found = list(effects)
    for place, each in enumerate(found):
        if not isinstance(each, Effect):
            raise ProtocolError(f"effects[{place}] must be an Effect, not {type(each).__name__}")
    return found


def _items(result: Mapping[str, Any], name: str) -> list[Any]:
    items = result.get(name)
    if not isinstance(items, list):
        raise ProtocolError(f'"{name}" must be a list, not {type_name(items)}')
    return items


def _kind(value: object) -> str:
    """The type of a value and the value, as in JSON if it has a place there."""
    is_json = value is None or isinstance(value, str | int | float | list | dict)
    return f"{type_name(value)}: {_json(value)}" if is_json else f"{type(value).__name__}: {shown(repr(value))}"


def _json(value: object) -> str:
    """A value from a client as it would stand in JSON, fit to be printed."""
    return shown(json.dumps(value, ensure_ascii=False, default=repr))


def dump_json(records: list[DumpedRecord]) -> JsonObject:
    """The answer to `dump`."""
    return {"records": [record._asdict() for record in records]}


def effects_json(effects: list[Effect]) -> JsonObject:
    """The answer to `effects`."""
    return {"effects": [effect._asdict() for effect in effects]}
