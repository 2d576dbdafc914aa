"""One project's world on the lab plane: devices, records, faults, chaos, time."""

import re
import socket
import threading
from typing import Any
from urllib.parse import urlsplit

import pytest

from mock_server.lab_client import DeviceJson, LabApiError, LabClient, LabProject
from mock_server.model import HOUR
from mock_server.web.server import Server
from tests.mock_server.web.lab_consumer import consuming
from tests.sdk.world import wait_until
from tests.support import JIESHUN_LOT, LANE, LOT, NOON


def a_pass(**fields: object) -> dict[str, object]:
    """A vehicle pass in the hour before noon."""
    return {"data_type": 0, "pass_direction": 0, "event_time": NOON - 1, **fields}


def refusal(project: LabProject, method: str, path: str, body: object = None, **query: Any) -> LabApiError:
    """How a call is refused; the history stays as it was."""
    before = project.history()
    with pytest.raises(LabApiError) as refused:
        project._call(method, path, body, **query)
    assert project.history() == before
    assert len(refused.value.message) > 10
    return refused.value


def kinds(project: LabProject, after: int) -> list[str]:
    """The kinds of what has happened since."""
    return [entry["kind"] for entry in project.history(after)]


# Devices.


def test_devices_are_added(world: LabProject) -> None:
    """A device has what it was given and a default for the rest; its id may be left to the lab plane."""
    plain = world.add_device()
    assert plain == {
        "device_id": "6ce0000000000004",
        "device_name": "6ce0000000000004",
        "supplier_code": "tuya",
        "kind": "lot",
        "online": True,
    }
    given: DeviceJson = {
        "device_id": "gate 1?#%",
        "device_name": "北门",
        "supplier_code": "jieshun",
        "kind": "lane",
        "online": False,
    }
    assert world.add_device(**given) == given
    assert world.devices()[-2:] == [plain, given]


def test_subscriptions_are_made(world: LabProject) -> None:
    """By their suffix, of the production topic unless another is named; the same one only once."""
    made = world.add_subscription(suffix="mine")
    name = f"{world.access_id}-mine"
    assert made == {"topic": "event", "subscription": name, "pending": 0, "consumers": 0}
    assert world.add_subscription(suffix="mine", topic="event-test") == made | {"topic": "event-test"}
    assert [each["topic"] for each in world.subscriptions() if each["subscription"] == name] == ["event", "event-test"]
    with pytest.raises(LabApiError, match="already"):
        world.add_subscription(suffix="mine")
    with pytest.raises(LabApiError, match="slash"):
        world.add_subscription(suffix="a/b")


def test_subscriptions_are_bounded(world: LabProject) -> None:
    """At a hundred, with those that are there."""
    for number in range(100 - len(world.subscriptions())):
        world.add_subscription(suffix=f"s{number}")
    with pytest.raises(LabApiError, match="100"):
        world.add_subscription(suffix="more")


def test_a_device_is_changed(world: LabProject) -> None:
    """Only what is named changes, whatever signs the id has."""
    world.add_device(device_id="gate 1?#%")
    before = world.devices()[-1]
    assert world.change_device("gate 1?#%", online=False) == before | {"online": False}
    assert world.change_device("gate 1?#%", device_name="N", supplier_code="jieshun") == {
        **before,
        "device_name": "N",
        "supplier_code": "jieshun",
        "online": False,
    }


@pytest.mark.parametrize("name", ["a/b", ".", "..", "", "x" * 65])
def test_a_device_that_no_path_can_name(world: LabProject, name: str) -> None:
    """An id that cannot be a part of a path is refused when it is given."""
    assert "device_id" in refusal(world, "POST", "/devices", {"device_id": name}).message


