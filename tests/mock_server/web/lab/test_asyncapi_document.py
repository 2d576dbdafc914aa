"""The AsyncAPI document: valid by the AsyncAPI project's parser, and true of every message of a rough day."""

import base64
import json
import subprocess
from collections.abc import Mapping
from functools import cache
from pathlib import Path
from typing import Any

import jsonschema_rs
import pytest

from contracts.clients.messages import UnreadableError, read_report
from mock_server.carriers.delivery import deliver
from mock_server.carriers.websocket import message_frame
from mock_server.faults.chaos import Chaos
from mock_server.lab_client import LabClient
from mock_server.lots.seed import read_record
from mock_server.model import HOUR, Cell, DataType, Message, PassDirection, SyncInfo
from mock_server.profile import Profile
from mock_server.queue.consumer import Consumer
from mock_server.queue.queue import TOPICS
from mock_server.web.lab.asyncapi_document import asyncapi
from mock_server.web.lab.openapi_document import openapi
from mock_server.web.server import Server
from mock_server.wire.message_shapes import SHAPES
from mock_server.wire.messages import DATA_POINTS, UNKNOWN_EVENT
from tests.npm_bundle import Bundle, fetched
from tests.support import ACCESS_SECRET, ADDRESSES, LOT, NOON, make_project

PARSER = Bundle(
    "@asyncapi/parser",
    "3.6.6",
    "sha512-DppE3OStajt6gHc+RsVf9VxRwW9WACagHnFvkOML5rZGwS9hXxtFYTxnsH3mHPRgHom0rClMs6DpbjNY65Y54A==",
    "browser/index.js",
)
CHECK = Path(__file__).with_name("check_asyncapi.cjs")

DOCUMENT: Any = asyncapi(ADDRESSES)


@pytest.mark.slow
def test_the_parser_of_the_asyncapi_project_takes_it() -> None:
    """No error and no warning. A channel without its parameters is what it finds in a document that is wrong."""
    channel: Any = {"address": "/{part}", "parameters": {}}
    wrong = {"asyncapi": "3.0.0", "info": {"title": "", "version": ""}, "channels": {"wrong": channel}}
    # a script of ours
    done = subprocess.run(  # noqa: S603
        ["node", str(CHECK), str(fetched(PARSER))],  # noqa: S607 whichever Node is there
        input=json.dumps([json.dumps(DOCUMENT), json.dumps(wrong)]),
        capture_output=True,
        text=True,
        check=True,
    )
    ours, theirs = json.loads(done.stdout)
    assert ours == {"channels": ["websocket", "native", "reports"], "problems": []}
    assert any("parameters" in problem for problem in theirs["problems"])


def test_schemas_are_those_of_the_openapi_document() -> None:
    """One source: what both documents describe is the same in both."""
    shared: Any = openapi(ADDRESSES)["components"]
    assert DOCUMENT["components"]["schemas"].items() <= shared["schemas"].items()
    assert set(SHAPES.values()) <= set(DOCUMENT["components"]["schemas"])


def test_topics_and_codes_come_from_the_code() -> None:
    """The topics that there are, and a report for each code that a message may have."""
    for channel in ("websocket", "native"):
        assert DOCUMENT["channels"][channel]["parameters"]["topic"]["enum"] == list(TOPICS)
    assert list(DOCUMENT["channels"]["reports"]["messages"]) == list(DATA_POINTS)


def test_it_is_served(lab: LabClient, lab_server: Server) -> None:
    """`/asyncapi.json` is the document of the server that answers."""
    served = lab.asyncapi()
    assert served == asyncapi(lab_server.addresses())
    assert served["servers"]["native"]["host"] == lab_server.pulsar.split("//")[1]


