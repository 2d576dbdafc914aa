"""Tests of checkpoints and forks: a moment that is kept, gone back to, or made again as a project of its own."""

from dataclasses import replace

import pytest

from mock_server.advance import Advance
from mock_server.clock import SystemClock, VirtualClock
from mock_server.faults.chaos import Chaos
from mock_server.history.connected import connected_in
from mock_server.history.digest import Digest
from mock_server.history.events import MessageDelivered, MessagePublished, Rereported
from mock_server.lots.seed import NewRecord
from mock_server.model import HOUR, JIESHUN, Cell, DataType, Device, Fate, JsonObject, PassDirection, SyncInfo
from mock_server.profile import Profile
from mock_server.project import Project
from mock_server.queue.consumer import Consumer
from mock_server.state.checkpoints import MAX_CHECKPOINTS, CheckpointError, UnknownCheckpointError
from mock_server.state.journal import ForgottenError, NotThereYetError
from tests.support import ACCESS_ID, LOT, NOON, make_project

OTHER_ID, OTHER_SECRET = "other", "9OHBOnWOqaEC1mWXOpVL3yV50s0qGSRC"


def keep(project: Project, count: int = 1, fate: Fate = None) -> list[str]:
    """Some cars enter; their record ids."""
    new = NewRecord(LOT, None, DataType.PASS, PassDirection.ENTER, NOON - HOUR, "京A12345", {}, fate)
    return [record.record_id for record in project.keep([new] * count)]


def ids(project: Project) -> list[str]:
    """The record ids of the project."""
    return [record.record_id for record in project.store.records()]


def connect(project: Project) -> tuple[Consumer, list[str]]:
    """A consumer that acknowledges nothing, and the ids of what it gets."""
    got: list[str] = []
    consumer = Consumer(project.new_consumer_id(), lambda message, _: got.append(message.message_id))
    project.queue.mains[0].connect(consumer)
    return consumer, got


def fork(project: Project, line: int | None = None) -> Project:
    """A fork with keys of its own."""
    return project.fork(OTHER_ID, OTHER_SECRET, project.moment(line))


def consumers_of(project: Project) -> list[str]:
    """The consumers that the history says are connected."""
    return [key[2] for key in connected_in(project.history.after())]


def test_a_checkpoint_outlives_a_reset_and_a_restore() -> None:
    """It is beside the state: a reset drops none, and it can be gone back to again and again."""
    project = make_project()
    keep(project, 2)
    kept = project.checkpoint("two cars")
    assert (kept.name, kept.records, kept.devices, kept.messages) == ("two cars", 2, 3, 2)
    project.reset()
    for _ in range(2):
        project.go_back(project.checkpoints.find("two cars").moment)
        assert ids(project) == ["pass-000001", "pass-000002"]
        keep(project, 3)
    assert [each.name for each in project.checkpoints] == ["two cars"]


def test_names_of_checkpoints() -> None:
    """One that is not given is made; one that is taken is refused, one that is unknown is told with those there are."""
    project = make_project()
    assert [project.checkpoint().name, project.checkpoint("b").name, project.checkpoint().name] == [
        "checkpoint-1",
        "b",
        "checkpoint-2",
    ]
    with pytest.raises(CheckpointError, match="there is a checkpoint 'b' already"):
        project.checkpoint("b")
    project.checkpoints.drop("b")
    with pytest.raises(UnknownCheckpointError, match="no checkpoint 'b'; there are: 'checkpoint-1', 'checkpoint-2'"):
        project.checkpoints.drop("b")


def test_checkpoints_are_bounded() -> None:
    """Each keeps a world in memory."""
    project = make_project()
    for _ in range(MAX_CHECKPOINTS):
        project.checkpoint()
    with pytest.raises(CheckpointError, match=f"there are {MAX_CHECKPOINTS} checkpoints"):
        project.checkpoint()


def test_a_line_that_is_not_there_yet() -> None:
    """It is refused, with the lines that there are."""
    project = make_project()
    last = project.history.last
    with pytest.raises(NotThereYetError, match=f"no line {last + 1} yet: those from 0 to {last}"):
        project.moment(last + 1)


def test_a_fork_while_a_consumer_holds_messages() -> None:
    """The fork has no consumer, as its history says, and what was held is delivered to the first that comes there."""
    project = make_project()
    keep(project, 2)
    _, got = connect(project)
    other = fork(project)
    assert (consumers_of(project), consumers_of(other)) == (["consumer-1"], [])
    assert (other.queue.pending, other.queue.in_flight) == (2, 0)
    _, got_there = connect(other)
    assert got_there == got
    assert consumers_of(other) == ["consumer-2"]


def test_the_history_of_a_fork_is_about_its_own_queue() -> None:
    """Its first lines are the parent's, with the names of its own subscriptions, so that the sums are right."""
    project = make_project()
    keep(project, 2)
    consumer, got = connect(project)
    project.queue.main.acknowledge(consumer, got[0])
    other = fork(project)
    connect(other)
    names = {each.event.subscription for each in other.history.after() if isinstance(each.event, MessageDelivered)}
    assert names == {f"{OTHER_ID}-sub"}
    digest = Digest(other.profile)
    digest.read(other.history, 1000)
    assert (digest.waiting, digest.delivered, list(digest.consumers)) == (0, 1, ["consumer-2"])


