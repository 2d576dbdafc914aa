"""The shapes of the lab API's requests and answers. Their docstrings are descriptions in the OpenAPI document.

The readers, the OpenAPI document and the types of `LabClient` are made from these declarations. Times are in epoch
milliseconds, amounts in fen.
"""

from typing import Annotated, Any, Literal, NotRequired, Required, TypeAlias, TypedDict, get_args

from mock_server.faults.catalogue import CATALOGUE
from mock_server.faults.chaos import MAX_BUDGET, PRESETS
from mock_server.guide import Order, Speed, Who
from mock_server.model import LATEST_MS, Fate, JsonObject, TopicName
from mock_server.problems import ProblemKind, Reader
from mock_server.shapes import Keywords, Kind, OneOf, Text, Whole, schema_of

SEED_FORMAT = "parking-mock/seed"
SEED_VERSION = 1

MAX_DEVICES = 10_000
"""The most devices of a new project (our choice)."""

MAX_RECORDS = 1_000_000
"""The most records of one seed or one call (our choice)."""

MIN_SECRET_LENGTH = 24
"""The shortest access secret: its characters 8 to 23 are the key of messages (documented)."""

Count = Annotated[int, Keywords(minimum=0)]
"""An integer of an answer, 0 or more."""

Struck = Annotated[dict[str, Count], "faults that struck, by kind"]

AccessId = Annotated[str, Text(1, 64, "^[A-Za-z0-9_-]{1,64}$", "must have letters, digits, - and _ only")]
AccessSecret = Annotated[str, Text(MIN_SECRET_LENGTH, 128, "^[!-~]+$", "must have visible ASCII signs only")]
DeviceId = Annotated[
    str, Text(1, 64, "^[^/]*[^/.][^/]*$", "must not have a slash nor be dots only: it is a part of a path")
]
DeviceName = Annotated[str, Text(0, 128)]
SupplierCode = Annotated[str, Text(1, 64), "the brand; `jieshun` does not support records/sync"]
DeviceType: TypeAlias = Literal["lot", "lane"]
SeedName: TypeAlias = Literal["quiet-lot", "busy-day", "many-brands"]
ClockName: TypeAlias = Literal["system", "virtual"]
RecordId = Annotated[str, Text(1, 64)]
EventTime = Annotated[int, Whole(), "epoch ms: pass time of a pass, payment time of a bill"]
PlateNo = Annotated[str, Text(0, 32)]
Direction = Annotated[Literal[0, 1], "0 enter, 1 leave"]
Detail = Annotated[str, Text(0, 1024)]
Number = Annotated[int, Whole()]
ClockTime = Annotated[int, Whole(0, LATEST_MS)]
ChaosPreset = Annotated[str, OneOf(tuple(PRESETS))]
FaultName = Annotated[str, OneOf(tuple(CATALOGUE))]


class DeviceJson(TypedDict):
    """A device."""

    device_id: DeviceId
    device_name: DeviceName
    supplier_code: SupplierCode
    kind: DeviceType
    online: bool


class NewDevice(TypedDict, total=False):
    """A device to add."""

    device_id: DeviceId
    device_name: DeviceName
    supplier_code: SupplierCode
    kind: DeviceType
    online: bool


class DeviceChange(TypedDict, total=False):
    """What can change of a device."""

    device_name: DeviceName
    supplier_code: SupplierCode
    online: bool


class NewSubscription(TypedDict, total=False):
    """A subscription of the queue to make, `{access_id}-{suffix}`."""

    suffix: Required[Annotated[str, Text(1, 64, "^[^/]+$", "must not have a slash: it is a part of a path")]]
    topic: Annotated[TopicName, Keywords(default="event")]


class SubscriptionJson(TypedDict):
    """A subscription of the queue: how many of its messages are not acknowledged, how many consumers it has."""

    topic: TopicName
    subscription: str
    pending: Count
    consumers: Count


class Delay(TypedDict):
    """The message of a record comes late."""

    delay_ms: Number


UplinkWord: TypeAlias = Literal["deliver", "lose", "duplicate"]
UplinkJson: TypeAlias = UplinkWord | Delay


