"""The lab plane's half of the OpenAPI document: every route with its parameters, body and answers."""

from collections.abc import Iterator
from http import HTTPStatus
from typing import Any, cast

from mock_server.lab_shapes import MAX_RECORDS, SEED_FORMAT, SEED_VERSION, CheckpointName, DeviceId, RecordId
from mock_server.model import JsonObject
from mock_server.project_file import CONTENT_TYPE
from mock_server.shapes import schema_of
from mock_server.web.lab.guide import MAX_TIMEOUT_MS as MAX_GUIDE_TIMEOUT_MS
from mock_server.web.lab.history_lines import HISTORY_FORMATS, LINES, MAX_AFTER
from mock_server.web.lab.world import DEFAULT_TIMEOUT_MS, MAX_FAULTS, MAX_STEPS, MAX_TIMEOUT_MS
from mock_server.web.openapi_parts import (
    array,
    json_answer,
    json_body,
    number_parameter,
    one_or_many,
    path_parameter,
    ref,
    text,
)

TAG = "lab plane"

_ONE = "/_lab/projects/{project_id}"
_DEVICE = f"{_ONE}/devices/{{device_id}}"
_CHECKPOINT = f"{_ONE}/checkpoints/{{name}}"
_LOT = "6ce0000000000001"
_PASS = {"data_type": 0, "pass_direction": 0, "event_time": 1652779000000, "plate_no": "京A12345", "uplink": "lose"}
_BILL = {"data_type": 1, "event_time": 1652779000000, "plate_no": "京A12345", "paid_amount": 500}
_LOSSY = {"clock": "virtual", "now_ms": 1652788800000, "chaos": "rough", "seed": 7}
_NAMED = {"seed": "quiet-lot"}
_FROM_FILE = {"seed": {"format": SEED_FORMAT, "version": SEED_VERSION, "devices": [{"device_id": _LOT}]}}

_WHY = {
    HTTPStatus.BAD_REQUEST: "what was sent cannot be used: the message names every problem with its place",
    HTTPStatus.UNAUTHORIZED: "the server was started with a token, and it was not sent",
    HTTPStatus.FORBIDDEN: "a page of another site, or a foreign name in Host",
    HTTPStatus.NOT_FOUND: "there is no such project, device, record, checkpoint, line or page",
    HTTPStatus.CONFLICT: "not as things are: the message says why, and what to do first",
    HTTPStatus.REQUEST_ENTITY_TOO_LARGE: "too much at once",
    HTTPStatus.UNSUPPORTED_MEDIA_TYPE: "the body is not said to be JSON",
}
_SECURITY: list[dict[str, list[str]]] = [{}, {"token": []}]
_ALWAYS = (HTTPStatus.UNAUTHORIZED, HTTPStatus.FORBIDDEN)
_WITH_BODY = (HTTPStatus.BAD_REQUEST, HTTPStatus.REQUEST_ENTITY_TOO_LARGE, HTTPStatus.UNSUPPORTED_MEDIA_TYPE)


def lab_paths() -> JsonObject:
    """The paths of the lab plane."""
    return {
        "/healthz": _path(get=_operation("health", "Whether the server is up", _ok(ref("Health")))),
        "/openapi.json": _path(get=_operation("openapi", "Both planes as OpenAPI 3.1", _ok({"type": "object"}))),
        "/asyncapi.json": _path(get=_operation("asyncapi", "The queue as AsyncAPI 3", _ok({"type": "object"}))),
        "/llms.txt": _path(get=_operation("llms", "A short guide for agents", _llms())),
        "/_lab/guide": _path(get=_show_guide(), post=_steer_guide()),
        "/_lab/projects": _path(get=_list_projects(), post=_create_project()),
        "/_lab/import": _path(post=_import()),
        _ONE: _of_project(get=_show_project(), delete=_delete_project()),
        f"{_ONE}/reset": _of_project(post=_reset()),
        f"{_ONE}/snapshot": _of_project(get=_of("snapshot", "A seed file of the state as it is", _ok(ref("Seed")))),
        f"{_ONE}/export": _of_project(get=_export()),
        f"{_ONE}/checkpoints": _of_project(get=_list_checkpoints(), post=_add_checkpoint()),
        _CHECKPOINT: _of_checkpoint(delete=_delete_checkpoint()),
        f"{_CHECKPOINT}/restore": _of_checkpoint(post=_restore_checkpoint()),
        f"{_ONE}/fork": _of_project(post=_fork()),
        f"{_ONE}/rereports": _of_project(get=_rereports()),
        f"{_ONE}/history": _of_project(get=_history()),
        f"{_ONE}/devices": _of_project(get=_list_devices(), post=_add_device()),
        _DEVICE: _of_device(patch=_change_device()),
        f"{_DEVICE}/records": _of_device(post=_add_records()),
        f"{_DEVICE}/records/{{record_id}}": _of_record(delete=_remove_record()),
        f"{_ONE}/subscriptions": _of_project(get=_list_subscriptions(), post=_add_subscription()),
        f"{_ONE}/faults": _of_project(get=_list_faults(), post=_add_faults(), delete=_clear_faults()),
        f"{_ONE}/chaos": _of_project(put=_set_chaos()),
        f"{_ONE}/clock": _of_project(post=_move_clock()),
        f"{_ONE}/idle": _of_project(get=_idle()),
    }


