"""Every combination of what the vendor leaves open is legal, and each field does what it says."""

from dataclasses import FrozenInstanceError
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from mock_server import mock_parking
from mock_server.clock import VirtualClock
from mock_server.history.digest import Digest
from mock_server.history.digest_lot import WindowSpan
from mock_server.model import HOUR, Cell, DataType, JsonObject, PassDirection, Record
from mock_server.problems import Problem
from mock_server.profile import PRESETS, Profile, open_points, read_profile, values_of
from mock_server.shapes import Kind, OneOf, Whole
from tests.support import JIESHUN_LOT, LANE, LOT, NOON, Api, examples, keep_passes, make_project, published, sync_info


def field_values(values: Kind) -> st.SearchStrategy[Any]:
    """The values that a field may have: one of a few, or a number between bounds."""
    if isinstance(values, Whole):
        return st.integers(values.low, min(values.high, 100_000))
    assert isinstance(values, OneOf)
    return st.sampled_from(values.values)


FIELDS = st.fixed_dictionaries({point.name: field_values(values_of(point)) for point in open_points()})


def profile_from(fields: JsonObject) -> Profile | None:
    """The profile of those fields, or None if they contradict each other."""
    problems: list[Problem] = []
    return read_profile(fields, "profile", problems)


@given(
    fields=FIELDS,
    offsets=st.lists(st.integers(-2, HOUR + 2), max_size=12),
    spelling=st.sampled_from(["camel", "snake"]),
)
@settings(max_examples=examples(80))
def test_every_combination_works(fields: dict[str, Any], offsets: list[int], spelling: str) -> None:
    """Under any profile a lot keeps, counts, compares and re-reports, and says so in envelopes."""
    profile = profile_from(fields)
    assert profile is not None
    project = make_project(profile)
    api = Api(project).connect()
    keep_passes(project, *(NOON - HOUR + offset for offset in offsets), fate="lose")
    low, high = profile.bounds(NOON - HOUR, NOON)
    times = [NOON] * len(offsets) if profile.window_time == "created" else [NOON - HOUR + each for each in offsets]
    counted = sum(low <= at < high for at in times)
    answer = post(api, spelling, counted + 1)
    assert_compared(project_answer=answer, api=api, counted=counted, spelling=spelling)


def post(api: Api, spelling: str, total: int) -> JsonObject:
    """POST one sync info in a spelling."""
    if spelling == "camel":
        return api.sync(sync_info(total))
    info = {"total_count": total, "start_time": NOON - HOUR, "end_time": NOON, "pass_direction": 0}
    return api.call("POST", f"/v1.0/parking-control/{LOT}/records/sync", {"data_type": 0, "record_sync_infos": [info]})


def assert_compared(*, project_answer: JsonObject, api: Api, counted: int, spelling: str) -> None:
    """The answer is a refusal of the spelling, or the count was compared as the profile says."""
    profile = api.project.profile
    if profile.key_spelling not in ("either", spelling):
        assert project_answer["code"] == 1109
        return
    assert project_answer["success"] is True, project_answer
    rereports = api.project.lots.rereports
    assert [rereport.counted for rereport in rereports] == ([] if profile.over_count == "ignore" else [counted])
    assert isinstance(api.project.clock, VirtualClock)
    api.project.clock.advance(max(profile.rereport_spread_ms, profile.command_done_ms))
    expected = sum(len(rereport.record_ids) for rereport in rereports)
    assert len(published(api.project)) == expected


@pytest.mark.parametrize("name", PRESETS)
def test_every_preset_refuses_and_accepts(name: str) -> None:
    """Under every preset the special devices end as it says: refused, or with a command that fails."""
    project = make_project(PRESETS[name])
    api = Api(project).connect()
    spelled = "snake" if project.profile.key_spelling == "snake" else "camel"
    assert post(api, spelled, 0)["success"] is True
    for device_id in (JIESHUN_LOT, LANE, "nobody"):
        assert_refused_or_failed(api, device_id, spelled)


def assert_refused_or_failed(api: Api, device_id: str, spelled: str) -> None:
    """A device that cannot take the command refuses it, or the command does not succeed."""
    path = f"/v1.0/parking-control/{device_id}/records/sync"
    names = ("data_type", "record_sync_infos") if spelled == "snake" else ("dataType", "recordSyncInfos")
    keys = ("total_count", "start_time", "end_time", "pass_direction")
    info = sync_info(0) if spelled == "camel" else dict(zip(keys, sync_info(0).values(), strict=True))
    answer: Any = api.call("POST", path, {names[0]: 0, names[1]: [info]})
    if answer["success"]:
        assert isinstance(api.project.clock, VirtualClock)
        api.project.clock.advance(1_000)
        status: Any = api.call("GET", f"/v1.0/expand/cmds/{answer['result']['sn']}")
        assert status["result"]["process_status"] in (4, 5)
    else:
        assert answer["code"] in (1106, 2003, 2008, 2009, 2010)


