"""Reading untrusted JSON: every problem is collected with its path, nothing is raised half way."""

import json
import re
from collections.abc import Collection, Sequence
from dataclasses import dataclass
from enum import Enum

from mock_server.model import INT64_MAX

MAX_DEPTH = 32
"""How deeply a body may be nested (our choice)."""

_NAME_SHOWN = 64
_DIGITS = re.compile(r"[0-9]{1,18}")


class ProblemKind(Enum):
    """What is wrong with a value."""

    MISSING = "missing"
    NULL = "null"
    TYPE = "type"
    RANGE = "range"
    ILLEGAL = "illegal"


@dataclass(frozen=True, slots=True)
class Problem:
    """One thing wrong: where (`recordSyncInfos[0].totalCount`, or `body`), and what, as the end of a sentence."""

    kind: ProblemKind
    path: str
    text: str


def in_words(problems: Sequence[Problem]) -> str:
    """All the problems as one text, each with its path."""
    return "; ".join(f"{problem.path} {problem.text}" for problem in problems)


def parse_json(raw: bytes) -> object:
    """The JSON value of a body, at most `MAX_DEPTH` deep. ValueError says what is wrong, in one sentence."""
    try:
        value = _DECODER.decode(raw.decode())
    except UnicodeDecodeError:
        raise ValueError("the body is not UTF-8") from None
    except json.JSONDecodeError as error:
        raise ValueError(f"the body is not JSON: {error.msg} at character {error.pos}") from None
    except _ConstantError as error:
        raise ValueError(f"the body is not JSON: {error} is not a JSON value") from None
    except ValueError:  # all that is left is the interpreter's limit of digits
        raise ValueError("the body has a number with too many digits") from None
    except RecursionError:
        raise ValueError(f"the body is nested deeper than {MAX_DEPTH} levels") from None
    if _may_be_deep(raw) and _deeper_than(value, MAX_DEPTH):
        raise ValueError(f"the body is nested deeper than {MAX_DEPTH} levels")
    return value


class _ConstantError(ValueError):
    """A constant that Python's JSON has and JSON has not: NaN, Infinity, -Infinity."""


def _refuse_constant(name: str) -> None:
    raise _ConstantError(name)


_DECODER = json.JSONDecoder(parse_constant=_refuse_constant)


def _may_be_deep(raw: bytes) -> bool:
    """Whether there are brackets enough to go too deep: most bodies need no closer look."""
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
    """The number that a text of at most 18 plain digits stands for, else None."""
    return int(text) if _DIGITS.fullmatch(text) else None


def type_name(value: object) -> str:
    """What JSON calls a value's type, with its article."""
    if isinstance(value, bool):
        return "a boolean"
    names = {int: "an integer", float: "a fraction", str: "a string", list: "a list", dict: "an object"}
    return names.get(type(value), "null")


def _shown(name: str) -> str:
    """A name that came from outside, fit for a message: short, and nothing that UTF-8 cannot carry."""
    return name[:_NAME_SHOWN].encode("utf-8", "replace").decode()


class Reader:
    """Reads the fields of one JSON object and notes what is wrong with them.

    Every method returns the value, or None when it is absent or was noted as a problem.
    """

    def __init__(self, data: dict[str, object], path: str, problems: list[Problem]) -> None:
        self._data = data
        self._path = path
        self._problems = problems

    def __contains__(self, name: str) -> bool:
        return name in self._data

    def raw(self, name: str) -> object:
        """The value of a field as it is, None for one that is absent."""
        return self._data.get(name)

    def inner(self, name: str, value: dict[str, object]) -> "Reader":
        """A reader of the object that a field holds."""
        return Reader(value, self.where(name), self._problems)

    def where(self, name: str) -> str:
        """The path of a field."""
        return f"{self._path}.{name}" if self._path else name

    def note(self, kind: ProblemKind, name: str, text: str) -> None:
        """Note a problem of a field."""
        self._problems.append(Problem(kind, self.where(name), text))

    def only(self, known: Collection[str]) -> None:
        """Note every field that is not known."""
        for name in self._data:
            if name not in known:
                self.note(ProblemKind.ILLEGAL, _shown(name), f"is not known; known are {', '.join(known)}")

    def absent(self, name: str, text: str) -> None:
        """Note a field that is there."""
        if name in self._data:
            self.note(ProblemKind.ILLEGAL, name, text)

    def integer(self, name: str, low: int = 0, high: int = INT64_MAX, *, required: bool = True) -> int | None:
        """A whole number from `low` to `high`. A boolean or a fraction is none, whatever its value."""
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
        """One of a few whole numbers."""
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
        """A string of `low` to `high` characters that UTF-8 can carry."""
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
        """One of a few strings."""
        value = self.text(name, required=required)
        if value is None or value in values:
            return value
        self.note(ProblemKind.RANGE, name, f"must be {' or '.join(values)}")
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
        value = self._data.get(name)
        if value is None and name in self._data:
            self.note(ProblemKind.NULL, name, "must not be null")
        elif value is None and required:
            self.note(ProblemKind.MISSING, name, "is required")
        return value

    def _wrong_type(self, name: str, wanted: str, value: object) -> None:
        self.note(ProblemKind.TYPE, name, f"must be {wanted}, not {type_name(value)}")