def lab_operations() -> Iterator[tuple[str, str, str]]:
    """Every route of the lab plane: method, path, and the name of the operation."""
    for path, item in lab_paths().items():
        for method, operation in cast("dict[str, Any]", item).items():
            if method != "parameters":
                yield method.upper(), path, operation["operationId"]


def _path(**operations: JsonObject) -> JsonObject:
    """A path with its operations. Other methods are answered 405."""
    return dict(operations)


def _of_project(*parts: JsonObject, **operations: JsonObject) -> JsonObject:
    key = path_parameter("project_id", text(1, 64, "^[^/]+$"), "the project's access id", "parkingmockdefault01")
    return {"parameters": [key, *parts], **operations}


def _of_device(*parts: JsonObject, **operations: JsonObject) -> JsonObject:
    device = path_parameter("device_id", schema_of(DeviceId), "a device of the project", _LOT)
    return _of_project(device, *parts, **operations)


def _of_record(**operations: JsonObject) -> JsonObject:
    record = path_parameter("record_id", schema_of(RecordId), "a record of the lot", "pass-000001")
    return _of_device(record, **operations)


def _of_checkpoint(**operations: JsonObject) -> JsonObject:
    return _of_project(path_parameter("name", schema_of(CheckpointName), "a checkpoint", "lunch"), **operations)


def _operation(name: str, doc: str, answers: JsonObject, *errors: HTTPStatus) -> JsonObject:
    refusals = {str(int(status)): _refusal(status) for status in sorted({*_ALWAYS, *errors})}
    return {"operationId": name, "tags": [TAG], "summary": doc, "security": _SECURITY, "responses": answers | refusals}


def _of(name: str, doc: str, answers: JsonObject, *errors: HTTPStatus, **more: object) -> JsonObject:
    """An operation below a project, with the answer 404 for a project that does not exist."""
    return _operation(name, doc, answers, HTTPStatus.NOT_FOUND, *errors) | more


def _with_body(name: str, doc: str, answers: JsonObject, body: JsonObject, *errors: HTTPStatus) -> JsonObject:
    return _of(name, doc, answers, *_WITH_BODY, *errors, requestBody=body)


def _refusal(status: HTTPStatus) -> JsonObject:
    return {"$ref": f"#/components/responses/{status.phrase.replace(' ', '')}"}


def lab_responses() -> JsonObject:
    """The answers to refused requests, by the names with which operations refer to them."""
    return {status.phrase.replace(" ", ""): json_answer(why, ref("Error")) for status, why in _WHY.items()}


def _ok(schema: JsonObject, status: HTTPStatus = HTTPStatus.OK, doc: str = "done") -> JsonObject:
    return {str(int(status)): json_answer(doc, schema)}


def _made(schema: JsonObject) -> JsonObject:
    return _ok(schema, HTTPStatus.CREATED, "made")


def _gone(doc: str) -> JsonObject:
    return {str(int(HTTPStatus.NO_CONTENT)): {"description": doc}}


def _llms() -> JsonObject:
    return {"200": {"description": "Markdown", "content": {"text/plain": {"schema": {"type": "string"}}}}}


_DEMO_ONLY = "; a 404 on any other server, as of `serve`"


def _show_guide() -> JsonObject:
    doc = f"The caption of the story that `parking-mock demo` tells, and how it goes on{_DEMO_ONLY}"
    after = number_parameter("after", MAX_AFTER, 0, "answer as soon as the number is above this one")
    wait = number_parameter("timeout_ms", MAX_GUIDE_TIMEOUT_MS, 0, "how long to wait for that")
    return _of("showGuide", doc, _ok(ref("Guide")), HTTPStatus.BAD_REQUEST, parameters=[after, wait])


