"""Seeds: the devices and records that a project starts from; reads them, and devices and records of the lab API.

A seed is one JSON object: `{"format": "parking-mock/seed", "version": 1, "devices": [...], "records": [...]}`.
A record in it is a record of the lab API with its `device_id`; `uplink` says what happens to its message.
"""

from collections.abc import Collection, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Self

from mock_server.lab_shapes import (
    MAX_DEVICES,
    MAX_RECORDS,
    SEED_FORMAT,
    SEED_VERSION,
    BillDetails,
    DeviceJson,
    NewBill,
    NewDevice,
    NewPass,
    PassDetails,
    RecordParts,
    SeedJson,
)
from mock_server.model import (
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
from mock_server.shapes import fields_of, read_fields, read_shape
from mock_server.steps import Steps, at_once

PROBLEMS_NAMED = 20
"""How many problems of a seed, or of records, are named."""


class SeedError(Exception):
    """A seed that cannot be used. The text names the problems (20 at most) with their paths."""

    def __init__(self, problems: list[Problem]) -> None:
        super().__init__(in_words(problems[:PROBLEMS_NAMED]))


@dataclass(frozen=True, slots=True)
class NewRecord:
    """A record to be added to a lot, which assigns a record id if `record_id` is None. Times in epoch milliseconds."""

    device_id: str
    record_id: str | None
    data_type: DataType
    pass_direction: PassDirection | None
    event_time: int
    plate_no: str
    details: dict[str, JsonScalar]
    fate: Fate = None

    def __repr__(self) -> str:
        """That of the record, and the fate of its message."""
        return f"<New{self.keep_as(self.record_id or 'without an id', 0)!r}, uplink {self.fate or 'as it happens'}>"

    @classmethod
    def of(cls, record: Record, fate: Fate) -> Self:
        """A kept record as one to be added to another project."""
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
        """The record in JSON, in the form of a seed file."""
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
        """The record as a lot keeps it. `created_time` is in epoch milliseconds."""
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
    """The devices and records that a project starts with and is reset to."""

    devices: tuple[Device, ...]
    records: tuple[NewRecord, ...] = field(default=())

    def to_json(self) -> JsonObject:
        """The seed in JSON, as a seed file holds it."""
        return {
            "format": SEED_FORMAT,
            "version": SEED_VERSION,
            "devices": [device_to_json(device) for device in self.devices],
            "records": [record.to_json() for record in self.records],
        }


def device_to_json(device: Device) -> DeviceJson:
    """A device in JSON, in the form of seeds and of the lab API."""
    return {
        "device_id": device.device_id,
        "device_name": device.device_name,
        "supplier_code": device.supplier_code,
        "kind": device.kind.value,
        "online": device.online,
    }


def default_seed() -> Seed:
    """An ordinary lot, a Jieshun lot and a lane device, without records."""
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
    seed = at_once(read_seed_json(data, problems))
    if seed is None:
        raise SeedError(problems)
    return seed


def read_seed_json(data: object, problems: list[Problem]) -> Steps[Seed | None]:
    """A seed from its JSON value, or None with its problems noted; a record with each step."""
    noted = len(problems)
    if not isinstance(data, dict):
        problems.append(Problem(ProblemKind.TYPE, "seed", f"must be an object, not {type_name(data)}"))
        return None
    reader = Reader(data, "", problems)
    reader.only(fields_of(SeedJson))
    _check_format(data, problems)
    if "devices" not in data:
        reader.note(ProblemKind.MISSING, "devices", "is required")
        return None
    known = read_devices(data["devices"], "devices", problems)
    records = []
    for place, item in enumerate(reader.items("records", MAX_RECORDS, required=False) or []):
        records.append(_read_seed_record(item, f"records[{place}]", known, problems))
        yield None
    if len(problems) > noted:
        return None
    return Seed(tuple(known.values()), tuple(record for record in records if record is not None))


def read_devices(data: object, path: str, problems: list[Problem]) -> dict[str, Device]:
    """Devices by their ids from a JSON list; problems are noted. A device without an id gets one by its place."""
    items = Reader({path: data}, "", problems).items(path, MAX_DEVICES, low=1) or []
    known: dict[str, Device] = {}
    for place, item in enumerate(items):
        device = read_device(item, f"{path}[{place}]", problems, default_id=f"6ce{place + 1:013d}")
        if device is not None and device.device_id in known:
            problems.append(Problem(ProblemKind.ILLEGAL, f"{path}[{place}].device_id", "is there twice"))
        elif device is not None:
            known[device.device_id] = device
    return known


def read_device(data: object, path: str, problems: list[Problem], default_id: str) -> Device | None:
    """A device from its JSON value, or None with its problems noted."""
    noted = len(problems)
    reader = _reader(data, path, problems)
    given = read_shape(NewDevice, reader) if reader else {}
    if len(problems) > noted:
        return None
    device_id = given.get("device_id", default_id)
    return Device(
        device_id,
        device_name=given.get("device_name") or device_id,
        supplier_code=given.get("supplier_code", "tuya"),
        kind=DeviceKind(given.get("kind", "lot")),
        online=given.get("online", True),
    )


def read_record(
    data: object, device: Device, path: str, problems: list[Problem], also: Collection[str] = ()
) -> NewRecord | None:
    """A record of one device from its JSON value, or None with its problems noted.

    Fields with names in `also` are accepted and not read.
    """
    noted = len(problems)
    reader = _reader(data, path, problems)
    if reader is None:
        return None
    given = _read_parts(reader, also)
    if device.kind is not DeviceKind.LOT:
        problems.append(Problem(ProblemKind.ILLEGAL, path, f"belongs to a lot; {device.device_id} is a lane device"))
    return None if len(problems) > noted else _new_record(device.device_id, given)


def _read_parts(reader: Reader, also: Collection[str]) -> Mapping[str, Any]:
    """The valid fields of a record. Which fields it may have depends on its `data_type`."""
    data_type = reader.choice("data_type", (DataType.PASS, DataType.BILL))
    if data_type == DataType.PASS:
        return read_shape(NewPass, reader, also)
    if data_type == DataType.BILL:
        reader.absent("pass_direction", "belongs to passes only")
        return read_shape(NewBill, reader, ("pass_direction", *also))
    return read_fields(RecordParts, reader)


def _new_record(device_id: str, given: Mapping[str, Any]) -> NewRecord:
    data_type = DataType(given["data_type"])
    direction = PassDirection(given["pass_direction"]) if data_type is DataType.PASS else None
    details = fields_of(PassDetails if data_type is DataType.PASS else BillDetails)
    return NewRecord(
        device_id,
        given.get("record_id"),
        data_type,
        direction,
        given["event_time"],
        given.get("plate_no", ""),
        {name: given[name] for name in details if name in given},
        given.get("uplink"),
    )


def _read_seed_record(data: object, path: str, known: dict[str, Device], problems: list[Problem]) -> NewRecord | None:
    device_id = data.get("device_id") if isinstance(data, dict) else None
    device = known.get(device_id) if isinstance(device_id, str) else None
    if device is None:
        problems.append(Problem(ProblemKind.ILLEGAL, f"{path}.device_id", "must be one of the seed's devices"))
        return None
    return read_record(data, device, path, problems, also=("device_id",))


def _check_format(root: JsonObject, problems: list[Problem]) -> None:
    version = root.get("version")
    if root.get("format") != SEED_FORMAT or version != SEED_VERSION or type(version) is not int:
        text = f'must be "{SEED_FORMAT}", with version {SEED_VERSION}'
        problems.append(Problem(ProblemKind.ILLEGAL, "format", text))


def _reader(data: object, path: str, problems: list[Problem]) -> Reader | None:
    """A reader of a JSON object; None, with the problem noted, for a value of another type."""
    if isinstance(data, dict):
        return Reader(data, path, problems)
    problems.append(Problem(ProblemKind.TYPE, path, f"must be an object, not {type_name(data)}"))
    return None
