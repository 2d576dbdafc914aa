"""The JSON Schema of the history, against events that really happen."""

from typing import Any, get_args

import jsonschema_rs
import pytest

from mock_server.faults.catalogue import FaultKind
from mock_server.faults.faults import Fault
from mock_server.history.events import Event
from mock_server.history.schema import history_schema
from mock_server.model import DataType
from mock_server.project import Project
from mock_server.web.lab.history_lines import dropped_marker
from tests.strategies import new_pass
from tests.support import LOT, NOON, Api, sync_info


@pytest.fixture
def validator() -> jsonschema_rs.Draft202012Validator:
    """The schema, ready to judge lines."""
    return jsonschema_rs.Draft202012Validator(history_schema())


def test_it_is_a_schema() -> None:
    """The document is a valid JSON Schema and describes every kind of event."""
    schema: Any = history_schema()
    jsonschema_rs.meta.validate(schema)
    kinds = {each["properties"]["kind"]["const"] for each in schema["$defs"].values()}
    assert kinds == {event.kind for event in get_args(Event)} | {"history.dropped", "history.reset"}


def test_what_happens_fits(api: Api, validator: jsonschema_rs.Draft202012Validator) -> None:
    """Every line of an eventful hour is as the schema says."""
    project = api.project
    project.arm(Fault(FaultKind.ANSWER_BUSY, 1111))
    project.keep([new_pass("one", fate="lose"), new_pass("two")])
    api.sync(sync_info(0))
    api.sync(sync_info(0))
    api.sync(sync_info(0, direction=None), data_type=1)
    project.lots.remove((LOT, DataType.PASS, "one"))
    project.clock.run_due()
    project.calm()
    lines = [entry.to_json() for entry in project.history.after()]
    for line in lines:
        validator.validate(line)
    assert {line["kind"] for line in lines} >= {
        "answer", "command", "count.compared", "device", "fault", "faults", "message.published",
        "record.kept", "record.lost", "record.removed", "request", "rereport",
    }  # fmt: skip


@pytest.mark.parametrize(
    "wrong", [{"kind": "no.such"}, {"data_type": "0"}, {"seq": 0}, {"device_id": None}, {"time": 1.5}]
)
def test_what_is_wrong_does_not_fit(validator: jsonschema_rs.Draft202012Validator, wrong: dict[str, object]) -> None:
    """A line with a wrong kind or a wrong type is refused: the schema says something."""
    line: dict[str, Any] = {"seq": 1, "time": NOON, "kind": "record.removed"}
    line |= {"device_id": LOT, "record_id": "r", "data_type": 0}
    assert validator.is_valid(line)
    assert not validator.is_valid(line | wrong)


def test_a_field_may_come(validator: jsonschema_rs.Draft202012Validator, project: Project) -> None:
    """New fields come without notice: a line that has more than today's still fits."""
    line = next(iter(project.history.after())).to_json()
    assert validator.is_valid(line | {"new": 1})


def test_markers_fit(validator: jsonschema_rs.Draft202012Validator, project: Project) -> None:
    """What stands for entries that are gone fits too."""
    project.history._entries.popleft()
    validator.validate(dropped_marker(project.history, 0))
