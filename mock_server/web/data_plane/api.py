"""The vendor's API as a Flask application. Every answer, to any request, is HTTP 200 with an envelope (observed)."""

import logging
from collections.abc import Callable
from dataclasses import dataclass
from functools import cache, partial
from http import HTTPStatus
from itertools import islice
from typing import Any, TypeAlias

from flask import Flask, request
from werkzeug.exceptions import HTTPException
from werkzeug.routing import Map, Rule

from mock_server.clock import Clock
from mock_server.cloud import Cloud
from mock_server.faults.catalogue import FaultKind
from mock_server.history.asking import sync_events
from mock_server.history.events import RequestAnswered, RequestReceived, Sent
from mock_server.model import Device, JsonObject
from mock_server.project import CommandRefusedError, Project, RefusalReason
from mock_server.state.store import HeldElsewhereError, StoreError
from mock_server.vendor.tokens import TokenPair
from mock_server.web.data_plane.admission import Caller, check_token, identify
from mock_server.web.data_plane.lean import JsonAnswer, LeanFlask
from mock_server.web.data_plane.masking import (
    BODY_KEPT,
    QUERY_KEPT,
    STRANGER_KEPT,
    masked_body,
    masked_headers,
    masked_path,
    masked_query,
)
from mock_server.web.data_plane.mishap import NO_MISHAP, Mishap, strike_call
from mock_server.web.serving.environ import BODY, RAW_PATH, TOO_LARGE
from mock_server.web.serving.inline import drop, hold_until
from mock_server.web.serving.wsgi import Answer, whole_answer
from mock_server.wire.envelope import CONTENT_TYPE, encode, failure, success
from mock_server.wire.errors import ErrorCode, VendorError
from mock_server.wire.messages import command_record
from mock_server.wire.paging import read_page
from mock_server.wire.paths import SYNC_PREFIX
from mock_server.wire.sync_asked import asked_device
from mock_server.wire.sync_request import read_sync_request
from mock_server.words import without

MAX_BODY = 1024 * 1024
"""The longest body that the API reads, in bytes (our choice)."""

BUSY, BUSY_TEXT = 1111, "system is busy, please retry later"
"""The answer for a project that another server has (documented by the vendor for its own reasons)."""

_log = logging.getLogger("mock_server")


@dataclass(frozen=True, slots=True)
class ApiCall:
    """An admitted call: its project, the variable part of its path (`name`), and the faults that struck it."""

    project: Project
    caller: Caller
    name: str
    mishap: Mishap


Handler: TypeAlias = Callable[[ApiCall], object]


def create_api(cloud: Cloud) -> Flask:
    """The vendor's API for all projects of a cloud."""
    app = LeanFlask("mock_server.api", static_folder=None)
    app.url_map = _urls()
    answers = _Answers(cloud, propagate=lambda: app.testing)
    app.view_functions |= {_endpoint(method, rule): answers.view(handler) for method, rule, handler in _ROUTES}
    app.register_error_handler(HTTPException, answers.no_route)
    app.register_error_handler(StoreError, lambda error: JsonAnswer(store_failed(cloud.clock, error).content))
    return app


@cache
def _urls() -> Map:
    """The routes, shared by all applications: compiling them takes longer than making the rest of an application."""
    rules = [Rule(rule, methods=[method], endpoint=_endpoint(method, rule)) for method, rule, _ in _ROUTES]
    return Map(rules, merge_slashes=False)


def _endpoint(method: str, rule: str) -> str:
    return f"{method} {rule}"


class _Answers:
    """Makes Flask views of handlers. A view also admits the request, makes the envelope and writes the history.

    `propagate` returns whether exceptions of handlers are raised (in tests) instead of being answered with code 500.
    """

    def __init__(self, cloud: Cloud, propagate: Callable[[], bool]) -> None:
        self._cloud = cloud
        self._propagate = propagate

    def view(self, handler: Handler) -> Callable[..., JsonAnswer]:
        """A Flask view, which calls `handler` with the admitted call."""

        def serve(name: str = "") -> JsonAnswer:
            return _Exchange(self._cloud, _caller(), propagate=self._propagate).carry_out(handler, name)

        return serve

    def no_route(self, _error: HTTPException) -> JsonAnswer:
        """Refuse an unknown path or wrong method, before any check of credentials (observed)."""
        return _Exchange(self._cloud, _caller(), propagate=self._propagate).refuse(ErrorCode.URI_PATH_INVALID)


