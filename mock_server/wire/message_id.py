"""A message id in both writings: as base64 text over WebSocket, in the history and the lab API; natively as numbers."""

import base64

_LEDGER, _ENTRY, _INDEX_0 = b"\x08", b"\x10", b"\x20\x00"
_VARINT_BYTES = 10
"""The longest varint of protobuf: 64 bits."""


def message_id_text(ledger: int, entry: int) -> str:
    """A message id as Pulsar's WebSocket API writes it: base64 of a protobuf with ledger, entry and batch index.

    The index is 0: producers send batches, and each of ours has one message (the field is in public samples).
    """
    return base64.b64encode(_LEDGER + _varint(ledger) + _ENTRY + _varint(entry) + _INDEX_0).decode()


def message_id_numbers(text: str) -> tuple[int, int]:
    """Ledger and entry of a text that `message_id_text` wrote. ValueError for any other."""
    try:
        raw = base64.b64decode(text, validate=True)
    except ValueError:
        raise ValueError(f"not the text of a message id: {text!r}") from None
    ledger, entry_at = _number_behind(raw, 0, _LEDGER)
    entry, index_at = _number_behind(raw, entry_at, _ENTRY)
    if raw[index_at:] != _INDEX_0:
        raise ValueError(f"not the text of a message id: {text!r}")
    return ledger, entry


def _varint(number: int) -> bytes:
    groups = bytearray()
    while number >> 7:
        groups.append(number & 0x7F | 0x80)
        number >>= 7
    groups.append(number)
    return bytes(groups)


def _number_behind(raw: bytes, place: int, tag: bytes) -> tuple[int, int]:
    """The varint behind a tag, and the place behind it. ValueError if there is none."""
    number = 0
    for group, byte in enumerate(raw[place + 1 : place + 1 + _VARINT_BYTES]):
        number |= (byte & 0x7F) << 7 * group
        if byte < 0x80 and raw[place : place + 1] == tag:  # noqa: PLR2004 the flag that more groups follow
            return number, place + 2 + group
    raise ValueError("not the bytes of a message id")
