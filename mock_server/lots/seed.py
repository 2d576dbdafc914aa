"""Seed files: devices and records to start from, and the reading of records wherever they come from.

A seed is one JSON object: `{"format": "parking-mock/seed", "version": 1, "devices": [...], "records": [...]}`.
A record in it is a record of the lab API with its `device_id`; `uplink` says what happens to its message.
"""

import re
from collections.abc import Collection
from dataclasses import dataclass, field
from pathlib import Path
from typing import Self

from mock_server.model import (
    INT64_MAX,
    JIESHUN,
    DataType,
    Device,
    DeviceKind,
    Fate,
    JsonObject,
    JsonScalar,
    PassDirection,
    Record,
)
from mock_server.problems import Problem, ProblemKind, Reader, in_words, parse_json, type_name

FORMAT = "parking-mock/seed"
VERSION = 1

MAX_RECORDS = 1_000_000
"""How many records one seed or one call may bring."""

MAX_DEVICES = 10_000

DEVICE_FIELDS = ("device_id", "device_name", "supplier_code", "kind", "online")
RECORD_FIELDS = ("record_id", "data_type", "pass_direction", "event_time", "plate_no", "uplink")
PASS_DETAILS = ("lane_device_id", "car_type", "image_url")
BILL_DETAILS = ("order_no", "enter_time", "leave_time", "payable_amount", "paid_amount", "pay_method")
DEVICE_ID_PATTERN = "^[^/]*[^/.][^/]*$"
_ABSENT = object()
TEXT_DETAILS = frozenset(("lane_device_id", "image_url", "order_no"))


class SeedError(Exception):
    """A seed, a device or a record that cannot be used; the text names every problem with its path."""

    def __init__(self, problems: list[Problem]) -> None:
        super().__init__(in_words(problems[:20]))


@dataclass(frozen=True, slots=True)
class NewRecord:
    """A record as somebody brings it: `record_id` may be missing, the lot gives one."""

    device_id: str
    record_id: str | None
    data_type: DataType
    pass_direction: PassDirection | None
    event_time: int
    plate_no: str
    details: dict[str, JsonScalar]
    fate: Fate = None

    @classmethod
    def of(cls, record: Record, fate: Fate) -> Self:
        """A record that a lot keeps, to be brought again."""
        return cls(
            device_id=record.device_id,
            record_id=record.record_id,
            data_type=record.data_type,
            pass_direction=record.pass_direction,
            event_time=record.event_time,
            plate_no=record.plate_no,
            details=dict(record.details),
            fate=fate,
        )

    def to_json(self) -> JsonObject:
        """The record as a seed file has it."""
        direction = {} if self.pass_direction is None else {"pass_direction": int(self.pass_direction)}
        fate: object = {"delay_ms": self.fate} if isinstance(self.fate, int) else self.fate
        return {
            **({} if self.record_id is None else {"record_id": self.record_id}),
            "device_id": self.device_id,
            "data_type": int(self.data_type),
            **direction,
            "event_time": self.event_time,
            "plate_no": self.plate_no,
            **self.details,
            **({} if fate is None else {"uplink": fate}),
        }

    def keep_as(self, record_id: str, created_time: int) -> Record:
        """The record that the lot keeps."""
        return Record(
            record_id=record_id,
            device_id=self.device_id,
            data_type=self.data_type,
            pass_direction=self.pass_direction,
            event_time=self.event_time,
            plate_no=self.plate_no,
            created_time=created_time,
            details=self.details,
        )


@dataclass(frozen=True, slots=True)
class Seed:
    """What a project starts from and what a reset goes back to."""

    devices: tuple[Device, ...]
    records: tuple[NewRecord, ...] = field(default=())

    def to_json(self) -> JsonObject:
        """The seed file."""
        return {
            "format": FORMAT,
            "version": VERSION,
            "devices": [device_to_json(device) for device in self.devices],
            "records": [record.to_json() for record in self.records],
        }


