"""The lab plane as a Flask application: what a person or a test does to the fake world. Ours, not the vendor's.

Errors are 4xx with `{"error": {"code", "message"}}`; the message says what to do.
"""

from http import HTTPStatus

from flask import Flask, Response
from flask.json.provider import DefaultJSONProvider
from werkzeug.exceptions import HTTPException, MethodNotAllowed, NotFound

from mock_server.cloud import Cloud
from mock_server.guide import Guide
from mock_server.model import JsonObject
from mock_server.web.lab.guide import GuideViews
from mock_server.web.lab.openapi_document import openapi
from mock_server.web.lab.projects import Addresses, Projects
from mock_server.web.lab.request import LabError
from mock_server.web.lab.world import WorldViews

PROJECTS = "/_lab/projects"


def create_lab(cloud: Cloud, addresses: Addresses, guide: Guide | None = None) -> Flask:
    """The lab plane for all projects of a cloud. `addresses` tells api, ws and lab address."""
    app = Flask("mock_server.lab", static_folder=None)
    app.url_map.merge_slashes = False
    app.json = _json_provider(app)
    projects = Projects(cloud, addresses)
    world = WorldViews(projects.find)
    told = GuideViews(guide)
    one = f"{PROJECTS}/<project_id>"
    device = f"{one}/devices/<device_id>"
    for method, rule, view in (
        ("GET", "/healthz", projects.health),
        ("GET", "/openapi.json", lambda: openapi(*addresses())),
        ("GET", "/_lab/guide", told.show),
        ("POST", "/_lab/guide", told.steer),
        ("GET", PROJECTS, projects.list_all),
        ("POST", PROJECTS, projects.create),
        ("GET", one, projects.show),
        ("DELETE", one, projects.delete),
        ("POST", f"{one}/reset", projects.reset),
        ("GET", f"{one}/snapshot", projects.snapshot),
        ("GET", f"{one}/rereports", projects.rereports),
        ("GET", f"{one}/history", projects.history),
        ("GET", f"{one}/devices", world.list_devices),
        ("POST", f"{one}/devices", world.add_device),
        ("PATCH", device, world.change_device),
        ("POST", f"{device}/records", world.add_records),
        ("DELETE", f"{device}/records/<path:record_id>", world.remove_record),
        ("GET", f"{one}/faults", world.list_faults),
        ("POST", f"{one}/faults", world.add_faults),
        ("DELETE", f"{one}/faults", world.clear_faults),
        ("PUT", f"{one}/chaos", world.set_chaos),
        ("POST", f"{one}/clock", world.move_clock),
        ("GET", f"{one}/idle", world.idle),
    ):
        app.add_url_rule(rule, f"{method} {rule}", view, methods=[method], provide_automatic_options=False)
    app.after_request(_without_type)
    app.register_error_handler(LabError, _lab_error)
    app.register_error_handler(HTTPException, _http_error)
    return app


def _json_provider(app: Flask) -> DefaultJSONProvider:
    provider = DefaultJSONProvider(app)
    provider.sort_keys = False
    provider.ensure_ascii = False
    return provider


def _lab_error(error: LabError) -> tuple[JsonObject, int]:
    return {"error": {"code": error.code, "message": error.message}}, error.status


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
    """An answer without a body has no type."""
    if response.status_code == HTTPStatus.NO_CONTENT:
        del response.headers["Content-Type"]
    return response