def _steer_guide() -> JsonObject:
    examples = {"pause": {"order": "pause"}, "the second act, quickly": {"act": 1, "speed": "fast"}}
    doc = f"Steer that story{_DEMO_ONLY}"
    return _with_body("steerGuide", doc, _ok(ref("Guide")), json_body(ref("GuideOrder"), examples))


def _list_projects() -> JsonObject:
    return _operation("listProjects", "The access ids of all projects", _ok(array({"type": "string"})))


def _create_project() -> JsonObject:
    seeds = {"from a seed's name": _NAMED, "from a seed file": _FROM_FILE}
    examples = {"an ordinary one": {}, "a rough day on a virtual clock": _LOSSY} | seeds
    body = json_body(ref("NewProject"), examples, required=False)
    doc = "Make a project; everything is optional"
    errors = (*_WITH_BODY, HTTPStatus.CONFLICT)
    following = ("showProject", "resetProject", "snapshot", "listProjectDevices", "idle", "deleteProject")
    links = {
        name: {"operationId": name, "parameters": {"project_id": "$response.body#/access_id"}} for name in following
    }
    made = json_answer("made", ref("Exports")) | {"links": links}
    return _operation("createProject", doc, {"201": made}, *errors) | {"requestBody": body}


def _show_project() -> JsonObject:
    return _of("showProject", "Exports, clock, faults used, counts per device", _ok(ref("Project")))


def _delete_project() -> JsonObject:
    return _of("deleteProject", "Disconnect its consumers and forget it", _gone("it is gone"))


def _reset() -> JsonObject:
    return _of("resetProject", "Back to its seed, not to empty; consumers stay connected", _ok(ref("Exports")))


def _export() -> JsonObject:
    file = "the project with all that it has: state, history, checkpoints, keys; `/_lab/import` takes it"
    answer = {"description": file, "content": {CONTENT_TYPE: {"schema": _BYTES}}}
    return _of("exportProject", "The whole project as one file, with its secret", {"200": answer})


def _import() -> JsonObject:
    keys = {
        "name": "new_keys",
        "in": "query",
        "description": "`true` for keys of its own: those of the file may be a project's that is here",
        "schema": {"type": "string", "enum": ["true", "false"], "default": "false"},
    }
    doc = "Make the project that is in a file"
    errors = (HTTPStatus.BAD_REQUEST, HTTPStatus.REQUEST_ENTITY_TOO_LARGE, HTTPStatus.CONFLICT)
    body = {"required": True, "content": {"application/octet-stream": {"schema": _BYTES}}}
    return _operation("importProject", doc, _made(ref("Exports")), *errors) | {
        "requestBody": body,
        "parameters": [keys],
    }


_BYTES: JsonObject = {"type": "string", "format": "binary"}


def _list_checkpoints() -> JsonObject:
    return _of("listCheckpoints", "The moments that are kept, oldest first", _ok(array(ref("Checkpoint"))))


def _add_checkpoint() -> JsonObject:
    body = json_body(ref("NewCheckpoint"), {"with a name": {"name": "lunch"}, "without": {}}, required=False)
    doc = "Keep the present moment; no reset drops it"
    return _with_body("addCheckpoint", doc, _made(ref("Checkpoint")), body, HTTPStatus.CONFLICT)


def _delete_checkpoint() -> JsonObject:
    return _of("deleteCheckpoint", "Keep a moment no more", _gone("it is gone"))


def _restore_checkpoint() -> JsonObject:
    doc = "Let the project be as it was; consumers stay connected and get what was not acknowledged then"
    return _of("restoreCheckpoint", doc, _ok(ref("Exports")))


def _fork() -> JsonObject:
    examples = {"now": {}, "behind a line": {"at": 3}, "with keys": {"access_id": "what-if"}}
    body = json_body(ref("ForkOrder"), examples, required=False)
    doc = "Make a new project, with keys of its own, that is as this one is or was"
    return _with_body("forkProject", doc, _made(ref("Fork")), body, HTTPStatus.CONFLICT)


def _rereports() -> JsonObject:
    return _of("listRereports", "What was re-reported, oldest first", _ok(array(ref("Rereport"))))


