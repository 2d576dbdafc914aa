"""The lab plane as a Flask application: what a person or a test does to the fake world. Ours, not the vendor's.

Errors are 4xx with `{"error": {"code", "message"}}`; the message says what to do.
"""

import json
from collections.abc import Callable, Iterator
from dataclasses import replace
from http import HTTPStatus
from typing import TypeAlias

from flask import Flask, Response, request
from flask.json.provider import DefaultJSONProvider
from werkzeug.exceptions import HTTPException, MethodNotAllowed

from mock_server import __version__
from mock_server.cloud import Cloud
from mock_server.history import Entry
from mock_server.model import Device, DeviceKind, JsonObject, Record, Rereport
from mock_server.problems import Problem, Reader, parse_json, whole_number
from mock_server.project import Project, device_export
from mock_server.seed import MAX_RECORDS, NewRecord, SeedError, read_device, read_record
from mock_server.web.environ import TOO_LARGE
from mock_server.web.inline import wait_for

MAX_BODY = 64 * 1024 * 1024
"""The longest body that the lab plane reads, in bytes."""

DEFAULT_IDLE_TIMEOUT_MS = 5_000
MAX_IDLE_TIMEOUT_MS = 60_000

Addresses: TypeAlias = Callable[[], tuple[str, str, str]]


class LabError(Exception):
    """A refusal of the lab plane: HTTP status, a stable code, and what to do."""

    def __init__(self, status: int, code: str, message: str) -> None:
        super().__init__(message)
        self.status = status
        self.code = code
        self.message = message


def create_lab(cloud: Cloud, addresses: Addresses) -> Flask:
    """The lab plane for all projects of a cloud. `addresses` tells api, ws and lab address."""
    app = Flask("mock_server.lab", static_folder=None)
    app.json = _json_provider(app)
    lab = _Lab(cloud, addresses)
    app.add_url_rule("/healthz", view_func=lab.health)
    project = "/_lab/projects/<project_id>"
    app.add_url_rule("/_lab/projects", view_func=lab.list_projects)
    app.add_url_rule(project, view_func=lab.show_project)
    app.add_url_rule(f"{project}/reset", view_func=lab.reset, methods=["POST"])
    app.add_url_rule(f"{project}/devices", view_func=lab.list_devices)
    app.add_url_rule(f"{project}/devices", view_func=lab.add_device, methods=["POST"])
    app.add_url_rule(f"{project}/devices/<device_id>", view_func=lab.change_device, methods=["PATCH"])
    app.add_url_rule(f"{project}/devices/<device_id>/records", view_func=lab.add_records, methods=["POST"])
    app.add_url_rule(f"{project}/idle", view_func=lab.idle)
    app.add_url_rule(f"{project}/rereports", view_func=lab.rereports)
    app.add_url_rule(f"{project}/history", view_func=lab.history)
    app.register_error_handler(LabError, _lab_error)
    app.register_error_handler(HTTPException, _http_error)
    return app


def _json_provider(app: Flask) -> DefaultJSONProvider:
    provider = DefaultJSONProvider(app)
    provider.sort_keys = False
    provider.ensure_ascii = False
    return provider


