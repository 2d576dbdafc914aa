"""Tests of the ledger: what is committed is there again, whatever happens to the process."""

import sqlite3
from collections.abc import Callable
from contextlib import closing, nullcontext
from functools import partial
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mock_server.clock import VirtualClock
from mock_server.cloud import Cloud
from mock_server.ledger import Ledger
from mock_server.profile import Profile
from mock_server.project import Project
from mock_server.state.sqlite import APPLICATION_ID, SqliteStore
from mock_server.state.store import ProjectChanges, StoredRow, StoreError
from tests.mock_server.state.works import Work, advanced, differences, kept, profiles, works
from tests.support import ACCESS_ID, LOT, NOON, make_project


class Kept:
    """A project whose state is kept in a file."""

    def __init__(self, path: Path, profile: Profile | None = None, make: Callable[[], Project] | None = None) -> None:
        self.cloud = Cloud(VirtualClock(NOON))
        self.store = SqliteStore(path, "off")
        self.ledger = Ledger(self.cloud, self.store)
        self.ledger.open(ACCESS_ID, make or partial(make_project, profile, random_seed=7))

    @property
    def project(self) -> Project:
        """The project."""
        project = self.cloud.get(ACCESS_ID)
        assert project is not None
        return project

    def commit(self) -> None:
        """Keep what has changed, also what has left no line in the history, as only a test does."""
        self.ledger.touch(self.project)
        self.ledger.commit()

    def kill(self) -> None:
        """End without another word."""
        self.store.close()


@given(profiles, st.lists(works, max_size=8), st.lists(works, max_size=6))
def test_what_is_committed_is_there_after_a_restart(profile: Profile, before: list[Work], after: list[Work]) -> None:
    """All of it: rows, registers, history, time; what then happens has the same effect, and is kept again."""
    with TemporaryDirectory() as folder:
        file = Path(folder) / "world.db"
        first = Kept(file, profile)
        for work in before:
            work(first.project)
            first.commit()
        first.kill()
        second = Kept(file)
        assert differences(second.project.moment(), first.project.moment()) == {}
        for work in [*after, advanced(10_000)]:
            work(first.project)
            work(second.project)
        second.commit()
        second.kill()
        third = Kept(file)
        assert differences(third.project.moment(), first.project.moment()) == {}
        third.kill()


@given(st.lists(st.tuples(works, st.booleans()), min_size=1, max_size=8))
def test_what_could_not_be_written_is_written_later(done: list[tuple[Work, bool]]) -> None:
    """A commit that fails keeps nothing, and the next one keeps all of both."""
    with TemporaryDirectory() as folder:
        file = Path(folder) / "world.db"
        world = Kept(file)
        write = world.store.write

        def fail(*_: object) -> None:
            raise StoreError("no")

        def write_or_fail(*changes: Any) -> None:
            (fail if fails else write)(*changes)

        for work, fails in done:
            work(world.project)
            world.project.set_online(LOT, online=True)  # a change at least
            world.store.write = write_or_fail  # type: ignore[method-assign, assignment]  # a disk that is full now and then
            with pytest.raises(StoreError) if fails else nullcontext():
                world.commit()
        world.store.write = write  # type: ignore[method-assign]  # and is not any more
        world.commit()
        world.kill()
        again = Kept(file)
        assert differences(again.project.moment(), world.project.moment()) == {}
        again.kill()


def test_a_reset_a_removal_and_a_going_back_are_kept(tmp_path: Path) -> None:
    """Nothing of before stays."""
    world = Kept(tmp_path / "world.db")
    for number in range(5):
        kept(number, "deliver")(world.project)
    early = world.project.moment()
    world.ledger.commit()
    world.project.reset()
    world.ledger.commit()
    other = world.cloud.add(world.project.fork("other-project-of-mine", "x" * 32, early))
    world.ledger.commit()
    world.kill()
    again = Kept(tmp_path / "world.db")
    assert differences(again.project.moment(), world.project.moment()) == {}
    assert [project.access_id for project in again.cloud] == [ACCESS_ID, other.access_id]
    again.cloud.remove(tuple(again.cloud)[1])
    again.project.go_back(early)
    gone_back = again.project.moment()
    again.ledger.close()
    last = Kept(tmp_path / "world.db")
    assert [project.access_id for project in last.cloud] == [ACCESS_ID]
    assert differences(last.project.moment(), gone_back) == {}
    last.kill()


