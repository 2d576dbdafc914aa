"""Projects as wholes: made, shown, reset, kept in a file, deleted."""

import gc
import weakref
from collections import Counter
from threading import Thread
from typing import Any

import pytest
from requests import get

from mock_server import __version__, profile
from mock_server.faults.catalogue import FaultKind
from mock_server.lab_client import LabApiError, LabClient, LabProject
from mock_server.model import HOUR
from mock_server.web.server import Server
from tests.mock_server.web.lab_consumer import consuming
from tests.sdk.world import DEADLINE_S, wait_until
from tests.support import JIESHUN_LOT, LANE, LOT, NOON, sign

SECRET = "0123456789abcdef0123456789abcdef"
BILL = {"data_type": 1, "event_time": NOON, "plate_no": "京A12345", "paid_amount": 500, "pay_method": 2}


def a_pass(**fields: object) -> dict[str, object]:
    """A vehicle pass in the hour before noon."""
    return {"data_type": 0, "pass_direction": 0, "event_time": NOON - 1, **fields}


def test_an_ordinary_project(lab: LabClient, lab_server: Server) -> None:
    """Everything is optional: three devices, no records, calm, the machine's clock, keys of its own."""
    project = lab.create_project()
    shown = project.show()
    assert project.exports() == {
        "api": lab_server.api,
        "ws": lab_server.ws,
        "pulsar": lab_server.pulsar,
        "lab": lab_server.lab,
        "access_id": project.access_id,
        "access_secret": shown["access_secret"],
        "devices": project.devices(),
    }
    assert [device["device_id"] for device in project.devices()] == [LOT, JIESHUN_LOT, LANE]
    assert shown["clock"] == "system"
    assert shown["records"] == {LOT: 0, JIESHUN_LOT: 0, LANE: 0}
    assert (shown["chaos"]["preset"], shown["struck"]) == ("off", {})
    assert shown["profile"] == profile.Profile().to_json()
    assert lab.health() == {"status": "ok", "version": __version__}


def test_a_project_to_measure(lab: LabClient) -> None:
    """Whatever is asked for is there."""
    project = lab.create_project(
        access_id="my-project_1",
        access_secret=SECRET,
        devices=[{"device_name": "North"}, {"device_id": "lane/1".replace("/", "-"), "kind": "lane", "online": False}],
        seed=7,
        profile={"base": "strict", "window_bounds": "[s,e]"},
        chaos={"preset": "rough", "budget": 3},
        clock="virtual",
        now_ms=0,
    )
    shown = project.show()
    assert (shown["access_id"], shown["access_secret"]) == ("my-project_1", SECRET)
    assert [device["device_name"] for device in shown["devices"]] == ["North", "lane-1"]
    assert (shown["profile"]["window_bounds"], shown["profile"]["key_spelling"]) == ("[s,e]", "snake")
    assert (shown["chaos"]["seed"], shown["chaos"]["budget"]) == (7, 3)
    assert (shown["clock"], shown["now_ms"]) == ("virtual", 0)


def test_two_projects_do_not_see_each_other(lab: LabClient) -> None:
    """What happens in one project is not in another, and each has keys of its own."""
    one, other = lab.create_project(clock="virtual"), lab.create_project(clock="virtual")
    before = other.show()
    one.add_record(LOT, **a_pass())
    one.add_fault(FaultKind.ANSWER_BUSY)
    one.advance(HOUR)
    one.reset()
    one.delete()
    assert other.show() == before
    assert lab.projects() == [other.access_id]


BAD = [
    ({"access_id": ""}, "access_id must have 1 to 64"),
    ({"access_id": "a/b"}, "access_id must have letters"),
    ({"access_secret": "short"}, "access_secret must have 24 to 128"),
    ({"access_secret": "ö" * 24}, "visible ASCII"),
    ({"devices": []}, "devices must not be empty"),
    ({"devices": [{"device_id": "a/b"}]}, "slash"),
    ({"devices": [{"device_id": ".."}]}, "dots"),
    ({"devices": [{"device_id": "a"}, {"device_id": "a"}]}, "is there twice"),
    ({"seed": -1}, "seed must be from 0"),
    ({"seed": {}}, "format must be"),
    ({"seed": "bussy-day"}, "seed 'bussy-day' is not known; there are: quiet-lot, busy-day, many-brands"),
    ({"seed": "quiet-lot", "devices": [{}]}, "in the seed already"),
    ({"seed": {"format": "parking-mock/seed", "version": 1, "devices": [{}]}, "devices": [{}]}, "in the seed already"),
    ({"profile": "no-such"}, "profile.base must be"),
    ({"profile": {"no_such": 1}}, "profile.no_such is not known"),
    ({"chaos": "no-such"}, "chaos.preset must be one of"),
    ({"clock": "sundial"}, "clock must be system or virtual"),
    ({"now_ms": 5}, "now_ms needs a virtual clock"),
    ({"clock": None}, "clock must not be null"),
    ({"colour": "red"}, "colour is not known"),
]