def device_to_json(device: Device) -> JsonObject:
    """A device as seeds and the lab API have it."""
    return {
        "device_id": device.device_id,
        "device_name": device.device_name,
        "supplier_code": device.supplier_code,
        "kind": device.kind.value,
        "online": device.online,
    }


def default_seed() -> Seed:
    """An ordinary lot, a Jieshun lot and a lane device, empty."""
    return Seed(
        devices=(
            Device("6ce0000000000001", "East Gate Car Park"),
            Device("6ce0000000000002", "Harbour Car Park", supplier_code=JIESHUN),
            Device("6ce0000000000003", "East Gate, Lane 1", kind=DeviceKind.LANE),
        )
    )


def load_seed(path: Path) -> Seed:
    """Read a seed file. OSError if it cannot be read, SeedError if it cannot be used."""
    try:
        data = parse_json(path.read_bytes())
    except ValueError as error:
        raise SeedError([Problem(ProblemKind.ILLEGAL, str(path), f"is no seed: {error}")]) from None
    return read_seed(data)


def read_seed(data: object) -> Seed:
    """A seed from its JSON value. SeedError names every problem."""
    problems: list[Problem] = []
    seed = read_seed_json(data, problems)
    if seed is None:
        raise SeedError(problems)
    return seed


def read_seed_json(data: object, problems: list[Problem]) -> Seed | None:
    """A seed from its JSON value, or None after noting what is wrong."""
    noted = len(problems)
    root = _object(data, "seed", problems)
    reader = Reader(root, "", problems)
    if len(problems) > noted:
        return None
    reader.only(("format", "version", "devices", "records", "comment"))
    _check_format(root, problems)
    if "devices" not in root:
        reader.note(ProblemKind.MISSING, "devices", "is required")
        return None
    known = read_devices(root["devices"], "devices", problems)
    records = [
        _read_seed_record(item, f"records[{place}]", known, problems)
        for place, item in enumerate(reader.items("records", MAX_RECORDS, required=False) or [])
    ]
    if len(problems) > noted:
        return None
    return Seed(tuple(known.values()), tuple(record for record in records if record is not None))


def read_devices(data: object, path: str, problems: list[Problem]) -> dict[str, Device]:
    """Devices by their ids from a JSON list; what is wrong is noted. A device without an id gets one by its place."""
    items = Reader({path: data}, "", problems).items(path, MAX_DEVICES, low=1) or []
    known: dict[str, Device] = {}
    for place, item in enumerate(items):
        device = read_device(item, f"{path}[{place}]", problems, default_id=f"6ce{place + 1:013d}")
        if device is not None and device.device_id in known:
            problems.append(Problem(ProblemKind.ILLEGAL, f"{path}[{place}].device_id", "is there twice"))
        elif device is not None:
            known[device.device_id] = device
    return known


def read_device(data: object, path: str, problems: list[Problem], default_id: str | None = None) -> Device | None:
    """A device from its JSON value, or None after noting what is wrong."""
    noted = len(problems)
    reader = Reader(_object(data, path, problems), path, problems)
    if len(problems) > noted:
        return None
    reader.only(DEVICE_FIELDS)
    device_id = reader.text("device_id", 1, 64, required=default_id is None) or default_id or ""
    if device_id and not re.search(DEVICE_ID_PATTERN, device_id):
        reader.note(ProblemKind.ILLEGAL, "device_id", "must not have a slash nor be dots only: it is a part of a path")
    name = reader.text("device_name", 0, 128, required=False)
    supplier = reader.text("supplier_code", 1, 64, required=False)
    kind = reader.text("kind", 1, 8, required=False) or "lot"
    if kind not in ("lot", "lane"):
        reader.note(ProblemKind.RANGE, "kind", "must be lot or lane")
    online = reader.boolean("online", required=False)
    if len(problems) > noted:
        return None
    return Device(device_id, name or device_id, supplier or "tuya", DeviceKind(kind), online is not False)


