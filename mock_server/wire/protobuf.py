"""Protocol Buffers (proto2) for message types that are NamedTuples: `decode` reads one, `encode` writes one.

Each field of such a type is annotated with `At(number)`, in the order of the numbers. Its hint says the rest: `int`
(`At` may say which), `bool`, `str`, `bytes`, another such type, or a tuple of one of them for a repeated field. A field
that may be `None` may be absent; one that may not is required, unless it has a default. A 0 or an empty text that is
there is written, as in proto2.

Unknown fields and those with another wire type than declared are skipped, and of a field given twice the last counts.
Only declared types are descended into, so the depth of a message is bounded by them. Groups are refused: nothing that
we read has ever had them.
"""

import types
from collections.abc import Callable
from functools import cache, lru_cache
from typing import Any, Literal, NamedTuple, TypeVar, Union, get_args, get_origin, get_type_hints

T = TypeVar("T", bound=tuple[Any, ...])

IntKind = Literal["uint64", "int64", "uint32", "int32"]

_VARINT, _FIXED64, _BYTES, _FIXED32 = 0, 1, 2, 5
_FIXED_SIZES = {_FIXED64: 8, _FIXED32: 4}
_COUNTED = (_VARINT, _BYTES)
_MAX_VARINT_BYTES = 10
_MAX_KEY = 0xFFFF_FFFF
_MASK64 = 0xFFFF_FFFF_FFFF_FFFF
_SMALL = [bytes((number,)) for number in range(0x80)]


class MalformedError(ValueError):
    """Bytes that are not what they should be: the only exception of this module, and of the frames made of it."""


class At(NamedTuple):
    """The number of a field, and for an `int` its kind, which says how many bits count and whether they have a sign."""

    number: int
    kind: IntKind = "uint64"


class WireField(NamedTuple):
    """A field as the wire has it.

    `kind` is an integer's kind, "bool", "string", "bytes" or "message"; `shape` is the type of a message.
    """

    name: str
    number: int
    kind: str
    shape: Any
    required: bool
    repeated: bool

    @property
    def wire_type(self) -> int:
        """The wire type of its values."""
        return _BYTES if self.kind in ("string", "bytes", "message") else _VARINT


def fields_of_message(shape: type[Any]) -> tuple[WireField, ...]:
    """The fields of a message type, in the order of their declaration."""
    hints = get_type_hints(shape, include_extras=True)
    return tuple(_field(name, hint, has_default=name in _defaults(shape)) for name, hint in hints.items())


def _defaults(shape: Any) -> dict[str, Any]:
    defaults: dict[str, Any] = shape._field_defaults
    return defaults


def _field(name: str, hint: Any, *, has_default: bool) -> WireField:
    at = next(each for each in hint.__metadata__ if isinstance(each, At))
    bare = hint.__origin__
    optional = get_origin(bare) in (Union, types.UnionType)
    if optional:
        bare = next(each for each in get_args(bare) if each is not type(None))
    repeated = get_origin(bare) is tuple
    bare = get_args(bare)[0] if repeated else bare
    kind = {int: at.kind, bool: "bool", str: "string", bytes: "bytes"}.get(bare, "message")
    required = not (optional or repeated or has_default)
    return WireField(name, at.number, kind, bare, required, repeated)


def varint(number: int) -> bytes:
    """An integer of 64 bits in groups of 7, the lowest first; a negative one is written as its two's complement."""
    if 0 <= number <= 0x7F:  # noqa: PLR2004 the highest number of 7 bits
        return _SMALL[number]
    number &= _MASK64
    groups = bytearray()
    while number > 0x7F:  # noqa: PLR2004 the highest number of 7 bits
        groups.append(number & 0x7F | 0x80)
        number >>= 7
    groups.append(number)
    return bytes(groups)


def read_varint(data: bytes, place: int, end: int) -> tuple[int, int]:
    """The integer at a place, of which 64 bits count, and the place behind it. MalformedError if it does not end."""
    if place < end and data[place] < 0x80:  # noqa: PLR2004 the highest bit says that more follows
        return data[place], place + 1
    number = 0
    for shift in range(0, 7 * _MAX_VARINT_BYTES, 7):
        if place >= end:
            raise MalformedError("a number ends too early")
        byte = data[place]
        place += 1
        number |= (byte & 0x7F) << shift
        if byte < 0x80:  # noqa: PLR2004 the highest bit says that more follows
            return number & _MASK64, place
    raise MalformedError(f"a number has more than {_MAX_VARINT_BYTES} bytes")


def decode(shape: type[T], data: bytes) -> T:
    """The message of a type that bytes hold. MalformedError if they hold none."""
    readers, absent = _reading(shape)
    values = list(absent)
    several: dict[int, list[Any]] = {}
    place, end = 0, len(data)
    while place < end:
        key, raw, place = _next_field(data, place, end)
        if (reader := readers.get(key)) is not None:
            index, repeated, read = reader
            if repeated:
                several.setdefault(index, []).append(read(raw))
            else:
                values[index] = read(raw)
    for index, items in several.items():
        values[index] = tuple(items)
    if _MISSING in values:
        raise MalformedError(f"{shape.__name__} lacks {', '.join(_missing(shape, values))}")
    return tuple.__new__(shape, values)


