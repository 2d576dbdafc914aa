"""The schema of the client protocol says what the judge sends, takes and refuses."""

import json
from pathlib import Path
from typing import Any

import jsonschema_rs
import pytest
from hypothesis import given
from hypothesis import strategies as st

from contracts.client.interface import VERBS, Client, DumpedRecord, Effect, Start, Window
from contracts.client.link import RealLink
from contracts.client.protocol import (
    FIRST_MS,
    LAST_MS,
    ProtocolError,
    call_json,
    read_answer,
    read_can,
    read_dump,
    read_effects,
)
from contracts.client.protocol_schema import VERB_SHAPES, protocol_schema, schema_text
from contracts.client.remote import RemoteClient
from contracts.client.shim import Shim
from mock_server import mock_parking
from mock_server.model import JsonObject
from mock_server.profile import Profile
from tests.support import NOON

SCHEMA: Any = protocol_schema()


def is_valid(value: object, name: str) -> bool:
    """Whether a value is what a definition says."""
    return jsonschema_rs.is_valid({"$ref": f"#/$defs/{name}", "$defs": SCHEMA["$defs"]}, value)


def fits(value: object, reference: JsonObject) -> bool:
    """Whether a value is what a reference of `x-verbs` says."""
    return is_valid(value, str(reference["$ref"]).removeprefix("#/$defs/"))


class Recorder(RemoteClient):
    """Notes the calls that the judge sends, and answers what it is given."""

    def __init__(self, results: dict[str, JsonObject]) -> None:
        super().__init__()
        self.results = results
        self.calls: list[Any] = []

    def ask(self, verb: str, **arguments: object) -> JsonObject:
        """Note it."""
        self.calls.append(call_json(len(self.calls) + 1, verb, arguments))
        return self.results.get(verb, {})


class Diligent(Client):
    """A client with every verb."""

    def start(self, start: Start) -> None:
        """Do nothing."""

    def sync(self, now_ms: int, window: Window | None = None) -> None:
        """Do nothing."""

    def advance(self, now_ms: int) -> None:
        """Do nothing."""

    def wakes_at(self) -> int:
        """In a minute."""
        return NOON + 60_000

    def quiet(self) -> None:
        """Do nothing."""

    def dump(self) -> list[DumpedRecord]:
        """A pass and a bill."""
        return [DumpedRecord("r1", "6ce", 0, 1, 5, "hash"), DumpedRecord("r2", "6ce", 1, None, 6)]

    def effects(self) -> list[Effect]:
        """A charge."""
        return [Effect("charge", "r2")]

    def stop(self) -> None:
        """Do nothing."""


@pytest.fixture(name="calls", scope="module")
def calls_fixture() -> list[Any]:
    """Every call that the judge makes."""
    hello: JsonObject = {"protocol": 1, "can": [str(verb) for verb in VERBS]}
    client = Recorder({"hello": hello, "dump": {"records": []}, "effects": {"effects": []}})
    client.hello()
    with mock_parking() as parking:
        parking.add_lot()
        parking.add_lane()
        client.start(Start(parking.exports, NOON, Path("folder"), RealLink(), profile=Profile().to_json()))
    client.sync(NOON)
    client.sync(NOON, Window(NOON, NOON + 1))
    client.advance(NOON)
    client.quiet()
    client.dump()
    client.effects()
    client.ask("crash")
    client.stop()
    return client.calls


def test_every_call_of_the_judge_is_in_it(calls: list[Any]) -> None:
    """Each is a call by its verb's schema, with no field that the schema does not name, and a line of the exchange."""
    assert [each["verb"] for each in calls if each["verb"] != "sync"] == [
        verb for verb in VERB_SHAPES if verb != "sync"
    ]
    for call in calls:
        reference = SCHEMA["x-verbs"][call["verb"]]["call"]
        assert fits(call, reference)
        assert is_valid(call, "Call")
        assert call.keys() <= SCHEMA["$defs"][reference["$ref"].removeprefix("#/$defs/")]["properties"].keys()
        assert jsonschema_rs.is_valid(SCHEMA, call)