class RoughDay:
    """A lot with faults at random: records come, and half of the counts that are claimed are wrong.

    `frames` are the WebSocket's; `natively` has headers and payload of each native message.
    """

    def __init__(self, profile: Profile) -> None:
        self.project = make_project(profile, chaos=Chaos("rough", seed=5))
        self.frames: list[dict[str, Any]] = []
        self.natively: list[tuple[Mapping[str, str], Any]] = []
        for subscription in self.project.queue.mains:
            subscription.connect(Consumer("reader", self._take))
        for hour in range(12):
            self._hour(NOON + hour * HOUR)

    def _hour(self, begin: int) -> None:
        kinds = ({"data_type": 0, "pass_direction": 0}, {"data_type": 0, "pass_direction": 1}, {"data_type": 1})
        for number in range(12):
            record = {"event_time": begin + number, "plate_no": "京A12345", **kinds[number % 3]}
            new = read_record(record, self.project.devices[LOT], "", [])
            assert new is not None
            self.project.keep([new])
        cells = [Cell(LOT, DataType.PASS, way, begin, begin + HOUR) for way in PassDirection]
        self.project.sync(LOT, [SyncInfo(cell, 4 * number) for number, cell in enumerate(cells)])
        self.project.clock.advance(HOUR)  # type: ignore[attr-defined]  # it is virtual

    def _take(self, message: Message, count: int) -> None:
        self.frames.append(json.loads(message_frame(self.project, message, count, "reader")))
        delivery = deliver(self.project, message, "native reader")
        self.natively.append((delivery.properties, json.loads(delivery.payload)))


@cache
def validator(place: str) -> Any:
    """The validator by the schema at a place below `components`, in the dialect that AsyncAPI has."""
    return jsonschema_rs.Draft7Validator({"$ref": f"#/components/{place}", "components": DOCUMENT["components"]})


def report_code(report: Any) -> str:
    """The code of the one message of the channel `reports` that a report is; the texts in it are valid too."""
    codes: dict[str, Any] = DOCUMENT["channels"]["reports"]["messages"]
    [code] = [code for code in codes if validator(f"messages/{code}/payload").is_valid(report)]
    status = f"messages/{code}/payload/allOf/1/properties/status/items/properties"
    for name in ("value", str(DATA_POINTS[code])) if code != UNKNOWN_EVENT else ():
        validator(f"{status}/{name}/contentSchema").validate(json.loads(report["status"][0][name]))
    return code


@pytest.mark.parametrize(
    "profile",
    [Profile(), Profile(encryption="aes_gcm", status_code="empty", queue_partitions=11, record_time="text")],
    ids=["default", "other"],
)
def test_every_message_of_a_rough_day_is_valid(profile: Profile) -> None:
    """Frame, envelope, report and value on both carriers. What is damaged has a wrong sign in a valid envelope."""
    day = RoughDay(profile)
    envelopes = []
    for frame in day.frames:
        validator("messages/QueueFrame/payload").validate(frame)
        envelope = json.loads(base64.b64decode(frame["payload"]))
        validator("schemas/QueueFrame/properties/payload/contentSchema").validate(envelope)
        envelopes.append((frame["properties"], envelope))
    for properties, envelope in day.natively:
        validator("messages/NativeMessage/headers").validate(properties)
        validator("messages/NativeMessage/payload").validate(envelope)
    codes, damaged = [], 0
    for properties, envelope in envelopes + day.natively:
        report = readable(properties, envelope)
        if report is None:
            damaged += 1
            continue
        validator("schemas/QueuePayload/properties/data/x-decrypted").validate(report)
        codes.append(report_code(report))
    assert set(codes) == set(DATA_POINTS)
    assert damaged
    assert len(codes) > 200


def readable(properties: Mapping[str, str], envelope: Any) -> Any:
    """The report in an envelope as it was sent, None if its sign says that it is damaged."""
    frame = {"payload": base64.b64encode(json.dumps(envelope).encode()), "properties": properties}
    try:
        return read_report(frame, ACCESS_SECRET)
    except UnreadableError:
        return None
