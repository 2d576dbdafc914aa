"""The data plane's half of the OpenAPI document: the vendor's calls that this cloud has.

Every answer is HTTP 200 with an envelope; only `success` and `code` distinguish results from errors.
"""

from mock_server.model import INT64_MAX, MAX_WINDOW_MS, JsonObject, ProcessStatus
from mock_server.profile import Profile
from mock_server.web.data_plane.admission import SIGN_METHOD
from mock_server.web.openapi_parts import Schemas, answered, array, integer, json_answer, json_body, path_parameter, ref
from mock_server.wire.errors import ErrorCode
from mock_server.wire.paging import DEFAULT_PAGE_SIZE, MAX_PAGE_SIZE
from mock_server.wire.sync_asked import CAMEL, SNAKE, Spelling

TAG = "data plane"

_NO_SLASH = "^[^/]+$"


def data_plane_paths() -> JsonObject:
    """The paths of the data plane."""
    return {
        "/v1.0/token": {"get": _get_token()},
        "/v1.0/token/{refresh_token}": {"get": _refresh_token()},
        "/v1.0/parking-control/{device_id}/records/sync": {"post": _sync()},
        "/v1.0/expand/cmds/{sn}": {"get": _get_command()},
        "/v1.0/expand/devices": {"get": _list_devices()},
        "/v1.0/expand/devices/{device_id}": {"get": _get_device()},
    }


def data_plane_schemas() -> Schemas:
    """The schemas of the data plane."""
    return {
        "Failure": _failure(),
        "Token": answered(
            {
                "access_token": {"type": "string"},
                "expire_time": {"type": "integer", "description": "seconds"},
                "refresh_token": {"type": "string"},
                "uid": {"type": "string"},
            }
        ),
        "SyncRequest": {"anyOf": [_sync_request(SNAKE), _sync_request(CAMEL)]},
        "Command": _command(),
        "VendorDevice": _vendor_device(),
        "VendorDevices": answered(
            {
                "list": array(ref("VendorDevice")),
                "total": integer(),
                "page_no": integer(1),
                "page_size": integer(1, MAX_PAGE_SIZE),
            }
        ),
    }


def data_plane_parameters() -> JsonObject:
    """The headers of signed calls."""
    return {
        "client_id": _header("client_id", "the access id of the project", required=True),
        "sign": _header("sign", "HMAC-SHA256 of the call as the vendor describes it, upper-case hex", required=True),
        "t": _header("t", "epoch milliseconds, 13 digits", required=True, pattern="^[0-9]{13}$"),
        "sign_method": _header("sign_method", "the algorithm of the signature", required=True)
        | {"schema": {"type": "string", "const": SIGN_METHOD}},
        "access_token": _header("access_token", "the project's live access token", required=True),
        "nonce": _header("nonce", "part of what is signed, if it is there"),
        "signature_headers": _header("Signature-Headers", "names of further signed headers, parted by colons"),
    }


def _header(name: str, doc: str, *, required: bool = False, pattern: str = "") -> JsonObject:
    schema: JsonObject = {"type": "string", "minLength": 1} | ({"pattern": pattern} if pattern else {})
    return {"name": name, "in": "header", "required": required, "description": doc, "schema": schema}


def _call(name: str, doc: str, result: JsonObject, *further: JsonObject, token: bool = True) -> JsonObject:
    headers = ["client_id", "sign", "t", "sign_method", "nonce", "signature_headers"]
    return {
        "operationId": name,
        "tags": [TAG],
        "summary": doc,
        "parameters": [
            *further,
            *({"$ref": f"#/components/parameters/{header}"} for header in headers),
            *([{"$ref": "#/components/parameters/access_token"}] if token else []),
        ],
        "responses": {
            "200": json_answer(
                "an envelope: `success` tells whether it holds a result or an error",
                {"oneOf": [_success(result), ref("Failure")]},
            )
        },
    }


def _success(result: JsonObject) -> JsonObject:
    return answered({"success": {"const": True}, "result": result, "t": {"type": "integer"}, "tid": {"type": "string"}})


def _failure() -> JsonObject:
    known = "; ".join(f"{int(code)} {code.message}" for code in ErrorCode)
    return answered(
        {
            "success": {"const": False},
            "code": {"type": "integer", "description": known},
            "msg": {"type": "string", "description": "the vendor's text and, behind a colon, what exactly is wrong"},
            "t": {"type": "integer"},
            "tid": {"type": "string"},
        }
    )


