import json
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mock_server.lots.seed import NewRecord, SeedError, default_seed, load_seed, read_device, read_record, read_seed
from mock_server.model import DataType, Device, DeviceKind, PassDirection
from tests.strategies import json_values

HEAD = {"format": "parking-mock/seed", "version": 1}
PASS = {"device_id": "a", "data_type": 0, "pass_direction": 1, "event_time": 5}
BILL = {"device_id": "a", "data_type": 1, "event_time": 6}
DEVICE = Device("a", "A")


def seed(**parts: Any) -> dict[str, Any]:
    """A seed's JSON with one device `a`."""
    return HEAD | {"devices": [{"device_id": "a"}]} | parts


def problems_of(data: Any) -> str:
    """What a seed's reader says."""
    with pytest.raises(SeedError) as caught:
        read_seed(data)
    return str(caught.value)


def test_a_whole_seed() -> None:
    """Devices with defaults, records of both kinds with their details and fates."""
    found = read_seed(
        seed(
            comment="read by nobody",
            devices=[{"device_id": "a"}, {"device_id": "b", "device_name": "B", "kind": "lane", "online": False}],
            records=[
                PASS | {"record_id": "r1", "plate_no": "京A1", "car_type": 2, "uplink": {"delay_ms": 7}},
                BILL | {"order_no": "o", "payable_amount": 0, "pay_method": 3, "uplink": "lose"},
            ],
        )
    )
    assert found.devices == (Device("a", "a"), Device("b", "B", kind=DeviceKind.LANE, online=False))
    assert found.records == (
        NewRecord("a", "r1", DataType.PASS, PassDirection.LEAVE, 5, "京A1", {"car_type": 2}, 7),
        NewRecord(
            "a", None, DataType.BILL, None, 6, "", {"order_no": "o", "payable_amount": 0, "pay_method": 3}, "lose"
        ),
    )


@pytest.mark.parametrize(
    ("data", "words"),
    [
        ([], "seed must be an object, not a list"),
        ({}, 'format must be "parking-mock/seed", with version 1'),
        (seed(version=2), "version 1"),
        (seed(version=True), "version 1"),
        (seed(extra=1), "extra is not known"),
        (HEAD, "devices is required"),
        (seed(devices=[]), "devices must not be empty"),
        (seed(devices=[{"device_id": ""}]), "devices[0].device_id must have 1 to 64 characters"),
        (seed(devices=[{"device_id": "a/b"}]), "must not have a slash"),
        (seed(devices=[{"device_id": "a"}, {"device_id": "a"}]), "devices[1].device_id is there twice"),
        (seed(devices=[{"device_id": "a", "kind": "garage"}]), "devices[0].kind must be lot or lane"),
        (seed(devices=[{"device_id": "a", "online": 1}]), "must be true or false, not an integer"),
        (seed(records=[PASS | {"device_id": "b"}]), "records[0].device_id must be one of the seed's devices"),
        (seed(records=[PASS | {"device_id": ["a"]}]), "records[0].device_id must be one of the seed's devices"),
        (seed(records=[7]), "records[0]"),
        (seed(records=[{"device_id": "a"}]), "records[0].data_type is required; records[0].event_time is required"),
        (seed(records=[PASS | {"pass_direction": 2}]), "records[0].pass_direction must be 0 or 1"),
        (seed(records=[BILL | {"pass_direction": 0}]), "records[0].pass_direction belongs to passes only"),
        (seed(records=[BILL | {"car_type": 0}]), "records[0].car_type is not known"),
        (seed(records=[PASS | {"paid_amount": 0}]), "records[0].paid_amount is not known"),
        (seed(records=[PASS | {"event_time": -1}]), "records[0].event_time must be from 0 to 9223372036854775807"),
        (seed(records=[PASS | {"uplink": "burn"}]), 'records[0].uplink must be "deliver"'),
        (seed(records=[PASS | {"uplink": None}]), 'records[0].uplink must be "deliver"'),
        (seed(records=[PASS | {"uplink": {"delay_ms": True}}]), "records[0].uplink.delay_ms must be an integer"),
        (seed(records=[PASS | {"uplink": {"delay_ms": -1}}]), "records[0].uplink.delay_ms must be from 0"),
        (
            seed(devices=[{"device_id": "a", "kind": "lane"}], records=[PASS]),
            "records[0] belongs to a lot; a is a lane device",
        ),
    ],
)
def test_a_bad_seed_names_the_place_and_the_rule(data: object, words: str) -> None:
    """Whoever reads the message can correct the file."""
    assert words in problems_of(data)


def test_all_problems_are_named_at_once() -> None:
    """Twenty at most, so that the message stays readable."""
    text = problems_of(seed(records=[PASS | {"event_time": "x"}] * 30))
    assert text.count("must be an integer") == 20


@given(json_values)
def test_any_json_is_a_seed_or_a_seed_error(value: object) -> None:
    """Whatever a file holds, the message can be printed."""
    for data in (value, seed(devices=value), seed(records=value), seed(records=[value]), seed(devices=[value])):
        try:
            read_seed(data)
        except SeedError as error:
            assert str(error).encode()  # noqa: PT017 any seed may also be good


@given(st.dictionaries(st.sampled_from(("record_id", "event_time", "plate_no", "uplink", "car_type")), json_values))
def test_a_record_is_read_whole_or_not_at_all(changes: dict[str, Any]) -> None:
    """None exactly when a problem was noted."""
    problems: list[Any] = []
    found = read_record(
        {key: value for key, value in (PASS | changes).items() if key != "device_id"}, DEVICE, "", problems
    )
    assert (found is None) == bool(problems)


def test_a_device_id_may_be_given_by_the_server() -> None:
    """With a default the field is optional."""
    problems: list[Any] = []
    assert read_device({}, "body", problems, default_id="new") == Device("new", "new")
    assert problems == []


def test_the_default_seed_has_one_device_of_each_sort() -> None:
    """An ordinary lot first, a Jieshun lot, a lane device."""
    devices = default_seed().devices
    assert [(device.supplier_code, device.kind) for device in devices] == [
        ("tuya", DeviceKind.LOT),
        ("jieshun", DeviceKind.LOT),
        ("tuya", DeviceKind.LANE),
    ]


def test_a_file_is_read(tmp_path: Path) -> None:
    """UTF-8 JSON."""
    path = tmp_path / "seed.json"
    path.write_text(json.dumps(seed(records=[PASS | {"plate_no": "京A1"}]), ensure_ascii=False), encoding="utf-8")
    assert load_seed(path).records[0].plate_no == "京A1"


@pytest.mark.parametrize("content", [b"", b"\xff", b"{", b"[" * 50])
def test_a_file_that_is_no_json_is_a_seed_error(tmp_path: Path, content: bytes) -> None:
    """It names the file and the reason."""
    path = tmp_path / "seed.json"
    path.write_bytes(content)
    with pytest.raises(SeedError, match=r"seed\.json is no seed"):
        load_seed(path)


def test_a_missing_file_is_an_os_error(tmp_path: Path) -> None:
    """The command line knows what to say of it."""
    with pytest.raises(FileNotFoundError):
        load_seed(tmp_path / "none.json")
