"""The catalogue of faults: every kind, where it acts, what it spoils and what it does."""

from enum import StrEnum
from typing import Self

from mock_server.model import Spoils

RECORD, UPLINK, REREPORT, REPEAT = "record", "uplink", "rereport", "repeat"
"""Sites of the lot: the making of a record, its first publication, a re-report as a whole, one record in it."""

CALL, DELIVERY, SOCKET = "call", "delivery", "socket"
"""Sites of the cloud: one API call, one delivery of a message, the connection that it goes over."""

FRAME, ACKNOWLEDGEMENT, SUBSCRIPTION = "frame", "acknowledgement", "subscription"
"""More sites of the queue: the native frame of a delivery, an acknowledgement, a consumer that wants to subscribe."""


class CatalogueEntry(StrEnum):
    """A kind of fault is its name. `parameter` names the one number that it takes, if any, with a default.

    The class has no members: a test defines a kind of its own in a subclass and adds it to the catalogue.
    """

    def __new__(cls, name: str, *_: object) -> Self:
        """The string of the member."""
        kind = str.__new__(cls, name)
        kind._value_ = name
        return kind

    def __init__(self, _name: str, site: str, spoils: Spoils, doc: str, parameter: str = "", default: int = 0) -> None:
        self.site = site
        self.spoils = spoils
        self.doc = doc
        self.parameter = parameter
        self.default = default


def _kind(
    name: str, site: str, spoils: Spoils, doc: str, parameter: str = "", default: int = 0
) -> tuple[str, str, Spoils, str, str, int]:
    return name, site, spoils, doc, parameter, default