@pytest.mark.parametrize("point", list(open_points()), ids=lambda point: point.name)
def test_a_value_that_is_not_allowed_is_refused(point: Any) -> None:
    """Each field refuses what it does not know, and names what it does."""
    problems: list[Problem] = []
    assert read_profile({point.name: "nonsense"}, "profile", problems) is None
    assert problems[0].path == f"profile.{point.name}"
    values = values_of(point)
    if isinstance(values, OneOf) and isinstance(point.default, str):
        assert all(value in problems[0].text for value in values.values)


@pytest.mark.parametrize(
    ("data", "words"),
    [
        ("wild", "profile.base must be default or strict"),
        (7, "profile must be a preset or an object"),
        ({"window": "[s,e]"}, "profile.window is not known"),
        ({"command_sent_ms": -1}, "profile.command_sent_ms must be from 0"),
    ],
    ids=str,
)
def test_a_bad_profile_says_what_is_wrong(data: object, words: str) -> None:
    """A profile that cannot be used is refused with what it should be."""
    problems: list[Problem] = []
    assert read_profile(data, "profile", problems) is None
    assert words in "; ".join(f"{problem.path} {problem.text}" for problem in problems)


def test_fields_change_a_preset() -> None:
    """A profile may start from a preset and change some of it."""
    problems: list[Problem] = []
    read = read_profile({"base": "gcm", "window_bounds": "[s,e]"}, "profile", problems)
    assert read == Profile(encryption="aes_gcm", window_bounds="[s,e]")


@pytest.mark.parametrize(
    ("window_bounds", "inside"), [("[s,e)", [10, 11]), ("[s,e]", [10, 11, 12]), ("(s,e]", [11, 12])]
)
def test_bounds_are_a_half_open_window_of_whole_milliseconds(window_bounds: str, inside: list[int]) -> None:
    """Every reading of start and end becomes low <= time < high."""
    low, high = Profile(window_bounds=window_bounds).bounds(10, 12)  # type: ignore[arg-type] # parameters are texts
    assert list(range(low, high)) == inside


def test_every_open_point_is_named_and_explained() -> None:
    """A1 to A10 each have a field, and each field says what it answers."""
    points = {field.metadata["point"] for field in open_points()}
    assert points >= {f"A{number}" for number in range(1, 11)}
    assert all(len(field.metadata["doc"]) > 10 for field in open_points())


def test_a_profile_cannot_change() -> None:
    """A project's answers stay what they were when it began."""
    with pytest.raises(FrozenInstanceError):
        Profile().over_count = "ignore"  # type: ignore[misc] # that it is refused is the point


def test_messages_tell_times_in_the_form_of_the_lot() -> None:
    """Whoever reads the queue in the test's own process finds what a consumer finds."""
    with mock_parking(profile="text-times") as parking:
        parking.add_lot(LOT).enter("京A12345", at=NOON)
        assert [message.value["passTime"] for message in parking.consume()] == ["2022-05-17 20:00:00"]


CELL = Cell(LOT, DataType.PASS, PassDirection.ENTER, NOON, NOON + HOUR)
MOMENTS = st.sampled_from([NOON - 1, NOON, NOON + 1, NOON + HOUR - 1, NOON + HOUR, NOON + HOUR + 1])
PASSES = st.lists(st.tuples(st.sampled_from(PassDirection), MOMENTS, MOMENTS), max_size=12)


def is_counted(record: Record, bounds: str, time: str) -> bool:
    """The definition of A2 and A3, spelled out."""
    at = {"event": record.event_time, "created": record.created_time}[time]
    after = at >= CELL.start_time if bounds.startswith("[") else at > CELL.start_time
    before = at <= CELL.end_time if bounds.endswith("]") else at < CELL.end_time
    return after and before and record.pass_direction is PassDirection.ENTER


@pytest.mark.parametrize("bounds", ["[s,e)", "[s,e]", "(s,e]"])
@pytest.mark.parametrize("time", ["event", "created"])
@given(passes=PASSES)
def test_everybody_counts_the_same_records(
    bounds: Any, time: Any, passes: list[tuple[PassDirection, int, int]]
) -> None:
    """Under each answer to A2 and A3 the lot, the profile's test and the dashboard have what the definition has."""
    project = make_project(Profile(window_bounds=bounds, window_time=time))
    records = [
        Record(f"r{place}", LOT, DataType.PASS, direction, event, created_time=created)
        for place, (direction, event, created) in enumerate(passes)
    ]
    for record in records:
        project.lots.keep(record)
    expected = {record.record_id for record in records if is_counted(record, bounds, time)}
    holds, time_of = project.profile.holds, project.profile.time_of
    assert {each.record_id for each in records if holds(CELL, each.line, time_of(each))} == expected
    assert {each.record_id for each in project.lots.records_in(CELL)} == expected
    assert project.lots.count(CELL) == len(expected)
    digest = Digest(project.profile)
    digest.read(project.history, 1_000)
    shown = digest.lot(LOT).cell((0, 0), WindowSpan(CELL.start_time, CELL.end_time)).records
    assert {each.name for each in shown} == expected
