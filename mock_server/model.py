"""The vocabulary as types: devices, records, cells, re-reports, commands, messages.

Times are epoch milliseconds, amounts are fen. Nothing here knows a clock, a store or a wire format.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from enum import IntEnum, StrEnum
from typing import Literal, NamedTuple, Protocol, TypeAlias

from msgspec import Struct, field

SECOND, MINUTE, HOUR, DAY = 1_000, 60_000, 3_600_000, 86_400_000
"""Lengths of time, in milliseconds."""

MAX_WINDOW_MS = DAY
"""The longest window of one sync info (documented): 24 hours."""

LATEST_MS = 253_402_300_799_999
"""The last millisecond of the year 9999: as far as a clock goes."""

INT64_MAX = 2**63 - 1
"""The largest value of the vendor's `Long`."""

JsonScalar: TypeAlias = str | int | float | bool | None
JsonObject: TypeAlias = dict[str, object]
JsonValue: TypeAlias = JsonScalar | list[object] | JsonObject


class DataType(IntEnum):
    """What a count is about (documented)."""

    PASS = 0
    BILL = 1


class PassDirection(IntEnum):
    """Which way a vehicle passed (documented)."""

    ENTER = 0
    LEAVE = 1


class DeviceKind(StrEnum):
    """A parking lot keeps records; a lane device only reports them (documented: commands go to the lot)."""

    LOT = "lot"
    LANE = "lane"


class ProcessStatus(IntEnum):
    """How far a command has come (documented)."""

    SENDING = 1
    SENT = 2
    SUCCEEDED = 3
    FAILED = 4
    UNKNOWN = 5


class Spoils(StrEnum):
    """What a fault spoils of what the lot and the cloud would otherwise have told a client."""

    DELIVERY = "delivery"
    """A message comes late, twice, in another order or not at all."""

    CONTENT = "content"
    """A message does not say what it was published with."""

    ANSWER = "answer"
    """A call is not carried out, or its answer does not say, whole and in time, what became of it."""

    RECORD = "record"
    """The lot's own record is an odd one, or is changed later."""

    NOTHING = "nothing"
    """All that is told is true and comes in time, in a form that a client must be able to take."""


_SHORT_PLATE = 5


def mask_plate(plate_no: str) -> str:
    """A plate fit to be shown: its first two signs and its last one; of a short one nothing."""
    if len(plate_no) < _SHORT_PLATE:
        return "***" if plate_no else ""
    return f"{plate_no[:2]}***{plate_no[-1]}"


JIESHUN = "jieshun"
"""The supplier code of the brand that does not support records/sync (documented brand; the code is our choice)."""


@dataclass(frozen=True, slots=True)
class Device:
    """A parking lot or a lane device of one project."""

    device_id: str
    device_name: str
    supplier_code: str = "tuya"
    kind: DeviceKind = DeviceKind.LOT
    online: bool = True
    create_time: int = 0


class Addresses(NamedTuple):
    """Where a server is reached, as URLs.

    `api` and `lab` end without a slash, `ws` with the one that the SDKs need. `pulsar` is the queue as native Pulsar;
    the same port speaks TLS, as `pulsar+ssl://`.
    """

    api: str
    ws: str
    pulsar: str
    lab: str


class Line(NamedTuple):
    """What is counted together, whatever the window. `pass_direction` is None for bills."""

    device_id: str
    data_type: DataType
    pass_direction: PassDirection | None


class Record(Struct, frozen=True, gc=False):
    """One vehicle pass or one temporary parking bill, as the lot keeps it.

    `event_time` is the pass time of a pass and the payment time of a bill; `created_time` is when the lot got the
    record. `details` holds the further fields of its kind under their lab names (`lane_device_id`, ...).
    """

    record_id: str
    device_id: str
    data_type: DataType
    pass_direction: PassDirection | None
    event_time: int
    plate_no: str = ""
    created_time: int = 0
    details: Mapping[str, JsonScalar] = field(default_factory=dict)

    def __repr__(self) -> str:
        """What it is, with a masked plate and the names of its further fields only: an image's URL is private."""
        kind = "bill" if self.pass_direction is None else self.pass_direction.name.lower()
        further = f", with {', '.join(self.details)}" if self.details else ""
        plate = mask_plate(self.plate_no) or "no plate"
        return f"<Record {self.record_id}: {kind} at {self.event_time}, {plate}, lot {self.device_id}{further}>"

    @property
    def line(self) -> Line:
        """The line in which this record counts."""
        return Line(self.device_id, self.data_type, self.pass_direction)

    @property
    def key(self) -> tuple[str, DataType, str]:
        """What makes it the same record: the lot, the data type and the record id."""
        return (self.device_id, self.data_type, self.record_id)


