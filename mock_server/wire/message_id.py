"""A message id in both writings: as base64 text over WebSocket, in the history and the lab API; natively as numbers."""

import base64
import re
from binascii import a2b_base64, b2a_base64

from mock_server.wire.protobuf import decode, read_varint, varint
from mock_server.wire.pulsar_commands import MessageIdData

_LEDGER, _ENTRY, _INDEX_0 = b"\x08", b"\x10", b"\x20\x00"

_NUMBER = rb"(?:[\x80-\xff]{0,8}[\x01-\x7f]|\x00)"
_USUAL = re.compile(rb"\x08%b\x10%b" % (_NUMBER, _NUMBER)).fullmatch
"""An id as clients write it: ledger and entry, each of 63 bits at most in the fewest bytes."""


def message_id_text(ledger: int, entry: int) -> str:
    """A message id as Pulsar's WebSocket API writes it: base64 of a protobuf with ledger, entry and batch index.

    The index is 0: producers send batches, and each of ours has one message (the field is in public samples).
    """
    return base64.b64encode(_LEDGER + varint(ledger) + _ENTRY + varint(entry) + _INDEX_0).decode()


def message_id_numbers(text: str) -> tuple[int, int]:
    """Ledger and entry of a text that `message_id_text` wrote, of 64 bits each. ValueError for any other."""
    try:
        raw = base64.b64decode(text, validate=True)
        ledger, entry_at = _number_behind(raw, 0, _LEDGER)
        entry, index_at = _number_behind(raw, entry_at, _ENTRY)
    except ValueError:
        raw, index_at = b"", 0
    if raw[index_at:] != _INDEX_0:
        raise ValueError(f"not the text of a message id: {text!r}")
    return ledger, entry


def acknowledged_id(data: bytes) -> str:
    """The text of an id in an acknowledgement, given as the bytes of a `MessageIdData`. MalformedError for others."""
    if _USUAL(data):  # a third of the time
        return b2a_base64(data + _INDEX_0, newline=False).decode()
    named = decode(MessageIdData, data)
    return message_id_text(named.ledger, named.entry)


def message_id_fields(text: str) -> tuple[bytes, bytes]:
    """Ledger and entry of a text that `message_id_text` wrote, each as the field that it is in protobuf."""
    raw = a2b_base64(text)
    end = 1
    while raw[end] & 0x80:
        end += 1
    return raw[: end + 1], raw[end + 1 : -len(_INDEX_0)]


def _number_behind(raw: bytes, place: int, tag: bytes) -> tuple[int, int]:
    """The varint behind a tag, and the place behind it. ValueError if there is none."""
    if raw[place : place + 1] != tag:
        raise ValueError
    return read_varint(raw, place + 1, len(raw))