def _get_token() -> JsonObject:
    grant_type: JsonObject = {
        "name": "grant_type",
        "in": "query",
        "required": True,
        "description": "1: a token for a project",
        "schema": {"const": "1"},
    }
    return _call("getToken", "The project's live token, or a new one", ref("Token"), grant_type, token=False)


def _refresh_token() -> JsonObject:
    part = path_parameter("refresh_token", _name(), "the live refresh token", "3e9f6ef2d3f7a35e4a13c0c9d1e0a0f1")
    return _call("refreshToken", "A new token pair for a refresh token", ref("Token"), part, token=False)


def _sync() -> JsonObject:
    result = answered({"sn": {"type": "string", "description": "the command's serial number"}})
    doc = "Post counts of records; the lot reports again whatever window it counts differently"
    info = {"totalCount": 10, "startTime": 1652777782808, "endTime": 1652779976771, "passDirection": 0}
    body = json_body(ref("SyncRequest"), {"passes": {"dataType": 0, "recordSyncInfos": [info]}})
    return _call("syncRecords", doc, result, _device_id()) | {"requestBody": body}


def _sync_request(keys: Spelling) -> JsonObject:
    """The schema of a body in one spelling, for the default profile. Other profiles accept less or more."""
    passes = _sync_infos(keys, {keys.pass_direction: {"enum": [0, 1], "description": "0 enter, 1 leave"}})
    bills = _sync_infos(keys, {})
    return {"oneOf": [_sync_body(keys, 0, passes), _sync_body(keys, 1, bills)]}


def _sync_body(keys: Spelling, data_type: int, infos: JsonObject) -> JsonObject:
    kind: JsonObject = {"const": data_type, "description": "0 vehicle passes, 1 temporary parking bills"}
    return answered({keys.data_type: kind, keys.record_sync_infos: infos})


def _sync_infos(keys: Spelling, direction: dict[str, JsonObject]) -> JsonObject:
    end = f"epoch ms, after {keys.start_time}, at most {MAX_WINDOW_MS} ms later"
    properties = {
        keys.total_count: integer(0, INT64_MAX, "how many records the client has of that window"),
        keys.start_time: integer(0, INT64_MAX, "epoch ms"),
        keys.end_time: integer(0, INT64_MAX, end),
    }
    return array(answered(properties | direction), 1, Profile().max_sync_infos)


def _get_command() -> JsonObject:
    part = path_parameter("sn", _name(), "the command's serial number", "1350000000000001")
    return _call("getCommand", "How far a command has come", ref("Command"), part)


def _command() -> JsonObject:
    statuses = ", ".join(f"{status.value} {status.name.lower()}" for status in ProcessStatus)
    return answered(
        {
            "sn": {"type": "string"},
            "happen_time": {"type": "integer"},
            "message": {"type": "string"},
            "device_id": {"type": "string"},
            "process_status": {"enum": [int(status) for status in ProcessStatus], "description": statuses},
        }
    )


def _list_devices() -> JsonObject:
    return _call(
        "listDevices",
        "The project's devices, page by page",
        ref("VendorDevices"),
        _page("page_no", 2**31 - 1, 1),
        _page("page_size", MAX_PAGE_SIZE, DEFAULT_PAGE_SIZE),
        {"name": "product_type", "in": "query", "description": "only these", "schema": {"type": "string"}},
    )


def _page(name: str, high: int, default: int) -> JsonObject:
    schema = {"type": "integer", "minimum": 1, "maximum": high, "default": default}
    return {"name": name, "in": "query", "schema": schema}


def _get_device() -> JsonObject:
    return _call("getDevice", "One device", ref("VendorDevice"), _device_id())


def _vendor_device() -> JsonObject:
    texts = ("device_id", "device_name", "product_id", "product_type", "supplier_code", "gateway_id", "cid")
    more = ("install_location", "device_ip", "mac_address", "project_id", "extend_data", "uid")
    flags: Schemas = {"active_status": {"enum": [0, 1]}, "online_status": {"enum": [0, 1]}}
    return answered(
        {name: {"type": "string"} for name in texts}
        | flags
        | {name: {"type": "string"} for name in more}
        | {"create_time": {"type": "integer"}}
    )


def _device_id() -> JsonObject:
    return path_parameter("device_id", _name(), "a device of the project", "6ce0000000000001")


def _name() -> JsonObject:
    return {"type": "string", "minLength": 1, "pattern": _NO_SLASH}
