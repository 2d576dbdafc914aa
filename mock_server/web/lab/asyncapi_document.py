"""The machine-readable description of the queue: AsyncAPI 3, for both carriers.

The application that it describes is the cloud: it sends deliveries and receives acknowledgements. Schemas are those of
the OpenAPI document. What a message has inside is told by its own schema: `contentSchema` behind base64, `x-decrypted`
behind the encryption.
"""

from typing import Any
from urllib.parse import urlsplit

from mock_server.carriers.access import NAMESPACE
from mock_server.carriers.native import AUTH_METHOD
from mock_server.model import Addresses, JsonObject
from mock_server.version import __version__
from mock_server.web.openapi_parts import JSON, ref
from mock_server.web.queue.handshake_shapes import PASSWORD_RULE, PATH, handshake_schemas
from mock_server.wire.message_shapes import SHAPES, VALUES, message_schemas
from mock_server.wire.messages import DATA_POINTS

VERSION = "3.0.0"

_BINDING = {"bindingVersion": "0.1.0"}
_DESCRIPTION = """\
What parking lots report: the vendor's envelope over Pulsar, as WebSocket frames and natively. A frame's `payload` is
base64 of the envelope; natively the envelope is the message itself. Its `data` is encrypted; what is inside is in the
channel `reports`, which has no address of its own. A fault that was asked for may damage a message: its `sign` tells.
`/openapi.json` has the vendor's calls and the lab plane."""

_FROM_CLIENT = ("Acknowledgement", "NegativeAcknowledgement", "EndOfTopicQuestion", "Permit")
"""The frames of a client, by the names of their shapes."""


def asyncapi(addresses: Addresses) -> JsonObject:
    """The document for a server at these addresses."""
    schemas: dict[str, Any] = {**handshake_schemas(), **message_schemas()}
    return {
        "asyncapi": VERSION,
        "info": {
            "title": "parking-mock: the message queue",
            "version": __version__,
            "description": _DESCRIPTION,
            "license": {"name": "MIT"},
        },
        "defaultContentType": JSON,
        "servers": _servers(addresses),
        "channels": {
            "websocket": _websocket_channel(schemas),
            "native": _native_channel(schemas),
            "reports": _reports_channel(),
        },
        "operations": _operations(),
        "components": {
            "schemas": schemas,
            "messages": _frames(schemas) | {"NativeMessage": _native_message(schemas)} | _reports(schemas),
            "securitySchemes": _security(),
        },
    }


def _servers(addresses: Addresses) -> JsonObject:
    """The addresses of both carriers; native Pulsar has one port for plain text and TLS."""
    pulsar = urlsplit(addresses.pulsar)
    tls = pulsar._replace(scheme="pulsar+ssl").geturl()
    return {
        "websocket": _server(addresses.ws, "password"),
        "native": _server(addresses.pulsar, "auth1"),
        "nativeTls": _server(tls, "auth1"),
    }


def _server(url: str, scheme: str) -> JsonObject:
    where = urlsplit(url)
    security = [{"$ref": f"#/components/securitySchemes/{scheme}"}]
    return {"host": where.netloc, "protocol": where.scheme, "security": security}


def _security() -> JsonObject:
    """How a consumer is let in: the same two texts, in headers or in the data of Pulsar's CONNECT."""
    return {
        "password": {
            "type": "httpApiKey",
            "in": "header",
            "name": "password",
            "description": f"beside the header `username`, the access id: {PASSWORD_RULE}",
        },
        "auth1": {
            "type": "userPassword",
            "description": f"`{AUTH_METHOD}` with JSON of `username`, the access id, and `password`: {PASSWORD_RULE}",
        },
    }


def _websocket_channel(schemas: dict[str, Any]) -> JsonObject:
    binding = {"method": "GET", "query": ref("HandshakeQuery"), "headers": ref("HandshakeHeaders")}
    return {
        "address": f"/{PATH}",
        "description": "Pulsar's WebSocket consumer protocol: text frames, each a JSON object",
        "servers": [{"$ref": "#/servers/websocket"}],
        "parameters": {name: _parameter(schemas, name) for name in ("access_id", "topic", "suffix")},
        "messages": _named("QueueFrame", "EndOfTopicAnswer", *_FROM_CLIENT),
        "bindings": {"ws": binding | _BINDING},
    }