def read_record(
    data: object, device: Device, path: str, problems: list[Problem], extra: Collection[str] = ()
) -> NewRecord | None:
    """A record of one device from its JSON value, or None after noting what is wrong."""
    noted = len(problems)
    reader = Reader(_object(data, path, problems), path, problems)
    if len(problems) > noted:
        return None
    data_type = reader.choice("data_type", (DataType.PASS, DataType.BILL))
    details = BILL_DETAILS if data_type == DataType.BILL else PASS_DETAILS
    if data_type is not None:
        reader.only((*RECORD_FIELDS, *details, *extra))
    direction = _read_direction(reader, data_type)
    event_time = reader.integer("event_time")
    record_id = reader.text("record_id", 1, 64, required=False)
    plate_no = reader.text("plate_no", 0, 32, required=False)
    own = _read_details(reader, details)
    fate = _read_fate(reader, data, problems)
    if device.kind is not DeviceKind.LOT:
        problems.append(Problem(ProblemKind.ILLEGAL, path, f"belongs to a lot; {device.device_id} is a lane device"))
    if len(problems) > noted or data_type is None or event_time is None:
        return None
    return NewRecord(device.device_id, record_id, DataType(data_type), direction, event_time, plate_no or "", own, fate)


def _read_seed_record(data: object, path: str, known: dict[str, Device], problems: list[Problem]) -> NewRecord | None:
    device_id = data.get("device_id") if isinstance(data, dict) else None
    device = known.get(device_id) if isinstance(device_id, str) else None
    if device is None:
        problems.append(Problem(ProblemKind.ILLEGAL, f"{path}.device_id", "must be one of the seed's devices"))
        return None
    return read_record(data, device, path, problems, extra=("device_id",))


def _read_direction(reader: Reader, data_type: int | None) -> PassDirection | None:
    if data_type == DataType.PASS:
        value = reader.choice("pass_direction", (PassDirection.ENTER, PassDirection.LEAVE))
        return None if value is None else PassDirection(value)
    if data_type == DataType.BILL:
        reader.absent("pass_direction", "belongs to passes only")
    return None


def _read_details(reader: Reader, names: Collection[str]) -> dict[str, JsonScalar]:
    read: dict[str, JsonScalar] = {}
    for name in names:
        value = (
            reader.text(name, 0, 1024, required=False)
            if name in TEXT_DETAILS
            else reader.integer(name, 0, INT64_MAX, required=False)
        )
        if value is not None:
            read[name] = value
    return read


def _read_fate(reader: Reader, data: object, problems: list[Problem]) -> Fate:
    value = data.get("uplink", _ABSENT) if isinstance(data, dict) else _ABSENT
    if value is _ABSENT:
        return None
    fates: dict[object, Fate] = {"deliver": "deliver", "lose": "lose", "duplicate": "duplicate"}
    if isinstance(value, str) and value in fates:
        return fates[value]
    if isinstance(value, dict) and set(value) == {"delay_ms"}:
        return Reader(value, reader.where("uplink"), problems).integer("delay_ms") or 0
    reader.note(ProblemKind.ILLEGAL, "uplink", 'must be "deliver", "lose", "duplicate" or {"delay_ms": n}')
    return None


def _check_format(root: JsonObject, problems: list[Problem]) -> None:
    version = root.get("version")
    if root.get("format") != FORMAT or version != VERSION or type(version) is not int:
        problems.append(Problem(ProblemKind.ILLEGAL, "format", f'must be "{FORMAT}", with version {VERSION}'))


def _object(data: object, path: str, problems: list[Problem]) -> JsonObject:
    if isinstance(data, dict):
        return data
    problems.append(Problem(ProblemKind.TYPE, path, f"must be an object, not {type_name(data)}"))
    return {}