def test_a_history_that_lets_go_of_lines_does_so_in_the_file_too(tmp_path: Path) -> None:
    """Not at once, but the file does not grow without end."""
    world = Kept(tmp_path / "world.db")
    world.project.history._limit = 100
    for number in range(1_500):
        kept(number, "lose")(world.project)
        if number % 50 == 0:
            world.ledger.commit()
    world.ledger.commit()
    world.kill()
    with closing(sqlite3.connect(tmp_path / "world.db")) as file:
        (lines,) = file.execute("SELECT count(*) FROM lines").fetchone()
    assert 100 <= lines < 1_500
    again = Kept(tmp_path / "world.db")
    assert again.project.history.last == world.project.history.last
    again.kill()


def test_a_start_writes_nothing_again(tmp_path: Path) -> None:
    """What is kept is not written a second time: only what happens from then on is."""
    first = Kept(tmp_path / "world.db")
    kept(1, "deliver")(first.project)
    first.ledger.close()
    second = Kept(tmp_path / "world.db")
    assert second.store._db.total_changes == 0
    kept(2, "deliver")(second.project)
    second.commit()
    second.kill()
    third = Kept(tmp_path / "world.db")
    assert differences(third.project.moment(), second.project.moment()) == {}
    third.kill()


def test_devices_keep_their_order(tmp_path: Path) -> None:
    """The first lot is the first of the exports, whatever its id and however often it has changed."""
    world = Kept(tmp_path / "world.db")
    for device_id in ("z", "b", "a"):
        world.project.put_device(next(iter(world.project.devices.values())).__class__(device_id, ""))
        world.ledger.commit()
    world.project.set_online("z", online=False)
    world.ledger.close()
    again = Kept(tmp_path / "world.db")
    assert list(again.project.devices) == list(world.project.devices)
    again.kill()


def test_a_transaction_is_whole(tmp_path: Path) -> None:
    """A change of several projects that fails in the middle leaves both as they were."""
    store = SqliteStore(tmp_path / "world.db")
    store.write([ProjectChanges("one", "{}", about="{}")])
    twice = ProjectChanges("two", "{}", about="{}")
    with pytest.raises(StoreError):
        store.write([ProjectChanges("one", "{}", lines=[(1, "")]), twice, twice])
    assert [(each.access_id, each.lines) for each in store.projects()] == [("one", ())]
    store.close()


def test_what_is_written_again_is_there_once(tmp_path: Path) -> None:
    """Nobody knows whether a commit was made whose answer is lost: the next one may have the same lines and rows."""
    store = SqliteStore(tmp_path / "world.db")
    store.write([ProjectChanges("one", "{}", about="{}")])
    again = ProjectChanges("one", "{}", put=[StoredRow("devices", "1", "{}")], lines=[(1, "first")])
    for _ in range(2):
        store.write([again])
    assert [(each.rows, each.lines) for each in store.projects()] == [((again.put[0],), ("first",))]
    store.close()


@pytest.mark.parametrize(
    ("content", "text"),
    [
        (b"hello, this is a letter of some length and no database at all", "it is no database"),
        ("CREATE TABLE theirs (a)", "it is another program's database"),
        (
            f"PRAGMA application_id = {APPLICATION_ID}; PRAGMA user_version = 9; CREATE TABLE x (a)",
            "written by a later version",
        ),
    ],
)
def test_a_file_that_is_none_of_ours_is_left_alone(tmp_path: Path, content: bytes | str, text: str) -> None:
    """With what to do; and nothing in it changes."""
    path = tmp_path / "file.db"
    if isinstance(content, bytes):
        path.write_bytes(content)
    else:
        with closing(sqlite3.connect(path)) as db:
            db.executescript(content)
    before = path.read_bytes()
    with pytest.raises(StoreError, match=text):
        SqliteStore(path)
    assert path.read_bytes() == before


def test_a_new_file_is_for_its_owner_alone(tmp_path: Path) -> None:
    """It has the secrets and tokens of the projects. Who made the file himself has chosen otherwise."""
    (tmp_path / "shared.db").touch(0o640)
    for name, mode in (("own.db", 0o600), ("shared.db", 0o640)):
        SqliteStore(tmp_path / name).close()
        assert (tmp_path / name).stat().st_mode & 0o777 == mode


def test_a_file_has_one_server(tmp_path: Path) -> None:
    """A second one is told so, at once."""
    first = SqliteStore(tmp_path / "world.db")
    with pytest.raises(StoreError, match="another server has it open"):
        SqliteStore(tmp_path / "world.db")
    first.close()
    SqliteStore(tmp_path / "world.db").close()


def test_a_folder_that_is_not_there(tmp_path: Path) -> None:
    """Is not made."""
    with pytest.raises(StoreError, match="is its folder there"):
        SqliteStore(tmp_path / "no" / "world.db")


