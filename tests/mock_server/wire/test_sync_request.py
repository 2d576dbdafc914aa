from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mock_server.model import DAY, INT64_MAX, Cell, DataType, PassDirection, SyncInfo
from mock_server.profile import Profile
from mock_server.wire.errors import VendorError
from mock_server.wire.sync_request import read_sync_request
from tests.strategies import json_values
from tests.support import NOON, sync_info

SNAKE_OF = {
    "dataType": "data_type",
    "recordSyncInfos": "record_sync_infos",
    "totalCount": "total_count",
    "startTime": "start_time",
    "endTime": "end_time",
    "passDirection": "pass_direction",
}


def body(*infos: Any, data_type: Any = 0) -> dict[str, Any]:
    """A body in camel case."""
    return {"dataType": data_type, "recordSyncInfos": list(infos)}


def snake(value: Any) -> Any:
    """The same body in snake case."""
    if isinstance(value, list):
        return [snake(item) for item in value]
    if not isinstance(value, dict):
        return value
    return {SNAKE_OF.get(key, key): snake(item) for key, item in value.items()}


def read(value: object, **profile: Any) -> tuple[SyncInfo, ...]:
    """The infos of a body for the device `lot` at noon."""
    return read_sync_request(value, "lot", Profile(**profile), NOON)


def refusal(value: object, **profile: Any) -> VendorError:
    """Why a body is refused."""
    with pytest.raises(VendorError) as caught:
        read(value, **profile)
    return caught.value


def test_the_documented_body_in_either_spelling() -> None:
    """Tables and examples spell the keys differently; both are read (A1)."""
    info = {"totalCount": 10, "startTime": 1652777782808, "endTime": 1652779976771, "passDirection": 1}
    cell = Cell("lot", DataType.PASS, PassDirection.LEAVE, 1652777782808, 1652779976771)
    assert read(body(info)) == read(snake(body(info))) == (SyncInfo(cell, 10),)


def test_several_infos_stay_in_their_order() -> None:
    """Duplicates included."""
    infos = [sync_info(1), sync_info(2, direction=1), sync_info(3, start=NOON - 1), sync_info(1)]
    assert [info.claimed for info in read(body(*infos))] == [1, 2, 3, 1]


def test_bills_have_no_direction() -> None:
    """One that is given is ignored, or refused if the profile wants (A10)."""
    with_direction = body(sync_info(1), data_type=1)
    assert read(with_direction) == read(body(sync_info(1, direction=None), data_type=1))
    assert read(with_direction)[0].cell.pass_direction is None
    assert refusal(with_direction, bill_direction="refuse").code == 1109


@pytest.mark.parametrize("profile", ["snake", "camel"])
def test_a_profile_may_insist_on_one_spelling(profile: str) -> None:
    """The other one is refused in as many words."""
    camel_body = body(sync_info(1))
    good, bad = (snake(camel_body), camel_body) if profile == "snake" else (camel_body, snake(camel_body))
    assert read(good, key_spelling=profile)
    error = refusal(bad, key_spelling=profile)
    assert error.code == 1109
    assert f"{profile} case" in error.msg
    assert next(iter(good)) in refusal({}, key_spelling=profile).msg


@pytest.mark.parametrize(
    "mixed",
    [
        {"dataType": 0, "record_sync_infos": [sync_info(1)]},
        {"data_type": 0, "recordSyncInfos": [sync_info(1)]},
        body(snake(sync_info(1))),
        body(sync_info(1), sync_info(1) | {"total_count": 1}),
        body(sync_info(1)) | {"record_sync_infos": None},
    ],
)
def test_a_mixture_of_spellings_is_refused(mixed: dict[str, Any]) -> None:
    """Wherever the other spelling hides; the message names one key of each."""
    error = refusal(mixed)
    assert error.code == 1109
    assert "mixes" in error.msg


