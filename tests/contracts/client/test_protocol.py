"""Tests of the client protocol's texts."""

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from contracts.client.interface import DumpedRecord, Effect
from contracts.client.protocol import (
    ProtocolError,
    checked_dump,
    checked_effects,
    dump_json,
    effects_json,
    is_object,
    read_answer,
    read_can,
    read_dump,
    read_effects,
    shown,
)

RECORD = {"record_id": "r1", "device_id": "6ce", "data_type": 0, "pass_direction": 0, "event_ms": 1}


def test_what_is_written_can_be_read() -> None:
    """Records and effects come back as they were."""
    records = [DumpedRecord("r1", "6ce", 0, 1, 5, "hash"), DumpedRecord("r2", "6ce", 1, None, 6)]
    effects = [Effect("charge", "r2")]
    assert read_dump(dump_json(records)) == records
    assert read_effects(effects_json(effects)) == effects


def test_an_answer_is_a_result_or_an_error() -> None:
    """Of the call that was made."""
    assert read_answer('{"id": 7, "result": {"a": 1}}', 7) == ({"a": 1}, "", "")
    assert read_answer(b'{"id": 7, "error": {"code": "failed", "message": "no"}}', 7) == (None, "failed", "no")


@given(st.binary() | st.text())
def test_nothing_that_comes_makes_more_than_a_protocol_error(content: bytes | str) -> None:
    """Whatever it is."""
    with pytest.raises(ProtocolError):
        read_answer(content, -1)


@pytest.mark.parametrize(
    "result",
    [
        {},
        {"records": {}},
        {"records": [1]},
        {"records": [{}]},
        {"records": [RECORD | {"event_ms": "1"}]},
        {"records": [RECORD | {"record_id": 5}]},
        {"records": [None]},
        {"records": [RECORD, "x"]},
    ],
    ids=str,
)
def test_a_dump_that_is_none(result: dict[str, Any]) -> None:
    """Is refused, with the place."""
    with pytest.raises(ProtocolError, match="records"):
        read_dump(result)


@pytest.mark.parametrize(
    ("records", "words"),
    [
        ([{"recordId": "r1"}], 'records[0] has no record_id and no device_id and no data_type and no event_ms: {"rec'),
        (
            [RECORD, RECORD | {"event_ms": "1"}],
            "records[1].event_ms must be an integer, in epoch milliseconds, not a st",
        ),
        ([RECORD | {"record_id": None}], "records[0].record_id must be a string, not null: null"),
        ([RECORD | {"event_ms": True}], "not a boolean: true"),
        (
            [RECORD | {"pass_direction": "enter"}],
            'records[0].pass_direction must be an integer or null, not a string: "',
        ),
        (
            [RECORD | {"event_ms": 10**20}],
            "records[0].event_ms is no time of the years 1 to 9999: 100000000000000000000",
        ),
        ([7], "records[0] must be an object, not an integer: 7"),
        ({}, '"records" must be a list, not an object'),
    ],
    ids=["camel", "text", "null", "boolean", "direction", "time", "number", "object"],
)
def test_a_malformed_dump_is_described_in_the_words_of_json(records: object, words: str) -> None:
    """With the place and the field, and without the spelling of the judge's own language."""
    with pytest.raises(ProtocolError) as caught:
        read_dump({"records": records})
    assert words in str(caught.value)


def test_a_dump_of_a_client_in_this_process_is_held_to_the_same() -> None:
    """Its records are objects of ours, whose fields nobody else checks."""
    right = DumpedRecord("r1", "6ce", 1, None, 6)
    assert checked_dump(iter([right])) == [right]
    for wrong, words in (
        (None, "dump must return records, not NoneType"),
        ([right, ("r1", "6ce")], r"records\[1\] must be a DumpedRecord, not tuple"),
        ([right._replace(event_ms="6")], r"records\[0\].event_ms must be an integer, .* not a string: \"6\""),  # type: ignore[arg-type]  # so it is
        ([right._replace(device_id=b"6ce")], "device_id must be a string, not bytes: b'6ce'"),  # type: ignore[arg-type]  # the same
    ):
        with pytest.raises(ProtocolError, match=words):
            checked_dump(wrong)
    for effects in (None, [("charge", "r1")]):
        with pytest.raises(ProtocolError, match="effects"):
            checked_effects(effects)


@pytest.mark.parametrize("start", [b"\xef\xbb\xbf", b"\xef\xbb\xbf  "])
def test_a_byte_order_mark_is_no_part_of_an_answer(start: bytes) -> None:
    """Some platforms write one before the first line of a stream."""
    line = start + b'{"id": 1, "result": {}}'
    assert is_object(line)
    assert read_answer(line, 1) == ({}, "", "")


def test_junk_before_an_answer_is_named() -> None:
    """Signs that cannot be printed are escaped, and the end of the line is no sign."""
    assert not is_object(b"\x00{}")
    assert shown(b'\x00\xff{"id": 1}\n') == '\\x00\ufffd{"id": 1}'
    with pytest.raises(ProtocolError, match="no JSON: nothing"):
        read_answer(b"", 1)


@pytest.mark.parametrize("result", [{}, {"effects": [1]}, {"effects": [{"kind": "x"}]}], ids=str)
def test_effects_that_are_none(result: dict[str, Any]) -> None:
    """Are refused."""
    with pytest.raises(ProtocolError, match="effects"):
        read_effects(result)


def test_what_a_client_says_it_can() -> None:
    """Every client starts. Unless it says otherwise it may pause in real time, and run beside others."""
    said = {"protocol": 1, "can": ["hello", "sync"]}
    assert read_can(said) == read_can(said | {"clock": "real", "instances": 3}) == {"start", "sync", "instances"}
    assert read_can(said | {"clock": "virtual", "instances": 1}) == {"start", "sync", "pauses"}


@pytest.mark.parametrize(
    ("name", "value"), [("clock", "sundial"), ("clock", None), ("instances", 0), ("instances", True)]
)
def test_what_a_client_cannot_say_of_its_clock_and_instances(name: str, value: object) -> None:
    """A misspelt clock would be taken for another one."""
    with pytest.raises(ProtocolError, match=f'"{name}" is'):
        read_can({"protocol": 1, "can": [], name: value})


VERBS = "start, sync, advance, quiet, dump, effects, crash, stop"


@pytest.mark.parametrize(
    ("result", "words"),
    [
        ({"protocol": 2}, '"protocol" is 2, not 1'),
        ({}, '"protocol" is null, not 1'),
        ({"protocol": 1}, f'"can" is null, not a list of the verbs that the client has: {VERBS}'),
        ({"protocol": 1, "can": "sync"}, f'"can" is "sync", not a list of the verbs that the client has: {VERBS}'),
        ({"protocol": 1, "can": ["synk", 5]}, f'"can" names "synk", 5, which is no verb; verbs are {VERBS}'),
    ],
    ids=["newer", "nothing", "no-can", "a-text", "misspelt"],
)
def test_a_hello_that_names_no_verbs_is_refused(result: dict[str, Any], words: str) -> None:
    """A misspelt verb would never be called, and its rules would be left out in silence."""
    with pytest.raises(ProtocolError) as caught:
        read_can(result)
    assert str(caught.value) == words


@given(st.text() | st.binary())
def test_what_is_shown_can_be_printed(text: str | bytes) -> None:
    """On one line, and not too long."""
    assert shown(text).isprintable()
    assert len(shown(text)) <= 203
