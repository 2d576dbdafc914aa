"""The declared shapes of frames and messages, which the documentation shows, are those of what is sent."""

import base64
import json
from typing import Any

import jsonschema_rs
import pytest

from contracts.clients.messages import read_report
from mock_server.cloud import DEFAULT_ACCESS_SECRET
from mock_server.model import UnknownEvent
from mock_server.wire import message_shapes as shapes
from mock_server.wire.messages import DATA_POINTS, UNKNOWN_EVENT, status_report
from tests.make_wire_docs import Day
from tests.mock_server.wire.test_messages import message
from tests.support import LOT


def checked(value: Any, shape: type) -> Any:
    """A value that has the shape: valid by its schema, and with no field that it does not declare."""
    schemas = shapes.message_schemas()
    name = shapes.SHAPES[shape]
    whole = {"$ref": f"#/components/schemas/{name}", "components": {"schemas": schemas}}
    jsonschema_rs.Draft202012Validator(whole).validate(value)
    properties: Any = schemas[name]["properties"]
    assert value.keys() <= properties.keys()
    return value


@pytest.fixture(name="day", scope="module")
def day_fixture() -> Day:
    """A pass, a bill, a correction, a re-report and the result of a command."""
    return Day()


def test_every_message_has_its_shape(day: Day) -> None:
    """Frame, payload, report, status and value; a status has its value under its data point, and no further key."""
    codes = []
    for frame in day.frames:
        checked(frame, shapes.QueueFrame)
        checked(json.loads(base64.b64decode(frame["payload"])), shapes.QueuePayload)
        report = read_report(frame, DEFAULT_ACCESS_SECRET)
        [status] = checked({**report}, shapes.StatusReport)["status"]
        assert status.pop(str(DATA_POINTS[status["code"]])) == status["value"]
        checked(status, shapes.StatusEntry)
        checked(json.loads(status["value"]), shapes.VALUES[status["code"]])
        codes.append(status["code"])
    assert set(codes) == set(shapes.VALUES)
    assert len(codes) == 5


def test_the_details_of_the_day_are_all_that_there_are(day: Day) -> None:
    """The examples of the page show every field but the picture's address."""
    shown = {name for value in day.values() for name in value}
    declared = {name for shape in shapes.VALUES.values() for name in shape.__annotations__}
    assert declared - shown == {"imageUrl"}


@pytest.mark.parametrize("shape", shapes.SHAPES)
def test_every_field_has_a_source(shape: type) -> None:
    """Documented, observed or our choice."""
    properties: Any = shapes.message_schemas()[shapes.SHAPES[shape]]["properties"]
    assert {each["x-source"] for each in properties.values()} <= {"documented", "observed", "our choice"}


def test_an_event_of_no_page_has_no_shape() -> None:
    """It is what nobody could know of."""
    report: Any = status_report(message(UnknownEvent(LOT)), "key")
    assert report["status"][0]["code"] == UNKNOWN_EVENT
    assert UNKNOWN_EVENT not in shapes.VALUES