class UplinkKind(Kind):
    """What happens to the message of a record: `UplinkJson`, read as a `Fate`."""

    def read(self, reader: Reader, name: str, *, required: bool = False) -> Fate:  # noqa: ARG002 no record needs one
        """The fate; None if the field is absent or its problem was noted."""
        value: Any = reader.raw(name)
        if name not in reader or value in get_args(UplinkWord):
            return value  # type: ignore[no-any-return]  # absent, or one of the words of a fate
        if isinstance(value, dict) and set(value) == {"delay_ms"}:
            return reader.inner(name, value).integer("delay_ms")
        reader.note(ProblemKind.ILLEGAL, name, 'must be "deliver", "lose", "duplicate" or {"delay_ms": n}')
        return None

    def schema(self) -> JsonObject:
        """The schema of `UplinkJson`."""
        return schema_of(UplinkJson)


class RecordParts(TypedDict, total=False):
    """What a record of either kind has."""

    event_time: Required[EventTime]
    record_id: RecordId
    plate_no: PlateNo
    uplink: Annotated[UplinkJson, UplinkKind()]


class PassDetails(TypedDict, total=False):
    """What a vehicle pass may have besides."""

    lane_device_id: Detail
    car_type: Number
    image_url: Detail


class BillDetails(TypedDict, total=False):
    """What a temporary parking bill may have besides."""

    order_no: Detail
    enter_time: Number
    leave_time: Number
    payable_amount: Number
    paid_amount: Number
    pay_method: Number


class _OfPass(TypedDict):
    data_type: Literal[0]
    pass_direction: Direction


class _OfBill(TypedDict):
    data_type: Literal[1]


class NewPass(_OfPass, RecordParts, PassDetails):
    """A vehicle pass."""


class NewBill(_OfBill, RecordParts, BillDetails):
    """A temporary parking bill; amounts are fen."""


class SeedPass(NewPass):
    """A vehicle pass of a seed."""

    device_id: DeviceId


class SeedBill(NewBill):
    """A temporary parking bill of a seed; amounts are fen."""

    device_id: DeviceId


NewRecordJson: TypeAlias = NewPass | NewBill
SeedRecordJson: TypeAlias = SeedPass | SeedBill


class RecordJson(TypedDict):
    """A record as the lot keeps it; the details of its kind come with it."""

    device_id: str
    data_type: Literal[0, 1]
    record_id: RecordId
    pass_direction: NotRequired[Literal[0, 1]]
    event_time: EventTime
    plate_no: PlateNo
    uplink: NotRequired[UplinkJson]


class SeedJson(TypedDict):
    """A seed file; every record's device_id is one of its lots, every device_id is there once."""

    format: Annotated[str, OneOf((SEED_FORMAT,))]
    version: Annotated[int, OneOf((SEED_VERSION,))]
    devices: Annotated[list[NewDevice], Keywords(minItems=1, maxItems=MAX_DEVICES)]
    records: NotRequired[Annotated[list[SeedRecordJson], Keywords(maxItems=MAX_RECORDS)]]
    comment: NotRequired[object]


ProfileJson: TypeAlias = str | JsonObject


class ChaosSettings(TypedDict, total=False):
    """Chaos with settings of its own."""

    preset: Required[ChaosPreset]
    seed: Number
    budget: Annotated[int, Whole(0, MAX_BUDGET), "how many faults at most"]


ChaosJson: TypeAlias = ChaosPreset | ChaosSettings


class NewProject(TypedDict, total=False):
    """A project to make; everything is optional."""

    access_id: AccessId
    access_secret: AccessSecret
    devices: Annotated[list[NewDevice], Keywords(minItems=1, maxItems=MAX_DEVICES)]
    seed: Annotated[int, Whole(), "of all randomness"] | SeedName | SeedJson
    profile: ProfileJson
    chaos: ChaosJson
    clock: Annotated[ClockName, Keywords(default="system")]
    now_ms: Annotated[int, Whole(0, LATEST_MS), "where a virtual clock starts"]


_PRINTED = r"[^/\x00-\x1f\x7f-\x9f\u2028\u2029]"

