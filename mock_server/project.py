"""One customer's project: its devices, lots, queue, tokens and commands, with one clock and one random seed."""

import re
from collections.abc import Callable, Container, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from itertools import takewhile
from typing import ClassVar, Literal

from msgspec import structs

from mock_server.clock import Clock, VirtualClock
from mock_server.faults.chaos import Chaos, ChaosProgress
from mock_server.faults.faults import Fault, Faults
from mock_server.history.connected import connected_in, with_subscription
from mock_server.history.events import DeviceChanged, FaultsChanged
from mock_server.history.log import Entry, History
from mock_server.lab_shapes import ClockName
from mock_server.lots.lots import Lots
from mock_server.lots.memory import MemoryStore
from mock_server.lots.seed import NewRecord, Seed, device_to_json
from mock_server.model import (
    JIESHUN,
    Addresses,
    Command,
    DataType,
    Device,
    DeviceKind,
    Fate,
    JsonObject,
    Message,
    ProcessStatus,
    Record,
    RecordKey,
    SyncInfo,
)
from mock_server.profile import Profile
from mock_server.queue.consumer import ACK_TIMEOUT
from mock_server.queue.queue import Queue
from mock_server.queue.subscription import Subscription
from mock_server.queue.uplink import Uplink
from mock_server.state.checkpoints import Checkpoint, Checkpoints
from mock_server.state.journal import Journal, NotThereYetError, State
from mock_server.state.later import Later
from mock_server.state.repeatable import RepeatableRandom
from mock_server.state.rows import Table
from mock_server.steps import Steps, at_once
from mock_server.vendor.commands import Commands
from mock_server.vendor.tokens import Tokens, hex_id
from mock_server.wire.encryption import queue_password

RefusalReason = Literal["unknown", "lane", "jieshun", "offline"]


class CommandRefusedError(Exception):
    """A command that the device cannot take, with the reason."""

    def __init__(self, reason: RefusalReason, device_id: str) -> None:
        super().__init__(f"{device_id}: {reason}")
        self.reason: RefusalReason = reason


@dataclass(frozen=True, slots=True)
class Idle:
    """The number of messages that are not acknowledged, and of timers that have not run."""

    messages: int
    timers: int

    @property
    def idle(self) -> bool:
        """True if both are 0."""
        return not self.messages and not self.timers


@dataclass(frozen=True, slots=True)
class OnlineDue:
    """A device comes on line again."""

    what: ClassVar[str] = "lot off line"
    device_id: str


_IDS_GIVEN = ("consumers", "ledger", "entry")
"""Registers that a world keeps when it goes back: consumers stay, and no message id is given twice."""


def _without_ids(state: State) -> State:
    """The state without what says which ids are given."""
    registers = {name: value for name, value in state.registers.items() if name not in _IDS_GIVEN}
    return State(state.rows, registers)


@dataclass(frozen=True, slots=True)
class ProjectAbout:
    """What a project is made from. `chaos` is that of its beginning; the clock is the system's or a virtual one."""

    access_id: str
    access_secret: str
    seed: Seed
    profile: Profile
    random_seed: int
    chaos: ChaosProgress
    clock: ClockName

    def make(self, clock: Clock) -> "Project":
        """A project of this kind, in which there is nothing yet."""
        return Project(
            self.access_id,
            self.access_secret,
            self.seed,
            clock,
            profile=self.profile,
            random_seed=self.random_seed,
            chaos=Chaos.at(self.chaos),
            filled=False,
        )


@dataclass(frozen=True, slots=True)
class Moment:
    """A world behind a line of its history: its state, the lines up to there that are kept, and the time."""

    state: State
    entries: tuple[Entry, ...]
    line: int
    now_ms: int

    def kept_as(self, name: str) -> Checkpoint["Moment"]:
        """The checkpoint of that name. Of messages those count that the project waits for."""
        rows = self.state.rows
        awaited = [number for number, about in rows["subscriptions"].items() if about.attended]
        messages = sum(len(rows.get(f"messages {number}", ())) for number in awaited)
        devices, records = (len(rows.get(kind, ())) for kind in ("devices", "records"))
        return Checkpoint(name, self.line, self.now_ms, devices, records, messages, lambda: self)

    def renamed(self, before: str, after: str) -> "Moment":
        """The same in a project of another access id, which begins the names of subscriptions."""
        own = re.compile(f"^{re.escape(before)}-")
        about = {
            number: about._replace(name=own.sub(f"{after}-", about.name))
            for number, about in self.state.rows["subscriptions"].items()
        }
        entries = tuple(with_subscription(entry, lambda name: own.sub(f"{after}-", name)) for entry in self.entries)
        state = replace(self.state, rows={**self.state.rows, "subscriptions": about})
        return replace(self, state=state, entries=entries)