class _Lab:
    """The views. Each finds its project first; each does all of what it is asked or nothing."""

    def __init__(self, cloud: Cloud, addresses: Addresses) -> None:
        self._cloud = cloud
        self._addresses = addresses

    def health(self) -> JsonObject:
        """`GET /healthz`."""
        return {"status": "ok", "version": __version__}

    def list_projects(self) -> list[str]:
        """`GET /_lab/projects`: the access ids."""
        return [project.access_id for project in self._cloud]

    def show_project(self, project_id: str) -> JsonObject:
        """`GET /_lab/projects/{p}`: exports, clock, counts per device."""
        project = self._project(project_id)
        counts = dict.fromkeys(project.devices, 0)
        for record in project.store.records():
            counts[record.device_id] += 1
        now = {"now_ms": project.clock.now_ms(), "records": counts, "history": project.history.last}
        return project.exports(*self._addresses()) | now

    def reset(self, project_id: str) -> JsonObject:
        """`POST /_lab/projects/{p}/reset`: back to the seed."""
        project = self._project(project_id)
        project.reset()
        return project.exports(*self._addresses())

    def list_devices(self, project_id: str) -> list[JsonObject]:
        """`GET /_lab/projects/{p}/devices`."""
        return [device_export(device) for device in self._project(project_id).devices.values()]

    def add_device(self, project_id: str) -> tuple[JsonObject, int]:
        """`POST /_lab/projects/{p}/devices`."""
        project = self._project(project_id)
        problems: list[Problem] = []
        device = read_device(_json_body(), "body", problems, default_id=project.new_device_id())
        if device is None:
            raise _invalid(SeedError(problems))
        if device.device_id in project.devices:
            raise LabError(409, "device_exists", f"there is a device {device.device_id} already: PATCH it instead")
        return device_export(project.put_device(device)), 201

    def change_device(self, project_id: str, device_id: str) -> JsonObject:
        """`PATCH /_lab/projects/{p}/devices/{d}`: device_name, supplier_code, online."""
        project = self._project(project_id)
        device = _device(project, device_id)
        body = _json_body()
        problems: list[Problem] = []
        if not isinstance(body, dict):
            raise LabError(400, "invalid", 'the body must be an object such as {"online": false}')
        reader = Reader(body, "", problems)
        reader.only(("device_name", "supplier_code", "online"))
        name = reader.text("device_name", 0, 128, required=False)
        supplier = reader.text("supplier_code", 1, 64, required=False)
        online = reader.boolean("online", required=False)
        if problems:
            raise _invalid(SeedError(problems))
        changed = replace(
            device,
            device_name=device.device_name if name is None else name,
            supplier_code=supplier or device.supplier_code,
            online=device.online if online is None else online,
        )
        return device_export(project.put_device(changed))

    def add_records(self, project_id: str, device_id: str) -> tuple[JsonObject | list[JsonObject], int]:
        """`POST /_lab/projects/{p}/devices/{d}/records`: one record or a list of them, all or none."""
        project = self._project(project_id)
        device = _device(project, device_id)
        if device.kind is not DeviceKind.LOT:
            raise LabError(409, "not_a_lot", f"{device_id} is a lane device: records belong to a lot")
        body = _json_body()
        problems: list[Problem] = []
        items = body if isinstance(body, list) else [body]
        if len(items) > MAX_RECORDS:
            raise LabError(413, "too_many", f"send at most {MAX_RECORDS} records at once")
        read = [
            read_record(item, device, f"[{place}]" if isinstance(body, list) else "body", problems)
            for place, item in enumerate(items)
        ]
        if problems:
            raise _invalid(SeedError(problems))
        new = [record for record in read if record is not None]
        answers = [_record_answer(kept, asked) for kept, asked in zip(project.keep(new), new, strict=True)]
        return (answers if isinstance(body, list) else answers[0]), 201

    def idle(self, project_id: str) -> JsonObject:
        """`GET /_lab/projects/{p}/idle?timeout_ms=`: answers when nothing is pending, or when the time is up."""
        project = self._project(project_id)
        timeout_ms = _query_number("timeout_ms", DEFAULT_IDLE_TIMEOUT_MS, MAX_IDLE_TIMEOUT_MS)
        state = project.idle()
        if not state.idle:
            wait_for(request.environ, project.history.listen, timeout_ms)
        return {"idle": state.idle, "pending": {"messages": state.messages, "timers": state.timers}}

    def rereports(self, project_id: str) -> list[JsonObject]:
        """`GET /_lab/projects/{p}/rereports`, oldest first."""
        return [_rereport_answer(rereport) for rereport in self._project(project_id).lots.rereports]

    def history(self, project_id: str) -> Response:
        """`GET /_lab/projects/{p}/history?after=N`: JSON lines."""
        project = self._project(project_id)
        after = _query_number("after", 0, 2**53)
        entries = list(project.history.after(after))
        return Response(_json_lines(entries), content_type="application/x-ndjson")

    def _project(self, project_id: str) -> Project:
        project = self._cloud.get(project_id)
        if project is None:
            known = ", ".join(each.access_id for each in self._cloud)
            raise LabError(404, "no_project", f"there is no project {project_id[:64]!r}; there are: {known}")
        return project


def _device(project: Project, device_id: str) -> Device:
    device = project.devices.get(device_id)
    if device is None:
        known = ", ".join(list(project.devices)[:20])
        raise LabError(404, "no_device", f"there is no device {device_id[:64]!r}; there are: {known}")
    return device


def _json_body() -> object:
    if request.environ.get(TOO_LARGE):
        raise LabError(413, "too_large", f"send at most {MAX_BODY} bytes")
    if request.mimetype != "application/json":
        raise LabError(415, "not_json", "send Content-Type: application/json")
    try:
        return parse_json(request.get_data(cache=False))
    except ValueError as error:
        raise LabError(400, "not_json", str(error)) from None


def _query_number(name: str, default: int, high: int) -> int:
    value = whole_number(request.args.get(name, str(default)))
    if value is None or value > high:
        raise LabError(400, "invalid", f"{name} must be a number from 0 to {high}")
    return value


def _invalid(error: SeedError) -> LabError:
    return LabError(400, "invalid", str(error))


def _record_answer(record: Record, asked: NewRecord) -> JsonObject:
    fate: object = {"delay_ms": asked.fate} if isinstance(asked.fate, int) else asked.fate
    direction = {} if record.pass_direction is None else {"pass_direction": int(record.pass_direction)}
    return {
        "record_id": record.record_id,
        "device_id": record.device_id,
        "data_type": int(record.data_type),
        **direction,
        "event_time": record.event_time,
        "plate_no": record.plate_no,
        **record.details,
        "uplink": fate,
    }


def _rereport_answer(rereport: Rereport) -> JsonObject:
    return {
        "sn": rereport.sn,
        "time": rereport.time,
        "cell": rereport.cell._asdict(),
        "claimed": rereport.claimed,
        "counted": rereport.counted,
        "record_ids": rereport.record_ids,
        "message_ids": rereport.message_ids,
    }


def _json_lines(entries: list[Entry]) -> Iterator[bytes]:
    for entry in entries:
        yield json.dumps(entry.to_json(), ensure_ascii=False, separators=(",", ":")).encode() + b"\n"


def _lab_error(error: LabError) -> tuple[JsonObject, int]:
    return {"error": {"code": error.code, "message": error.message}}, error.status


def _http_error(error: HTTPException) -> tuple[JsonObject, int, dict[str, str]]:
    status = error.code or 500
    headers = {}
    message = error.description or error.name
    if status == HTTPStatus.NOT_FOUND:
        message = "there is no such page; the lab API is under /_lab/projects"
    elif isinstance(error, MethodNotAllowed):
        headers["Allow"] = ", ".join(sorted(error.valid_methods or ()))
        message = f"this path takes {headers['Allow']}"
    return {"error": {"code": error.name.lower().replace(" ", "_"), "message": message}}, status, headers
