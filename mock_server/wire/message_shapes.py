"""The shapes of the queue's frames and messages, each field with the source of the fact.

Their docstrings are descriptions in the OpenAPI and the AsyncAPI document, and `docs/wire.md` is made from them. The
`x-source` of a field is `documented` (by the vendor or by Pulsar), `observed` (in SDKs, public samples or reports) or
`our choice`.
"""

from typing import Annotated, Literal, NotRequired, TypedDict

from mock_server.model import DataType, JsonObject
from mock_server.shapes import Keywords, OneOf, Text, open_schema
from mock_server.wire.encryption import Encryption
from mock_server.wire.messages import CODES, COMMAND_RESULT, PROTOCOL

DOCUMENTED = Keywords(**{"x-source": "documented"})
OBSERVED = Keywords(**{"x-source": "observed"})
CHOSEN = Keywords(**{"x-source": "our choice"})
"""Where the fact of a field is from."""

_JSON_TEXT = "application/json"
_JSON = Keywords(contentMediaType=_JSON_TEXT)
_BASE64_JSON = Keywords(
    contentEncoding="base64", contentMediaType=_JSON_TEXT, contentSchema={"$ref": "#/components/schemas/QueuePayload"}
)

SIGN_RULE = (
    "md5 in lower-case hex over all other fields that are not empty, as `key=value`, sorted by key, and then the access"
    " secret, joined by `||`"
)
"""How `sign` is made: documented, but for the case of the digits, which is our choice."""

KEY_RULE = "characters 8 to 23 of the access secret, as ASCII: AES-128"
"""The key of `data` (documented)."""

CIPHERS: dict[Encryption, str] = {
    "aes_ecb": "AES-ECB with PKCS5 padding",
    "aes_gcm": "AES-GCM: 12 bytes of nonce, cipher text, 16 bytes of tag; no additional data",
}
"""What `data` is, behind its base64, by the name of the cipher in `properties.em` (documented)."""

_ENCRYPTED = Keywords(
    contentEncoding="base64",
    **{"x-decrypted": {"$ref": "#/components/schemas/StatusReport"}, "x-key": KEY_RULE, "x-ciphers": CIPHERS},
)
"""The base64 of a cipher's text, for which JSON Schema has no words: `x-decrypted` is the schema of the plain JSON."""

Time = int | str


class FrameProperties(TypedDict):
    """The properties of a frame. The Node.js SDK fails on a frame without this object."""

    em: Annotated[Encryption, "the cipher of `data`; AES-ECB where it is absent", OBSERVED]


class QueueFrame(TypedDict):
    """A text frame to the client: one delivery of a message, in Pulsar's WebSocket consumer protocol."""

    messageId: Annotated[str, "for acknowledgements; opaque: base64 of ledger, entry, batch index", DOCUMENTED]
    payload: Annotated[str, _BASE64_JSON, "base64 of the payload's JSON, which is ASCII", DOCUMENTED]
    properties: Annotated[FrameProperties, "of the message", DOCUMENTED]
    publishTime: Annotated[str, "ISO 8601 with milliseconds and an offset, which is Beijing's", OBSERVED]
    redeliveryCount: Annotated[
        int, "0, as Pulsar's broker says on this kind of subscription; by the profile how often it came before", CHOSEN
    ]
    key: Annotated[str, "the device id", OBSERVED]


class Acknowledgement(TypedDict):
    """A text frame from the client: the message is stored, the queue forgets it. It answers for no other message."""

    messageId: Annotated[str, "as it came", DOCUMENTED]
    type: NotRequired[Annotated[str, OneOf(("ack",)), "may be left out, as the SDKs do", CHOSEN]]


class NegativeAcknowledgement(TypedDict):
    """A text frame from the client: the message is to be delivered again, after `negativeAckRedeliveryDelay`."""

    type: Annotated[str, OneOf(("negativeAcknowledge",)), "", DOCUMENTED]
    messageId: Annotated[str, "as it came", DOCUMENTED]


class EndOfTopicQuestion(TypedDict):
    """A text frame from the client, of Pulsar's protocol; the vendor's SDKs do not send it."""

    type: Annotated[str, OneOf(("isEndOfTopic",)), "whether the topic has ended", DOCUMENTED]


class EndOfTopicAnswer(TypedDict):
    """A text frame to the client: the answer to that."""

    endOfTopic: Annotated[str, OneOf(("false",)), "a topic of the vendor never ends", DOCUMENTED]


class Permit(TypedDict):
    """A text frame from the client, of Pulsar's protocol; it is ignored, and the vendor's SDKs do not send it."""

    type: Annotated[str, OneOf(("permit",)), "with other fields, none of which is read", DOCUMENTED]


