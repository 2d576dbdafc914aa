"""The JSON Schema of the client protocol: `parking-mock schema client` prints it.

The shapes are declared for readers in other languages; what the judge sends and takes is in `protocol` and `remote`.
"""

import json
from typing import Annotated, Any, Literal, NotRequired, TypedDict

from contracts.client.interface import VERBS
from contracts.client.protocol import FIRST_MS, LAST_MS, PROTOCOL
from mock_server.history.schema import DIALECT
from mock_server.lab_shapes import DeviceJson, Exports
from mock_server.model import JsonObject
from mock_server.shapes import Keywords, OneOf, Whole, open_schema

_IN_OPENAPI, _HERE = "#/components/schemas/", "#/$defs/"

Now = Annotated[int, "the time of the client's clock, epoch milliseconds"]
Wake = Annotated[int, "when the next timer is due, epoch milliseconds; one that is not later than now counts as none"]
ProtocolVersion = Annotated[int, OneOf((PROTOCOL,)), "the version of the protocol"]


class WindowJson(TypedDict):
    """A span of time in epoch milliseconds."""

    start_ms: int
    end_ms: int


class CallId(TypedDict):
    """What every call has."""

    id: Annotated[int, Whole(1), "the answer has it again"]


class HelloCall(CallId):
    """The first call to a program."""

    verb: Annotated[str, OneOf(("hello",))]
    protocol: ProtocolVersion


class StartCall(CallId):
    """Connect and consume; answer when connected."""

    verb: Annotated[str, OneOf(("start",))]
    exports: Exports
    now_ms: Now
    tz: Annotated[str, "the time zone of the process, which has it in TZ too"]
    profile: Annotated[dict[str, str | int], "how this cloud answers what the vendor leaves open"]
    folder: Annotated[str, "a directory for what must outlive a crash"]


class SyncCall(CallId):
    """Make one reconciliation pass, of a window or of all that the client's own plan holds due."""

    verb: Annotated[str, OneOf(("sync",))]
    now_ms: Now
    window: NotRequired[WindowJson]


class AdvanceCall(CallId):
    """Run the timers that are due."""

    verb: Annotated[str, OneOf(("advance",))]
    now_ms: Now


class QuietCall(CallId):
    """Answer when everything that has come is stored and acknowledged."""

    verb: Annotated[str, OneOf(("quiet",))]


class DumpCall(CallId):
    """Show everything that is stored."""

    verb: Annotated[str, OneOf(("dump",))]


class EffectsCall(CallId):
    """Show what was done because of records."""

    verb: Annotated[str, OneOf(("effects",))]


class CrashCall(CallId):
    """Over HTTP only: forget whatever is not in the folder."""

    verb: Annotated[str, OneOf(("crash",))]


class StopCall(CallId):
    """End."""

    verb: Annotated[str, OneOf(("stop",))]


class HelloResult(TypedDict):
    """What the client is and can. A verb that is missing from `can` is never called."""

    agent: NotRequired[Annotated[str, "its name"]]
    version: NotRequired[str]
    protocol: ProtocolVersion
    can: list[Annotated[str, OneOf(("hello", *map(str, VERBS)))]]
    clock: NotRequired[
        Annotated[
            Literal["real", "virtual"],
            Keywords(default="real"),
            "`virtual`: every pause of the client goes by `now_ms`",
        ]
    ]
    instances: NotRequired[
        Annotated[int, Keywords(minimum=1), "1: it runs alone, and is never started twice at a time"]
    ]


class NoResult(TypedDict):
    """Nothing to tell."""


class WakeResult(TypedDict):
    """When the client wants to be told the time next."""

    wake_ms: NotRequired[Wake | None]


class DumpedRecordJson(TypedDict):
    """A record as the client has stored it."""

    record_id: str
    device_id: str
    data_type: Annotated[int, "0 a pass, 1 a bill"]
    pass_direction: NotRequired[Annotated[int | None, "0 enter, 1 leave; null for a bill"]]
    event_ms: Annotated[int, Keywords(minimum=FIRST_MS, maximum=LAST_MS), "epoch milliseconds"]
    content_hash: NotRequired[Annotated[str | None, "any text that changes exactly when the content does"]]


class DumpResult(TypedDict):
    """Everything that is stored."""

    records: list[DumpedRecordJson]


class EffectJson(TypedDict):
    """A side effect of a record: a charge, a notice, a car more in the lot."""

    kind: str
    record_id: str


class EffectsResult(TypedDict):
    """What was done because of records, in order."""

    effects: list[EffectJson]


class Answered(TypedDict):
    """An answer to a call that was carried out. `x-verbs` has the schema of each verb's result."""

    id: int
    result: dict[str, Any]


class RefusalJson(TypedDict):
    """Why a call was not carried out. Any other code than `unimplemented` is taken for `failed`."""

    code: Annotated[str, OneOf(("unimplemented", "failed"))]
    message: NotRequired[str]


class Refused(TypedDict):
    """An answer to a call that was not carried out."""

    id: int
    error: RefusalJson


VERB_SHAPES: dict[str, tuple[type, type]] = {
    "hello": (HelloCall, HelloResult),
    "start": (StartCall, NoResult),
    "sync": (SyncCall, NoResult),
    "advance": (AdvanceCall, WakeResult),
    "quiet": (QuietCall, WakeResult),
    "dump": (DumpCall, DumpResult),
    "effects": (EffectsCall, EffectsResult),
    "crash": (CrashCall, NoResult),
    "stop": (StopCall, NoResult),
}
"""The shapes of the call and of the result of each verb."""

_PARTS = (WindowJson, Exports, DeviceJson, DumpedRecordJson, EffectJson, RefusalJson, Answered, Refused)
SHAPES: dict[Any, str] = {
    shape: shape.__name__ for shape in (*(each for pair in VERB_SHAPES.values() for each in pair), *_PARTS)
}
"""Every shape with its name among the definitions."""


def protocol_schema() -> JsonObject:
    """The schema of a line of the exchange, either way; `x-verbs` has those of each verb's call and result."""
    definitions: JsonObject = {name: open_schema(shape, SHAPES) for shape, name in SHAPES.items()}
    definitions["Call"] = {"oneOf": [_ref(call) for call, _ in VERB_SHAPES.values()]}
    definitions["Answer"] = {"oneOf": [_ref(Answered), _ref(Refused)]}
    schema = {
        "$schema": DIALECT,
        "title": f"The client protocol of parking-mock, version {PROTOCOL}",
        "description": "One object a line: calls of the judge, answers of the client. Fields may be added.",
        "anyOf": [{"$ref": f"{_IN_OPENAPI}Call"}, {"$ref": f"{_IN_OPENAPI}Answer"}],
        "x-verbs": {verb: {"call": _ref(call), "result": _ref(result)} for verb, (call, result) in VERB_SHAPES.items()},
        "$defs": definitions,
    }
    found: JsonObject = json.loads(json.dumps(schema).replace(_IN_OPENAPI, _HERE))
    return found


def _ref(shape: type) -> JsonObject:
    return {"$ref": f"{_IN_OPENAPI}{SHAPES[shape]}"}


def schema_text() -> str:
    """The schema as a file."""
    return json.dumps(protocol_schema(), indent=2, ensure_ascii=False) + "\n"
