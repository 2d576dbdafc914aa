"""One customer's world, wired: devices, lots, queue, tokens, commands, on one clock, from one seed of randomness."""

from collections.abc import Callable, Container, Sequence
from dataclasses import dataclass, replace
from functools import partial
from random import Random
from typing import Literal

from mock_server.clock import Clock
from mock_server.faults.chaos import Chaos
from mock_server.faults.faults import Fault, Faults
from mock_server.history.events import DeviceChanged, FaultsChanged
from mock_server.history.log import History
from mock_server.lots.lots import Lots
from mock_server.lots.memory import MemoryStore
from mock_server.lots.seed import NewRecord, Seed, device_to_json
from mock_server.model import (
    JIESHUN,
    Command,
    DataType,
    Device,
    DeviceKind,
    Fate,
    JsonObject,
    ProcessStatus,
    Record,
    RecordKey,
    SyncInfo,
)
from mock_server.profile import Profile
from mock_server.queue.queue import Queue
from mock_server.queue.uplink import Uplink
from mock_server.vendor.commands import Commands
from mock_server.vendor.tokens import Tokens, hex_id

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
        chaos: Chaos | None = None,
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
        self.faults = Faults(self.history)
        self.tokens = Tokens(clock, self.random)
        self.uid = f"ay{access_id}"
        self.product_key = "parkingmock"
        self._first_chaos = chaos or Chaos("off", random_seed)
        self._ledger = 0
        self._consumers = 0
        self._start()

    def reset(self) -> None:
        """Go back to the seed. Consumers stay connected; tokens, messages, records, commands and history are gone."""
        self.clock.cancel_all()
        self.queue.clear()
        self.tokens.clear()
        self.history.clear()
        self.faults.reset()
        self.random.seed(self.random_seed)
        self._start()

    def _start(self) -> None:
        self._ledger += 1
        self._made = {DataType.PASS: 0, DataType.BILL: 0}
        self.devices: dict[str, Device] = {}
        self.store = MemoryStore(self.profile.time_of)
        shared = (self.history, self.random, self.faults)
        self.uplink = Uplink(self.clock, self.queue, *shared, self._ledger)
        self.lots = Lots(self.clock, self.store, self.uplink, self.profile, *shared)
        self.commands = Commands(self.clock, self.profile, self.history, self.uplink.report)
        for device in self.seed.devices:
            self.put_device(device)
        self.keep(self.seed.records)
        self.set_chaos(self._first_chaos.again())

    def set_chaos(self, chaos: Chaos) -> None:
        """Let faults strike at random from now on; `off` is calm."""
        self.chaos = chaos
        self.faults.random_faults = chaos if chaos.rates else None
        self.history.add(FaultsChanged("chaos", f"{chaos.preset} seed {chaos.seed} budget {chaos.budget}"))

    def calm(self, keep: Callable[[Fault], bool] = lambda _: False) -> None:
        """No more faults but those to keep: the other directed ones are forgotten, chaos is off."""
        self.faults.clear(keep)
        self.history.add(FaultsChanged("cleared", "directed faults"))
        self.set_chaos(Chaos("off", self.chaos.seed))

    def arm(self, fault: Fault) -> None:
        """Direct a fault."""
        self.faults.arm(fault)
        self.history.add(FaultsChanged("directed", f"{fault.kind} x {fault.times}"))

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
            kept.append(self.lots.add(record, new.fate))
        return kept

    def sync(self, device_id: str, infos: Sequence[SyncInfo], *, lost: bool = False) -> Command:
        """Issue a records/sync command and let the lot compare. CommandRefusedError leaves everything as it was.

        A `lost` command never reaches the lot and ends in status 5.
        """
        outcome = self._outcome(device_id)
        if lost:
            outcome = ProcessStatus.UNKNOWN
        command = self.commands.issue(device_id, outcome)
        if outcome is ProcessStatus.SUCCEEDED:
            self.lots.compare(command.sn, infos)
        return command

    def take_offline(self, device_id: str, for_ms: int) -> None:
        """Let a device be off line for a while."""
        self.set_online(device_id, online=False)
        self.clock.call_at(self.clock.now_ms() + for_ms, partial(self.set_online, device_id, online=True))

    def set_online(self, device_id: str, *, online: bool) -> None:
        """Let a device be on line or off line."""
        self.put_device(replace(self.devices[device_id], online=online))

    def snapshot(self) -> Seed:
        """The state as a seed: messages that wait are delivered again, those on their way keep their delay."""
        messages = self.queue.main.pending_messages()
        waiting = {message.subject.key for message in messages if isinstance(message.subject, Record)}
        records = (NewRecord.of(record, self._fate_again(record, waiting)) for record in self.store.records())
        return Seed(tuple(self.devices.values()), tuple(records))

    def _fate_again(self, record: Record, waiting: Container[RecordKey]) -> Fate:
        """What must happen to a record's message in a copy of this world."""
        if record.key in waiting:
            return "deliver"
        remaining_ms = self.uplink.remaining_ms(record)
        return "lose" if remaining_ms is None else remaining_ms

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
            "devices": [device_to_json(device) for device in self.devices.values()],
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
