"""The shapes of a consumer's handshake, each part with the source of the fact.

They are in the OpenAPI and the AsyncAPI document, and `docs/wire.md` is made from them.
"""

from typing import Annotated, NotRequired, TypedDict

from mock_server.model import JsonObject, TopicName
from mock_server.queue.consumer import SubscriptionType
from mock_server.shapes import Keywords, Text, Whole, open_schema
from mock_server.web.queue.handshake import (
    MAX_ACK_TIMEOUT_MS,
    MAX_NEGATIVE_ACK_DELAY_MS,
    MAX_RECEIVER_QUEUE,
    MIN_ACK_TIMEOUT_MS,
)
from mock_server.wire.message_shapes import DOCUMENTED, OBSERVED

PATH = "ws/v2/consumer/persistent/{access_id}/out/{topic}/{access_id}-{suffix}"
"""The path, behind the address `ws`, which ends with a slash."""

PASSWORD_RULE = "characters 8 to 23 of md5(access id + md5(access secret)), both in lower-case hex"  # noqa: S105 a rule
"""How the password follows from the keys."""

_TIMEOUTS = Keywords(anyOf=[{"const": 0}, {"minimum": MIN_ACK_TIMEOUT_MS}], maximum=MAX_ACK_TIMEOUT_MS, default=0)


class HandshakePath(TypedDict):
    """The parts of the path of a consumer's handshake."""

    access_id: Annotated[str, "of the project, twice", DOCUMENTED]
    topic: Annotated[
        TopicName, "`event-test` is for the console's test environment; every message is on both", DOCUMENTED
    ]
    suffix: Annotated[
        str, Text(1, 4096, "^[^/]+$"), "`sub` for the subscription that is there from the start", DOCUMENTED
    ]


class HandshakeHeaders(TypedDict):
    """The headers of a consumer's handshake, beside those of any WebSocket."""

    username: Annotated[str, "the access id", OBSERVED]
    password: Annotated[str, Text(16, 16, "^[0-9a-f]+$"), PASSWORD_RULE, OBSERVED]


class HandshakeQuery(TypedDict):
    """The query of a consumer's handshake: Pulsar's parameters. Others are ignored."""

    subscriptionType: NotRequired[
        Annotated[SubscriptionType, Keywords(default="Exclusive"), "the SDKs ask for `Failover`", DOCUMENTED]
    ]
    ackTimeoutMillis: NotRequired[
        Annotated[int, _TIMEOUTS, f"0 is none, else {MIN_ACK_TIMEOUT_MS} and more; the SDKs: 3000, 30000", DOCUMENTED]
    ]
    receiverQueueSize: NotRequired[
        Annotated[
            int, Whole(1, MAX_RECEIVER_QUEUE), Keywords(default=1000), "the most messages that it holds", DOCUMENTED
        ]
    ]
    negativeAckRedeliveryDelay: NotRequired[
        Annotated[
            int,
            Whole(0, MAX_NEGATIVE_ACK_DELAY_MS),
            Keywords(default=60_000),
            "when what was refused comes again, milliseconds",
            DOCUMENTED,
        ]
    ]


REFUSALS = {
    400: "a parameter that cannot be used",
    401: "`username` or `password` is wrong",
    403: "the subscription's name is not `{access_id}-` and a suffix",
    404: "another path or topic; a subscription that nobody has made, with the profile `own-subscriptions`",
    409: "an exclusive consumer is or would be beside others; too many subscriptions",
    503: "the service is not ready: only by the fault `subscribe.refuse`",
}
"""Why a handshake is refused, by the HTTP status of the refusal (our choice)."""

SHAPES: dict[type, str] = {shape: shape.__name__ for shape in (HandshakePath, HandshakeHeaders, HandshakeQuery)}
"""Every shape with its name in the OpenAPI document."""


def handshake_schemas() -> dict[str, JsonObject]:
    """The JSON Schemas of a handshake's parts by name."""
    return {name: open_schema(shape) for shape, name in SHAPES.items()}
