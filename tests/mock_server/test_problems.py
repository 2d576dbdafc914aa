import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mock_server.model import INT64_MAX
from mock_server.problems import MAX_DEPTH, Problem, ProblemKind, Reader, parse_json, type_name, whole_number
from tests.strategies import json_values


@given(json_values)
def test_json_is_read_as_it_was_written(value: object) -> None:
    """What another implementation writes comes back, unless it has a number too long to be read."""
    text = json.dumps(value, ensure_ascii=False)
    assert parse_json(text.encode()) == json.loads(text)


@given(st.binary(max_size=60))
def test_any_bytes_are_a_value_or_a_value_error(raw: bytes) -> None:
    """Nothing else is ever raised, and the reason is one short sentence."""
    reason = "none"
    try:
        parse_json(raw)
    except ValueError as error:
        reason = str(error)
    assert 0 < len(reason) < 300
    assert "\n" not in reason


@pytest.mark.parametrize(
    ("raw", "reason"),
    [
        (b"", "is not JSON"),
        (b"{", "is not JSON"),
        (b"{} {}", "is not JSON"),
        (b"\xff\xfe{\x00}\x00", "not UTF-8"),
        (b"\xef\xbb\xbf{}", "is not JSON"),
        (b"NaN", "NaN is not a JSON value"),
        (b'{"a": -Infinity}', "-Infinity is not a JSON value"),
        (b"1" * 5000, "too many digits"),
        (b"[" * (MAX_DEPTH + 1) + b"]" * (MAX_DEPTH + 1), "deeper than 32"),
        (b"[" * 100_000 + b"]" * 100_000, "deeper than 32"),
        (b'{"a":' * 100_000, "deeper than 32"),
    ],
)
def test_what_is_no_json_says_why(raw: bytes, reason: str) -> None:
    """A reader of the message knows what to correct; the reason is said once."""
    with pytest.raises(ValueError, match=reason) as caught:
        parse_json(raw)
    assert str(caught.value).count("the body") == 1


def test_the_deepest_value_that_is_read() -> None:
    """Thirty-two levels pass."""
    value = parse_json(b"[" * MAX_DEPTH + b"]" * MAX_DEPTH)
    assert str(value).count("[") == MAX_DEPTH


@pytest.mark.parametrize(
    ("text", "number"), [("0", 0), ("007", 7), ("9" * 18, 10**18 - 1), ("9" * 19, None), ("", None), ("-1", None)]
)
def test_whole_numbers_are_plain_digits(text: str, number: int | None) -> None:
    """At most 18 of them."""
    assert whole_number(text) == number


@pytest.mark.parametrize("text", ["1_0", "+1", " 1", "1\n", "1.0", "١", "²"])
def test_what_python_would_take_as_a_number_is_none(text: str) -> None:
    """No signs, no underscores, no other alphabets, no spaces."""
    assert whole_number(text) is None


@pytest.mark.parametrize(
    ("value", "name"),
    [
        (True, "a boolean"),
        (1, "an integer"),
        (1.0, "a fraction"),
        ("", "a string"),
        ([], "a list"),
        ({}, "an object"),
        (None, "null"),
    ],
)
def test_types_have_the_names_of_json(value: object, name: str) -> None:
    """With the article that a sentence needs."""
    assert type_name(value) == name


def read(value: Any, method: str, *args: Any, **kwargs: Any) -> tuple[object, list[Problem]]:
    """What a reader says of the field `x`, and what it notes."""
    problems: list[Problem] = []
    data = {} if value is ... else {"x": value}
    return getattr(Reader(data, "at[0]", problems), method)("x", *args, **kwargs), problems


@pytest.mark.parametrize(
    ("method", "args", "good"),
    [("integer", (), 5), ("choice", ((4, 5),), 5), ("text", (), "é"), ("boolean", (), False), ("items", (3,), [1])],
)
def test_a_field_is_read_or_missing_or_null_or_of_another_type(method: str, args: tuple[Any, ...], good: Any) -> None:
    """Each case has its kind; an optional field may be absent but not null."""
    assert read(good, method, *args) == (good, [])
    assert read(..., method, *args, required=False) == (None, [])
    for value, kind in ((..., ProblemKind.MISSING), (None, ProblemKind.NULL), ({}, ProblemKind.TYPE)):
        for required in (True, False) if value is not ... else (True,):
            result, problems = read(value, method, *args, required=required)
            assert result is None
            assert [(problem.kind, problem.path) for problem in problems] == [(kind, "at[0].x")]


@pytest.mark.parametrize("value", [True, False, 1.0, 1e300, "1", [1]])
@pytest.mark.parametrize(("method", "args"), [("integer", ()), ("choice", ((0, 1),))])
def test_only_integers_are_integers(method: str, args: tuple[Any, ...], value: object) -> None:
    """A boolean or a fraction is none, whatever its value."""
    result, problems = read(value, method, *args)
    assert result is None
    assert [problem.kind for problem in problems] == [ProblemKind.TYPE]


@pytest.mark.parametrize(
    ("method", "args", "value"),
    [
        ("integer", (), -1),
        ("integer", (), INT64_MAX + 1),
        ("integer", (1, 3), 4),
        ("choice", ((0, 1),), 2),
        ("text", (1, 2), ""),
        ("text", (1, 2), "abc"),
        ("items", (1,), [1, 2]),
    ],
)
def test_ranges_are_kept(method: str, args: tuple[Any, ...], value: object) -> None:
    """One below or above the range is out of it."""
    result, problems = read(value, method, *args)
    assert result is None
    assert [problem.kind for problem in problems] == [ProblemKind.RANGE]


def test_an_empty_list_that_must_not_be_is_missing() -> None:
    """The vendor's text for it is `param is empty`."""
    assert [problem.kind for problem in read([], "items", 3, low=1)[1]] == [ProblemKind.MISSING]


def test_half_a_surrogate_pair_is_no_text() -> None:
    """JSON can write it, UTF-8 cannot carry it."""
    assert [problem.kind for problem in read("\ud800", "text")[1]] == [ProblemKind.ILLEGAL]


def test_unknown_and_unwanted_fields_are_noted() -> None:
    """Every unknown field by its name, cut and cleaned so that it can be shown."""
    problems: list[Problem] = []
    reader = Reader({"a": 1, "\ud800": 2, "b" * 1000: 3, "c": 4}, "", problems)
    reader.only(("a", "c"))
    reader.absent("c", "belongs elsewhere")
    assert [problem.kind for problem in problems] == [ProblemKind.ILLEGAL] * 3
    assert all(len(problem.path) <= 100 for problem in problems)
    assert all((problem.path + problem.text).encode() for problem in problems)