class FaultKind(CatalogueEntry):
    """Every kind of fault that the emulator has."""

    UPLINK_LOSE = _kind("uplink.lose", UPLINK, Spoils.DELIVERY, "a record's message never reaches the queue")
    UPLINK_DUPLICATE = _kind("uplink.duplicate", UPLINK, Spoils.DELIVERY, "a record's message is published twice")
    UPLINK_DELAY = _kind("uplink.delay", UPLINK, Spoils.DELIVERY, "a record's message comes late", "delay_ms", 300_000)
    UPLINK_SWAP = _kind("uplink.swap", UPLINK, Spoils.DELIVERY, "a record's message changes places with the next one")
    REREPORT_SHUFFLE = _kind("rereport.shuffle", REREPORT, Spoils.DELIVERY, "a re-report comes in any order")
    REREPORT_SPREAD = _kind(
        "rereport.spread", REREPORT, Spoils.DELIVERY, "a re-report trickles in over a time", "spread_ms", 60_000
    )
    REREPORT_LOSE = _kind("rereport.lose", REPEAT, Spoils.DELIVERY, "one record of a re-report is lost")
    REREPORT_DUPLICATE = _kind("rereport.duplicate", REPEAT, Spoils.DELIVERY, "one record of a re-report comes twice")
    REREPORT_DELAY = _kind(
        "rereport.delay", REPEAT, Spoils.DELIVERY, "one record of a re-report comes late", "delay_ms", 60_000
    )
    COMMAND_LOSE = _kind(
        "command.lose", CALL, Spoils.ANSWER, "the call is answered, but the command never reaches the lot"
    )
    ANSWER_LOSE = _kind(
        "answer.lose", CALL, Spoils.ANSWER, "the call is carried out, and the connection closes without an answer"
    )
    ANSWER_LATE = _kind(
        "answer.late", CALL, Spoils.ANSWER, "the call is carried out at once and answered late", "delay_ms", 2_000
    )
    ANSWER_BUSY = _kind(
        "answer.busy", CALL, Spoils.ANSWER, "the call is refused as busy: 1110, 1111 or 1199", "code", 1111
    )
    ANSWER_ERROR = _kind("answer.error", CALL, Spoils.ANSWER, "the call is refused with 500, system error")
    ANSWER_REFUSE = _kind(
        "answer.refuse",
        CALL,
        Spoils.ANSWER,
        "the call is refused for good: 1004 sign, 1106 permission, 2010 device",
        "code",
        1106,
    )
    ANSWER_UNKNOWN_CODE = _kind(
        "answer.unknown-code", CALL, Spoils.ANSWER, "the call is refused with a code of no table", "code", 90_210
    )
    ANSWER_NOT_JSON = _kind("answer.not-json", CALL, Spoils.ANSWER, "the call is carried out; the answer is a web page")
    ANSWER_NO_RESULT = _kind(
        "answer.no-result", CALL, Spoils.ANSWER, "the call is carried out; the answer's result is an empty object"
    )
    ANSWER_EMPTY = _kind("answer.empty", CALL, Spoils.ANSWER, "the call is carried out; the answer has no body")
    ANSWER_TRUNCATED = _kind(
        "answer.truncated", CALL, Spoils.ANSWER, "the call is carried out; the answer ends half way"
    )
    ANSWER_UNKNOWN_FIELDS = _kind(
        "answer.unknown-fields", CALL, Spoils.NOTHING, "the answer has fields that no page names"
    )
    TOKEN_EXPIRE = _kind(
        "token.expire", CALL, Spoils.ANSWER, "the access token dies early; its refresh token still works"
    )
    TOKEN_REVOKE = _kind("token.revoke", CALL, Spoils.ANSWER, "access and refresh token are revoked")
    TOKEN_REGION = _kind(
        "token.region",
        CALL,
        Spoils.ANSWER,
        "a call for a token, and no other, is refused for the caller's address: 2007 another region, 1114 not allowed",
        "code",
        2007,
    )
    TIME_REFUSE = _kind("time.refuse", CALL, Spoils.ANSWER, "the call is refused with 1013, request time is invalid")
    DEVICE_OFFLINE = _kind(
        "device.offline", CALL, Spoils.ANSWER, "the lot is off line for this call and `for_ms` more", "for_ms"
    )
    SOCKET_CLOSE = _kind("socket.close", SOCKET, Spoils.DELIVERY, "the connection closes when a message is due")
    SOCKET_IDLE = _kind(
        "socket.idle",
        SOCKET,
        Spoils.DELIVERY,
        "the connection is closed in order when a message is due, with 1001 as after a long silence",
    )
    CONSUMER_CLOSE = _kind(
        "consumer.close",
        SOCKET,
        Spoils.DELIVERY,
        "the broker closes the consumer when a message is due, and the connection stays: a native client subscribes"
        " again, over WebSocket the proxy does; what was not acknowledged comes again",
    )
    SUBSCRIBE_REFUSE = _kind(
        "subscribe.refuse",
        SUBSCRIPTION,
        Spoils.DELIVERY,
        "a consumer is refused: 5 consumer busy (409 over WebSocket), 6 service not ready (503)",
        "code",
        5,
    )
    ACK_LOSE = _kind(
        "ack.lose",
        ACKNOWLEDGEMENT,
        Spoils.DELIVERY,
        "an acknowledgement is not kept: its messages come again after the next connection, or after `after_ms`",
        "after_ms",
        60_000,
    )
    MESSAGE_BAD_CHECKSUM = _kind(
        "message.bad-checksum",
        FRAME,
        Spoils.DELIVERY,
        "the checksum of a native frame is wrong, and the client's library throws the message away; WebSocket has none",
    )
    MESSAGE_FLIP_BIT = _kind(
        "message.flip-bit",
        DELIVERY,
        Spoils.CONTENT,
        "one bit of a message's cipher text is flipped, where byte `byte` of its text is; 0 is the middle",
        "byte",
    )
    MESSAGE_LEAP_SECOND = _kind(
        "message.leap-second",
        DELIVERY,
        Spoils.NOTHING,
        "a message's text times at a full minute are written as second 60 of the minute before",
    )
    MESSAGE_UNKNOWN_FIELDS = _kind(
        "message.unknown-fields", DELIVERY, Spoils.NOTHING, "a message has fields that no page names"
    )
    MESSAGE_UNKNOWN_EVENT = _kind(
        "message.unknown-event", UPLINK, Spoils.NOTHING, "a message of a kind that no page names comes along"
    )
    RECORD_NO_PLATE = _kind("record.no-plate", RECORD, Spoils.RECORD, "a record has an empty plate")
    RECORD_ZERO_FEE = _kind("record.zero-fee", RECORD, Spoils.RECORD, "a bill of nothing")
    RECORD_UNKNOWN_ENUM = _kind("record.unknown-enum", RECORD, Spoils.RECORD, "a car type or a pay method of no table")
    RECORD_DELETE = _kind(
        "record.delete", RECORD, Spoils.RECORD, "the lot deletes the record after a while", "delay_ms", 60_000
    )
    RECORD_CORRECT = _kind(
        "record.correct",
        RECORD,
        Spoils.RECORD,
        "the lot corrects the plate after a while and sends it",
        "delay_ms",
        60_000,
    )


OF_TOKEN_CALLS: tuple[str, ...] = (FaultKind.TOKEN_REGION,)
"""The kinds that strike calls for a token and no others."""

CATALOGUE: dict[str, CatalogueEntry] = {kind.value: kind for kind in FaultKind}
"""Every kind of fault, by name."""