@pytest.mark.parametrize(
    ("value", "code", "words"),
    [
        (None, 1104, "body must be an object, not null"),
        ([], 1104, "body must be an object, not a list"),
        ({}, 1100, "data_type is required; record_sync_infos is required"),
        (body(), 1100, "recordSyncInfos must not be empty"),
        ({"dataType": 0}, 1100, "recordSyncInfos is required"),
        (body(data_type=None), 1102, "dataType must not be null"),
        (body(sync_info(1), data_type="0"), 1104, "dataType must be an integer, not a string"),
        (body(sync_info(1), data_type=False), 1104, "dataType must be an integer, not a boolean"),
        (body(sync_info(1), data_type=0.0), 1104, "dataType must be an integer, not a fraction"),
        (body(sync_info(1), data_type=2), 1101, "dataType must be 0 or 1"),
        (body(7), 1104, "recordSyncInfos[0] must be an object, not an integer"),
        ({"dataType": 0, "recordSyncInfos": {}}, 1104, "recordSyncInfos must be a list, not an object"),
        (body({}), 1100, "recordSyncInfos[0].totalCount is required; recordSyncInfos[0].startTime is required"),
        (body(sync_info(1, direction=None)), 1100, "recordSyncInfos[0].passDirection is required"),
        (body(sync_info(1, direction=2)), 1101, "recordSyncInfos[0].passDirection must be 0 or 1"),
        (body(sync_info(-1)), 1101, "recordSyncInfos[0].totalCount must be from 0 to 9223372036854775807"),
        (body(sync_info(INT64_MAX + 1)), 1101, "recordSyncInfos[0].totalCount must be from 0"),
        (body(sync_info(1) | {"totalCount": None}), 1102, "recordSyncInfos[0].totalCount must not be null"),
        (body(sync_info(1) | {"endTime": str(NOON)}), 1104, "recordSyncInfos[0].endTime must be an integer"),
        (body(sync_info(1, start=-1)), 1101, "recordSyncInfos[0].startTime must be from 0"),
        (body(sync_info(1, start=NOON)), 1101, "recordSyncInfos[0].endTime must be after startTime"),
        (body(sync_info(1, start=NOON + 1)), 1101, "recordSyncInfos[0].endTime must be after startTime"),
        (body(sync_info(1, start=NOON - DAY - 1)), 1101, "at most 24 hours after the start; it is 1 ms more"),
        (body(sync_info(1), sync_info("1")), 1104, "recordSyncInfos[1].totalCount must be an integer"),  # type: ignore[arg-type] # wrong on purpose
    ],
)
def test_a_bad_body_is_refused_by_its_first_problem(value: object, code: int, words: str) -> None:
    """The message names every problem with its path, in the client's own spelling."""
    error = refusal(value)
    assert error.code == code
    assert words in error.msg


@pytest.mark.parametrize(
    "info", [sync_info(1, NOON - DAY), sync_info(0, 0, 1), sync_info(INT64_MAX, INT64_MAX - 1, INT64_MAX)]
)
def test_the_widest_ranges_pass(info: dict[str, Any]) -> None:
    """Exactly 24 hours, a window of a millisecond, the largest numbers of the vendor's Long."""
    assert len(read(body(info))) == 1


def test_unknown_fields_are_ignored() -> None:
    """The vendor adds fields at any time, and so may a client."""
    assert read(body(sync_info(1) | {"comment": {}}) | {"x": 1}) == read(body(sync_info(1)))


def test_a_window_in_the_future_may_be_refused() -> None:
    """Not by default; one that ends now is none (A4)."""
    future = body(sync_info(1, end=NOON + 1))
    assert read(future)
    assert refusal(future, future_window="refuse").code == 1101
    assert read(body(sync_info(1, end=NOON)), future_window="refuse")


def test_the_number_of_infos_is_limited() -> None:
    """By the profile (A8)."""
    assert len(read(body(*[sync_info(1)] * 3), max_sync_infos=3)) == 3
    assert refusal(body(*[sync_info(1)] * 4), max_sync_infos=3).code == 1101


def test_the_same_cell_twice_may_be_refused() -> None:
    """Whatever it claims the second time; a neighbour is another cell (A8)."""
    error = refusal(body(sync_info(1), sync_info(1, start=NOON - 1), sync_info(2)), duplicate_infos="refuse")
    assert error.code == 1109
    assert "recordSyncInfos[2] repeats item 0" in error.msg
    assert len(read(body(sync_info(1), sync_info(1, direction=1)), duplicate_infos="refuse")) == 2


FIELDS = st.sampled_from((*SNAKE_OF.keys(), *SNAKE_OF.values()))
INFOS = st.one_of(st.dictionaries(FIELDS, json_values), json_values, st.just(sync_info(1)))


@given(st.dictionaries(FIELDS, st.one_of(json_values, st.lists(INFOS, max_size=3))))
def test_any_body_is_read_or_refused(value: dict[str, object]) -> None:
    """A refusal has one of the codes of fields and a message that can be sent."""
    try:
        assert read(value)
        code, message = 1100, "read"
    except VendorError as error:
        code, message = error.code, error.msg
    assert code in {1100, 1101, 1102, 1104, 1109}
    assert message.encode()
