"""Who may consume what: the check that all carriers share. Each tells a refusal in its own protocol's words."""

import re
from collections.abc import Iterator
from contextlib import contextmanager
from enum import StrEnum
from hmac import compare_digest
from typing import NamedTuple

from mock_server.cloud import Cloud
from mock_server.faults.catalogue import SUBSCRIPTION
from mock_server.faults.faults import Occasion
from mock_server.history.events import CarrierName, ConsumerRefused
from mock_server.model import TopicName
from mock_server.project import Project
from mock_server.queue.consumer import Consumer
from mock_server.queue.queue import MAX_SUBSCRIPTIONS, TOPICS
from mock_server.queue.subscription import Subscription, SubscriptionBusyError
from mock_server.state.store import StoreError
from mock_server.words import printable, shortened, without

NAMESPACE = "out"
"""The namespace of every topic (documented)."""

NOT_READY_CODE = 6
"""The `code` of `subscribe.refuse` that is Pulsar's ServiceNotReady; any other is its ConsumerBusy."""

MAX_SUFFIX = 200
"""The most characters of a subscription's name behind the access id (our choice): each of its events has the name."""

CLIENT_LENGTH = 100
"""How many signs of what a client says of itself are kept."""

_TOPIC = re.compile(rf"({'|'.join(TOPICS)})(?:-partition-(0|[1-9][0-9]?))?")


class Refusal(StrEnum):
    """Why a consumer is refused (our choice, where the vendor documents nothing)."""

    CREDENTIALS = "credentials"
    """No such project, or not its password."""

    TENANT = "tenant"
    """A topic of somebody else."""

    TOPIC = "topic"
    """A topic that there is not."""

    NAME = "name"
    """A subscription whose name is not the tenant's and a suffix."""

    PARAMETER = "parameter"
    """A parameter that cannot be used; the type of the subscription is one."""

    UNKNOWN = "unknown"
    """A subscription that nobody has made, in a project that makes none by itself."""

    FULL = "full"
    """Too many subscriptions already."""

    BUSY = "busy"
    """An exclusive consumer is or would be beside others."""

    NOT_READY = "not ready"
    """The service is not ready: a fault."""

    ELSEWHERE = "elsewhere"
    """Another server has the project, or the store fails."""


class AccessRefusedError(Exception):
    """A consumer that is refused: the reason, as a sentence too, and the project if it is known."""

    def __init__(self, reason: Refusal, sentence: str, project: Project | None = None) -> None:
        super().__init__(sentence)
        self.reason = reason
        self.project = project


class Topic(NamedTuple):
    """A topic, or one partition of it."""

    name: TopicName
    partition: int | None = None


def client_text(project: Project, said: str) -> str:
    """What a client says of itself, as the history keeps it: without the project's secrets."""
    return shortened(printable(without(project.secrets, said)), CLIENT_LENGTH)


@contextmanager
def noted(carrier: CarrierName, client: str, only: Project | None = None) -> Iterator[None]:
    """Note a refusal in the history of the project. `client` is what the client says of itself.

    If the refusal does not know its project, as with a wrong access id, it is `only`: the server's project if it has
    one alone. Without that it is noted nowhere.
    """
    try:
        yield
    except AccessRefusedError as refused:
        if refused.reason is not Refusal.ELSEWHERE:
            note_refusal(refused.project or only, carrier, client, refused.reason, str(refused))
        raise


def note_refusal(project: Project | None, carrier: CarrierName, client: str, reason: str, sentence: str) -> None:
    """Note in the history of the project, if that is known, that a client was not let in."""
    if project is not None:
        project.history.add(ConsumerRefused(carrier, client_text(project, client), reason, sentence))


