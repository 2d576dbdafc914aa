"""One customer's world, wired: devices, lots, queue, tokens, commands, on one clock, from one seed of randomness."""

from collections.abc import Callable, Container, Sequence
from dataclasses import dataclass, replace
from operator import attrgetter
from random import Random
from typing import Literal

from mock_server.clock import Clock
from mock_server.commands import Commands
from mock_server.history import DeviceChanged, History
from mock_server.lot import Lots
from mock_server.model import (
    JIESHUN,
    Command,
    DataType,
    Device,
    DeviceKind,
    JsonObject,
    ProcessStatus,
    Record,
    SyncInfo,
)
from mock_server.profile import Profile
from mock_server.queue import Queue
from mock_server.seed import NewRecord, Seed
from mock_server.store import RecordKey
from mock_server.store.memory import MemoryStore
from mock_server.tokens import Tokens, hex_id
from mock_server.uplink import Uplink

RefusalReason = Literal["unknown", "lane", "jieshun", "offline"]


class CommandRefusedError(Exception):
    """A command that the device cannot take, and why."""

    def __init__(self, reason: RefusalReason, device_id: str) -> None:
        super().__init__(f"{device_id}: {reason}")
        self.reason: RefusalReason = reason


@dataclass(frozen=True, slots=True)
class Idle:
    """Whether anything is still to happen: messages not acknowledged, and timers that have not run."""

    messages: int
    timers: int

    @property
    def idle(self) -> bool:
        """True if nothing is pending."""
        return not self.messages and not self.timers


class Project:
    """Everything that belongs to one access id. Two projects never see each other."""

    def __init__(
        self,
        access_id: str,
        access_secret: str,
        seed: Seed,
        clock: Clock,
        *,
        profile: Profile | None = None,
        random_seed: int = 0,
    ) -> None:
        self.access_id = access_id
        self.access_secret = access_secret
        self.seed = seed
        self.clock = clock
        self.profile = profile or Profile()
        self.random_seed = random_seed
        self.random = Random(random_seed)  # noqa: S311 repeatable from a seed, nothing here is a secret
        self.history = History(clock.now_ms)
        self.queue = Queue(access_id, clock, self.history)
        self.tokens = Tokens(clock, self.random)
        self.uid = f"ay{access_id}"
        self.product_key = "parkingmock"
        self._ledger = 0
        self._consumers = 0
        self._start()

    def reset(self) -> None:
        """Go back to the seed. Consumers stay connected; tokens, messages, records, commands and history are gone."""
        self.clock.cancel_all()
        self.queue.clear()
        self.tokens.clear()
        self.history.clear()
        self.random.seed(self.random_seed)
        self._start()

    def _start(self) -> None:
        self._ledger += 1
        self._made = {DataType.PASS: 0, DataType.BILL: 0}
        self.devices: dict[str, Device] = {}
        self.store = MemoryStore(_time_of(self.profile))
        self.uplink = Uplink(self.clock, self.queue, self.history, self.random, self._ledger)
        self.lots = Lots(self.clock, self.store, self.uplink, self.profile, self.history, self.random)
        self.commands = Commands(self.clock, self.profile, self.history, self.uplink.report)
        for device in self.seed.devices:
            self.put_device(device)
        self.keep(self.seed.records)

    def put_device(self, device: Device) -> Device:
        """Add a device or replace it by a newer version of itself."""
        known = self.devices.get(device.device_id)
        created = known.create_time if known else self.clock.now_ms()
        kept = self.devices[device.device_id] = replace(device, create_time=created)
        self.history.add(DeviceChanged(kept.device_id, kept.device_name, kept.supplier_code, kept.kind, kept.online))
        return kept

    def keep(self, records: Sequence[NewRecord]) -> list[Record]:
        """Let the lots keep records and send them up the line; each gets a record id if it has none."""
        kept = []
        named = {(new.device_id, new.data_type, new.record_id) for new in records if new.record_id}
        for new in records:
            record = new.keep_as(new.record_id or self._new_record_id(new, named), self.clock.now_ms())
            self.lots.keep(record, new.fate)
            kept.append(record)
        return kept

    def sync(self, device_id: str, infos: Sequence[SyncInfo]) -> Command:
        """Issue a records/sync command and let the lot compare. CommandRefusedError leaves everything as it was."""
        outcome = self._outcome(device_id)
        command = self.commands.issue(device_id, outcome)
        if outcome is ProcessStatus.SUCCEEDED:
            self.lots.compare(command.sn, infos)
        return command

    def idle(self) -> Idle:
        """What is still to happen."""
        return Idle(messages=self.queue.pending, timers=self.clock.pending)

    def new_device_id(self) -> str:
        """A free device id in the vendor's style."""
        number = len(self.devices) + 1
        while (device_id := f"6ce{number:013d}") in self.devices:
            number += 1
        return device_id

    def new_tid(self) -> str:
        """The trace id of the next answer."""
        return hex_id(self.random)

    def new_consumer_id(self) -> str:
        """A name for the next consumer."""
        self._consumers += 1
        return f"consumer-{self._consumers}"

    def exports(self, api: str, ws: str, lab: str) -> JsonObject:
        """What a client must be told to use this project: the object of `serve --json`."""
        return {
            "api": api,
            "ws": ws,
            "lab": lab,
            "access_id": self.access_id,
            "access_secret": self.access_secret,
            "devices": [device_export(device) for device in self.devices.values()],
        }

    def _outcome(self, device_id: str) -> ProcessStatus:
        device = self.devices.get(device_id)
        if device is None:
            raise CommandRefusedError("unknown", device_id)
        if device.kind is DeviceKind.LANE:
            raise CommandRefusedError("lane", device_id)
        if device.supplier_code == JIESHUN:
            return self._or_refuse("jieshun", device_id, self.profile.jieshun, ProcessStatus.FAILED)
        if not device.online:
            return self._or_refuse("offline", device_id, self.profile.offline, ProcessStatus.UNKNOWN)
        return ProcessStatus.SUCCEEDED

    def _or_refuse(self, reason: RefusalReason, device_id: str, choice: str, outcome: ProcessStatus) -> ProcessStatus:
        if choice == "refuse":
            raise CommandRefusedError(reason, device_id)
        return outcome

    def _new_record_id(self, new: NewRecord, named: Container[RecordKey]) -> str:
        """The next free id of its kind; those in `named` are about to be taken."""
        prefix = "pass" if new.data_type is DataType.PASS else "bill"
        while True:
            self._made[new.data_type] += 1
            record_id = f"{prefix}-{self._made[new.data_type]:06d}"
            key = (new.device_id, new.data_type, record_id)
            if key not in named and self.store.get(key) is None:
                return record_id


def device_export(device: Device) -> JsonObject:
    """A device as the lab plane tells it."""
    return {
        "device_id": device.device_id,
        "device_name": device.device_name,
        "supplier_code": device.supplier_code,
        "kind": device.kind.value,
        "online": device.online,
    }


def _time_of(profile: Profile) -> Callable[[Record], int]:
    """Which time of a record puts it into a window (A3)."""
    return attrgetter("event_time" if profile.window_time == "event" else "created_time")