def _history() -> JsonObject:
    lines = "one JSON object a line (schema HistoryLine): what happened after a number; first, if need be, what is gone"
    stream = (
        "with Accept: text/event-stream the same and then whatever happens; each event's data is a HistoryLine or"
        " HistoryReset, its id says where to go on"
    )
    har = "with format=har the calls of the API as HAR 1.2"
    answer = {
        "description": f"{lines}; {har}; {stream}",
        "content": {
            "application/json": {"schema": {"type": "object"}},
            "application/x-ndjson": {"schema": {"type": "string"}},
            "text/event-stream": {"schema": {"type": "string"}},
        },
    }
    last_id: JsonObject = {
        "name": "Last-Event-ID",
        "in": "header",
        "description": "the id of the last event seen, in place of `after`; it tells when the history began again",
        "schema": {"type": "string", "pattern": "^[0-9]{1,18}([.][0-9]{1,18})?$"},
    }
    after = number_parameter("after", MAX_AFTER, 0, "the number of the last entry that is not wanted")
    form: JsonObject = {"name": "format", "in": "query", "schema": {"enum": list(HISTORY_FORMATS), "default": LINES}}
    doc = "Everything that happened, in order"
    return _of("readHistory", doc, {"200": answer}, HTTPStatus.BAD_REQUEST, parameters=[after, form, last_id])


def _list_devices() -> JsonObject:
    return _of("listProjectDevices", "Every device", _ok(array(ref("Device"))))


def _add_device() -> JsonObject:
    body = json_body(ref("NewDevice"), {"a Jieshun lot": {"supplier_code": "jieshun"}}, required=False)
    return _with_body("addDevice", "Add a lot or a lane device", _made(ref("Device")), body, HTTPStatus.CONFLICT)


def _change_device() -> JsonObject:
    body = json_body(ref("DeviceChange"), {"off line": {"online": False}})
    return _with_body("changeDevice", "Rename a device, change its brand, take it off line", _ok(ref("Device")), body)


def _list_subscriptions() -> JsonObject:
    return _of("listSubscriptions", "Every subscription of the queue", _ok(array(ref("Subscription"))))


def _add_subscription() -> JsonObject:
    body = json_body(ref("NewSubscription"), {"of the production topic": {"suffix": "mine"}})
    doc = "Make a subscription of the queue, as at the vendor's console"
    return _with_body("addSubscription", doc, _made(ref("Subscription")), body, HTTPStatus.CONFLICT)


def _add_records() -> JsonObject:
    body = json_body(one_or_many(ref("NewRecord"), MAX_RECORDS), {"one": _PASS, "several": [_PASS, _BILL]})
    answer = _made({"anyOf": [ref("Record"), array(ref("Record"))]})
    doc = "Let a lot keep one record or several, all or none; the answer repeats them with their ids"
    return _with_body("addRecords", doc, answer, body, HTTPStatus.CONFLICT)


def _remove_record() -> JsonObject:
    kind = number_parameter("data_type", 1, 0, "0 a pass, 1 a bill")
    doc = "Let a lot forget a record; it tells nobody"
    return _of("removeRecord", doc, _gone("it is gone"), HTTPStatus.BAD_REQUEST, parameters=[kind])


def _list_faults() -> JsonObject:
    return _of("listFaults", "What is directed, what chaos does, what has struck", _ok(ref("Faults")))


def _add_faults() -> JsonObject:
    examples = {"one": {"kind": "uplink.lose", "times": 3}, "two": [{"kind": "answer.lose"}, {"kind": "token.expire"}]}
    body = json_body(one_or_many(ref("Fault"), MAX_FAULTS), examples)
    answer = _made({"anyOf": [ref("DirectedFault"), array(ref("DirectedFault"))]})
    return _with_body("addFaults", "Direct one fault or several, all or none", answer, body, HTTPStatus.CONFLICT)


def _clear_faults() -> JsonObject:
    return _of("clearFaults", "Calm: no more faults, directed or random", _gone("calm"))


def _set_chaos() -> JsonObject:
    body = json_body(
        ref("Chaos"), {"a preset": "default", "all settings": {"preset": "rough", "seed": 7, "budget": 50}}
    )
    return _with_body("setChaos", "Let faults strike at random", _ok(ref("ChaosRun")), body)


def _timeout(doc: str) -> JsonObject:
    return number_parameter("timeout_ms", MAX_TIMEOUT_MS, DEFAULT_TIMEOUT_MS, doc)


def _move_clock() -> JsonObject:
    body = json_body(ref("Clock"), {"an hour on": {"advance_ms": 3600000}, "until": {"to_ms": 1652788800000}})
    doc = f"Move a virtual clock; answers when the project is idle at that time, or after {MAX_STEPS} timers"
    wait = _timeout("how long to wait for the next acknowledgement of a consumer")
    return _with_body("moveClock", doc, _ok(ref("ClockAnswer")), body, HTTPStatus.CONFLICT) | {"parameters": [wait]}


def _idle() -> JsonObject:
    wait = _timeout("how long to wait")
    doc = "Answers when nothing is pending, or when the time is up"
    return _of("idle", doc, _ok(ref("Idle")), HTTPStatus.BAD_REQUEST, parameters=[wait])