def _native_channel(schemas: dict[str, Any]) -> JsonObject:
    partitions = "with the profile `partitioned` as `-partition-0` and so on"
    return {
        "address": f"persistent://{{access_id}}/{NAMESPACE}/{{topic}}",
        "description": f"Pulsar's binary protocol. The subscription is `{{access_id}}-sub`; {partitions}",
        "servers": [{"$ref": "#/servers/native"}, {"$ref": "#/servers/nativeTls"}],
        "parameters": {name: _parameter(schemas, name) for name in ("access_id", "topic")},
        "messages": _named("NativeMessage"),
        "bindings": {"pulsar": {"namespace": NAMESPACE, "persistence": "persistent"} | _BINDING},
    }


def _reports_channel() -> JsonObject:
    return {
        "address": None,
        "description": "what `data` is, decrypted, whatever carries it",
        "messages": _named(*DATA_POINTS),
    }


def _parameter(schemas: dict[str, Any], name: str) -> JsonObject:
    field = schemas["HandshakePath"]["properties"][name]
    return {key: field[key] for key in ("description", "enum") if key in field}


def _named(*messages: str) -> JsonObject:
    return {name: {"$ref": f"#/components/messages/{name}"} for name in messages}


def _operations() -> JsonObject:
    """What the cloud does on each channel."""
    question, *others = "EndOfTopicQuestion", *(name for name in _FROM_CLIENT if name != "EndOfTopicQuestion")
    answer: JsonObject = {
        "channel": {"$ref": "#/channels/websocket"},
        "messages": [_at("websocket", "EndOfTopicAnswer")],
    }
    return {
        "deliver": _operation("send", "websocket", "QueueFrame"),
        "deliverNatively": _operation("send", "native", "NativeMessage"),
        "report": _operation("send", "reports", *DATA_POINTS),
        "obey": _operation("receive", "websocket", *others),
        "tellWhetherTheTopicHasEnded": _operation("receive", "websocket", question) | {"reply": answer},
    }


def _operation(action: str, channel: str, *messages: str) -> JsonObject:
    return {
        "action": action,
        "channel": {"$ref": f"#/channels/{channel}"},
        "messages": [_at(channel, name) for name in messages],
    }


def _at(channel: str, message: str) -> JsonObject:
    return {"$ref": f"#/channels/{channel}/messages/{message}"}


def _frames(schemas: dict[str, Any]) -> JsonObject:
    """The WebSocket's frames."""
    return {
        name: {"name": name, "summary": schemas[name]["description"], "payload": ref(name)}
        for name in ("QueueFrame", "EndOfTopicAnswer", *_FROM_CLIENT)
    }


def _native_message(schemas: dict[str, Any]) -> JsonObject:
    key = schemas["QueueFrame"]["properties"]["key"]["description"]
    return {
        "name": "NativeMessage",
        "summary": f"A message of Pulsar's; its key is {key}, its properties are `headers`",
        "headers": ref("FrameProperties"),
        "payload": ref("QueuePayload"),
    }


def _reports(schemas: dict[str, Any]) -> JsonObject:
    """The decrypted messages, by the code of their one status."""
    return {code: _report(schemas, code, point) for code, point in DATA_POINTS.items()}


def _report(schemas: dict[str, Any], code: str, point: int) -> JsonObject:
    """A report that has this code, or none and the number of its data point."""
    shape = VALUES.get(code)
    text = {"contentMediaType": JSON} | ({"contentSchema": ref(SHAPES[shape])} if shape else {})
    status = {
        "properties": {"code": {"enum": [code, ""]}, "value": text, str(point): {"type": "string"} | text},
        "required": [str(point)],
    }
    summary = schemas[SHAPES[shape]]["description"] if shape else "An event of a kind that no page names (a fault)"
    payload = {"allOf": [ref("StatusReport"), {"properties": {"status": {"items": status}}}]}
    return {"name": code, "summary": summary, "payload": payload}