class Project:
    """Everything that belongs to one access id. Projects are isolated from each other.

    One that is not `filled` has neither the records of its seed nor its chaos before `filling`.
    """

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
        filled: bool = True,
    ) -> None:
        self.access_id = access_id
        self.access_secret = access_secret
        self.queue_password = queue_password(access_id, access_secret)
        self.seed = seed
        self.clock = clock
        self.profile = profile or Profile()
        self.random_seed = random_seed
        self.random = RepeatableRandom(random_seed)
        self.history = History(clock.now_ms)
        self.journal = journal = Journal(self.history)
        self.uid = f"ay{access_id}"
        self.product_key = "parkingmock"
        self._first_chaos = chaos or Chaos("off", random_seed)
        self._ids_given = {DataType.PASS: journal.number("passes"), DataType.BILL: journal.number("bills")}
        self._consumers = journal.number("consumers")
        self._unfilled = journal.number("unfilled")
        journal.register("random", self.random)
        self.devices: Table[str, Device] = journal.table("devices")
        self.store = MemoryStore(self.profile.time_of, journal.note)
        journal.add(self.store)
        self.later = later = Later(clock, journal)
        self.queue = Queue(access_id, clock, self.history, journal, self.profile.queue_partitions)
        self.faults = Faults(self.history, journal)
        self.tokens = Tokens(clock, self.random, journal)
        shared = (self.history, self.random, self.faults, later)
        self.uplink = Uplink(clock, self.queue, *shared)
        self.lots = Lots(clock, self.store, self.uplink, self.profile, *shared)
        self.commands = Commands(clock, self.profile, self.history, later, self.uplink.report)
        self.checkpoints: Checkpoints[Moment] = Checkpoints()
        self._chaos_progress = journal.number("chaos")
        self._choose_chaos(Chaos("off", random_seed))
        later.on(OnlineDue, lambda due: self.set_online(due.device_id, online=True))
        self._empty = journal.present()
        journal.begin()
        if filled:
            at_once(self.filling())

    def __repr__(self) -> str:
        """Its access id, devices and records; nothing secret."""
        return f"<Project {self.access_id}: {len(self.devices)} devices, {len(self.store)} records>"

    @property
    def secrets(self) -> tuple[str, ...]:
        """What must be in no history: its secret, and the password of its queue that is derived from it."""
        return self.access_secret, self.queue_password

    def reset(self) -> None:
        """Go back to the seed. Drops tokens, messages, records, commands and history; consumers stay connected."""
        at_once(self.resetting())

    def resetting(self) -> Steps[None]:
        """`reset`, a record of the seed with each step."""
        self.uplink.open_ledger()
        self._take(Moment(_without_ids(self._empty), (), 0, self.clock.now_ms()))
        yield from self.filling()

    def filling(self) -> Steps[None]:
        """Keep what the seed has, a record with each step, then let chaos begin. A reset meanwhile takes its place."""
        with self.journal:
            self._unfilled.value = len(self.seed.records) + 1
            for device in self.seed.devices:
                self.put_device(device)
        yield from self.filling_up(self._unfilled.value)

    def filling_up(self, left: int) -> Steps[None]:
        """The end of `filling`: so many steps that are left, the last of which is the chaos."""
        self._unfilled.value, resets = left, self.history.resets
        keeping = self.keep_one_by_one(self.seed.records[max(0, len(self.seed.records) + 1 - left) :])
        while self._unfilled.value > 1 and self.history.resets == resets:
            with self.journal:
                next(keeping, None)
                self._unfilled.value -= 1
            yield None
        if left and self.history.resets == resets:
            with self.journal:
                self._unfilled.value = 0
                self.set_chaos(self._first_chaos.again())

    def moment(self, line: int | None = None) -> Moment:
        """The world of now, or as it was behind a line of the history.

        ForgottenError if that is too long ago, NotThereYetError if there is no such line yet.
        """
        if line is not None and line > self.history.last:
            raise NotThereYetError(line, self.journal.oldest, self.history.last)
        if line is None:
            return Moment(self.journal.present(), tuple(self.history.after()), self.history.last, self.clock.now_ms())
        state, end = self.journal.at(line)
        entries = tuple(takewhile(lambda entry: entry.seq <= end, self.history.after()))
        return Moment(state, entries, end, entries[-1].time if entries else self.clock.now_ms())

    def checkpoint(self, name: str | None = None) -> Checkpoint[Moment]:
        """Keep this moment by a name, a free one if none is given. CheckpointError if that cannot be."""
        name = self.checkpoints.free_name() if name is None else name
        self.checkpoints.check(name)
        return self.checkpoints.add(self.moment().kept_as(name))

    def go_back(self, moment: Moment) -> None:
        """Let the world be as it was; consumers stay connected, and get what is not acknowledged then.

        No message id and no consumer id is given twice: what is published from then on has ids of a new ledger.
        """
        self.uplink.open_ledger()
        self._take(replace(moment, state=_without_ids(moment.state)))
        self._tell_consumers()
        self.queue.go_on()
        self.history.wake()

    def resume(self, moment: Moment) -> None:
        """Be what another project of this kind was; in this one nothing has happened yet."""
        self._take(moment)
        self._tell_consumers()

    def _tell_consumers(self) -> None:
        """Let the history say who is connected, where it is that of another time."""
        known = connected_in(self.history.after())
        present = {
            (each.topic, each.name, consumer.consumer_id, each.partition): (each, consumer)
            for each in self.queue.subscriptions()
            for consumer in each.consumers
        }
        for key, event in known.items():
            if key not in present:
                self.history.add(structs.replace(event, change="disconnected"))
        for key, (subscription, consumer) in present.items():
            if key not in known:
                subscription.tell_of(consumer)

    def fork(self, access_id: str, access_secret: str, moment: Moment) -> "Project":
        """Another project with keys of its own that is as this one was, with a clock of the same kind."""
        other = replace(self.about, access_id=access_id, access_secret=access_secret).make(self.clock.another())
        other.resume(moment.renamed(self.access_id, access_id))
        return other

    @property
    def about(self) -> ProjectAbout:
        """What it is made from."""
        clock: ClockName = "virtual" if isinstance(self.clock, VirtualClock) else "system"
        chaos = self._first_chaos.again().progress
        keys = (self.access_id, self.access_secret)
        return ProjectAbout(*keys, self.seed, self.profile, self.random_seed, chaos, clock)

    def _take(self, moment: Moment) -> None:
        self.clock.cancel_all()
        if isinstance(self.clock, VirtualClock):
            self.clock.set_to(moment.now_ms)
        self.history.load(moment.entries, moment.line)
        self.journal.resume(moment.state)
        self._unfilled.value = 0  # it is as it was then, also where that was on the way from its seed
        self._choose_chaos(Chaos.at(self._chaos_progress.value))

    def set_chaos(self, chaos: Chaos) -> None:
        """Draw random faults from this chaos from now on; preset `off` has none."""
        with self.journal:
            self._choose_chaos(chaos)
            self.history.add(FaultsChanged("chaos", f"{chaos.preset} seed {chaos.seed} budget {chaos.budget}"))

    def _choose_chaos(self, chaos: Chaos) -> None:
        chaos.note_progress_in(self._chaos_progress)
        self.chaos = chaos
        self.faults.random_faults = chaos if chaos.rates else None

    def calm(self, keep: Callable[[Fault], bool] = lambda _: False) -> None:
        """Turn chaos off and drop the directed faults, except those for which `keep` returns True."""
        with self.journal:
            self.faults.clear(keep)
            self.history.add(FaultsChanged("cleared", "directed faults"))
            self.set_chaos(Chaos("off", self.chaos.seed))

    def arm(self, fault: Fault) -> None:
        """Add a directed fault."""
        with self.journal:
            self.faults.arm(fault)
            self.history.add(FaultsChanged("directed", f"{fault.kind} x {fault.times}"))

    def put_device(self, device: Device) -> Device:
        """Add a device, or replace the one with its id. Returns it with its time of creation."""
        known = self.devices.get(device.device_id)
        created = known.create_time if known else self.clock.now_ms()
        kept = replace(device, create_time=created)
        with self.journal:
            self.devices.put(device.device_id, kept)
            said = (kept.device_id, kept.device_name, kept.supplier_code, kept.kind, kept.online)
            self.history.add(DeviceChanged(*said))
        return kept

    def keep(self, records: Sequence[NewRecord]) -> list[Record]:
        """Add records to their lots, which publish them. A record without a record id is assigned one."""
        return list(self.keep_one_by_one(records))

    def keep_one_by_one(self, records: Sequence[NewRecord]) -> Iterator[Record]:
        """`keep`, one record with each step of the iterator."""
        named = {(new.device_id, new.data_type, new.record_id) for new in records if new.record_id}
        for new in records:
            with self.journal:
                record = new.keep_as(new.record_id or self._new_record_id(new, named), self.clock.now_ms())
                kept = self.lots.add(record, new.fate)
            yield kept

    def sync(self, device_id: str, infos: Sequence[SyncInfo], *, lost: bool = False) -> Command:
        """Issue a records/sync command and compare its counts. CommandRefusedError, before any change, if refused.

        A `lost` command never reaches the lot and ends in status 5.
        """
        outcome = self._outcome(device_id)
        if lost:
            outcome = ProcessStatus.UNKNOWN
        with self.journal:
            command = self.commands.issue(device_id, outcome)
            if outcome is ProcessStatus.SUCCEEDED:
                self.lots.compare(command.sn, infos)
        return command

    def take_offline(self, device_id: str, for_ms: int) -> None:
        """Set a device off line, and on line again after `for_ms` milliseconds."""
        with self.journal:
            self.set_online(device_id, online=False)
            self.later.at(self.clock.now_ms() + for_ms, OnlineDue(device_id))

    def set_online(self, device_id: str, *, online: bool) -> None:
        """Set a device on line or off line."""
        self.put_device(replace(self.devices[device_id], online=online))

    def snapshot_records(self) -> Iterator[NewRecord | None]:
        """The records of this moment for a seed, each made when it is asked for; None is a step without one.

        Those with a pending message are delivered again, delayed ones keep their delay.
        """
        published = [message for main in self.queue.mains for message in main.pending_messages()]
        return _made_again(list(self.store.records()), published, self.uplink.remaining_ms())

    def close(self) -> None:
        """Stop every timer, end every wait, and let go of the state: nobody finds the project any more."""
        self.clock.cancel_all()
        self.later.close()
        self.journal.close()
        self.history.wake()

    def idle(self) -> Idle:
        """What is still pending."""
        return Idle(messages=self.queue.pending, timers=self.clock.pending)

    def pending(self) -> list[str]:
        """What is pending in words, such as "command status (2, the next in 50 ms)"."""
        words = [
            _unacknowledged(parts)
            for parts in self.queue.named()
            if any(part.pending and part.attended for part in parts)
        ]
        due: dict[str, list[int]] = {}
        for timer in self.clock.timers():
            due.setdefault(timer.what, []).append(timer.at_ms - self.clock.now_ms())
        return words + [
            f"{what} ({'' if len(times) == 1 else f'{len(times)}, the next '}in {max(0, min(times))} ms)"
            for what, times in sorted(due.items())
        ]

    def needs_time(self, by_ms: int = 0) -> bool:
        """Whether it is not idle before more than `by_ms` have passed: no acknowledgement cancels a timer due then."""
        latest = self.clock.now_ms() + by_ms
        return any(timer.at_ms > latest and timer.what != ACK_TIMEOUT for timer in self.clock.timers())

    def new_device_id(self) -> str:
        """A free device id, in the form of the vendor's."""
        number = len(self.devices) + 1
        while (device_id := f"6ce{number:013d}") in self.devices:
            number += 1
        return device_id

    def new_tid(self) -> str:
        """The trace id of the next answer."""
        return hex_id(self.random)

    def new_consumer_id(self) -> str:
        """An id for the next consumer, unique in the project."""
        self._consumers.value += 1
        return f"consumer-{self._consumers.value}"

    def exports(self, addresses: Addresses) -> JsonObject:
        """What a client needs to use this project: the object of `serve --json`."""
        return {
            **addresses._asdict(),
            "access_id": self.access_id,
            "access_secret": self.access_secret,
            "devices": [device_to_json(device) for device in self.devices.values()],
        }

    def _outcome(self, device_id: str) -> ProcessStatus:
        """The final status of a sync command to this device. CommandRefusedError if it is not issued at all."""
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
        """The next free id of its data type. The keys in `named` are not free: later records of the batch have them."""
        prefix = "pass" if new.data_type is DataType.PASS else "bill"
        while True:
            self._ids_given[new.data_type].value += 1
            record_id = f"{prefix}-{self._ids_given[new.data_type].value:06d}"
            key = (new.device_id, new.data_type, record_id)
            if key not in named and self.store.get(key) is None:
                return record_id


def _unacknowledged(parts: list[Subscription]) -> str:
    """The messages that a subscription, of each partition, waits for, in words."""
    messages, held = sum(part.pending for part in parts), sum(part.in_flight for part in parts)
    named = f"{parts[0].name} of {parts[0].topic}"
    return f"messages not acknowledged on {named} ({messages}, {held} of them with a consumer)"


def _made_again(
    records: list[Record], published: list[Message], remaining_ms: Mapping[RecordKey, int]
) -> Iterator[NewRecord | None]:
    """Records with the fates that they have in a snapshot: none of their messages may be published that is not due."""
    waiting: set[RecordKey] = set()
    for message in published:
        if isinstance(message.subject, Record):
            waiting.add(message.subject.key)
        yield None
    for record in records:
        fate: Fate = "deliver" if record.key in waiting else remaining_ms.get(record.key, "lose")
        yield NewRecord.of(record, fate)
