"""The lab API as a Flask application: it controls projects. Ours, not the vendor's.

Errors are 4xx with `{"error": {"code", "message"}}`; the message says what to do.
"""

from functools import cache
from http import HTTPStatus
from pathlib import Path

from flask import Flask, Response
from flask.json.provider import DefaultJSONProvider
from werkzeug.exceptions import HTTPException, MethodNotAllowed, NotFound
from werkzeug.routing import Map, Rule

from mock_server.cloud import Cloud
from mock_server.guide import Guide
from mock_server.model import JsonObject
from mock_server.state.store import StoreError
from mock_server.web.lab.asyncapi_document import asyncapi
from mock_server.web.lab.checkpoints import CheckpointViews
from mock_server.web.lab.guide import GuideViews
from mock_server.web.lab.openapi import lab_operations
from mock_server.web.lab.openapi_document import openapi
from mock_server.web.lab.project_files import ProjectFileViews
from mock_server.web.lab.projects import AskAddresses, Projects
from mock_server.web.lab.request import LabError, store_refusal, with_doubts
from mock_server.web.lab.world import WorldViews
from mock_server.web.serving.turns import NotYetError

LLMS = Path(__file__).with_name("llms.txt")
"""The guide for agents, as it is in the wheel."""


def create_lab(cloud: Cloud, addresses: AskAddresses, guide: Guide | None = None) -> Flask:
    """The lab API for all projects of a cloud. `addresses` returns those of the server."""
    app = Flask("mock_server.lab", static_folder=None)
    app.url_map = _urls()
    app.json = _json_provider(app)
    projects = Projects(cloud, addresses)
    world = WorldViews(projects.find)
    story = GuideViews(guide)
    past = CheckpointViews(cloud, addresses, projects)
    files = ProjectFileViews(cloud, addresses, projects)
    app.view_functions |= {
        "health": projects.health,
        "openapi": lambda: openapi(addresses()),
        "asyncapi": lambda: asyncapi(addresses()),
        "llms": lambda: Response(LLMS.read_text(encoding="utf-8"), mimetype="text/plain"),
        "showGuide": story.show,
        "steerGuide": story.steer,
        "listProjects": projects.list_all,
        "createProject": projects.create,
        "showProject": projects.show,
        "deleteProject": projects.delete,
        "resetProject": projects.reset,
        "snapshot": projects.snapshot,
        "exportProject": files.export,
        "importProject": files.import_,
        "listCheckpoints": past.list_all,
        "addCheckpoint": past.add,
        "deleteCheckpoint": past.delete,
        "restoreCheckpoint": past.restore,
        "forkProject": past.fork,
        "listRereports": projects.rereports,
        "readHistory": projects.history,
        "listProjectDevices": world.list_devices,
        "addDevice": world.add_device,
        "changeDevice": world.change_device,
        "listSubscriptions": world.list_subscriptions,
        "addSubscription": world.add_subscription,
        "addRecords": world.add_records,
        "removeRecord": world.remove_record,
        "listFaults": world.list_faults,
        "addFaults": world.add_faults,
        "clearFaults": world.clear_faults,
        "setChaos": world.set_chaos,
        "moveClock": world.move_clock,
        "idle": world.idle,
    }
    app.after_request(_without_type)
    app.register_error_handler(NotYetError, lambda _: "")
    app.after_request(with_doubts)
    app.register_error_handler(LabError, _lab_error)
    app.register_error_handler(StoreError, store_refusal)
    app.register_error_handler(HTTPException, _http_error)
    return app


@cache
def _urls() -> Map:
    """The routes, shared by all applications: compiling them takes longer than making the rest of an application."""
    rules = [
        Rule(
            path.replace("{record_id}", "<path:record_id>").replace("{", "<").replace("}", ">"),
            methods=[method],
            endpoint=operation,
        )
        for method, path, operation in lab_operations()
    ]
    return Map(rules, merge_slashes=False)


def _json_provider(app: Flask) -> DefaultJSONProvider:
    provider = DefaultJSONProvider(app)
    provider.sort_keys = False
    provider.ensure_ascii = False
    return provider


def _lab_error(error: LabError) -> tuple[JsonObject, int]:
    return error.to_json(), error.status


def _http_error(error: HTTPException) -> tuple[JsonObject, int, dict[str, str]]:
    status = error.code or 500
    headers: dict[str, str] = {}
    message = error.description or error.name
    if isinstance(error, NotFound):
        message = "there is no such page; /openapi.json lists what there is"
    if isinstance(error, MethodNotAllowed):
        headers["Allow"] = ", ".join(sorted(error.valid_methods or ()))
        message = f"here you can use {headers['Allow']}; /openapi.json says what for"
    return {"error": {"code": error.name.lower().replace(" ", "_"), "message": message}}, status, headers


def _without_type(response: Response) -> Response:
    """The answer; one without a body has no Content-Type."""
    if response.status_code == HTTPStatus.NO_CONTENT:
        del response.headers["Content-Type"]
    return response
