"""The handshake of a queue consumer over WebSocket: reads its path, headers and parameters."""

import re
from collections.abc import Mapping
from dataclasses import replace
from urllib.parse import parse_qs

from mock_server.carriers.access import (
    AccessRefusedError,
    Refusal,
    Topic,
    authenticate,
    check_name,
    find_topic,
)
from mock_server.carriers.websocket import ConsumerRequest
from mock_server.cloud import Cloud
from mock_server.problems import whole_number
from mock_server.project import Project
from mock_server.queue.consumer import SubscriptionType

_PATH = re.compile(r"/ws/v2/consumer/persistent/([^/]+)/([^/]+)/([^/]+)/([^/]+)/?")
MIN_ACK_TIMEOUT_MS = 1000
"""The shortest ack timeout that Pulsar accepts, other than 0, which means none."""

MAX_ACK_TIMEOUT_MS = MAX_NEGATIVE_ACK_DELAY_MS = 86_400_000
"""The longest ack timeout and delay after a negative acknowledgement: a day (our choice)."""

MAX_RECEIVER_QUEUE = 100_000
"""The largest `receiverQueueSize` (our choice): it bounds the frames that wait for a client that does not read."""


STATUS: dict[Refusal, int] = {
    Refusal.CREDENTIALS: 401,
    Refusal.TENANT: 401,
    Refusal.TOPIC: 404,
    Refusal.NAME: 403,
    Refusal.PARAMETER: 400,
    Refusal.UNKNOWN: 404,
    Refusal.FULL: 409,
    Refusal.BUSY: 409,
    Refusal.NOT_READY: 503,
    Refusal.ELSEWHERE: 503,
}
"""The HTTP status of each refusal (our choice)."""


def read_handshake(path: str, query: str, headers: Mapping[str, str], cloud: Cloud) -> ConsumerRequest:
    """Check a handshake. AccessRefusedError: path, credentials, topic, name and parameters, in this order."""
    match = _PATH.fullmatch(path)
    if match is None:
        sentence = "the path is /ws/v2/consumer/persistent/{access_id}/out/{topic}/{subscription}"
        raise AccessRefusedError(Refusal.TOPIC, sentence)
    access_id, namespace, topic, subscription = match.groups()
    password = headers.get("password", "") if headers.get("username") == access_id else ""
    project = authenticate(cloud, access_id, password)
    found = find_topic(project, access_id, namespace, topic)
    check_name(project, subscription)
    try:
        request = _request(project, found, subscription, parse_qs(query, keep_blank_values=True))
    except ValueError as error:
        raise AccessRefusedError(Refusal.PARAMETER, str(error), project) from None
    return replace(request, client=headers.get("user-agent", ""))


def _request(project: Project, topic: Topic, subscription: str, given: Mapping[str, list[str]]) -> ConsumerRequest:
    """The request with these parameters. ValueError for one that cannot be used."""
    return ConsumerRequest(
        project=project,
        topic=topic,
        subscription=subscription,
        type=_subscription_type(given),
        ack_timeout_ms=_ack_timeout(given),
        receiver_queue_size=_number(given, "receiverQueueSize", 1000, 1, MAX_RECEIVER_QUEUE),
        negative_ack_delay_ms=_number(given, "negativeAckRedeliveryDelay", 60_000, 0, MAX_NEGATIVE_ACK_DELAY_MS),
    )


def _subscription_type(given: Mapping[str, list[str]]) -> SubscriptionType:
    value = given.get("subscriptionType", ["Exclusive"])[0]
    if value == "Failover":
        return "Failover"
    if value == "Exclusive":
        return "Exclusive"
    raise ValueError("subscriptionType must be Failover or Exclusive")


def _ack_timeout(given: Mapping[str, list[str]]) -> int:
    timeout = _number(given, "ackTimeoutMillis", 0, 0, MAX_ACK_TIMEOUT_MS)
    if 0 < timeout < MIN_ACK_TIMEOUT_MS:
        raise ValueError(f"ackTimeoutMillis must be 0 or at least {MIN_ACK_TIMEOUT_MS}")
    return timeout


def _number(given: Mapping[str, list[str]], name: str, default: int, low: int, high: int) -> int:
    value = whole_number(given.get(name, [str(default)])[0])
    if value is None or not low <= value <= high:
        raise ValueError(f"{name} must be a number from {low} to {high}")
    return value