@pytest.mark.parametrize(("body", "why"), BAD, ids=[why for _, why in BAD])
def test_a_bad_project_is_not_made(lab: LabClient, body: dict[str, Any], why: str) -> None:
    """A refusal names the field and what it must be; no project is made."""
    with pytest.raises(LabApiError) as refused:
        lab.call("POST", "/_lab/projects", body)
    assert (refused.value.status, refused.value.code) == (400, "invalid")
    assert why in refused.value.message
    assert lab.projects() == []


def test_every_problem_is_named_at_once(lab: LabClient) -> None:
    """Whoever makes three mistakes is told three."""
    wrong: Any = {"clock": "sundial", "chaos": "no-such", "colour": "red"}
    with pytest.raises(LabApiError) as refused:
        lab.create_project(**wrong)
    for name in ("clock must be", "chaos.preset must be", "colour is not known"):
        assert name in refused.value.message


def test_a_body_of_another_kind(lab: LabClient) -> None:
    """A body that is no object is told what one looks like."""
    with pytest.raises(LabApiError, match="the body must be an object such as"):
        lab.call("POST", "/_lab/projects", [1])


def test_keys_are_taken_once(lab: LabClient) -> None:
    """A second project with the same access id is refused, and the first stays as it was."""
    first = lab.create_project(access_id="taken", access_secret=SECRET)
    with pytest.raises(LabApiError, match=r"409 project_exists: .* DELETE it first"):
        lab.create_project(access_id="taken")
    assert first.show()["access_secret"] == SECRET


def test_the_number_of_projects_is_bounded(lab: LabClient, monkeypatch: pytest.MonkeyPatch) -> None:
    """A run that never deletes is told to."""
    monkeypatch.setattr("mock_server.web.lab.projects.MAX_PROJECTS", 2)
    lab.create_project()
    lab.create_project()
    with pytest.raises(LabApiError, match=r"409 too_many: .*delete some first"):
        lab.create_project()


def test_an_unknown_project(lab: LabClient, world: LabProject) -> None:
    """Whoever mistypes a project is told which there are."""
    for call in (lab.project("nobody").show, lab.project("nobody").delete, lab.project("nobody").history):
        with pytest.raises(LabApiError, match=f"404 no_project: .*'nobody'.*{world.access_id}"):
            call()


def test_reset(lab: LabClient) -> None:
    """A reset goes back to the seed, not to empty: its devices and records are there, all else is gone."""
    seed: Any = {
        "format": "parking-mock/seed",
        "version": 1,
        "devices": [{"device_id": LOT, "device_name": "North"}],
        "records": [a_pass(device_id=LOT, record_id="kept", uplink="lose")],
    }
    project = lab.create_project(seed=seed, clock="virtual", now_ms=NOON)
    at_first = project.show(), project.history(), project.snapshot()
    project.add_device(device_id="more")
    project.change_device(LOT, online=False)
    project.remove_record(LOT, "kept")
    project.add_record(LOT, **a_pass(uplink={"delay_ms": 5}))
    project.add_fault(FaultKind.ANSWER_BUSY)
    project.set_chaos("rough")
    assert project.reset() == project.exports()
    assert (project.show(), project.history(), project.snapshot()) == at_first


def test_a_seed_by_name(lab: LabClient) -> None:
    """A project starts from a named seed, and its snapshot has the seed's records."""
    project = lab.create_project(seed="quiet-lot", clock="virtual", now_ms=NOON)
    assert [device["device_name"] for device in project.show()["devices"]] == ["Quiet Lane Car Park"]
    assert [record["record_id"] for record in project.snapshot()["records"]][:2] == ["quiet-1", "quiet-2"]


@pytest.mark.parametrize("ending", ["reset", "delete"])
def test_nobody_waits_for_a_world_that_is_gone(world: LabProject, ending: str) -> None:
    """A late answer comes at once when its project begins again or ends: its clock no longer brings it."""
    world.add_fault(FaultKind.ANSWER_LATE, delay_ms=HOUR, path="/v1.0/token")
    keys = world.exports()
    headers = {"client_id": keys["access_id"], "t": str(NOON), "sign_method": "HMAC-SHA256"}
    target = "/v1.0/token?grant_type=1"
    headers["sign"] = sign(keys["access_secret"], "GET", target, b"", keys["access_id"] + str(NOON))
    answers: list[dict[str, object]] = []
    caller = Thread(target=lambda: answers.append(get(keys["api"] + target, headers=headers, timeout=60).json()))
    caller.start()
    for entry in world.follow():
        if entry["kind"] == "answer":
            break
    getattr(world, ending)()
    caller.join(10)
    assert [answer["success"] for answer in answers] == [True]


