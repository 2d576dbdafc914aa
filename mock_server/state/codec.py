"""Rows as JSON, and back: what a type declares is what is read, and nothing else is believed.

A value of a class is an object with the name of its class in `is`, so that a field may hold one of several classes. It
may be left out where a field holds one class only.
"""

from collections.abc import Callable, Iterable, Mapping
from dataclasses import MISSING, fields, is_dataclass
from enum import Enum
from functools import cache
from operator import attrgetter
from types import NoneType, UnionType
from typing import Any, Literal, TypeAlias, TypeVar, Union, get_args, get_origin, get_type_hints

from mock_server.model import INT64_MAX
from mock_server.problems import type_name

T = TypeVar("T")

Decode: TypeAlias = Callable[[Any, str], Any]
"""Called with JSON and the path to it in the file."""

_IS = "is"
_PLAIN = frozenset((str, int, float, bool, NoneType))


class DecodeError(ValueError):
    """JSON that is not what it should be; the text begins with the path to it."""

    def __init__(self, path: str, text: str) -> None:
        super().__init__(f"{path}: {text}")


def encode(value: Any) -> Any:
    """A value as JSON. TypeError for one that rows do not hold."""
    kind: type = type(value)
    return value if kind in _PLAIN else _encoder(kind)(value)


@cache
def _encoder(kind: type) -> Callable[[Any], Any]:
    """The encoder of a class: what is written is mostly of few classes, many times."""
    if issubclass(kind, Enum):
        return lambda value: value.value
    if is_dataclass(kind) or hasattr(kind, "_fields"):
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
    if not is_dataclass(kind):
        return tuple
    if len(names) == 1:
        return lambda value: (getattr(value, names[0]),)
    return attrgetter(*names) if names else lambda _: ()


def decode(hint: Any, data: Any, path: str) -> Any:
    """A value of a type from its JSON. DecodeError if it is none."""
    return _decoder(hint)(data, path)


@cache
def _field_names(kind: type) -> tuple[str, ...]:
    return tuple(each.name for each in fields(kind)) if is_dataclass(kind) else kind._fields  # type: ignore[attr-defined]  # a NamedTuple


@cache
def _decoder(hint: Any) -> Decode:
    origin = get_origin(hint)
    if origin is not None:
        makers = {Union: _one_of, UnionType: _one_of, Literal: _literal, tuple: _tuple, list: _every}
        return makers.get(origin, _mapping)(get_args(hint))
    if isinstance(hint, type) and issubclass(hint, Enum):
        return _enum(hint)
    if is_dataclass(hint) or hasattr(hint, "_fields"):
        return _object((hint,))
    return _as_it_is if hint in (object, Any) else _plain(hint)


def _as_it_is(data: Any, _: str) -> Any:
    return data


def _every(hints: tuple[Any, ...]) -> Decode:
    each = _decoder(hints[0])
    return lambda data, path: [each(item, f"{path}[{at}]") for at, item in enumerate(_list(data, path))]


def _plain(kind: type) -> Decode:
    if kind not in _PLAIN:
        raise TypeError(f"rows hold no {kind}")
    allowed = (int, float) if kind is float else (kind,)

    def read(data: Any, path: str) -> Any:
        if type(data) not in allowed:
            raise DecodeError(path, f"must be a {kind.__name__}, not {type_name(data)}")
        if kind is int and not -INT64_MAX <= data <= INT64_MAX:
            raise DecodeError(path, "is no 64-bit integer")
        return data

    return read


def _literal(values: tuple[Any, ...]) -> Decode:
    def read(data: Any, path: str) -> Any:
        if not any(data == each and type(data) is type(each) for each in values):
            raise DecodeError(path, f"must be one of {', '.join(map(str, values))}")
        return data

    return read


def _enum(kind: type[Enum]) -> Decode:
    values = _literal(tuple(each.value for each in kind))
    return lambda data, path: kind(values(data, path))


def _tuple(hints: tuple[Any, ...]) -> Decode:
    if hints[-1] is ...:
        every = _every(hints)
        return lambda data, path: tuple(every(data, path))
    several = [_decoder(hint) for hint in hints]

    def read(data: Any, path: str) -> Any:
        if len(_list(data, path)) != len(several):
            raise DecodeError(path, f"must have {len(several)} items, not {len(data)}")
        return tuple(read(item, f"{path}[{at}]") for at, (read, item) in enumerate(zip(several, data, strict=True)))

    return read


def _list(data: Any, path: str) -> list[Any]:
    if not isinstance(data, list):
        raise DecodeError(path, f"must be a list, not {type_name(data)}")
    return data


def _mapping(hints: tuple[Any, ...]) -> Decode:
    keys, values = map(_decoder, hints)

    def read(data: Any, path: str) -> Any:
        if not isinstance(data, dict):
            raise DecodeError(path, f"must be an object, not {type_name(data)}")
        return {keys(name, path): values(each, f"{path}.{name}") for name, each in data.items()}

    return read


def _one_of(hints: tuple[Any, ...]) -> Decode:
    """One of several types: a class by its name, or else the first that takes it."""
    classes = tuple(each for each in hints if is_dataclass(each) or hasattr(each, "_fields"))
    others = [_decoder(each) for each in hints if each not in classes]

    def read(data: Any, path: str) -> Any:
        if classes and isinstance(data, dict):
            return _object(classes)(data, path)
        problems = []
        for other in others:
            try:
                return other(data, path)
            except DecodeError as problem:
                problems.append(problem)
        raise problems[-1] if problems else DecodeError(path, f"must be an object, not {type_name(data)}")

    return read


@cache
def _object(kinds: tuple[type, ...]) -> Decode:
    by_name = {kind.__name__: kind for kind in kinds}
    only = kinds[0].__name__ if len(kinds) == 1 else None

    def read(data: Any, path: str) -> Any:
        if not isinstance(data, dict):
            raise DecodeError(path, f"must be an object, not {type_name(data)}")
        kind = by_name.get(str(data.get(_IS, only)))
        if kind is None:
            raise DecodeError(f"{path}.{_IS}", f"must be one of {', '.join(by_name)}")
        found = {name: decode(hint, data[name], f"{path}.{name}") for name, hint in _hints(kind) if name in data}
        missing = [name for name in _required(kind) if name not in found]
        if missing:
            raise DecodeError(path, f"lacks {', '.join(missing)}")
        return kind(**found)

    return read


@cache
def _hints(kind: type) -> tuple[tuple[str, Any], ...]:
    hints = get_type_hints(kind)
    return tuple((name, hints[name]) for name in _field_names(kind))


@cache
def _required(kind: type) -> tuple[str, ...]:
    if is_dataclass(kind):
        optional = (each.name for each in fields(kind) if (each.default, each.default_factory) != (MISSING, MISSING))
        return _without(_field_names(kind), optional)
    return _without(_field_names(kind), kind._field_defaults)  # type: ignore[attr-defined]  # a NamedTuple


def _without(names: Iterable[str], others: Iterable[str]) -> tuple[str, ...]:
    left_out = set(others)
    return tuple(name for name in names if name not in left_out)
