import pytest

from mock_server.queue.subscription import UNATTENDED_LIMIT
from tests.mock_server.queue_world import World
from tests.support import NOON, keep_passes, make_project


@pytest.fixture
def world() -> World:
    """An empty queue."""
    return World()


def test_both_topics_get_every_message_and_settle_for_themselves(world: World) -> None:
    """`event` and `event-test` are two copies: acknowledging one leaves the other."""
    test = world.queue.subscription("event-test", "id-sub")
    main_consumer, test_consumer = world.connect("main"), world.consumer("test")
    test.connect(test_consumer)
    world.publish()
    assert sorted(world.news()) == [("main", "m1", 0), ("test", "m1", 0)]
    world.main.acknowledge(main_consumer, "m1")
    assert (world.main.pending, test.pending, world.queue.pending) == (0, 1, 1)


def test_the_test_topic_counts_once_somebody_listens(world: World) -> None:
    """A test subscription that nobody ever used keeps a bounded backlog and does not keep the project busy."""
    test = world.queue.subscription("event-test", "id-sub")
    main = world.connect("main", size=10**6)
    world.publish(UNATTENDED_LIMIT + 5)
    for number in range(UNATTENDED_LIMIT + 5):
        world.main.acknowledge(main, f"m{number + 1}")
    assert (test.pending, world.queue.pending) == (UNATTENDED_LIMIT, 0)
    assert test.pending_messages()[0].message_id == "m6", "the oldest are let go"
    test.connect(world.consumer("test"))
    assert world.queue.pending == UNATTENDED_LIMIT


def test_a_new_subscription_begins_now(world: World) -> None:
    """It gets what is published from now on, and asking for it again gives the same one."""
    world.publish()
    other = world.queue.subscription("event", "id-other")
    assert world.queue.subscription("event", "id-other") is other
    world.publish()
    assert [message.message_id for message in other.pending_messages()] == ["m2"]


def test_subscribing_inside_deliver_is_possible(world: World) -> None:
    """A consumer may open another subscription while it gets a message."""
    world.main.connect(world.consumer("one", lambda _: world.queue.subscription("event", "id-new")))
    world.publish()
    assert world.queue.has_subscription("event", "id-new")


def test_a_reset_makes_the_test_topic_unattended_again(world: World) -> None:
    """Who consumed it before is gone, and would keep the project busy for ever; who is still there is waited for."""
    test = world.queue.subscription("event-test", "id-sub")
    visitor = world.consumer("visitor", subscription=test)
    test.connect(visitor)
    world.reset()
    world.publish()
    assert test.pending == world.queue.pending - world.main.pending == 1
    test.disconnect(visitor)
    world.reset()
    world.publish()
    assert (test.pending, world.queue.pending) == (1, world.main.pending)


def test_a_reset_forgets_subscriptions_that_nobody_consumes(world: World) -> None:
    """Names that were made earlier do not add up to the limit. The SDKs' own stays, of both topics."""
    for number in range(5):
        world.queue.make("event", f"id-{number}")
        world.queue.make("event-test", f"id-{number}")
    used = world.queue.subscription("event", "id-3")
    used.connect(world.consumer("one", subscription=used))
    world.reset()
    left = [(each.topic, each.name) for each in world.queue.subscriptions()]
    assert left == [("event", "id-sub"), ("event-test", "id-sub"), ("event", "id-3")]
    world.publish()
    assert world.news() == [("one", "m1", 0)]


def test_what_a_topic_lets_go_is_in_the_history(monkeypatch: pytest.MonkeyPatch) -> None:
    """The test topic keeps the newest messages until somebody listens; the history names those that are gone."""
    monkeypatch.setattr("mock_server.queue.subscription.UNATTENDED_LIMIT", 2)
    project = make_project()
    keep_passes(project, NOON, NOON, NOON, fate="deliver")
    told = [entry.to_json() for entry in project.history.after() if entry.event.kind == "message.expired"]
    first = project.queue.main.pending_messages()[0].message_id
    assert [(each["message_id"], each["topic"]) for each in told] == [(first, "event-test")]