def _missing(shape: Any, values: list[Any]) -> list[str]:
    """The names of the required fields that are missing, sorted."""
    return sorted(name for name, value in zip(shape._fields, values, strict=True) if value is _MISSING)


def raw_fields(data: bytes) -> tuple[dict[int, int], dict[int, bytes]]:
    """The integers and the contents (texts, bytes, messages) of bytes, by the number of their field.

    MalformedError if they hold no message.
    """
    numbers: dict[int, int] = {}
    contents: dict[int, bytes] = {}
    place, end = 0, len(data)
    while place < end:
        key, raw, place = _next_field(data, place, end)
        if key & 7 == _VARINT:
            numbers[key >> 3] = raw
        elif key & 7 == _BYTES:
            contents[key >> 3] = raw
    return numbers, contents


def _next_field(data: bytes, place: int, end: int) -> tuple[int, Any, int]:
    """Key (number and wire type) and raw value (an integer or bytes) of the field at a place, and the place behind."""
    key, place = data[place], place + 1
    if key > 0x7F:  # noqa: PLR2004 most numbers have one byte, and a call for each is half of the time (measured)
        key, place = read_varint(data, place - 1, end)
    wire_type = key & 7
    if not 8 <= key <= _MAX_KEY:  # noqa: PLR2004 the number is 0 below it
        raise MalformedError(f"no field has the number {key >> 3}")
    if wire_type not in _COUNTED:
        number = _FIXED_SIZES.get(wire_type, -1)
    elif place < end and data[place] < 0x80:  # noqa: PLR2004 the same
        number, place = data[place], place + 1
    else:
        number, place = read_varint(data, place, end)
    if wire_type == _VARINT:
        return key, number, place
    if not 0 <= number <= end - place:
        raise MalformedError(f"field {key >> 3} is longer than its message, or of a wire type that is not supported")
    return key, data[place : place + number], place + number


_MISSING: Any = object()
"""In the place of a required field that has not been read."""

_Readers = dict[int, tuple[int, bool, Callable[[Any], Any]]]


@cache
def _reading(shape: Any) -> tuple[_Readers, tuple[Any, ...]]:
    """How each field of a type is read, by its key: its index, whether it is repeated, its reader; and what is absent.

    What is absent is a value for each field: its default, an empty tuple, None, or `_MISSING` if it is required.
    """
    fields = fields_of_message(shape)
    readers = {
        each.number << 3 | each.wire_type: (index, each.repeated, _reader(each)) for index, each in enumerate(fields)
    }
    return readers, tuple(_absent(shape, each) for each in fields)


def _absent(shape: Any, field: WireField) -> Any:
    if field.required:
        return _MISSING
    return _defaults(shape).get(field.name, () if field.repeated else None)


def _reader(field: WireField) -> Callable[[Any], Any]:
    if field.kind == "message":
        return lambda raw: decode(field.shape, raw)
    return _READERS[field.kind]


def _text(raw: bytes) -> str:
    try:
        return raw.decode()
    except UnicodeDecodeError:
        raise MalformedError("a text is not UTF-8") from None


def _signed(raw: int, bits: int) -> int:
    number = raw & (1 << bits) - 1
    return number - (1 << bits) if number >> bits - 1 else number


_READERS: dict[str, Callable[[Any], Any]] = {
    "uint64": int,
    "int64": lambda raw: _signed(raw, 64),
    "uint32": lambda raw: raw & 0xFFFF_FFFF,
    "int32": lambda raw: _signed(raw, 32),
    "bool": bool,
    "string": _text,
    "bytes": bytes,
}


def number_field(number: int, value: int) -> bytes:
    """An integer as a field."""
    return varint(number << 3 | _VARINT) + varint(value)


def content_field(number: int, content: bytes) -> bytes:
    """A text, bytes or a message as a field."""
    return varint(number << 3 | _BYTES) + _sized(content)


def encode(message: tuple[Any, ...]) -> bytes:
    """The bytes of a message: an instance of a message type."""
    out = bytearray()
    for (key, repeated, write), value in zip(_writing(type(message)), message, strict=True):
        if value is None:
            continue
        if repeated:
            for each in value:
                out += key + write(each)
        else:
            out += key + write(value)
    return bytes(out)


@cache
def _writing(shape: Any) -> tuple[tuple[bytes, bool, Callable[[Any], bytes]], ...]:
    """The key of each field of a type, whether it is repeated, and what writes a value."""
    return tuple(
        (varint(each.number << 3 | each.wire_type), each.repeated, _WRITERS.get(each.kind, varint))
        for each in fields_of_message(shape)
    )


def _sized(content: bytes) -> bytes:
    return varint(len(content)) + content


@lru_cache(256)
def _text_bytes(text: str) -> bytes:
    """A text with its size. Kept for the next time: a queue sends the same names with each message."""
    return _sized(text.encode())


_WRITERS: dict[str, Callable[[Any], bytes]] = {
    "string": _text_bytes,
    "bytes": _sized,
    "message": lambda message: _sized(encode(message)),
}
