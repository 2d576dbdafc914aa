"""The handshake of a queue consumer: checks its path, credentials and parameters."""

import re
from collections.abc import Mapping
from dataclasses import dataclass
from hmac import compare_digest
from urllib.parse import parse_qs

from mock_server.cloud import Cloud
from mock_server.model import TopicName
from mock_server.problems import whole_number
from mock_server.project import Project
from mock_server.queue.consumer import SubscriptionType
from mock_server.queue.queue import TOPICS
from mock_server.wire.encryption import queue_password

_PATH = re.compile(r"/ws/v2/consumer/persistent/([^/]+)/([^/]+)/([^/]+)/([^/]+)/?")
MIN_ACK_TIMEOUT_MS = 1000
"""The shortest ack timeout that Pulsar accepts, other than 0, which means none."""

MAX_ACK_TIMEOUT_MS = MAX_NEGATIVE_ACK_DELAY_MS = 86_400_000
"""The longest ack timeout and delay after a negative acknowledgement: a day (our choice)."""

MAX_RECEIVER_QUEUE = 100_000
"""The largest `receiverQueueSize` (our choice): it bounds the frames that wait for a client that does not read."""


class HandshakeRefusedError(Exception):
    """A handshake that is refused, with the HTTP status and the reason as a sentence."""

    def __init__(self, status: int, reason: str) -> None:
        super().__init__(reason)
        self.status = status
        self.reason = reason


@dataclass(frozen=True, slots=True)
class ConsumerRequest:
    """The subscription and parameters of a valid handshake; times in milliseconds."""

    project: Project
    topic: TopicName
    subscription: str
    type: SubscriptionType
    ack_timeout_ms: int
    receiver_queue_size: int
    negative_ack_delay_ms: int


def read_handshake(path: str, query: str, headers: Mapping[str, str], cloud: Cloud) -> ConsumerRequest:
    """Check a handshake. HandshakeRefusedError: path 404, credentials 401, foreign subscription 403, parameters 400."""
    match = _PATH.fullmatch(path)
    if match is None:
        raise HandshakeRefusedError(
            404, "the path is /ws/v2/consumer/persistent/{access_id}/out/{topic}/{subscription}"
        )
    access_id, namespace, topic, subscription = match.groups()
    project = _authenticated(access_id, headers, cloud)
    if namespace != "out" or topic not in TOPICS:
        raise HandshakeRefusedError(404, "the topics are out/event and out/event-test")
    tenant, dash, suffix = subscription.partition(f"{access_id}-")
    if tenant or not dash or not suffix:  # documented: tenant-suffix
        raise HandshakeRefusedError(403, "a subscription is named {access_id}-{suffix}; the SDKs use the suffix sub")
    given = parse_qs(query, keep_blank_values=True)
    return ConsumerRequest(
        project=project,
        topic=topic,
        subscription=subscription,
        type=_subscription_type(given),
        ack_timeout_ms=_ack_timeout(given),
        receiver_queue_size=_number(given, "receiverQueueSize", 1000, 1, MAX_RECEIVER_QUEUE),
        negative_ack_delay_ms=_number(given, "negativeAckRedeliveryDelay", 60_000, 0, MAX_NEGATIVE_ACK_DELAY_MS),
    )


def _authenticated(access_id: str, headers: Mapping[str, str], cloud: Cloud) -> Project:
    project = cloud.get(access_id)
    if project is not None and headers.get("username") == access_id:
        expected = queue_password(access_id, project.access_secret)
        if compare_digest(expected.encode(), headers.get("password", "").encode()):
            return project
    raise HandshakeRefusedError(401, "username must be the access id, password the md5 derived from the secret")


def _subscription_type(given: Mapping[str, list[str]]) -> SubscriptionType:
    value = given.get("subscriptionType", ["Exclusive"])[0]
    if value == "Failover":
        return "Failover"
    if value == "Exclusive":
        return "Exclusive"
    raise HandshakeRefusedError(400, "subscriptionType must be Failover or Exclusive")


def _ack_timeout(given: Mapping[str, list[str]]) -> int:
    timeout = _number(given, "ackTimeoutMillis", 0, 0, MAX_ACK_TIMEOUT_MS)
    if 0 < timeout < MIN_ACK_TIMEOUT_MS:
        raise HandshakeRefusedError(400, f"ackTimeoutMillis must be 0 or at least {MIN_ACK_TIMEOUT_MS}")
    return timeout


def _number(given: Mapping[str, list[str]], name: str, default: int, low: int, high: int) -> int:
    value = whole_number(given.get(name, [str(default)])[0])
    if value is None or not low <= value <= high:
        raise HandshakeRefusedError(400, f"{name} must be a number from {low} to {high}")
    return value
