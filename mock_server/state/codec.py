"""Rows as JSON, and back: what a type declares is what is read, and nothing else is believed.

A value of a class is an object with the name of its class in `is`, so that a field may hold one of several classes. It
may be left out where a field holds one class only.
"""

from collections.abc import Callable, Iterator, Mapping
from dataclasses import MISSING, fields, is_dataclass
from enum import Enum
from functools import cache, partial
from operator import attrgetter
from types import NoneType, UnionType
from typing import Any, Literal, TypeAlias, TypeVar, Union, get_args, get_origin, get_type_hints

from msgspec import Struct
from msgspec.structs import fields as struct_fields

from mock_server.model import INT64_MAX
from mock_server.problems import type_name

T = TypeVar("T")

Decode: TypeAlias = Callable[[Any], Any]
"""Called with JSON. What it refuses says where below it that is: a path is made only where it is needed."""

_IS = "is"
_PLAIN = frozenset((str, int, float, bool, NoneType))


class DecodeError(ValueError):
    """JSON that is not what it should be; the text begins with the path to it."""

    def __init__(self, path: str, text: str) -> None:
        super().__init__(f"{path}: {text}")
        self._path, self._text = path, text

    def below(self, path: str) -> "DecodeError":
        """The same of what is at a path."""
        return DecodeError(f"{path}{self._path}", self._text)


def encode(value: Any) -> Any:
    """A value as JSON. TypeError for one that rows do not hold."""
    kind: type = type(value)
    return value if kind in _PLAIN else _encoder(kind)(value)


@cache
def _encoder(kind: type) -> Callable[[Any], Any]:
    """The encoder of a class: what is written is mostly of few classes, many times."""
    if issubclass(kind, Enum):
        return lambda value: value.value
    if _is_class(kind):
        return _object_encoder(kind)
    if issubclass(kind, Mapping):
        return lambda value: {str(key): encode(each) for key, each in value.items()}
    if issubclass(kind, tuple | list):
        return lambda value: [encode(each) for each in value]
    raise TypeError(f"{kind.__name__} is not held in rows")


def _object_encoder(kind: type) -> Callable[[Any], Any]:
    names, values = _field_names(kind), _values_of(kind)

    def write(value: Any) -> Any:
        written = {_IS: kind.__name__}
        for name, each in zip(names, values(value), strict=True):
            written[name] = each if type(each) in _PLAIN else encode(each)
        return written

    return write


def _values_of(kind: type) -> Callable[[Any], tuple[Any, ...]]:
    """What reads all fields of a value at once."""
    names = _field_names(kind)
    if issubclass(kind, tuple):
        return tuple
    if len(names) == 1:
        return lambda value: (getattr(value, names[0]),)
    return attrgetter(*names) if names else lambda _: ()


def decode(hint: Any, data: Any, path: str) -> Any:
    """A value of a type from its JSON. DecodeError if it is none."""
    try:
        return decoder(hint)(data)
    except DecodeError as error:
        raise error.below(path) from None


@cache
def _field_names(kind: type) -> tuple[str, ...]:
    return tuple(name for name, _ in _defaults(kind))


def _is_class(kind: Any) -> bool:
    """Whether it is a class with fields: a dataclass, a struct or a named tuple."""
    return is_dataclass(kind) or (isinstance(kind, type) and (issubclass(kind, Struct) or hasattr(kind, "_fields")))


def _defaults(kind: Any) -> Iterator[tuple[str, bool]]:
    """The fields of a class, each with whether it may be left out."""
    if is_dataclass(kind):
        yield from ((each.name, (each.default, each.default_factory) != (MISSING, MISSING)) for each in fields(kind))
    elif issubclass(kind, Struct):
        yield from ((each.name, not each.required) for each in struct_fields(kind))
    else:
        yield from ((name, name in kind._field_defaults) for name in kind._fields)


@cache
def decoder(hint: Any) -> Decode:
    """What reads values of a type; the paths in its errors begin at the value."""
    origin = get_origin(hint)
    if origin is not None:
        makers = {Union: _one_of, UnionType: _one_of, Literal: _literal, tuple: _tuple, list: _every}
        return makers.get(origin, _mapping)(get_args(hint))
    if isinstance(hint, type) and issubclass(hint, Enum):
        return _enum(hint)
    if _is_class(hint):
        return _object((hint,))
    return _as_it_is if hint in (object, Any) else _plain(hint)


def _as_it_is(data: Any) -> Any:
    return data


def _every(hints: tuple[Any, ...]) -> Decode:
    each = decoder(hints[0])

    def read(data: Any) -> Any:
        return [_at(place, each, item) for place, item in enumerate(_list(data))]

    return read


