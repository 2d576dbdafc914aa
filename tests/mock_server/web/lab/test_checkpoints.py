"""Checkpoints and forks over the lab API."""

import pytest

from mock_server.lab_client import LabApiError, LabClient, LabProject
from mock_server.web.lab import projects
from tests.mock_server.web.lab_consumer import consuming
from tests.sdk.world import wait_until
from tests.support import LOT, NOON


def enter(project: LabProject, count: int = 1) -> None:
    """Some cars enter."""
    a_pass = {"data_type": 0, "pass_direction": 0, "event_time": NOON - 1}
    project.add_records(LOT, [a_pass] * count)


def records(project: LabProject) -> int:
    """How many records the lot has."""
    return project.show()["records"][LOT]


@pytest.fixture
def project(lab: LabClient) -> LabProject:
    """A project on a virtual clock that a car has entered."""
    made = lab.create_project(clock="virtual", now_ms=NOON)
    enter(made)
    return made


def test_a_checkpoint_is_listed_restored_and_deleted(project: LabProject) -> None:
    """A name may have any printable characters; a list tells what there was."""
    line = project.show()["history"]
    kept = project.checkpoint("before the storm / 午餐".replace("/", "-"))
    assert kept == {
        "name": "before the storm - 午餐",
        "line": line,
        "now_ms": NOON,
        "devices": 3,
        "records": 1,
        "messages": 1,
    }
    project.advance(1000)
    enter(project, 2)
    project.reset()
    assert project.checkpoints() == [kept]
    assert project.restore(kept["name"]) == project.exports()
    assert (records(project), project.show()["now_ms"], project.show()["history"]) == (1, NOON, line)
    project.delete_checkpoint(kept["name"])
    assert project.checkpoints() == []


@pytest.mark.parametrize("name", ["", "a/b", "..", "a\nb", "x" * 65, 7, "\u2028"])
def test_a_name_that_cannot_be_used(project: LabProject, name: str) -> None:
    """It is refused, and says what one may have."""
    with pytest.raises(LabApiError, match="name must") as refused:
        project.checkpoint(name)
    assert refused.value.status == 400


def test_a_name_that_is_taken_or_unknown(project: LabProject) -> None:
    """Nothing is replaced without being asked for, and what is not there is told with what is."""
    project.checkpoint("one")
    with pytest.raises(LabApiError, match="409 checkpoint_exists: there is a checkpoint 'one' already: DELETE it"):
        project.checkpoint("one")
    for call in (project.restore, project.delete_checkpoint, lambda name: project.fork(checkpoint=name)):
        with pytest.raises(LabApiError, match="404 no_checkpoint: there is no checkpoint 'two'; there are: 'one'"):
            call("two")


def test_a_fork_has_keys_of_its_own(lab: LabClient, project: LabProject) -> None:
    """What happens in one is not in the other; a fork outlives its parent."""
    fork = project.fork()
    enter(fork, 2)
    assert (records(project), records(fork)) == (1, 3)
    assert fork.exports()["access_secret"] != project.exports()["access_secret"]
    assert fork.show()["clock"] == "virtual"
    project.delete()
    assert records(fork) == 3
    fork.advance(60_000)
    assert fork.access_id in lab.projects()


def test_a_fork_at_a_line_or_a_checkpoint(lab: LabClient, project: LabProject) -> None:
    """The answer tells the line, at the end of what was done at once: a record is kept and published in one step."""
    first = project.show()["history"]
    project.checkpoint("one car")
    enter(project)
    path = f"/_lab/projects/{project.access_id}/fork"
    answer = lab.call(
        "POST", path, {"at": first + 1, "access_id": "what-if", "access_secret": "0123456789abcdef01234567"}
    )
    assert (answer["line"], answer["access_id"]) == (first + 2, "what-if")
    assert answer["access_secret"] == "0123456789abcdef01234567"
    assert [records(each) for each in (lab.project("what-if"), project.fork(at=first))] == [2, 1]
    assert records(project.fork(checkpoint="one car")) == 1


def test_a_fork_that_is_refused(project: LabProject) -> None:
    """Each refusal says what can be done."""
    last = project.show()["history"]
    with pytest.raises(LabApiError, match=f"404 no_line: there is no line {last + 1} yet: those from 0 to {last} can"):
        project.fork(at=last + 1)
    with pytest.raises(LabApiError, match="400 invalid: checkpoint must not be there beside `at`"):
        project.fork(at=1, checkpoint="one")
    with pytest.raises(LabApiError, match="409 project_exists: there is a project"):
        project.fork(access_id=project.access_id)
    project.checkpoint("one")
    project.restore("one")
    with pytest.raises(LabApiError, match=f"404 no_line: .* the oldest that is kept is the one behind line {last}"):
        project.fork(at=last - 1)


def test_forks_are_projects_of_the_server(lab: LabClient, project: LabProject, monkeypatch: pytest.MonkeyPatch) -> None:
    """They count where a server has as many as it may have."""
    monkeypatch.setattr(projects, "MAX_PROJECTS", len(lab.projects()) + 1)
    project.fork()
    with pytest.raises(LabApiError, match="409 too_many"):
        project.fork()


def test_a_consumer_over_a_restore_and_a_fork(project: LabProject) -> None:
    """It stays connected and gets again what was not acknowledged then; the fork's consumer gets the same messages."""
    project.checkpoint("one")
    with consuming(project.exports(), acknowledges=False) as consumer:
        wait_until(lambda: len(consumer.message_ids) == 1, "a message, or its acknowledgement")
        project.restore("one")
        wait_until(lambda: len(consumer.message_ids) == 2, "a message, or its acknowledgement")
        assert consumer.message_ids[0] == consumer.message_ids[1]
        fork = project.fork()
        with consuming(fork.exports()) as other:
            wait_until(lambda: fork.idle(0)["idle"], "a message, or its acknowledgement")
            assert other.message_ids == consumer.message_ids[:1]
        assert project.idle(0)["pending"]["messages"] == 1


def test_a_follower_sees_that_the_world_is_another(project: LabProject) -> None:
    """An event stream has a marker of the reset, then the history that there is now."""
    project.checkpoint("one")
    seen = project.follow(after=project.show()["history"])
    enter(project)
    assert next(seen)["kind"] == "record.kept"
    project.restore("one")
    there = [each["kind"] for each in project.history()]
    assert any(each["kind"] == "history.reset" for each in seen)
    assert [next(seen)["kind"] for _ in there] == there