class _Exchange:
    """One request and its answer. `_number` is the number of the request's entry in the history.

    `_refusal` is why the caller is not who it says it is, None if it is.
    """

    def __init__(self, cloud: Cloud, caller: Caller, propagate: Callable[[], bool]) -> None:
        self._cloud = cloud
        self._caller = caller
        self._propagate = propagate
        self._project = cloud.find(caller.header("client_id"))
        self._clock = self._project.clock if self._project else cloud.clock
        self._mishap = NO_MISHAP
        self._number = 0
        self._refusal = self._identify()

    def refuse(self, code: ErrorCode, detail: str = "") -> JsonAnswer:
        """Answer with an error, without checking the caller."""
        return self._answer(lambda: _raise(VendorError(code, detail)))

    def carry_out(self, handler: Handler, name: str) -> JsonAnswer:
        """Admit the request, let faults strike it, call the handler, and answer."""
        if self._caller.environ["REQUEST_METHOD"] == "HEAD":
            return self.refuse(ErrorCode.URI_PATH_INVALID)
        if TOO_LARGE in self._caller.environ:
            return self.refuse(ErrorCode.PARAM_ILLEGAL, f"over {MAX_BODY} bytes")
        return self._answer(lambda: self._result(handler, name))

    def _identify(self) -> Exception | None:
        try:
            identify(self._caller, self._cloud)
        except Exception as error:  # noqa: BLE001 it is raised again where answers are made
            return error
        return None

    def _result(self, handler: Handler, name: str) -> object:
        project = self._project
        if self._refusal is not None or project is None:
            raise self._refusal or VendorError(ErrorCode.CLIENT_ID_INVALID)
        is_to_a_device = self._caller.environ["PATH_INFO"].startswith(SYNC_PREFIX)
        device_id = name if is_to_a_device else None
        self._mishap = strike_call(project, self._caller, device_id, self._number)
        # `time.refuse` is reported in the place of the check of `t`, before the token's; other refusals after both.
        if self._mishap.has(FaultKind.TIME_REFUSE) and self._mishap.refusal is not None:
            raise self._mishap.refusal
        check_token(self._caller, project)
        if self._mishap.refusal is not None:
            raise self._mishap.refusal
        return handler(ApiCall(project, self._caller, name, self._mishap))

    def _answer(self, handle: Callable[[], object]) -> JsonAnswer:
        self._number = 0
        if self._project:
            self._number = _note_request(self._project, self._caller, is_known=self._refusal is None)
        envelope = self._envelope(handle)
        whole = encode(envelope)
        content = self._mishap.garble(envelope) if self._mishap.strikes else whole
        if self._project:
            sent: Sent = (
                "not" if self._mishap.has(FaultKind.ANSWER_LOSE) else "whole" if content == whole else "garbled"
            )
            _note_answer(self._project, self._number, envelope, sent)
        self._delay_or_drop()
        return JsonAnswer(content)

    def _delay_or_drop(self) -> None:
        if self._mishap.late_ms:
            hold_until(self._caller.environ, self._clock, self._clock.now_ms() + self._mishap.late_ms)
        if self._mishap.has(FaultKind.ANSWER_LOSE):
            drop(self._caller.environ)

    def _envelope(self, handle: Callable[[], object]) -> JsonObject:
        tid = self._project.new_tid() if self._project else self._cloud.stranger_tid()
        try:
            return success(handle(), self._clock.now_ms(), tid)
        except VendorError as error:
            return failure(error, self._clock.now_ms(), tid)
        except Exception:
            if self._propagate():
                raise
            _log.exception("a defect of parking-mock: please report it")
            return failure(VendorError(ErrorCode.SYSTEM_ERROR), self._clock.now_ms(), tid)


def _caller() -> Caller:
    """The present request. This package's server has read its body; with another WSGI server it is read here."""
    environ = request.environ
    body: bytes | None = environ.get(BODY)
    return Caller(environ, request.get_data(cache=False) if body is None else body)


def _get_token(call: ApiCall) -> JsonObject:
    """`GET /v1.0/token?grant_type=1`."""
    grant_type = request.args.get("grant_type")
    if grant_type == "2":
        raise VendorError(ErrorCode.CODE_INVALID, "this cloud has no users: use grant_type=1")
    if grant_type != "1":
        raise VendorError(ErrorCode.GRANT_TYPE_INVALID)
    return _token_result(call.project, call.project.tokens.grant())


def _refresh_token(call: ApiCall) -> JsonObject:
    """`GET /v1.0/token/{refresh_token}`."""
    pair = call.project.tokens.refresh(call.name)
    if pair is None:
        raise VendorError(ErrorCode.TOKEN_INVALID)
    return _token_result(call.project, pair)


def _token_result(project: Project, pair: TokenPair) -> JsonObject:
    return {
        "access_token": pair.access_token,
        "expire_time": project.tokens.remaining_s(pair),
        "refresh_token": pair.refresh_token,
        "uid": project.uid,
    }


def _sync_records(call: ApiCall) -> JsonObject:
    """`POST /v1.0/parking-control/{device_id}/records/sync`."""
    project = call.project
    body = _json_body(call.caller)
    infos = read_sync_request(body, call.name, project.profile, project.clock.now_ms())
    try:
        return {"sn": project.sync(call.name, infos, lost=call.mishap.has(FaultKind.COMMAND_LOSE)).sn}
    except CommandRefusedError as refused:
        raise VendorError(_refusal_code(project, refused.reason)) from None


def _refusal_code(project: Project, reason: RefusalReason) -> int:
    codes: dict[RefusalReason, int] = {
        "unknown": project.profile.unknown_device_code,
        "lane": ErrorCode.DEVICE_NOT_SUPPORTED,
        "jieshun": project.profile.jieshun_code,
        "offline": ErrorCode.DEVICE_OFFLINE,
    }
    return codes[reason]


