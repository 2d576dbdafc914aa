from collections.abc import Callable

import pytest

from mock_server.carriers.access import (
    MAX_SUFFIX,
    AccessRefusedError,
    Refusal,
    Topic,
    authenticate,
    check_name,
    find_subscriptions,
    find_topic,
    join,
)
from mock_server.clock import VirtualClock
from mock_server.cloud import Cloud
from mock_server.profile import Profile
from mock_server.project import Project
from mock_server.queue.consumer import Consumer
from mock_server.queue.queue import MAX_SUBSCRIPTIONS
from mock_server.web.queue.handshake import STATUS
from mock_server.wire.encryption import queue_password
from tests.support import ACCESS_ID, ACCESS_SECRET, NOON, make_project

EVENT = Topic("event")
MAIN = f"{ACCESS_ID}-sub"


@pytest.fixture(name="cloud")
def cloud_fixture() -> Cloud:
    """A cloud with one project."""
    cloud = Cloud(VirtualClock(NOON))
    cloud.add(make_project(clock=cloud.clock))
    return cloud


def refusal(attempt: Callable[[], object]) -> AccessRefusedError:
    """The refusal of an attempt."""
    with pytest.raises(AccessRefusedError) as caught:
        attempt()
    assert len(str(caught.value)) > 20, "a sentence"
    return caught.value


def test_a_password_opens_its_own_project(cloud: Cloud) -> None:
    """Nothing else does, and whose door it was is told where it is known."""
    project = authenticate(cloud, ACCESS_ID, queue_password(ACCESS_ID, ACCESS_SECRET))
    assert project.access_id == ACCESS_ID
    for password in ("", "wrong", "\ud800", "é"):
        refused = refusal(lambda given=password: authenticate(cloud, ACCESS_ID, given))  # type: ignore[misc]
        assert (refused.reason, refused.project) == (Refusal.CREDENTIALS, project)
    assert refusal(lambda: authenticate(cloud, "nobody", "")).project is None


@pytest.mark.parametrize(
    ("tenant", "namespace", "name", "reason"),
    [
        ("other", "out", "event", Refusal.TENANT),
        (ACCESS_ID, "in", "event", Refusal.TOPIC),
        (ACCESS_ID, "out", "events", Refusal.TOPIC),
        (ACCESS_ID, "out", "event-partition-0", Refusal.TOPIC),
    ],
)
def test_a_topic_is_one_of_the_projects(tenant: str, namespace: str, name: str, reason: Refusal) -> None:
    """Somebody else's is told from one that there is not."""
    project = make_project()
    assert refusal(lambda: find_topic(project, tenant, namespace, name)).reason is reason
    assert find_topic(project, ACCESS_ID, "out", "event-test") == Topic("event-test")


def test_a_subscription_is_named_after_its_tenant() -> None:
    """The access id, a dash and a suffix: neither long, nor of signs that nobody can read, nor with the secret."""
    project = make_project()
    check_name(project, MAIN)
    check_name(project, f"{ACCESS_ID}-{'x' * MAX_SUFFIX}")
    wrong = ("sub\n", "\0", "x" * (MAX_SUFFIX + 1), f"my-{ACCESS_SECRET}")
    for name in (
        "",
        "sub",
        ACCESS_ID,
        f"{ACCESS_ID}-",
        f"x{ACCESS_ID}-sub",
        *(f"{ACCESS_ID}-{each}" for each in wrong),
    ):
        assert refusal(lambda given=name: check_name(project, given)).reason is Refusal.NAME  # type: ignore[misc]


def test_a_new_subscription_may_be_refused() -> None:
    """Where the profile makes none by itself, and beyond the limit; what is there is always found."""
    strict = make_project(Profile(unknown_subscription="refuse"))
    assert refusal(lambda: find_subscriptions(strict, EVENT, f"{ACCESS_ID}-mine")).reason is Refusal.UNKNOWN
    assert find_subscriptions(strict, EVENT, MAIN) == [strict.queue.main]
    crowded = filled(make_project())
    assert refusal(lambda: find_subscriptions(crowded, EVENT, f"{ACCESS_ID}-more")).reason is Refusal.FULL


def filled(project: Project) -> Project:
    """A project with as many subscriptions as it may have."""
    for number in range(MAX_SUBSCRIPTIONS - len(project.queue.subscriptions())):
        find_subscriptions(project, EVENT, f"{ACCESS_ID}-{number}")
    return project


def test_an_exclusive_consumer_is_not_joined() -> None:
    """The refusal says why."""
    project = make_project()
    join(project, project.queue.main, Consumer("one", lambda *_: None, type="Exclusive"))
    refused = refusal(lambda: join(project, project.queue.main, Consumer("two", lambda *_: None)))
    assert (refused.reason, "exclusive" in str(refused)) == (Refusal.BUSY, True)


def test_every_refusal_has_a_status_over_http() -> None:
    """A carrier that does not know a reason could not tell it."""
    assert set(STATUS) == set(Refusal)