CheckpointName = Annotated[
    str,
    Text(
        1,
        64,
        f"^{_PRINTED}*{_PRINTED.replace('/', '/.')}{_PRINTED}*$",
        "must be printable, and have neither a slash nor dots only: it is a part of a path",
    ),
]


class NewCheckpoint(TypedDict, total=False):
    """The present moment of a project to keep. Without a name it gets a free one, `checkpoint-1` and so on."""

    name: CheckpointName


class ForkOrder(TypedDict, total=False):
    """Which moment of a project a new one is to begin with: the present one if neither is given.

    `at` is the number of a line of its history.
    """

    at: Annotated[int, Whole(), "behind this line of its history"]
    checkpoint: CheckpointName
    access_id: AccessId
    access_secret: AccessSecret


class ClockMove(TypedDict, total=False):
    """By how much, or until when; not into the past. One of the two."""

    advance_ms: ClockTime
    to_ms: ClockTime


class GuideOrder(TypedDict, total=False):
    """How the story goes on."""

    order: Order
    speed: Speed
    act: Annotated[int, Whole(0, 99)]


class Exports(TypedDict):
    """What a client must be told to use a project: the object of `serve --json`."""

    api: str
    ws: str
    pulsar: str
    lab: str
    access_id: str
    access_secret: str
    devices: list[DeviceJson]


class ForkJson(Exports):
    """A project that was made by a fork: its exports, and the line of the history that it is really behind.

    That is the end of what was done at once with the line that was asked for.
    """

    line: Count


class CheckpointJson(TypedDict):
    """A kept moment: the line of the history that it is behind, the time of the project's clock, what there was.

    `messages` are those that were not acknowledged.
    """

    name: str
    line: Count
    now_ms: Count
    devices: Count
    records: Count
    messages: Count


class PendingWork(TypedDict):
    """What is still to happen."""

    messages: Count
    timers: Count


class IdleJson(TypedDict):
    """Whether anything is pending, and the project's time."""

    idle: bool
    now_ms: Count
    pending: PendingWork
    waits_for: Annotated[list[str], "what is pending, in words"]


class ClockJson(IdleJson):
    """How far a clock was moved. `reached` is False where one call would take too long: go on `to_ms`."""

    reached: bool
    to_ms: Count


class ChaosRunJson(TypedDict):
    """A run of chaos: what it may do, and what of its budget is used."""

    preset: ChaosPreset
    seed: Count
    budget: Count
    used: Count
    kinds: list[FaultName]


class ProjectJson(Exports):
    """A project: exports, clock, faults used, counts per device."""

    clock: ClockName
    now_ms: Count
    records: Annotated[dict[str, Count], "records by device"]
    chaos: ChaosRunJson
    struck: Struck
    profile: Annotated[dict[str, Any], "every open point and its answer"]
    history: Annotated[int, Keywords(minimum=0), "the number of the newest entry"]
    pending: PendingWork


class CellJson(TypedDict):
    """A cell; times are epoch milliseconds, `pass_direction` is None for bills."""

    device_id: str
    data_type: Literal[0, 1]
    pass_direction: Literal[0, 1] | None
    start_time: int
    end_time: int


class RereportJson(TypedDict):
    """A re-report."""

    sn: str
    time: Count
    cell: CellJson
    claimed: Count
    counted: Count
    record_ids: list[str]
    message_ids: list[str]


class GuideJson(TypedDict):
    """The present caption of the demo's story, and how the story goes on."""

    number: Count
    project: str
    acts: list[str]
    act: Count
    step: Count
    who: Who | None
    caption: str
    lines: list[str]
    paused: bool
    speed: Speed
    ended: bool
    cell: CellJson | None


class HealthJson(TypedDict):
    """That the server is up."""

    status: Literal["ok"]
    version: str


class _Refusal(TypedDict):
    code: Annotated[str, "stable: programs may depend on it"]
    message: Annotated[str, "what to do"]
    server: NotRequired[Annotated[str, "with `held_elsewhere`: the lab plane of the server that has the project"]]


class ErrorJson(TypedDict):
    """A refusal of the lab API."""

    error: _Refusal