def test_bad_devices(world: LabProject) -> None:
    """A device that is there, one that is not and fields that cannot be changed are refused with what to do."""
    assert refusal(world, "POST", "/devices", {"device_id": LOT}).message.endswith("PATCH it instead")
    assert refusal(world, "POST", "/devices", {"kind": "gate"}).message == "body.kind must be lot or lane, not gate"
    assert refusal(world, "POST", "/devices", []).status == 400
    error = refusal(world, "PATCH", "/devices/nobody", {"online": True})
    assert (error.status, error.code) == (404, "no_device")
    assert LOT in error.message
    assert "kind is not known" in refusal(world, "PATCH", f"/devices/{LOT}", {"kind": "lane"}).message
    assert "online must be true or false" in refusal(world, "PATCH", f"/devices/{LOT}", {"online": 1}).message
    assert "must be an object such as" in refusal(world, "PATCH", f"/devices/{LOT}", 5).message


# Records.


def test_one_record(world: LabProject) -> None:
    """One record is answered as one object, with the id that the lot gave it."""
    kept = world.add_record(LOT, **a_pass(plate_no="京A12345", lane_device_id=LANE, car_type=1))
    assert kept == {"record_id": "pass-000001", "device_id": LOT} | a_pass(
        plate_no="京A12345", lane_device_id=LANE, car_type=1
    )
    assert world.show()["records"][LOT] == 1


@pytest.mark.parametrize(
    ("uplink", "published"), [("deliver", 1), ("lose", 0), ("duplicate", 2), ({"delay_ms": HOUR}, 0)]
)
def test_what_happens_to_its_message(world: LabProject, uplink: object, published: int) -> None:
    """`uplink` says whether and how often a record's message is published now."""
    seen = len(world.history())
    assert world.add_record(LOT, **a_pass(uplink=uplink))["uplink"] == uplink
    assert kinds(world, seen).count("message.published") == published


def test_a_list_of_records(world: LabProject) -> None:
    """A list is answered by a list in its order; an empty one by an empty one."""
    kept = world.add_records(LOT, [a_pass(), {"data_type": 1, "event_time": NOON}, a_pass(record_id="mine")])
    assert [record["record_id"] for record in kept] == ["pass-000001", "bill-000001", "mine"]
    assert world.add_records(LOT, []) == []


def test_all_records_or_none(world: LabProject) -> None:
    """One bad record of a list is named with its place, and none is kept."""
    bad = [a_pass(), a_pass(event_time="noon"), {"data_type": 2}, 5]
    message = refusal(world, "POST", f"/devices/{LOT}/records", bad).message
    assert "[1].event_time must be an integer, not a string" in message
    assert "[2].data_type must be 0 or 1" in message
    assert "[3] must be an object" in message
    assert world.show()["records"][LOT] == 0


@pytest.mark.parametrize(
    ("change", "why"),
    [
        ({"pass_direction": 2}, "pass_direction must be 0 or 1"),
        ({"event_time": -1}, "event_time must be from 0"),
        ({"event_time": True}, "not a boolean"),
        ({"plate_no": "x" * 33}, "plate_no must have 0 to 32"),
        ({"uplink": "maybe"}, "uplink must be"),
        ({"uplink": None}, "uplink must be"),
        ({"pay_method": 1}, "pay_method is not known"),
        ({"data_type": 1}, "pass_direction belongs to passes only"),
        ({"record_id": ""}, "record_id must have 1 to 64"),
    ],
)
def test_a_bad_record(world: LabProject, change: dict[str, object], why: str) -> None:
    """A bad record is refused with the field and what it must be."""
    assert why in refusal(world, "POST", f"/devices/{LOT}/records", a_pass() | change).message


def test_records_belong_to_lots(world: LabProject) -> None:
    """A lane device keeps no records, and a device that is not there neither."""
    assert refusal(world, "POST", f"/devices/{LANE}/records", a_pass()).code == "not_a_lot"
    assert refusal(world, "POST", "/devices/nobody/records", a_pass()).code == "no_device"


def test_too_many_records(world: LabProject, monkeypatch: pytest.MonkeyPatch) -> None:
    """A list over the limit is refused as a whole."""
    monkeypatch.setattr("mock_server.web.lab.world.MAX_RECORDS", 2)
    error = refusal(world, "POST", f"/devices/{LOT}/records", [a_pass()] * 3)
    assert (error.status, error.code, error.message) == (413, "too_many", "send at most 2 records at once")