def test_a_reset_does_not_turn_back_time(world: LabProject) -> None:
    """Time goes on over a reset; what was to happen later does not."""
    world.add_record(LOT, **a_pass(uplink={"delay_ms": HOUR}))
    world.advance(5)
    world.reset()
    assert world.show()["now_ms"] == NOON + 5
    assert world.idle(timeout_ms=0)["idle"]
    world.advance(HOUR)
    assert {entry["kind"] for entry in world.history()} == {"device", "faults", "clock"}


def test_a_reset_keeps_consumers(world: LabProject) -> None:
    """A consumer stays connected over a reset and gets what comes after it."""
    with consuming(world.exports()) as consumer:
        world.reset()
        world.add_record(LOT, **a_pass())
        assert world.idle(timeout_ms=20_000)["idle"]
        assert len(consumer.message_ids) == 1


def test_a_snapshot_is_a_seed(lab: LabClient, world: LabProject) -> None:
    """A snapshot makes a project with the same devices and the same counts, and a snapshot like itself."""
    world.add_device(device_id="north", supplier_code="jieshun", online=False)
    world.add_records(LOT, [a_pass(plate_no="京A12345"), a_pass(pass_direction=1, uplink="lose"), BILL])
    world.add_records("north", [a_pass(uplink="duplicate")])
    world.remove_record(LOT, "pass-000001")
    snapshot = world.snapshot()
    again = lab.create_project(seed=snapshot)
    assert again.snapshot() == snapshot
    assert again.show()["records"] == world.show()["records"] == {LOT: 2, JIESHUN_LOT: 0, LANE: 0, "north": 1}
    assert again.devices() == world.devices()
    kinds = Counter((each["data_type"], each.get("pass_direction")) for each in snapshot["records"])
    assert kinds == {(0, 0): 1, (0, 1): 1, (1, None): 1}


def test_a_snapshot_brings_what_waits(lab: LabClient, world: LabProject) -> None:
    """Records whose messages nobody has acknowledged are delivered again from the snapshot, lost ones stay lost."""
    world.add_records(LOT, [a_pass(record_id="waits"), a_pass(record_id="lost", uplink="lose")])
    again = lab.create_project(seed=world.snapshot(), clock="virtual", now_ms=NOON)
    published = [entry["record_id"] for entry in again.history() if entry["kind"] == "message.published"]
    assert published == ["waits"]


def test_a_large_seed_is_read_and_kept_in_turns(
    lab: LabClient, world: LabProject, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A project is made and reset as in one piece, and others are served between, here after each record."""
    world.add_records(LOT, [a_pass(plate_no=f"A{number}") for number in range(50)])
    seed = world.snapshot()
    whole = lab.create_project(seed=seed, clock="virtual", now_ms=NOON)
    monkeypatch.setattr("mock_server.web.serving.turns.TURN_S", -1)
    pieces = lab.create_project(seed=seed, clock="virtual", now_ms=NOON)
    assert pieces.snapshot() == whole.snapshot() == seed
    pieces.add_records(LOT, [a_pass()])
    pieces.reset()
    assert pieces.snapshot() == seed
    with pytest.raises(LabApiError, match="already"):
        lab.create_project(access_id=pieces.access_id, seed=seed)


def test_deletion_disconnects(lab: LabClient, world: LabProject) -> None:
    """Whoever listens to a project is disconnected when it is deleted, and nobody finds it any more."""
    with consuming(world.exports()) as consumer:
        world.delete()
        assert consumer.gone.wait(DEADLINE_S)
    with pytest.raises(LabApiError, match="404 no_project"):
        world.delete()
    assert lab.projects() == []


def test_deletion_gives_memory_back(lab: LabClient, lab_server: Server, world: LabProject) -> None:
    """Nothing holds a deleted project: not its timers, its consumers, its listeners nor the server."""
    project = lab_server.cloud.get(world.access_id)
    assert project is not None
    gone = weakref.ref(project)
    del project
    world.add_records(LOT, [a_pass(), a_pass(uplink={"delay_ms": HOUR}), a_pass(uplink="lose")])
    world.set_chaos("rough")
    stream = world.follow()
    next(stream)
    with consuming(world.exports()) as consumer:
        world.delete()
        assert consumer.gone.wait(DEADLINE_S)
    assert list(stream)[-1:]

    def forgotten() -> bool:
        gc.collect()
        return gone() is None

    wait_until(forgotten, "nothing refers to the project")


def test_what_waits_for_a_project_learns_of_its_end(lab: LabClient, world: LabProject) -> None:
    """A listener of a deleted project does not wait until its time is up: the history ends."""
    world.add_record(LOT, **a_pass(uplink={"delay_ms": HOUR}))
    stream = world.follow()
    next(stream)
    world.delete()
    assert next(stream)["seq"] == 2
    assert list(stream)
    assert lab.projects() == []
