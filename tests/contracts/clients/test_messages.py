"""Tests of the reference client's reading of messages, against the emulator's writing of them."""

import base64
import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from contracts.clients.messages import UnreadableError, password, read_report
from mock_server.wire.encryption import Encryption, queue_password
from mock_server.wire.messages import outer_json

SECRET = "4OHBOnWOqaEC1mWXOpVL3yV50s0qGSRC"
NONCE = bytes(12)
reports = st.dictionaries(st.text(max_size=5), st.text(max_size=20) | st.integers(-(2**53), 2**53), max_size=4)
ciphers = st.sampled_from(("aes_ecb", "aes_gcm"))


def framed(report: Any, cipher: Encryption, *, flip_at: int | None = None) -> dict[str, Any]:
    """A frame as the emulator sends it."""
    text = json.dumps(report, ensure_ascii=False)
    payload = base64.b64encode(outer_json(text, 1, SECRET, cipher, NONCE, flip_at=flip_at)).decode()
    return {"messageId": "m", "payload": payload, "properties": {"em": cipher}, "redeliveryCount": 0}


@given(reports, ciphers)
def test_what_was_sent_is_read(report: dict[str, Any], cipher: Encryption) -> None:
    """Under both ciphers, whatever the text."""
    assert read_report(framed(report, cipher), SECRET) == report


@given(reports, ciphers, st.integers(0, 200))
def test_a_flipped_bit_is_noticed(report: dict[str, Any], cipher: Encryption, place: int) -> None:
    """By the outer signature under ECB, which itself tells nothing."""
    with pytest.raises(UnreadableError):
        read_report(framed(report, cipher, flip_at=place), SECRET)


def forged(**changes: Any) -> dict[str, Any]:
    """A frame whose outer JSON was changed."""
    frame = framed({"devId": "d"}, "aes_ecb")
    outer = json.loads(base64.b64decode(frame["payload"])) | changes
    return frame | {"payload": base64.b64encode(json.dumps(outer).encode()).decode()}


@pytest.mark.parametrize(
    "frame",
    [
        {},
        {"payload": 3},
        {"payload": "%%%"},
        {"payload": base64.b64encode(b"{").decode()},
        {"payload": base64.b64encode(b"[]").decode()},
        forged(t=2),
        forged(sign=""),
        forged(data="AAAA"),
        framed({"a": 1}, "aes_ecb") | {"properties": {"em": "aes_gcm"}},
    ],
    ids=range(9),
)
def test_what_is_no_message_is_unreadable(frame: dict[str, Any]) -> None:
    """One error for all of it, so that nothing else can end the reading."""
    with pytest.raises(UnreadableError):
        read_report(frame, SECRET)


def test_a_report_that_is_no_object_is_unreadable() -> None:
    """Rightly signed and encrypted all the same."""
    with pytest.raises(UnreadableError, match="no object"):
        read_report(framed([1], "aes_ecb"), SECRET)


def test_the_password_is_the_vendors() -> None:
    """As the emulator checks it."""
    assert password("id", SECRET) == queue_password("id", SECRET)