def test_a_record_is_forgotten(world: LabProject) -> None:
    """The lot forgets a record of the data type that is named, and tells nobody on the queue."""
    world.add_records(LOT, [a_pass(record_id="a/b ?"), {"data_type": 1, "event_time": NOON, "record_id": "a/b ?"}])
    seen = len(world.history())
    world.remove_record(LOT, "a/b ?", data_type=1)
    assert kinds(world, seen) == ["record.removed"]
    with pytest.raises(LabApiError, match=r"404 no_record: .*data_type"):
        world.remove_record(LOT, "a/b ?", data_type=1)
    world.remove_record(LOT, "a/b ?")
    assert world.show()["records"][LOT] == 0
    assert refusal(world, "DELETE", f"/devices/{LOT}/records/x", data_type=2).message.startswith("data_type must be")


# Faults and chaos.


def test_faults_are_directed(world: LabProject) -> None:
    """A directed fault is listed until it has struck as often as it should."""
    directed = world.add_fault("uplink.lose", times=2, device_id=LOT)
    assert directed == {"kind": "uplink.lose", "times": 2, "skip": 0, "device_id": LOT}
    world.add_record(LOT, **a_pass())
    assert world.faults()["directed"] == [directed | {"struck": 1}]
    world.add_record(JIESHUN_LOT, **a_pass())
    world.add_record(LOT, **a_pass())
    assert world.faults()["directed"] == []
    assert world.show()["struck"] == {"uplink.lose": 2}


def test_several_faults_or_none(world: LabProject) -> None:
    """A list of faults is taken as a whole or refused as a whole, each problem with its place."""
    both = world._call("POST", "/faults", [{"kind": "answer.lose"}, {"kind": "uplink.delay", "delay_ms": 5}])
    assert [fault["kind"] for fault in both] == ["answer.lose", "uplink.delay"]
    message = refusal(world, "POST", "/faults", [{"kind": "answer.lose"}, {"kind": "no.such"}, 5]).message
    assert "[1].kind must be one of uplink.lose" in message
    assert "[2] must be an object such as" in message
    assert len(world.faults()["directed"]) == 2


def test_bad_faults(world: LabProject, monkeypatch: pytest.MonkeyPatch) -> None:
    """A fault's own parameter belongs to its kind, and how many come at once is bounded."""
    assert "delay_ms is not known" in refusal(world, "POST", "/faults", {"kind": "uplink.lose", "delay_ms": 5}).message
    assert "times must be from 1" in refusal(world, "POST", "/faults", {"kind": "uplink.lose", "times": 0}).message
    assert refusal(world, "POST", "/faults", "uplink.lose").status == 400
    monkeypatch.setattr("mock_server.web.lab.world.MAX_FAULTS", 2)
    assert refusal(world, "POST", "/faults", [{"kind": "answer.lose"}] * 3).status == 413


def test_calm(world: LabProject) -> None:
    """Calm ends directed and random faults; what has struck stays known."""
    world.add_fault("uplink.lose", times=5)
    world.set_chaos("rough", seed=3, budget=9)
    world.add_record(LOT, **a_pass())
    world.calm()
    told = world.faults()
    assert (told["directed"], told["chaos"]["preset"]) == ([], "off")
    assert told["struck"]["uplink.lose"] == 1


def test_chaos(world: LabProject) -> None:
    """Chaos is chosen by name, with a seed and a budget if one likes; a bad choice changes nothing."""
    assert world.set_chaos("gentle")["budget"] == 100
    told = world.set_chaos("rough", seed=3, budget=9)
    assert (told["preset"], told["seed"], told["budget"], told["used"]) == ("rough", 3, 9, 0)
    assert world._call("PUT", "/chaos", "default")["preset"] == "default"
    assert "chaos.preset must be one of" in refusal(world, "PUT", "/chaos", "wild").message
    assert "chaos must be a preset" in refusal(world, "PUT", "/chaos", 5).message
    assert world.show()["chaos"]["preset"] == "default"