def test_a_damaged_row_names_its_project(tmp_path: Path) -> None:
    """And where in it."""
    world = Kept(tmp_path / "world.db")
    kept(1, "deliver")(world.project)
    world.ledger.close()
    with closing(sqlite3.connect(tmp_path / "world.db")) as file, file:
        file.execute("UPDATE rows SET value = '{\"is\": 5}' WHERE name = 'records'")
    with pytest.raises(StoreError, match=f"project {ACCESS_ID} cannot be read: records 0.is: must be one of Record"):
        Kept(tmp_path / "world.db")


def test_a_world_that_went_back_and_a_fork_are_kept(tmp_path: Path) -> None:
    """What is there after a restart is what was gone back to; a fork is a project like any other."""
    first = Kept(tmp_path / "world.db")
    kept(1, "deliver")(first.project)
    checkpoint = first.project.checkpoint()
    kept(2, "deliver")(first.project)
    first.commit()
    first.project.go_back(checkpoint.moment)
    other = first.cloud.add(first.project.fork("other", "0123456789abcdef01234567", first.project.moment()))
    first.commit()
    first.kill()
    second = Kept(tmp_path / "world.db")
    again = second.cloud.get("other")
    assert again is not None
    assert differences(second.project.moment(), first.project.moment()) == {}
    assert differences(again.moment(), other.moment()) == {}
    second.kill()


def test_checkpoints_are_kept(tmp_path: Path) -> None:
    """In their order, whatever becomes of the project; one that was deleted, or replaced under its name, is not."""
    first = Kept(tmp_path / "world.db")
    project = first.project
    for number, name in enumerate(("c", "a", "b")):
        kept(number, "deliver")(project)
        project.checkpoint(name)
        first.ledger.commit()
    project.checkpoints.drop("a")
    first.ledger.commit()
    kept(5, "deliver")(project)
    project.checkpoints.drop("c")
    project.checkpoint("c")
    project.reset()
    other = first.cloud.add(project.fork("other", "0123456789abcdef01234567", project.moment()))
    other.checkpoint("of the other")
    first.ledger.commit()
    first.kill()
    second = Kept(tmp_path / "world.db")
    for one, same in zip(second.project.checkpoints, project.checkpoints, strict=True):
        assert differences(one.moment, same.moment) == {}
        assert (one.line, one.now_ms, one.records, one.messages) == (
            same.line,
            same.now_ms,
            same.records,
            same.messages,
        )
    assert [each.name for each in second.project.checkpoints] == ["b", "c"]
    second.cloud.remove(tuple(second.cloud)[1])
    second.cloud.add(make_fork(second.project))
    second.ledger.close()
    third = Kept(tmp_path / "world.db")
    assert [[each.name for each in project.checkpoints] for project in third.cloud] == [["b", "c"], []]
    third.kill()


def make_fork(project: Project) -> Project:
    """A fork named `other`."""
    return project.fork("other", "0123456789abcdef01234567", project.moment())


def test_a_checkpoint_is_kept_without_anything_else_happening(tmp_path: Path) -> None:
    """Its making, and its end, are changes by themselves."""
    first = Kept(tmp_path / "world.db")
    first.ledger.commit()
    told: list[None] = []
    first.ledger.on_change = lambda: told.append(None)
    first.project.checkpoint("quiet")
    first.ledger.commit()
    first.project.checkpoint("no more")
    first.project.checkpoints.drop("no more")
    first.ledger.commit()
    first.kill()
    second = Kept(tmp_path / "world.db")
    assert [each.name for each in second.project.checkpoints] == ["quiet"]
    assert len(told) == 2
    second.kill()


def test_a_damaged_checkpoint_is_named_when_it_is_asked_for(tmp_path: Path) -> None:
    """The project is there, and its other checkpoints; this one can be deleted. A head that is none ends the start."""
    first = Kept(tmp_path / "world.db")
    first.project.checkpoint("lunch")
    first.ledger.close()
    with closing(sqlite3.connect(tmp_path / "world.db")) as file, file:
        file.execute("UPDATE checkpoints SET moment = substr(moment, 1, length(moment) - 300)")
    second = Kept(tmp_path / "world.db")
    with pytest.raises(StoreError, match=r"the checkpoint 'lunch' cannot be read: .* Delete it, or restore a copy"):
        second.project.go_back(second.project.checkpoints.find("lunch").moment)
    second.kill()
    with closing(sqlite3.connect(tmp_path / "world.db")) as file, file:
        file.execute("UPDATE checkpoints SET moment = '{}'")
    with pytest.raises(StoreError, match=f"project {ACCESS_ID} cannot be read: the checkpoint 'lunch'"):
        Kept(tmp_path / "world.db")
