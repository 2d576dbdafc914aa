"""Reads untrusted JSON, and collects every problem with its path instead of raising the first."""

import json
import re
from collections.abc import Collection, Sequence
from dataclasses import dataclass
from enum import Enum

from mock_server.model import INT64_MAX

MAX_DEPTH = 32
"""The deepest nesting of a body that is read (our choice)."""

_NAME_SHOWN = 64
_DIGITS = re.compile(r"[0-9]{1,18}")


class ProblemKind(Enum):
    """The kind of a problem; each has an error code of the vendor (`mock_server.wire.errors`)."""

    MISSING = "missing"
    NULL = "null"
    TYPE = "type"
    RANGE = "range"
    ILLEGAL = "illegal"


@dataclass(frozen=True, slots=True)
class Problem:
    """A problem of a value: its path (`recordSyncInfos[0].totalCount`, or `body`), and the text that follows it."""

    kind: ProblemKind
    path: str
    text: str


def in_words(problems: Sequence[Problem]) -> str:
    """The problems as one text, each with its path."""
    return "; ".join(f"{problem.path} {problem.text}" for problem in problems)


def parse_json(raw: bytes, what: str = "the body") -> object:
    """The JSON value of a body, at most `MAX_DEPTH` deep. ValueError, with the problem in one sentence, if invalid.

    `what` names the text in that sentence.
    """
    try:
        value = _DECODER.decode(raw.decode())
    except UnicodeDecodeError:
        raise ValueError(f"{what} is not UTF-8") from None
    except json.JSONDecodeError as error:
        raise ValueError(f"{what} is not JSON: {error.msg} at character {error.pos}") from None
    except _ConstantError as error:
        raise ValueError(f"{what} is not JSON: {error} is not a JSON value") from None
    except ValueError:  # the only other ValueError: the interpreter's limit of the digits of an integer
        raise ValueError(f"{what} has a number with too many digits") from None
    except RecursionError:
        raise ValueError(f"{what} is nested deeper than {MAX_DEPTH} levels") from None
    if _may_be_deep(raw) and _deeper_than(value, MAX_DEPTH):
        raise ValueError(f"{what} is nested deeper than {MAX_DEPTH} levels")
    return value


class _ConstantError(ValueError):
    """A constant that Python's parser accepts and JSON does not have: NaN, Infinity, -Infinity."""


def _refuse_constant(name: str) -> None:
    raise _ConstantError(name)


_DECODER = json.JSONDecoder(parse_constant=_refuse_constant)


def _may_be_deep(raw: bytes) -> bool:
    """Whether a body has more brackets than levels allowed. A cheap test, which spares most bodies the exact one."""
    return raw.count(b"{") + raw.count(b"[") > MAX_DEPTH


def _deeper_than(value: object, limit: int) -> bool:
    level = [value]
    for _ in range(limit):
        level = [
            child
            for parent in level
            if isinstance(parent, dict | list)
            for child in (parent.values() if isinstance(parent, dict) else parent)
            if isinstance(child, dict | list)
        ]
        if not level:
            return False
    return True


def whole_number(text: str) -> int | None:
    """The number of a text of 1 to 18 ASCII digits, else None. 18 digits fit into an int64."""
    return int(text) if _DIGITS.fullmatch(text) else None


def type_name(value: object) -> str:
    """The name of a value's JSON type, with its article."""
    if isinstance(value, bool):
        return "a boolean"
    names = {int: "an integer", float: "a fraction", str: "a string", list: "a list", dict: "an object"}
    return names.get(type(value), "null")


def _printable(name: str) -> str:
    """A name from outside for use in a message: cut to 64 characters, valid in UTF-8."""
    return name[:_NAME_SHOWN].encode("utf-8", "replace").decode()