def _at(place: int, read: Decode, item: Any) -> Any:
    try:
        return read(item)
    except DecodeError as error:
        raise error.below(f"[{place}]") from None


def _plain(kind: type) -> Decode:
    if kind not in _PLAIN:
        raise TypeError(f"rows hold no {kind}")
    allowed = (int, float) if kind is float else (kind,)

    def read(data: Any) -> Any:
        if type(data) not in allowed:
            raise DecodeError("", f"must be {'an' if kind is int else 'a'} {kind.__name__}, not {type_name(data)}")
        if kind is int and not -INT64_MAX <= data <= INT64_MAX:
            raise DecodeError("", "is no 64-bit integer")
        return data

    return read


def _literal(values: tuple[Any, ...]) -> Decode:
    known = {(type(each), each): each for each in values}

    def read(data: Any) -> Any:
        if isinstance(data, dict | list) or (type(data), data) not in known:
            raise DecodeError("", f"must be one of {', '.join(map(str, values))}")
        return data

    return read


def _enum(kind: type[Enum]) -> Decode:
    known = {(type(each.value), each.value): each for each in kind}

    def read(data: Any) -> Any:
        found = None if isinstance(data, dict | list) else known.get((type(data), data))
        if found is None:
            raise DecodeError("", f"must be one of {', '.join(str(each.value) for each in kind)}")
        return found

    return read


def _tuple(hints: tuple[Any, ...]) -> Decode:
    if hints[-1] is ...:
        every = _every(hints)
        return lambda data: tuple(every(data))
    several = [decoder(hint) for hint in hints]

    def read(data: Any) -> Any:
        if len(_list(data)) != len(several):
            raise DecodeError("", f"must have {len(several)} items, not {len(data)}")
        return tuple(_at(place, read, item) for place, (read, item) in enumerate(zip(several, data, strict=True)))

    return read


def _list(data: Any) -> list[Any]:
    if not isinstance(data, list):
        raise DecodeError("", f"must be a list, not {type_name(data)}")
    return data


def _mapping(hints: tuple[Any, ...]) -> Decode:
    keys, values = map(decoder, hints)

    def read(data: Any) -> Any:
        found = {}
        for name, each in _dict(data).items():
            try:
                found[keys(name)] = values(each)
            except DecodeError as error:
                raise error.below(f".{name}") from None
        return found

    return read


def _dict(data: Any) -> dict[str, Any]:
    if not isinstance(data, dict):
        raise DecodeError("", f"must be an object, not {type_name(data)}")
    return data


def _one_of(hints: tuple[Any, ...]) -> Decode:
    """One of several types: a class by its name, or else the first that takes it."""
    classes = tuple(each for each in hints if _is_class(each))
    others = [decoder(each) for each in hints if each not in classes]
    of_class = _object(classes)
    may_be_none = NoneType in hints

    def read(data: Any) -> Any:
        if data is None and may_be_none:
            return None
        if classes and isinstance(data, dict):
            return of_class(data)
        problems = []
        for other in others:
            try:
                return other(data)
            except DecodeError as problem:
                problems.append(problem)
        raise problems[-1] if problems else DecodeError("", f"must be an object, not {type_name(data)}")

    return read


def _object(kinds: tuple[type, ...]) -> Decode:
    """A class by its name. What it holds is looked up when it is first read: it may hold its own kind."""
    by_name = {kind.__name__: cache(partial(_fields_of, kind)) for kind in kinds}
    only = kinds[0].__name__ if len(kinds) == 1 else None

    def read(data: Any) -> Any:
        make = by_name.get(str(_dict(data).get(_IS, only)))
        if make is None:
            raise DecodeError(f".{_IS}", f"must be one of {', '.join(by_name)}")
        return make()(data)

    return read


def _fields_of(kind: type) -> Decode:
    """What reads the fields of a class. Most are plain and all are there, which takes no call each."""
    readers = tuple((name, decoder(hint), hint if hint in (str, bool) else None) for name, hint in _hints(kind))
    required = _required(kind)

    def read(data: dict[str, Any]) -> Any:
        found = {}
        for name, each, plain in readers:
            if name in data:
                value = data[name]
                try:
                    found[name] = value if type(value) is plain else each(value)
                except DecodeError as error:
                    raise error.below(f".{name}") from None
        if len(found) != len(readers) and (missing := [name for name in required if name not in found]):
            raise DecodeError("", f"lacks {', '.join(missing)}")
        return kind(**found)

    return read


@cache
def _hints(kind: type) -> tuple[tuple[str, Any], ...]:
    hints = get_type_hints(kind)
    return tuple((name, hints[name]) for name in _field_names(kind))


@cache
def _required(kind: type) -> tuple[str, ...]:
    return tuple(name for name, may_be_left_out in _defaults(kind) if not may_be_left_out)