class TimedRecord(Protocol):
    """Whatever has the two times of a record, one of which puts it into a window."""

    @property
    def event_time(self) -> int:
        """When it happened."""

    @property
    def created_time(self) -> int:
        """When the lot got it."""


class Cell(Struct, frozen=True, gc=False):
    """What one claimed count is about: a line and the window as the client wrote it."""

    device_id: str
    data_type: DataType
    pass_direction: PassDirection | None
    start_time: int
    end_time: int

    @property
    def line(self) -> Line:
        """The line of the cell."""
        return Line(self.device_id, self.data_type, self.pass_direction)


class SyncInfo(NamedTuple):
    """One claimed count."""

    cell: Cell
    claimed: int


class AskedEntry(Struct, frozen=True, gc=False):
    """One entry of a sync body as the client sent it, valid or not.

    `cell` is None if its fields form none; `claimed` is the value of its count, None if there is none. `raw` is the
    entry as sent, with the fields of the endpoint in any spelling (lists and objects emptied, texts shortened). It is
    None if cell and count say it all: the entry then has exactly the fields that its data type needs, each an integer.
    """

    cell: Cell | None
    claimed: JsonValue
    raw: JsonValue = None

    @property
    def fields(self) -> JsonObject:
        """Its fields by name: as sent, or in snake case if `raw` is None. Empty if the entry is no object."""
        if self.cell is None or self.raw is not None:
            return self.raw if isinstance(self.raw, dict) else {}
        cell = self.cell
        found: JsonObject = {"total_count": self.claimed, "start_time": cell.start_time, "end_time": cell.end_time}
        return found if cell.pass_direction is None else found | {"pass_direction": int(cell.pass_direction)}


class Rereport(Struct, frozen=True, gc=False):
    """The lot publishing a cell's records again after a mismatch. `time` is when it was decided."""

    sn: str
    time: int
    cell: Cell
    claimed: int
    counted: int
    record_ids: tuple[str, ...]
    message_ids: tuple[str, ...]


class Command(Struct, frozen=True, gc=False):
    """What one API call asks of a device, and how far it has come."""

    sn: str
    device_id: str
    happen_time: int
    status: ProcessStatus = ProcessStatus.SENDING


class CommandResult(Struct, frozen=True, gc=False):
    """The outcome of a command as the queue tells it: a command's fields at its last status."""

    sn: str
    device_id: str
    happen_time: int
    status: ProcessStatus


class UnknownEvent(Struct, frozen=True, gc=False):
    """An event of a kind that no page names, which a client must survive."""

    device_id: str


TopicName: TypeAlias = Literal["event", "event-test"]
"""The production and the test topic of the queue (documented)."""

Origin: TypeAlias = Literal["uplink", "rereport", "command"]


class Message(Struct, frozen=True, gc=False):
    """One publication on the queue. A second publication of a record has new `message_id` and `data_id`."""

    message_id: str
    data_id: str
    publish_time: int
    subject: Record | CommandResult | UnknownEvent
    origin: Origin


Fate: TypeAlias = Literal["deliver", "lose", "duplicate"] | int | None
"""What happens to a record's message on its way, faults or no faults; a number delays it by that many milliseconds.
None leaves it to the faults."""


RecordKey: TypeAlias = tuple[str, int, str]
"""Device id, data type and record id: what makes it the same record."""


class CarType(IntEnum):
    """Kinds of cars (named on the page of a sister product; the numbers are our choice)."""

    LONG_TERM = 0
    TEMPORARY = 1
    UNLICENSED = 3


UNKNOWN_ENUM = 99
"""A car type and a pay method of no table."""
