"""Tests of a project as one file: all of it comes back, and what is no such file is told."""

import gzip
import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mock_server.profile import Profile
from mock_server.project import Project
from mock_server.project_file import FORMAT, ExportedProject, ProjectFileError, export_pieces, read_project
from mock_server.steps import at_once
from tests.mock_server.state.works import Work, advanced, differences, kept, profiles, works
from tests.support import make_project

OTHER = ("other", "0123456789abcdef01234567")


def exported(project: Project) -> bytes:
    """Its file."""
    return b"".join(export_pieces(project))


def read(content: bytes) -> ExportedProject:
    """What is in a file."""
    return at_once(read_project(content))


def again(project: Project) -> Project:
    """The project, made again from its file."""
    found = read(exported(project))
    return found.make(*found.keys)


@pytest.fixture(scope="module")
def project() -> Project:
    """A project with a record, a message and a checkpoint."""
    made = make_project()
    kept(2, "deliver")(made)
    made.checkpoint("one car")
    kept(4, "deliver")(made)
    return made


def changed(project: Project, place: int, **fields: object) -> bytes:
    """Its file, uncompressed, with other fields in a line."""
    lines = gzip.decompress(exported(project)).splitlines()
    lines[place] = json.dumps(json.loads(lines[place]) | fields).encode()
    return b"\n".join(lines) + b"\n"


@given(profiles, st.lists(works, max_size=8), st.lists(works, max_size=4))
def test_what_is_exported_is_there_again(profile: Profile, before: list[Work], after: list[Work]) -> None:
    """State, history, time, checkpoints; what then happens has the same effect."""
    one = make_project(profile, random_seed=7)
    for work in before:
        work(one)
        one.checkpoint()
    other = again(one)
    assert differences(other.moment(), one.moment()) == {}
    assert [(each.name, each.moment) for each in other.checkpoints] == [
        (each.name, each.moment) for each in one.checkpoints
    ]
    for work in [*after, advanced(10_000)]:
        work(one)
        work(other)
    assert differences(other.moment(), one.moment()) == {}
    assert other.about == one.about


def test_the_file_is_the_same_each_time(project: Project) -> None:
    """So files can be compared, and a moment is exported once."""
    assert exported(project) == exported(again(project))


def test_a_file_has_its_own_keys_or_new_ones(project: Project) -> None:
    """With new keys the names of subscriptions are others, also in the checkpoints."""
    found = read(exported(project))
    assert found.keys == (project.access_id, project.access_secret)
    other = found.make(*OTHER)
    assert (other.access_id, other.access_secret) == OTHER
    assert other.queue.main.name == "other-sub"
    assert differences(other.moment(), project.fork(*OTHER, project.moment()).moment()) == {}
    other.go_back(other.checkpoints.find("one car").moment)
    assert [message.message_id for message in other.queue.main.pending_messages()] == ["CAEQASAA"]


def test_checkpoints_share_what_they_have_in_common(project: Project) -> None:
    """A project with many of them takes no more of the memory than it did."""
    found = read(exported(project))
    assert found.checkpoints["one car"].entries[0] is found.moment.entries[0]


def test_a_file_is_read_uncompressed_too(project: Project) -> None:
    """One can look into it, and change it."""
    content = gzip.decompress(exported(project))
    assert json.loads(content.splitlines()[0])["format"] == FORMAT
    assert read(content) == read(exported(project))


@pytest.mark.parametrize(
    ("content", "text"),
    [
        (b"", "it is no exported project; take one that parking-mock export wrote"),
        (b"hello", "it is no exported project"),
        (b"\x1f\x8bhello", "it is damaged: export the project again"),
        (b'{"format": "parking-mock/seed", "version": 1}', "it is a seed: give it to --seed"),
        (b'{"format": "parking-mock/failure"}', "it is the failure of a check: give it to parking-mock replay"),
        (
            gzip.compress(b'{"format": "parking-mock/project", "version": 2, "parking_mock": "9.1"}', mtime=0),
            "by parking-mock 9.1",
        ),
        (b'{"format": "parking-mock/project", "version": 1, "about": {}}', "about: lacks access_id"),
    ],
)
def test_a_file_that_is_none(content: bytes, text: str) -> None:
    """It is told with what to do."""
    with pytest.raises(ProjectFileError, match=text):
        read(content)


def test_a_file_that_is_cut_off_or_damaged(project: Project) -> None:
    """Wherever that is: no byte may be missing, be another, or be there besides."""
    content = exported(project)
    for place in range(0, len(content), max(1, len(content) // 40)):
        with pytest.raises(ProjectFileError):
            read(content[:place])
    for place in range(10, len(content), max(1, len(content) // 40)):
        with pytest.raises(ProjectFileError):
            read(content[:place] + bytes([content[place] ^ 8]) + content[place + 1 :])
    with pytest.raises(ProjectFileError, match="it goes on behind its end"):
        read(content + content)


def test_a_file_without_its_last_lines(project: Project) -> None:
    """Also uncompressed, where no check sum tells it."""
    lines = gzip.decompress(exported(project)).splitlines(keepends=True)
    for count in range(1, len(lines)):
        with pytest.raises(ProjectFileError, match="Export the project again"):
            read(b"".join(lines[:count]))
    with pytest.raises(ProjectFileError, match="it goes on behind its end"):
        read(b"".join([*lines, lines[-1]]))


@given(st.data())
def test_a_line_that_was_changed_does_no_harm(project: Project, data: st.DataObject) -> None:
    """It is read as something else, or refused; nothing else comes of it."""
    lines = gzip.decompress(exported(project)).splitlines()
    place = data.draw(st.integers(0, len(lines) - 1))
    text = lines[place].decode()
    at = data.draw(st.integers(0, len(text) - 1))
    put = data.draw(st.sampled_from(["", "9", '"', "null", "x", "-", "[", "1e9"]))
    lines[place] = (text[:at] + put + text[at + data.draw(st.integers(0, 3)) :]).encode()
    try:
        found = read(b"\n".join(lines))
        made = found.make(*found.keys)
    except ProjectFileError:
        return
    made.close()


@pytest.mark.parametrize(
    ("fields", "text"),
    [
        ({"rows": 10**9}, "the moment: must be a list, not an object"),
        ({"line": 3}, "not numbered one after the other"),
        ({"registers": {"random": 10**12}}, "random: must be"),
        ({"lines": -1}, "the moment: is cut off"),
    ],
)
def test_a_head_that_does_not_fit(project: Project, fields: dict[str, Any], text: str) -> None:
    """Numbers are not believed."""
    with pytest.raises(ProjectFileError, match=text):
        read(changed(project, 1, **fields))


def test_keys_and_names_are_those_that_the_lab_takes(project: Project) -> None:
    """A file gives no project that cannot be called."""
    about = json.loads(gzip.decompress(exported(project)).splitlines()[0])["about"]
    for fields in ({"access_id": "a/b"}, {"access_secret": "short"}):
        with pytest.raises(ProjectFileError, match=f"{next(iter(fields))} must"):
            read(changed(project, 0, about=about | fields))
    profile = about["profile"] | {"queue_partitions": 10**9}
    with pytest.raises(ProjectFileError, match=r"about\.profile\.queue_partitions must"):
        read(changed(project, 0, about=about | {"profile": profile}))
    with pytest.raises(ProjectFileError, match="it has 101 checkpoints"):
        read(changed(project, 0, checkpoints=101))