def test_keys_and_queues_are_apart() -> None:
    """The fork's keys are its own, and neither world has what happens in the other."""
    project = make_project()
    keep(project)
    other = fork(project)
    keep(project)
    assert (ids(project), ids(other)) == (["pass-000001", "pass-000002"], ["pass-000001"])
    assert other.queue_password != project.queue_password
    assert other.queue.has_subscription("event", f"{OTHER_ID}-sub")
    assert not other.queue.has_subscription("event", f"{ACCESS_ID}-sub")
    assert list(other.checkpoints) == []


def test_a_fork_within_a_re_report_of_several_steps() -> None:
    """The line is in a step of 500: the fork is at its end, and publishes the rest by itself, each record once."""
    project = make_project()
    keep(project, 1200, "lose")
    cell = Cell(LOT, DataType.PASS, PassDirection.ENTER, NOON - 2 * HOUR, NOON)
    project.sync(LOT, [SyncInfo(cell, 0)])
    rereported = next(each.seq for each in project.history.after() if isinstance(each.event, Rereported))
    other = fork(project, rereported + 3)
    published = [each.event.record_id for each in other.history.after() if isinstance(each.event, MessagePublished)]
    assert len(published) == 500
    for each in (project, other):
        each.clock.run_all_due()
    assert other.queue.pending == project.queue.pending == 1200


def test_chaos_goes_on_as_it_would_have() -> None:
    """The same draws, in the fork and after a restore."""

    def struck(world: Project) -> JsonObject:
        keep(world, 60)
        return {"chaos": world.chaos.to_json(), "struck": dict(world.faults.struck)}

    project = make_project(chaos=Chaos("rough", 3))
    keep(project, 20)
    kept, other = project.checkpoint(), fork(project)
    first = struck(project)
    assert first["chaos"]["used"] > kept.moment.state.registers["chaos"].used  # type: ignore[index]
    assert struck(other) == first
    project.go_back(kept.moment)
    assert struck(project) == first


def test_a_restore_with_a_consumer_connected() -> None:
    """It gets again what was not acknowledged then, and no id that it knows for anything new."""
    project = make_project()
    keep(project, 2)
    kept = project.checkpoint()
    consumer, got = connect(project)
    before = got.copy()
    project.queue.main.acknowledge(consumer, before[0])
    keep(project)
    later = got[2]
    project.go_back(kept.moment)
    assert got[3:] == before
    assert consumers_of(project) == ["consumer-1"]
    keep(project)
    assert got[-1] not in {*before, later}
    assert project.new_consumer_id() == "consumer-2"


def test_a_restore_to_when_another_consumer_was_connected() -> None:
    """The history says that it is gone, and who is there now."""
    project = make_project()
    gone, _ = connect(project)
    kept = project.checkpoint()
    project.queue.main.disconnect(gone)
    connect(project)
    project.go_back(kept.moment)
    assert consumers_of(project) == ["consumer-2"]


def test_a_restore_on_the_system_clock() -> None:
    """What was due meanwhile happens at once."""
    now = [NOON]
    project = make_project(clock=SystemClock(lambda: now[0]))
    keep(project, fate=HOUR)
    kept = project.checkpoint()
    now[0] += 2 * HOUR
    project.go_back(kept.moment)
    assert project.queue.pending == 0
    project.clock.run_all_due()
    assert (project.queue.pending, project.clock.pending) == (1, 0)


def test_a_restore_moves_a_virtual_clock_back() -> None:
    """The time is that of the checkpoint; a move of the clock that was under way ends there."""
    project = make_project()
    kept = project.checkpoint()
    move = Advance(project, NOON + HOUR)
    project.go_back(kept.moment)
    move.go()
    assert (move.arrived, project.clock.now_ms()) == (True, NOON)


def test_a_partitioned_project() -> None:
    """Each partition keeps its messages."""
    project = make_project(Profile(queue_partitions=3))
    keep(project, 2)
    other = fork(project)
    assert [each.pending for each in other.queue.mains] == [each.pending for each in project.queue.mains]
    assert all(each.name == f"{OTHER_ID}-sub" for each in other.queue.mains)


def test_a_jieshun_lot_of_a_fork() -> None:
    """A device that the seed does not have is there, and is what it was."""
    project = make_project()
    project.put_device(Device("jie", "", supplier_code=JIESHUN))
    line = project.history.last
    project.put_device(replace(project.devices["jie"], supplier_code="tuya"))
    assert fork(project, line).devices["jie"].supplier_code == JIESHUN


def test_a_reset_of_a_fork_is_to_the_seed_of_its_parent() -> None:
    """And a fork has a clock of the same kind, of its own."""
    project = make_project()
    keep(project)
    other = fork(project)
    assert isinstance(other.clock, VirtualClock)
    other.clock.advance(HOUR)
    assert project.clock.now_ms() == NOON
    other.reset()
    assert (ids(other), ids(project)) == ([], ["pass-000001"])


def test_the_past_of_a_fork_begins_at_its_fork() -> None:
    """It has the lines before, and cannot be forked there."""
    project = make_project()
    keep(project, 2)
    line = project.history.last
    other = fork(project)
    keep(other)
    with pytest.raises(ForgottenError):
        other.moment(line - 1)
    assert ids(other.fork("third", OTHER_SECRET, other.moment(line))) == ids(project)