class QueuePayload(TypedDict):
    """The JSON in a frame's `payload`."""

    data: Annotated[str, _ENCRYPTED, "base64 of the encrypted status report", DOCUMENTED]
    protocol: Annotated[int, OneOf((PROTOCOL,)), "the kind of the message: a status report", DOCUMENTED]
    pv: Annotated[str, OneOf(("2.0",)), "the version of the protocol", DOCUMENTED]
    t: Annotated[int, "when it was published, epoch milliseconds", DOCUMENTED]
    sign: Annotated[
        str,
        Text(32, 32, "^[0-9a-f]+$"),
        Keywords(**{"x-rule": SIGN_RULE}),
        "md5 over the other fields and the access secret, lower-case hex",
        DOCUMENTED,
    ]


class StatusEntry(TypedDict):
    """One status. The same text as in `value` is also under the number of its data point, such as `"101"`."""

    code: Annotated[str, "what the status is about; empty with the profile `empty-codes`", DOCUMENTED]
    t: Annotated[int, "when it was published, epoch milliseconds", DOCUMENTED]
    value: Annotated[str, _JSON, "the event as JSON text", DOCUMENTED]


class StatusReport(TypedDict):
    """The decrypted `data`: the report of third-party devices, which the vendor documents for a sister product."""

    dataId: Annotated[str, "a new one for each publication, `assist_` and hex digits", DOCUMENTED]
    devId: Annotated[str, "the device id of the lot", DOCUMENTED]
    productKey: Annotated[str, "the product id of the device", DOCUMENTED]
    status: Annotated[list[StatusEntry], "here always one", DOCUMENTED]


class RecordValue(TypedDict):
    """What the JSON texts of a pass and of a bill have in common."""

    recordId: Annotated[str, "the record's id within its lot and data type: the same at each delivery", CHOSEN]
    plateNo: Annotated[str, "the plate; may be empty", CHOSEN]


class PassValue(RecordValue):
    """A vehicle pass, as JSON text in `value`."""

    passDirection: Annotated[Literal[0, 1], "0 enter, 1 leave, as in records/sync", CHOSEN]
    passTime: Annotated[Time, "when it passed; the form is the profile's `record_time`, epoch milliseconds", CHOSEN]
    laneDeviceId: NotRequired[Annotated[str, "the device id of the lane", CHOSEN]]
    carType: NotRequired[Annotated[int, "0 long-term, 1 temporary, 3 unlicensed", CHOSEN]]
    imageUrl: NotRequired[Annotated[str, "a picture", CHOSEN]]


class BillValue(RecordValue):
    """A temporary parking bill, as JSON text in `value`. Amounts are in fen, 1/100 yuan (our choice)."""

    payTime: Annotated[Time, "when it was paid: the bill's time in records/sync; in the form of `passTime`", CHOSEN]
    orderNo: NotRequired[Annotated[str, "the order", CHOSEN]]
    enterTime: NotRequired[Annotated[Time, "when the vehicle entered", CHOSEN]]
    leaveTime: NotRequired[Annotated[Time, "when it left", CHOSEN]]
    payableAmount: NotRequired[Annotated[int, "what was to be paid", CHOSEN]]
    paidAmount: NotRequired[Annotated[int, "what was paid; 0 is possible", CHOSEN]]
    payMethod: NotRequired[Annotated[int, "how; the numbers are not published", CHOSEN]]


class CommandValue(TypedDict):
    """The result of a command, as JSON text in `value`: the event is documented, its fields are not."""

    sn: Annotated[str, "the serial number in the answer of the call", CHOSEN]
    deviceId: Annotated[str, "the device of the command", CHOSEN]
    happenTime: Annotated[int, "when it was issued, epoch milliseconds", CHOSEN]
    processStatus: Annotated[Literal[3, 4, 5], "3 succeeded, 4 failed, 5 unknown", CHOSEN]
    message: Annotated[str, "the status in words", CHOSEN]


VALUES: dict[str, type] = {
    CODES[DataType.PASS]: PassValue,
    CODES[DataType.BILL]: BillValue,
    COMMAND_RESULT: CommandValue,
}
"""The shape of `value` by the code of a status."""

SHAPES: dict[type, str] = {
    shape: shape.__name__
    for shape in (
        QueueFrame,
        FrameProperties,
        Acknowledgement,
        NegativeAcknowledgement,
        EndOfTopicQuestion,
        EndOfTopicAnswer,
        Permit,
        QueuePayload,
        StatusReport,
        StatusEntry,
        *VALUES.values(),
    )
}
"""Every shape with its name in the OpenAPI and the AsyncAPI document."""


def message_schemas() -> dict[str, JsonObject]:
    """The JSON Schemas of frames and messages by name."""
    return {name: open_schema(shape, SHAPES) for shape, name in SHAPES.items()}