# Time.


def test_time_moves(world: LabProject) -> None:
    """A virtual clock goes where it is told, and what is due on the way happens at its own time."""
    world.add_record(LOT, **a_pass(uplink={"delay_ms": HOUR}))
    pending = {"messages": 0, "timers": 1}
    waits_for = ["delayed message (in 3600000 ms)"]
    assert world.idle(timeout_ms=0) == {"idle": False, "now_ms": NOON, "pending": pending, "waits_for": waits_for}
    assert world.advance(HOUR - 1)["pending"]["timers"] == 1
    seen = len(world.history())
    assert world.advance_to(NOON + 2 * HOUR)["now_ms"] == NOON + 2 * HOUR
    published = [entry for entry in world.history(seen) if entry["kind"] == "message.published"]
    assert [entry["time"] for entry in published] == [NOON + HOUR]


@pytest.mark.parametrize(
    ("body", "why"),
    [
        ({}, "either advance_ms or to_ms"),
        ({"advance_ms": 1, "to_ms": NOON}, "either advance_ms or to_ms"),
        ({"advance_ms": -1}, "advance_ms must be from 0"),
        ({"to_ms": NOON - 1}, "time does not go back"),
        ({"hours": 1}, "hours is not known"),
        ([], "must be an object such as"),
    ],
)
def test_a_bad_time(world: LabProject, body: object, why: str) -> None:
    """A time that makes no sense is refused and leaves the clock, and the history, as they were."""
    assert why in refusal(world, "POST", "/clock", body).message
    assert world.show()["now_ms"] == NOON


def test_a_bad_timeout(world: LabProject) -> None:
    """A timeout out of range is refused before anything moves."""
    for timeout_ms in ("-1", "60001", "x"):
        error = refusal(world, "POST", "/clock", {"advance_ms": 5}, timeout_ms=timeout_ms)
        assert error.message == "timeout_ms must be a number from 0 to 60000"
        assert refusal(world, "GET", "/idle", timeout_ms=timeout_ms).status == 400
    assert world.show()["now_ms"] == NOON


def test_the_machines_clock_is_not_moved(lab: LabClient) -> None:
    """A clock that runs by itself is not moved, and whoever tries is told how to get one that is."""
    error = refusal(lab.create_project(), "POST", "/clock", {"advance_ms": 1})
    assert (error.status, error.code) == (409, "system_clock")
    assert '"clock": "virtual"' in error.message


def test_time_waits_for_a_consumer(world: LabProject) -> None:
    """With a consumer connected, each step waits until it has acknowledged what it was given."""
    with consuming(world.exports()) as consumer:
        for place in range(20):
            world.add_record(LOT, **a_pass(uplink={"delay_ms": (place + 1) * 1_000}))
        answer = world.advance(HOUR)
        assert (answer["idle"], answer["now_ms"], answer["waits_for"]) == (True, NOON + HOUR, [])
        assert len(consumer.message_ids) == 20
    acknowledged = [entry["time"] for entry in world.history() if entry["kind"] == "message.acknowledged"]
    assert acknowledged == [NOON + (place + 1) * 1_000 for place in range(20)]


def test_time_does_not_wait_for_ever(world: LabProject) -> None:
    """A consumer that never acknowledges holds the clock no longer than `timeout_ms`."""
    with consuming(world.exports(), acknowledges=False):
        world.add_record(LOT, **a_pass())
        answer = world._call("POST", "/clock", {"advance_ms": HOUR}, timeout_ms=1)
    assert (answer["now_ms"], answer["pending"]["messages"]) == (NOON + HOUR, 1)