def authenticate(cloud: Cloud, access_id: str, password: str) -> Project:
    """The project of an access id with its password. AccessRefusedError: CREDENTIALS, or ELSEWHERE."""
    try:
        project = cloud.find(access_id, wants=False)
    except StoreError as error:
        raise AccessRefusedError(Refusal.ELSEWHERE, f"{error}: try again") from None
    if project is not None:
        given = password.encode("utf-8", "surrogatepass")
        if compare_digest(project.queue_password.encode(), given):
            return project
    sentence = "username must be the access id, password the md5 derived from the secret"
    raise AccessRefusedError(Refusal.CREDENTIALS, sentence, project)


def find_topic(project: Project, tenant: str, namespace: str, name: str) -> Topic:
    """A topic of the project. AccessRefusedError: TENANT for somebody else's, TOPIC for one that there is not."""
    if tenant != project.access_id:
        raise AccessRefusedError(Refusal.TENANT, f"the tenant is the access id, {project.access_id}", project)
    match = _TOPIC.fullmatch(name)
    if namespace != NAMESPACE or match is None:
        raise AccessRefusedError(Refusal.TOPIC, "the topics are out/event and out/event-test", project)
    topic = Topic(next(known for known in TOPICS if known == match[1]), int(match[2]) if match[2] else None)
    if topic.partition is not None and topic.partition not in project.queue.partitions(topic.name):
        raise AccessRefusedError(Refusal.TOPIC, f"there is no partition {topic.partition} of {topic.name}", project)
    return topic


def find_subscriptions(project: Project, topic: Topic, name: str) -> list[Subscription]:
    """The subscription of that name, of the topic's partition or of each that it has, made if it is new.

    AccessRefusedError: UNKNOWN and FULL if it may not be made; BUSY and NOT_READY by a fault.
    """
    queue = project.queue
    _suffer_faults(project, name)
    if not queue.has_subscription(topic.name, name):
        _check_new(project, topic, name)
    if topic.partition is None:
        return queue.make(topic.name, name)
    return [queue.subscription(topic.name, name, topic.partition)]


def check_name(project: Project, subscription: str) -> None:
    """AccessRefusedError: NAME if a subscription may not be called so."""
    tenant, dash, suffix = subscription.partition(f"{project.access_id}-")
    if tenant or not dash or not suffix:  # documented: tenant-suffix
        sentence = "a subscription is named {access_id}-{suffix}; the SDKs use the suffix sub"
        raise AccessRefusedError(Refusal.NAME, sentence, project)
    if len(suffix) > MAX_SUFFIX or not suffix.isprintable():
        sentence = f"the name of a subscription ends in {MAX_SUFFIX} printable characters at most"
        raise AccessRefusedError(Refusal.NAME, sentence, project)
    if without(project.secrets, suffix) != suffix:  # our choice: the name is in the history and on the dashboard
        sentence = "the name of a subscription is shown to everybody: leave the secret out of it"
        raise AccessRefusedError(Refusal.NAME, sentence, project)


def join(project: Project, subscription: Subscription, consumer: Consumer) -> None:
    """Start to consume. AccessRefusedError: BUSY if the subscription may not be shared."""
    try:
        subscription.connect(consumer)
    except SubscriptionBusyError as busy:
        raise AccessRefusedError(Refusal.BUSY, str(busy), project) from None


def _suffer_faults(project: Project, subscription: str) -> None:
    for strike in project.faults.strike(Occasion(SUBSCRIPTION, f"subscription {subscription}")):
        if strike.value == NOT_READY_CODE:
            raise AccessRefusedError(Refusal.NOT_READY, "the service is not ready: try again", project)
        raise AccessRefusedError(Refusal.BUSY, f"{subscription} has other consumers: try again", project)


def _check_new(project: Project, topic: Topic, name: str) -> None:
    if project.profile.unknown_subscription == "refuse":
        where = f"POST /_lab/projects/{project.access_id}/subscriptions makes it"
        sentence = f"there is no subscription {name} of {topic.name}: {where}"
        raise AccessRefusedError(Refusal.UNKNOWN, sentence, project)
    if project.queue.is_full:
        raise AccessRefusedError(Refusal.FULL, f"there are {MAX_SUBSCRIPTIONS} subscriptions already", project)
