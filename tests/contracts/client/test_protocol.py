"""Tests of the client protocol's texts."""

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from contracts.client.interface import DumpedRecord, Effect
from contracts.client.protocol import (
    ProtocolError,
    dump_json,
    effects_json,
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


@pytest.mark.parametrize("result", [{}, {"effects": [1]}, {"effects": [{"kind": "x"}]}], ids=str)
def test_effects_that_are_none(result: dict[str, Any]) -> None:
    """Are refused."""
    with pytest.raises(ProtocolError, match="effects"):
        read_effects(result)


def test_what_a_client_says_it_can() -> None:
    """Verbs of another version are ignored; another protocol, or no list, is refused."""
    assert read_can({"protocol": 1, "can": ["sync", "fly"]}) == {"start", "sync"}
    assert read_can({"protocol": 1}) == {"start"}
    for wrong in ({"protocol": 2}, {}, {"protocol": 1, "can": "sync"}):
        with pytest.raises(ProtocolError):
            read_can(wrong)


@given(st.text() | st.binary())
def test_what_is_shown_can_be_printed(text: str | bytes) -> None:
    """On one line, and not too long."""
    assert shown(text).isprintable()
    assert len(shown(text)) <= 203
