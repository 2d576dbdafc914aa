"""The machine-readable list of both planes' routes: OpenAPI 3.1.

Whatever the code can enumerate (faults, presets, profile fields, kinds of events, limits) comes from the code.
"""

from mock_server.doubts import WARNING
from mock_server.history.events import SCHEMA_VERSION
from mock_server.model import Addresses, JsonObject
from mock_server.version import __version__
from mock_server.web.data_plane import openapi as data_plane
from mock_server.web.lab import openapi as lab_plane
from mock_server.web.lab.openapi_schemas import lab_schemas
from mock_server.web.openapi_parts import ref
from mock_server.web.queue import handshake_shapes
from mock_server.wire.message_shapes import CIPHERS, KEY_RULE, SHAPES, SIGN_RULE, VALUES, message_schemas
from mock_server.wire.messages import DATA_POINTS

_DESCRIPTION = f"""\
A fake Tuya parking cloud. The **data plane** looks like the vendor and answers everything with HTTP 200 and an
envelope; a fault that was asked for may damage an answer. The **lab plane** is what you do to the fake world; its
refusals are 4xx with a message that says what to do. The message queue is at `x-ws` as a Pulsar WebSocket, and at
`x-pulsar` natively; `x-queue` has the schemas of its messages, `/asyncapi.json` the same as AsyncAPI. A value that is
allowed and can hardly be meant, such as a time in seconds, is taken, and the lab plane's answer says so in a
header, `{WARNING}`.
The history's schema has version {SCHEMA_VERSION}: it is raised when a kind or field changes its meaning or goes."""


def openapi(addresses: Addresses) -> JsonObject:
    """The document for a server at these addresses."""
    return {
        "openapi": "3.1.0",
        "info": {"title": "parking-mock", "version": __version__, "description": _DESCRIPTION},
        "servers": [{"url": addresses.lab, "description": lab_plane.TAG}],
        "x-ws": addresses.ws,
        "x-pulsar": addresses.pulsar,
        "x-queue": _queue(addresses.ws),
        "x-history-schema-version": SCHEMA_VERSION,
        "tags": [
            {"name": data_plane.TAG, "description": "the vendor's calls"},
            {"name": lab_plane.TAG, "description": "projects, records, faults, time"},
        ],
        "paths": _at(addresses.api, data_plane.TAG, data_plane.data_plane_paths())
        | _at(addresses.lab, lab_plane.TAG, lab_plane.lab_paths()),
        "components": {
            "schemas": _schemas(),
            "parameters": data_plane.data_plane_parameters(),
            "responses": lab_plane.lab_responses(),
            "securitySchemes": {
                "token": {"type": "http", "scheme": "bearer", "description": "only if the server was started with one"}
            },
        },
    }


def _schemas() -> JsonObject:
    """The schemas of both planes and of the queue by name."""
    return {
        **data_plane.data_plane_schemas(),
        **lab_schemas(),
        **handshake_shapes.handshake_schemas(),
        **message_schemas(),
    }


def _queue(ws: str) -> JsonObject:
    """The queue, for which OpenAPI has no place of its own: its handshake, and schemas of frames and their contents."""
    return {
        "address": ws,
        "path": handshake_shapes.PATH,
        "handshake": {
            "path": ref("HandshakePath"),
            "headers": ref("HandshakeHeaders"),
            "query": ref("HandshakeQuery"),
            "refusals": {str(status): why for status, why in handshake_shapes.REFUSALS.items()},
        },
        "received": {"anyOf": [ref("QueueFrame"), ref("EndOfTopicAnswer")]},
        "sent": {
            "anyOf": [
                ref("Acknowledgement"),
                ref("NegativeAcknowledgement"),
                ref("EndOfTopicQuestion"),
                ref("Permit"),
            ]
        },
        "payload": ref("QueuePayload"),
        "sign": SIGN_RULE,
        "key": KEY_RULE,
        "ciphers": {**CIPHERS},
        "data": ref("StatusReport"),
        "dataPoints": {**DATA_POINTS},
        "value": {code: ref(SHAPES[shape]) for code, shape in VALUES.items()},
    }


def _at(url: str, doc: str, paths: JsonObject) -> JsonObject:
    """Paths that are served at one address."""
    servers = [{"url": url, "description": doc}]
    return {path: {"servers": servers} | item for path, item in paths.items() if isinstance(item, dict)}
