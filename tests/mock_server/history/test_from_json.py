"""Entries of the history, read from their JSON."""

import json
from typing import Any

import pytest

from mock_server.faults.faults import Fault
from mock_server.history.asking import ENTRIES_AN_EVENT
from mock_server.history.events import RecordKept, SyncAsked
from mock_server.history.from_json import read_entries
from mock_server.history.log import Entry
from mock_server.model import HOUR
from tests.strategies import new_pass
from tests.support import NOON, Api, sync_info


@pytest.fixture
def eventful(api: Api) -> list[Entry]:
    """The history of an hour in which most things happen."""
    api.project.arm(Fault("answer.busy", 1111))
    api.project.keep([new_pass("one", fate="lose"), new_pass("two")])
    api.sync(sync_info(0))
    api.sync(sync_info(0))
    api.sync(sync_info(0, direction=None), sync_info(1) | {"totalCount": "1"}, 7)  # type: ignore[arg-type]  # an odd entry
    api.sync(*[sync_info(0, NOON - hour * HOUR, NOON - hour * HOUR + HOUR) for hour in range(1, 121)])
    return list(api.project.history.after())


def lines_of(entries: list[Entry]) -> list[dict[str, Any]]:
    """The lines of a file."""
    lines: list[dict[str, Any]] = json.loads(json.dumps([entry.to_json() for entry in entries]))
    return lines


def test_what_was_written_is_read(eventful: list[Entry]) -> None:
    """Every entry comes back as it was."""
    assert list(read_entries(lines_of(eventful))) == eventful


def test_an_absent_field_takes_its_default(eventful: list[Entry]) -> None:
    """As in a file of before the field; a field without a default must be there."""
    line = next(line for line in lines_of(eventful) if line["kind"] == "record.kept")
    (entry,) = read_entries([{name: line[name] for name in line if name not in ("created_time", "details")}])
    assert isinstance(entry.event, RecordKept)
    assert (entry.event.created_time, entry.event.details) == (0, {})
    with pytest.raises(ValueError, match=r"history\[0\]: lacks record_id"):
        read_entries([{name: line[name] for name in line if name != "record_id"}])


def test_what_a_later_version_adds_is_passed_over(eventful: list[Entry]) -> None:
    """A field and a kind that this version does not know: the other entries keep their numbers."""
    lines = lines_of(eventful)
    newer = [line | {"new": 1} for line in lines]
    newer[2] = {"seq": 3, "time": NOON, "kind": "no.such"}
    assert list(read_entries(newer)) == [*eventful[:2], *eventful[3:]]


def test_what_a_call_asks_is_read_from_its_body_in_a_file_of_before(eventful: list[Entry]) -> None:
    """Such a file has no events of it: they come right behind their request, under its number."""
    older = [line for line in lines_of(eventful) if line["kind"] != SyncAsked.kind]
    read = read_entries(older)
    assert [entry for entry in read if not isinstance(entry.event, SyncAsked)] == [
        entry for entry in eventful if not isinstance(entry.event, SyncAsked)
    ]
    asked = [entry.event for entry in eventful if isinstance(entry.event, SyncAsked)]
    assert [entry.event for entry in read if isinstance(entry.event, SyncAsked)] == asked
    assert [len(event.entries) for event in asked] == [1, 1, 3, ENTRIES_AN_EVENT, ENTRIES_AN_EVENT, 20]
    assert all(entry.seq == entry.event.request for entry in read if isinstance(entry.event, SyncAsked))
