"""One delivery of a message, whatever carries it: the faults that strike it, and what is sent.

Every carrier makes its deliveries here, so that the same seed gives the same ones over all of them.
"""

from dataclasses import replace
from typing import NamedTuple

from mock_server.faults.catalogue import DELIVERY, FRAME, SOCKET, FaultKind
from mock_server.faults.faults import Occasion, Strike
from mock_server.model import Message, Record
from mock_server.project import Project
from mock_server.queue.uplink import record_occasion
from mock_server.wire.encryption import GCM_NONCE_BYTES
from mock_server.wire.messages import outer_json, status_text


class SentMessage(NamedTuple):
    """What a client gets: the outer JSON in ASCII, before base64, and the message's properties."""

    payload: bytes
    properties: dict[str, str]


def connection_strikes(project: Project, message: Message, subscription: str, consumer: str) -> list[Strike]:
    """The faults that strike the connection over which this message is due."""
    if not project.faults.active:
        return []
    connection = f"socket {subscription}"
    return project.faults.strike(Occasion(SOCKET, connection, message_id=message.message_id, consumer=consumer))


def deliver(project: Project, message: Message, consumer: str) -> SentMessage:
    """A delivery to a consumer, changed by the faults that strike it."""
    struck = _struck(project, message, consumer) if project.faults.active else {}
    encryption = project.profile.encryption
    nonce = project.random.randbytes(GCM_NONCE_BYTES) if encryption == "aes_gcm" else b""
    report = status_text(
        message,
        project.product_key,
        project.profile,
        unknown_fields=FaultKind.MESSAGE_UNKNOWN_FIELDS in struck,
        leap_second=FaultKind.MESSAGE_LEAP_SECOND in struck,
    )
    payload = outer_json(
        report,
        message.publish_time,
        project.access_secret,
        encryption,
        nonce,
        flip_at=struck.get(FaultKind.MESSAGE_FLIP_BIT),
    )
    return SentMessage(payload, {"em": encryption})


def _struck(project: Project, message: Message, consumer: str) -> dict[str, int]:
    """The faults that strike a delivery, with their parameters."""
    return {strike.kind: strike.value for strike in project.faults.strike(_occasion(DELIVERY, message, consumer))}


def told_count(project: Project, redelivery_count: int) -> int:
    """What a client is told of how often a message was delivered before."""
    return redelivery_count if project.profile.redelivery_count == "counted" else 0


def has_bad_checksum(project: Project, message: Message, consumer: str) -> bool:
    """Whether the native frame of this delivery gets a wrong checksum."""
    return bool(project.faults.active and project.faults.strike(work_occasion(FRAME, message, consumer)))


def work_occasion(site: str, message: Message, consumer: str) -> Occasion:
    """The occasion for faults at a site where a client's library works on a message.

    It is an operation of its own: that nothing strikes there must not end a row of faults that struck the message.
    """
    return replace(_occasion(site, message, consumer), operation=f"{site} {message.message_id}")


def _occasion(site: str, message: Message, consumer: str) -> Occasion:
    subject, message_id = message.subject, message.message_id
    if isinstance(subject, Record):
        return record_occasion(site, subject, message_id, consumer)
    return Occasion(site, f"message {message_id}", subject.device_id, message_id=message_id, consumer=consumer)