def test_every_answer_of_the_shim_is_in_it(calls: list[Any]) -> None:
    """A client of this language answers each verb as its schema says; what it lacks is an error."""
    shim = Shim("diligent", lambda _: Diligent())
    for call in calls:
        if call["verb"] not in ("crash", "stop"):
            answer: Any = shim.answer(call)
            assert fits(answer["result"], SCHEMA["x-verbs"][call["verb"]]["result"])
            assert jsonschema_rs.is_valid(SCHEMA, answer)
    refused = shim.answer({"id": 99, "verb": "dance"})
    assert is_valid(refused, "Refused")


def test_the_verbs_are_those_that_there_are() -> None:
    """`hello`, and those of the interface."""
    assert list(SCHEMA["x-verbs"]) == ["hello", *VERBS]


FIELDS = ("record_id", "device_id", "data_type", "pass_direction", "event_ms", "content_hash")
VALUES: st.SearchStrategy[object] = st.sampled_from(
    ["r1", 0, 1, -1, None, True, 1.5, [], {}, FIRST_MS, LAST_MS, FIRST_MS - 1, LAST_MS + 1]
)


@given(st.dictionaries(st.sampled_from(FIELDS), VALUES))
def test_a_dump_is_taken_exactly_if_it_is_valid(changes: dict[str, object]) -> None:
    """Whatever its record has in place of a right value."""
    right: JsonObject = {"record_id": "r1", "device_id": "6ce", "data_type": 0, "pass_direction": 0, "event_ms": 1}
    for result in ({"records": [right | changes]}, {"records": [changes]}):
        assert is_valid(result, "DumpResult") is _is_taken(read_dump, result)


@pytest.mark.parametrize(
    "result",
    [
        {"protocol": 1, "can": []},
        {"protocol": 1, "can": ["hello", "sync", "crash"], "agent": "a", "version": "1", "more": 1},
        {"protocol": 1, "can": [], "clock": "virtual", "instances": 1},
        {"protocol": 1, "can": [], "clock": "real", "instances": 2},
        {"protocol": 1, "can": [], "clock": "sundial"},
        {"protocol": 1, "can": [], "instances": 0},
        {"protocol": 1, "can": [], "instances": "1"},
        {"protocol": 1, "can": ["snyc"]},
        {"protocol": 1, "can": [1]},
        {"protocol": 1, "can": "sync"},
        {"protocol": 1},
        {"protocol": 2, "can": []},
        {"protocol": "1", "can": []},
        {"can": []},
    ],
    ids=str,
)
def test_a_hello_is_taken_exactly_if_it_is_valid(result: dict[str, Any]) -> None:
    """Version, verbs, clock and instances."""
    assert is_valid(result, "HelloResult") is _is_taken(read_can, result)


@pytest.mark.parametrize("result", [{}, {"effects": {}}, {"effects": [1]}, {"effects": [{"kind": "charge"}]}], ids=str)
def test_effects_that_are_refused_are_invalid(result: dict[str, Any]) -> None:
    """The reader is not stricter than the schema."""
    assert not is_valid(result, "EffectsResult")
    assert not _is_taken(read_effects, result)


@pytest.mark.parametrize(
    "answer",
    [
        {"id": 1, "result": {}},
        {"id": 1, "result": []},
        {"id": 1},
        {"id": 1, "error": "no"},
        {"id": 1, "error": {"code": "failed"}},
        {"id": 1, "error": {"code": "unimplemented", "message": "no"}},
    ],
    ids=str,
)
def test_an_answer_is_taken_exactly_if_it_is_valid(answer: dict[str, Any]) -> None:
    """A result or an error, and either is an object."""
    assert is_valid(answer, "Answer") is _is_taken(lambda each: read_answer(json.dumps(each), 1), answer)


def test_the_schema_is_one() -> None:
    """By the meta-schema of its draft; as text it ends with a line feed."""
    assert jsonschema_rs.meta.is_valid(SCHEMA)
    assert schema_text().endswith("}\n")


def _is_taken(read: Any, value: object) -> bool:
    try:
        read(value)
    except ProtocolError:
        return False
    return True