def _get_command(call: ApiCall) -> JsonObject:
    """`GET /v1.0/expand/cmds/{sn}`; an unknown sn answers 1000 (our choice)."""
    command = call.project.commands.get(call.name)
    if command is None:
        raise VendorError(ErrorCode.DATA_NOT_EXIST)
    return command_record(command)


def _list_devices(call: ApiCall) -> JsonObject:
    """`GET /v1.0/expand/devices`: one page of the devices (documented shape)."""
    page_no, page_size = read_page(request.args)
    devices = [device for device in call.project.devices.values() if _of_type(device, request.args.get("product_type"))]
    first = (page_no - 1) * page_size
    return {
        "list": [_device_result(call.project, device) for device in devices[first : first + page_size]],
        "total": len(devices),
        "page_no": page_no,
        "page_size": page_size,
    }


def _get_device(call: ApiCall) -> JsonObject:
    """`GET /v1.0/expand/devices/{device_id}`."""
    device = call.project.devices.get(call.name)
    if device is None:
        raise VendorError(call.project.profile.unknown_device_code)
    return _device_result(call.project, device)


def _of_type(device: Device, product_type: str | None) -> bool:
    return product_type in (None, "", _product_type(device))


def _product_type(device: Device) -> str:
    """A category code in the form of the documented example `wf_znmj`; the codes of parking devices are our choice."""
    return f"wf_parking_{device.kind.value}"


def _device_result(project: Project, device: Device) -> JsonObject:
    return {
        "device_id": device.device_id,
        "device_name": device.device_name,
        "product_id": project.product_key,
        "product_type": _product_type(device),
        "supplier_code": device.supplier_code,
        "gateway_id": f"{project.access_id}-gateway",
        "cid": f"cid-{device.device_id}",
        "active_status": 1,
        "online_status": int(device.online),
        "install_location": "",
        "device_ip": "",
        "mac_address": "",
        "project_id": project.access_id,
        "extend_data": "{}",
        "create_time": device.create_time,
        "uid": project.uid,
    }


def _json_body(caller: Caller) -> object:
    content_type = caller.environ.get("CONTENT_TYPE", "").partition(";")[0].strip().lower()
    if content_type != "application/json":
        raise VendorError(ErrorCode.CONTENT_TYPE_NOT_SUPPORTED, "use application/json")
    if caller.json_error:
        raise VendorError(ErrorCode.PARAM_ILLEGAL, caller.json_error)
    return caller.json_value


def _raise(error: VendorError) -> object:
    raise error


def _note_request(project: Project, caller: Caller, *, is_known: bool) -> int:
    """Add a request to the history and, if it is a records/sync, what it asks; return the number of its entry.

    Of a caller that is not known to be the client only the beginning is kept: anybody may send anything.
    """
    environ = caller.environ
    path = masked_path(environ.get(RAW_PATH) or environ["PATH_INFO"])
    query = masked_query(environ["QUERY_STRING"], QUERY_KEPT if is_known else STRANGER_KEPT)
    body = masked_body(caller.body, BODY_KEPT if is_known else STRANGER_KEPT)
    hide = partial(without, project.secrets)
    number = project.history.add(
        RequestReceived(
            method=environ["REQUEST_METHOD"],
            path=hide(path),
            query=hide(query),
            headers={name: hide(value) for name, value in masked_headers(caller.header).items()},
            body=hide(body),
        )
    )
    device_id = asked_device(path)
    if device_id is not None:
        events = sync_events(number, device_id, caller.json_value)
        for event in events if is_known else islice(events, 1):
            project.history.add(event)
    return number


def _note_answer(project: Project, number: int, envelope: JsonObject, sent: Sent) -> None:
    result: Any = envelope.get("result")
    sn = result.get("sn") if isinstance(result, dict) else None
    code: Any = envelope.get("code")
    msg: Any = envelope.get("msg")
    project.history.add(RequestAnswered(number, code, msg, sn, sent))


_ROUTES: tuple[tuple[str, str, Handler], ...] = (
    ("GET", "/v1.0/token", _get_token),
    ("GET", "/v1.0/token/<name>", _refresh_token),
    ("POST", "/v1.0/parking-control/<name>/records/sync", _sync_records),
    ("GET", "/v1.0/expand/cmds/<name>", _get_command),
    ("GET", "/v1.0/expand/devices", _list_devices),
    ("GET", "/v1.0/expand/devices/<name>", _get_device),
)


def store_failed(clock: Clock, error: StoreError) -> Answer:
    """The vendor's envelope while the store fails: what was asked for may have been done, and is not kept yet.

    What another server has is to be asked for again (documented for 1111).
    """
    is_elsewhere = isinstance(error, HeldElsewhereError)
    refusal = VendorError(BUSY, message=BUSY_TEXT) if is_elsewhere else VendorError(ErrorCode.SYSTEM_ERROR, str(error))
    content = encode(failure(refusal, clock.now_ms(), "0" * 32))
    return whole_answer(HTTPStatus.OK, CONTENT_TYPE, content)
