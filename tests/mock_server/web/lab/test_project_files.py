"""Export and import over the lab API."""

import gzip
from pathlib import Path

import pytest
import requests

from mock_server.lab_client import LabApiError, LabClient, LabProject
from tests.mock_server.web.lab_consumer import consuming
from tests.sdk.world import wait_until
from tests.support import LOT, NOON

PASS = {"data_type": 0, "pass_direction": 0, "event_time": NOON - 1}


@pytest.fixture
def file(world: LabProject, tmp_path: Path) -> Path:
    """A project with two records, of which a checkpoint has one."""
    world.add_records(LOT, [PASS])
    world.checkpoint("one car")
    world.add_records(LOT, [PASS])
    world.export(tmp_path / "lunch.jsonl.gz")
    return tmp_path / "lunch.jsonl.gz"


def test_a_project_on_another_day(lab: LabClient, world: LabProject, file: Path) -> None:
    """With its keys, once its place is free: messages, history and checkpoints are there, and time goes on."""
    before, history = world.show(), world.history()
    with pytest.raises(LabApiError, match=r"409 project_exists: .* DELETE it first, or import it with new keys"):
        lab.import_project(file)
    world.delete()
    again = lab.import_project(file)
    assert (again.access_id, again.show(), again.history()) == (world.access_id, before, history)
    again.advance(1_000)
    with consuming(again.exports()) as consumer:
        wait_until(lambda: again.idle(0)["idle"], "the acknowledgement of two messages")
        assert len(consumer.message_ids) == 2
    again.restore("one car")
    assert again.show()["records"][LOT] == 1


def test_a_second_project_with_new_keys(lab: LabClient, world: LabProject, file: Path) -> None:
    """Neither sees what the other does."""
    other = lab.import_project(file, new_keys=True)
    assert other.access_id != world.access_id
    assert other.exports()["access_secret"] != world.exports()["access_secret"]
    other.add_records(LOT, [PASS])
    assert (world.show()["records"][LOT], other.show()["records"][LOT]) == (2, 3)
    assert [each["name"] for each in other.checkpoints()] == ["one car"]


def test_a_file_is_for_its_user_alone(world: LabProject, file: Path) -> None:
    """The secret is in it. It is written whole or not at all."""
    secret = world.exports()["access_secret"]
    assert secret in gzip.decompress(file.read_bytes()).decode()
    assert file.stat().st_mode & 0o777 == 0o600
    with pytest.raises(LabApiError, match="404 no_project"):
        LabProject(world._lab, "nobody").export(file)
    assert file.read_bytes().startswith(b"\x1f\x8b")
    assert [each.name for each in file.parent.iterdir()] == [file.name]


def test_what_is_refused(lab: LabClient, tmp_path: Path) -> None:
    """With a code and what to do; no project is made of it."""
    before = lab.projects()
    (tmp_path / "letter").write_text("hello")
    with pytest.raises(
        LabApiError, match="400 no_project_file: the file cannot be imported: it is no exported project"
    ):
        lab.import_project(tmp_path / "letter")
    answer = requests.post(f"{lab.url}/_lab/import?new_keys=7", timeout=60)
    assert (answer.status_code, answer.json()["error"]["message"]) == (400, "new_keys must be true or false")
    assert lab.projects() == before


def test_a_file_as_curl_sends_it(lab: LabClient, file: Path) -> None:
    """With the type of a form, compressed or not."""
    for content in (file.read_bytes(), gzip.decompress(file.read_bytes())):
        headers = {"Content-Type": "application/x-www-form-urlencoded"}
        answer = requests.post(f"{lab.url}/_lab/import?new_keys=true", content, headers=headers, timeout=60)
        assert answer.status_code == 201