class Reader:
    """Reads the fields of one JSON object and notes their problems.

    The methods for values return None if the field is absent or its problem was noted.
    """

    def __init__(self, data: dict[str, object], path: str, problems: list[Problem]) -> None:
        self._data = data
        self._path = path
        self._problems = problems

    def __contains__(self, name: str) -> bool:
        return name in self._data

    def raw(self, name: str) -> object:
        """The value of a field, unchecked; None if it is absent."""
        return self._data.get(name)

    def inner(self, name: str, value: dict[str, object]) -> "Reader":
        """A reader of the object in a field, which notes its problems under the field's path."""
        return Reader(value, self.where(name), self._problems)

    def where(self, name: str) -> str:
        """The path of a field."""
        return f"{self._path}.{name}" if self._path else name

    def note(self, kind: ProblemKind, name: str, text: str) -> None:
        """Note a problem of a field."""
        self._problems.append(Problem(kind, self.where(name), text))

    def only(self, known: Collection[str]) -> None:
        """Note every field that is not in `known`."""
        for name in self._data:
            if name not in known:
                self.note(ProblemKind.ILLEGAL, _printable(name), f"is not known; known are {', '.join(known)}")

    def absent(self, name: str, text: str) -> None:
        """Note a field that must be absent."""
        if name in self._data:
            self.note(ProblemKind.ILLEGAL, name, text)

    def integer(self, name: str, low: int = 0, high: int = INT64_MAX, *, required: bool = True) -> int | None:
        """An integer from `low` to `high`. Booleans and floats are of the wrong type, even `true` and `1.0`."""
        value = self._present(name, required=required)
        if value is None:
            return None
        if type(value) is not int:
            self._wrong_type(name, "an integer", value)
        elif not low <= value <= high:
            self.note(ProblemKind.RANGE, name, f"must be from {low} to {high}")
        else:
            return value
        return None

    def choice(self, name: str, values: Collection[int], *, required: bool = True) -> int | None:
        """One of some integers."""
        value = self._present(name, required=required)
        if value is None:
            return None
        if type(value) is not int:
            self._wrong_type(name, "an integer", value)
        elif value not in values:
            self.note(ProblemKind.RANGE, name, f"must be {' or '.join(str(int(each)) for each in values)}")
        else:
            return value
        return None

    def text(self, name: str, low: int = 0, high: int = 256, *, required: bool = True) -> str | None:
        """A string of `low` to `high` characters, without lone surrogates, which UTF-8 cannot encode."""
        value = self._present(name, required=required)
        if value is None:
            return None
        if not isinstance(value, str):
            self._wrong_type(name, "a string", value)
        elif not low <= len(value) <= high:
            self.note(ProblemKind.RANGE, name, f"must have {low} to {high} characters")
        elif any("\ud800" <= sign <= "\udfff" for sign in value):
            self.note(ProblemKind.ILLEGAL, name, "has half a surrogate pair")
        else:
            return value
        return None

    def word(self, name: str, values: tuple[str, ...], *, required: bool = True) -> str | None:
        """One of some strings."""
        value = self.text(name, required=required)
        if value is None or value in values:
            return value
        self.note(ProblemKind.RANGE, name, f"must be {' or '.join(values)}, not {_printable(value)}")
        return None

    def boolean(self, name: str, *, required: bool = True) -> bool | None:
        """True or false."""
        value = self._present(name, required=required)
        if value is None or isinstance(value, bool):
            return value
        self._wrong_type(name, "true or false", value)
        return None

    def items(self, name: str, high: int, *, low: int = 0, required: bool = True) -> list[object] | None:
        """A list of `low` to `high` values."""
        value = self._present(name, required=required)
        if value is None:
            return None
        if not isinstance(value, list):
            self._wrong_type(name, "a list", value)
        elif len(value) < low:
            self.note(ProblemKind.MISSING, name, "must not be empty")
        elif len(value) > high:
            self.note(ProblemKind.RANGE, name, f"must have at most {high} items")
        else:
            return value
        return None

    def _present(self, name: str, *, required: bool) -> object:
        """The value of a field; None, with a problem noted, if it is null, or absent though required."""
        value = self._data.get(name)
        if value is None and name in self._data:
            self.note(ProblemKind.NULL, name, "must not be null")
        elif value is None and required:
            self.note(ProblemKind.MISSING, name, "is required")
        return value

    def _wrong_type(self, name: str, wanted: str, value: object) -> None:
        self.note(ProblemKind.TYPE, name, f"must be {wanted}, not {type_name(value)}")