def test_a_far_move_says_how_far_it_has_got(world: LabProject, monkeypatch: pytest.MonkeyPatch) -> None:
    """One call runs a bounded number of timers; `LabClient` calls until the time is reached."""
    monkeypatch.setattr("mock_server.web.lab.world.MAX_STEPS", 3)
    for place in range(7):
        world.add_record(LOT, **a_pass(uplink={"delay_ms": (place + 1) * 1_000}))
    answer = world._call("POST", "/clock", {"advance_ms": HOUR}, timeout_ms=1)
    assert (answer["reached"], answer["now_ms"], answer["to_ms"]) == (False, NOON + 3_000, NOON + HOUR)
    assert world.advance_to(NOON + HOUR)["now_ms"] == NOON + HOUR


def test_a_caller_that_goes_away_ends_its_move(
    lab_server: Server, world: LabProject, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Time stands still after it, and the project is as usable as before."""
    monkeypatch.setattr("mock_server.web.lab.world.MAX_TIMEOUT_MS", 600_000)
    with consuming(world.exports(), acknowledges=False):
        world.add_record(LOT, **a_pass())
        address = urlsplit(lab_server.lab)
        with socket.create_connection((address.hostname or "", address.port or 0)) as connection:
            body = b'{"advance_ms": 3600000}'
            head = f"POST {world._path}/clock?timeout_ms=600000 HTTP/1.1\r\nHost: 127.0.0.1\r\n"
            head += f"Content-Type: application/json\r\nContent-Length: {len(body)}\r\n\r\n"
            connection.sendall(head.encode() + body)
            wait_until(lambda: world.history()[-1]["kind"] == "clock", "the move has begun")
        wait_until(lambda: not lab_server._lab._flask._waiting, "the move has ended")
    assert world.show()["now_ms"] == NOON
    assert world.advance(HOUR)["now_ms"] == NOON + HOUR


def test_many_records_are_kept_in_turns_and_all_of_them(world: LabProject, monkeypatch: pytest.MonkeyPatch) -> None:
    """Others are served between two of them; one that cannot be used keeps all out."""
    monkeypatch.setattr("mock_server.web.serving.turns.TURN_S", -1)
    kept = world.add_records(LOT, [a_pass() for _ in range(100)])
    assert [each["record_id"] for each in kept] == [f"pass-{number:06d}" for number in range(1, 101)]
    before = world.show()["history"]
    with pytest.raises(LabApiError, match=re.escape("[60].event_time")):
        world.add_records(LOT, [a_pass(event_time=None if place == 60 else NOON) for place in range(100)])
    assert world.show()["history"] == before


def test_idle_waits(world: LabProject) -> None:
    """`idle` answers as soon as the last message is acknowledged, or when its time is up."""
    world.add_record(LOT, **a_pass())
    assert not world.idle(timeout_ms=1)["idle"]
    answers: list[bool] = []
    waiting = threading.Thread(target=lambda: answers.append(world.idle(timeout_ms=20_000)["idle"]))
    waiting.start()
    with consuming(world.exports()):
        waiting.join(20)
    assert answers == [True]


def test_idle_ends_with_its_project(lab: LabClient, world: LabProject) -> None:
    """Whoever waits for a project that is deleted is told at once."""
    world.add_record(LOT, **a_pass(uplink={"delay_ms": HOUR}))
    told: list[str] = []

    def wait() -> None:
        with LabClient(lab.url, timeout_s=60) as own, pytest.raises(LabApiError) as refused:
            own.project(world.access_id).idle(timeout_ms=60_000)
        told.append(refused.value.code)

    waiting = threading.Thread(target=wait)
    waiting.start()
    world.delete()
    waiting.join(20)
    assert told == ["no_project"]


def test_many_timers_let_others_have_their_turn(lab: LabClient, world: LabProject) -> None:
    """While a clock passes through thousands of timers the server still answers."""
    world.add_records(LOT, [a_pass(uplink={"delay_ms": place + 1}) for place in range(2_000)])
    moving = threading.Thread(target=world.advance, args=(HOUR,))
    moving.start()
    with LabClient(lab.url, timeout_s=60) as other:
        assert other.health()["status"] == "ok"
    moving.join(20)
    assert world.show()["now_ms"] == NOON + HOUR
