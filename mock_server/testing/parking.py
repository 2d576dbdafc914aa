"""A fake cloud as a Python object: lots, faults, clock, queue and assertions, the same in process and on a server."""

import threading
from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass
from itertools import count
from json import loads
from pathlib import Path
from types import TracebackType
from typing import Any, Literal, Self, TypeVar

from mock_server.doubts import doubts_of_code, doubts_of_record, warn_of
from mock_server.faults.catalogue import CATALOGUE
from mock_server.faults.chaos import PRESETS, Chaos
from mock_server.faults.faults import Fault, read_fault
from mock_server.history.events import RequestAnswered, RequestReceived, Sent
from mock_server.history.log import Entry
from mock_server.history.story import TITLE, differences, how_many, story, told_beside_a_failure
from mock_server.lab_shapes import NewCheckpoint
from mock_server.lots.seed import NewRecord, SeedError, read_device, read_record
from mock_server.model import Addresses, Cell, Device, DeviceKind, JsonObject, Message, Record, Rereport
from mock_server.private_file import write_private
from mock_server.problems import Problem, Reader
from mock_server.project import Idle, Moment, Project
from mock_server.project_file import export_pieces
from mock_server.queue.consumer import Consumer, Permits
from mock_server.shapes import read_shape
from mock_server.testing.checkpoint import ParkingCheckpoint
from mock_server.testing.clock import DEFAULT_TIMEOUT_S, ParkingClock
from mock_server.testing.lot import Lot
from mock_server.testing.waiting import Wait
from mock_server.wire.messages import status_report
from mock_server.words import cell_text

T = TypeVar("T")
Run = Callable[[Callable[[], T]], T]

SHOWN = 20
"""How many differences a failed assertion names."""


class QueueMessage:
    """One delivery of a message, decrypted. The queue delivers it again unless it is acknowledged."""

    def __init__(self, parking: "Parking", consumer: Consumer, message: Message, redelivery_count: int) -> None:
        self._parking = parking
        self._consumer = consumer
        self.message_id = message.message_id
        self.redelivery_count = redelivery_count
        project = parking.project
        self.report: JsonObject = status_report(message, project.product_key, project.profile)
        reports: Any = self.report["status"]
        (status,) = reports
        self.code: str = status["code"]  # empty if the profile says so
        self.value: dict[str, Any] = loads(status["value"])

    def __repr__(self) -> str:
        about = self.record_id or self.value.get("sn", "nothing known")
        again = f", redelivered {self.redelivery_count} x" if self.redelivery_count else ""
        return f"<QueueMessage {self.code} of {about}, message {self.message_id}{again}>"

    @property
    def record_id(self) -> str | None:
        """The id of the record in it, None for a command's result."""
        return self.value.get("recordId")

    def ack(self) -> None:
        """Acknowledge it: the queue does not deliver it again."""
        mains = self._parking.project.queue.mains
        self._parking.run(lambda: any(each.acknowledge(self._consumer, self.message_id) for each in mains))


@dataclass(frozen=True, slots=True)
class RereportOf:
    """A re-report with the records themselves, as the lot has them now."""

    rereport: Rereport
    records: list[Record]

    def __repr__(self) -> str:
        ids = ", ".join(record.record_id for record in self.records[:SHOWN]) or "no records"
        more = f" and {len(self.records) - SHOWN} more" if len(self.records) > SHOWN else ""
        return f"<RereportOf {cell_text(self.cell)}: claimed {self.claimed}, the lot had {self.counted}: {ids}{more}>"

    @property
    def sn(self) -> str:
        """The id of the command that caused it."""
        return self.rereport.sn

    @property
    def cell(self) -> Cell:
        """The cell that was compared."""
        return self.rereport.cell

    @property
    def claimed(self) -> int:
        """The client's count."""
        return self.rereport.claimed

    @property
    def counted(self) -> int:
        """The lot's count."""
        return self.rereport.counted


@dataclass(frozen=True, slots=True)
class ClientRequest:
    """A client's request, decoded, and how it was answered. Credentials are masked."""

    method: str
    path: str
    query: str
    headers: dict[str, str]
    body: Any
    code: int | None
    sent: Sent | Literal["pending"]


class Parking:
    """One project as an object. `run` carries out a piece of work where the project lives."""

    def __init__(self, project: Project, addresses: Addresses, run: Callable[[Callable[[], Any]], Any]) -> None:
        self.project = project
        self._addresses = addresses
        self._run = run
        self.clock = ParkingClock(self)

    def __repr__(self) -> str:
        return f"<{type(self).__name__} of {self.project!r}>"

    def __enter__(self) -> Self:
        return self.start()

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.stop()
        if isinstance(error, Exception):
            self.tell(error)

    def start(self) -> Self:
        """Let clients reach it from now on."""
        raise NotImplementedError

    def stop(self) -> None:
        """Let clients reach it no more. The project and its history stay readable."""
        raise NotImplementedError

    def tell(self, error: Exception) -> None:
        """Add the story so far to an error, as a note."""
        error.add_note(f"{TITLE}\n{told_beside_a_failure(self.story)}")

    def run(self, work: Callable[[], T]) -> T:
        """Carry out work where the project lives, then whatever is due because of it."""
        result: T = self._run(work)
        return result

    @property
    def access_id(self) -> str:
        """The project's access id."""
        return self.project.access_id

    @property
    def access_secret(self) -> str:
        """The project's secret."""
        return self.project.access_secret

    @property
    def exports(self) -> JsonObject:
        """Addresses and keys for a client: the object of `serve --json`."""
        return self.run(lambda: self.project.exports(self._addresses))

    def add_lot(
        self,
        device_id: str | None = None,
        *,
        device_name: str | None = None,
        supplier_code: str = "tuya",
        online: bool = True,
    ) -> Lot:
        """Add a lot; `supplier_code="jieshun"` makes one that refuses to sync. Any other code is a brand that does.

        `DoubtfulValueWarning` for a code close to that one.
        """
        warn_of(doubts_of_code(supplier_code))
        device: JsonObject = {"supplier_code": supplier_code, "online": online}
        return Lot(self, self.run(lambda: self._add_device(device, device_id, device_name)))

    def add_lane(self, device_id: str | None = None, *, device_name: str | None = None) -> str:
        """Add a lane device; the answer is its device id."""
        return self.run(lambda: self._add_device({"kind": DeviceKind.LANE.value}, device_id, device_name))

    def lot(self, device_id: str) -> Lot:
        """An existing lot. KeyError if there is none with this id."""
        self.run(lambda: self._device(device_id))
        return Lot(self, device_id)

    def change_device(self, device_id: str, *, online: bool) -> None:
        """Put a device on line or off line."""
        self.run(lambda: self.project.set_online(self._device(device_id).device_id, online=online))

    def keep(self, device_id: str, record: JsonObject) -> Record:
        """Let a lot keep a record of the lab API's form. ValueError says what is wrong with it.

        `DoubtfulValueWarning` for a time that can hardly be in milliseconds.
        """
        warn_of(doubts_of_record(record))
        return self.run(lambda: self.project.keep([self._new_record(device_id, record)]))[0]

    @property
    def records(self) -> list[Record]:
        """Every record that the lots have."""
        return self.run(lambda: list(self.project.store.records()))

    def add_fault(self, kind: str, **settings: Any) -> Fault:
        """Direct a fault (see docs/faults.md): times, skip, device_id, data_type, path, and its own parameter."""
        problems: list[Problem] = []
        fault = read_fault({"kind": kind, **settings}, "", problems)
        if fault is None:
            raise ValueError(str(SeedError(problems)))
        self.run(lambda: self.project.arm(fault))
        return fault

    def set_chaos(self, preset: str, seed: int = 0, budget: int | None = None) -> None:
        """Let faults strike at random. ValueError if there is no such preset."""
        if preset not in PRESETS:
            raise ValueError(f"chaos must be one of {', '.join(PRESETS)}, not {preset!r}")
        self.run(lambda: self.project.set_chaos(Chaos(preset, seed, budget)))

    def calm(self) -> None:
        """End all faults and chaos."""
        self.run(self.project.calm)

    @property
    def faults_struck(self) -> dict[str, int]:
        """How often each kind of fault has struck."""
        return self.run(lambda: dict(self.project.faults.struck))

    def expire_token(self) -> None:
        """Expire the live access token now; its refresh token stays valid."""
        self.run(self.project.tokens.expire)

    def consume(self, limit: int | None = None) -> Iterator[QueueMessage]:
        """The queue's messages, decrypted, until none is due or `limit` have come.

        One that is not acknowledged comes again to the next `consume()`. While another consumer is connected the
        messages are that one's, as on any Failover subscription.
        """
        inbox: list[tuple[Message, int]] = []
        permits = Permits()
        consumers = self.run(lambda: self._connect(inbox, permits))
        try:
            for _ in count() if limit is None else range(limit):
                self.run(lambda: self._pull(permits))
                if not inbox:
                    break
                yield QueueMessage(self, consumers[0], *inbox.pop())
        finally:
            self.run(lambda: self._leave(consumers))

    def _connect(self, inbox: list[tuple[Message, int]], permits: Permits) -> list[Consumer]:
        """Connect a consumer, of each partition, that gets only what it pulls."""
        consumer_id = self.project.new_consumer_id()
        mains = self.project.queue.mains
        # Whoever consumes here acknowledges in the thread that would wait: it is not awaited.
        consumers = [
            Consumer(consumer_id, lambda *delivered: inbox.append(delivered), permits, is_awaited=lambda: False)
            for _ in mains
        ]
        for main, consumer in zip(mains, consumers, strict=True):
            main.connect(consumer)
        return consumers

    def _pull(self, permits: Permits) -> None:
        """Let the queue deliver one message if one is due; if none is, none later either."""
        permits.count = 1
        for main in self.project.queue.mains:
            main.go_on()
        permits.count = 0

    def _leave(self, consumers: list[Consumer]) -> None:
        for main, consumer in zip(self.project.queue.mains, consumers, strict=True):
            main.disconnect(consumer)

    @property
    def rereports(self) -> list[RereportOf]:
        """The re-reports, oldest first."""
        return self.run(lambda: [self._with_records(each) for each in self.project.lots.rereports])

    def _with_records(self, rereport: Rereport) -> RereportOf:
        store, cell = self.project.store, rereport.cell
        found = (store.get((cell.device_id, cell.data_type, record_id)) for record_id in rereport.record_ids)
        return RereportOf(rereport, [record for record in found if record is not None])

    @property
    def history(self) -> list[JsonObject]:
        """The history in the JSON form of the lab API."""
        return [entry.to_json() for entry in self.entries()]

    def entries(self) -> list[Entry]:
        """The history, typed."""
        return self.run(lambda: list(self.project.history.after()))

    @property
    def requests(self) -> list[ClientRequest]:
        """The clients' requests, oldest first."""
        entries = self.entries()
        answers = {each.event.request: each.event for each in entries if isinstance(each.event, RequestAnswered)}
        return [
            _request(each.event, answers.get(each.seq)) for each in entries if isinstance(each.event, RequestReceived)
        ]

    @property
    def idle(self) -> Idle:
        """What is still to happen."""
        return self.run(self.project.idle)

    def reset(self) -> None:
        """Reset the project to its seed."""
        self.run(self.project.reset)

    def export(self, file: str | Path) -> None:
        """Write it with all that it has to a file, for its user alone; `mock_parking(project=file)` goes on from there.

        OSError if it cannot be written.
        """
        write_private(Path(file), self.run(lambda: list(export_pieces(self.project))))

    def checkpoint(self, name: str | None = None) -> ParkingCheckpoint[Self]:
        """Keep the present moment by a name, a free one if none is given. Neither a reset nor a restore drops it.

        ValueError if the name cannot be used, CheckpointError if it is taken or there are too many.
        """
        problems: list[Problem] = []
        asked = read_shape(NewCheckpoint, Reader({} if name is None else {"name": name}, "", problems))
        if problems:
            raise ValueError(str(SeedError(problems)))
        return ParkingCheckpoint(self, self.run(lambda: self.project.checkpoint(asked.get("name"))))

    def fork(self, *, at: int | None = None) -> Self:
        """Another parking that begins as this one was behind line `at` of its history (`seq`), or as it is now.

        A context manager, or `.start()` and `.stop()`; it has keys of its own and a clock of the same kind, and neither
        parking has what happens in the other. ForgottenError if the history does not reach back to that line,
        NotThereYetError if there is none; both are LookupErrors.
        """
        return self.forked(self.run(lambda: self.project.moment(at)))

    def forked(self, moment: Moment) -> Self:
        """Another parking, not started, that begins with a moment of this one."""
        raise NotImplementedError

    def story(self) -> list[str]:
        """The newest events in ten lines of text."""
        return story(self.entries())

    def assert_converged(self, client_records: Iterable[object], lot: Lot | None = None) -> None:
        """Assert that the client has exactly the lots' records, each once; AssertionError explains differences.

        `client_records` are record ids, or objects or mappings with a `record_id` (or `recordId`).
        """
        __tracebackhide__ = True
        claimed = Counter(map(record_id_of, client_records))
        kept = Counter(each.record_id for each in (self.records if lot is None else lot.records()))
        found = differences(claimed, kept, self.entries())
        if found:
            has = f"the client has {how_many(claimed.total(), 'record')}, the lot {kept.total()}"
            more = [f"... and {len(found) - SHOWN} more"] if len(found) > SHOWN else []
            raise AssertionError("\n  ".join([f"not converged: {has}", *found[:SHOWN], *more]))

    def assert_no_rereport(self, after: int = 0) -> None:
        """Assert that there were no re-reports but the `after` oldest; AssertionError names the others, and why."""
        __tracebackhide__ = True
        rereports = self.rereports[after:]
        if rereports:
            lines = [f"{cell_text(each.cell)}: {self._why(each)}" for each in rereports]
            raise AssertionError("\n  ".join([f"{how_many(len(lines), 're-report')} that should not be", *lines]))

    def wait_for_rereport(self, after: int = 0, timeout_s: float = DEFAULT_TIMEOUT_S) -> RereportOf:
        """Wait for the first re-report after the `after` oldest; AssertionError with the story if none comes."""
        __tracebackhide__ = True
        wait = Wait(self, timeout_s)
        wait.until(lambda: len(self.project.lots.rereports) > after)
        rereports = self.rereports[after:]
        return rereports[0] if rereports else wait.fail("no re-report came")

    def wait_until_idle(self, timeout_s: float = DEFAULT_TIMEOUT_S) -> bool:
        """Wait until nothing is pending; True. AssertionError says what is pending, with the story.

        It does not wait for what cannot come within `timeout_s` seconds of real time: a virtual clock has to be moved.
        """
        __tracebackhide__ = True
        Wait(self, timeout_s).until_idle()
        return True

    def wait_until(self, condition: Callable[[], bool], timeout_s: float = DEFAULT_TIMEOUT_S) -> bool:
        """Block this thread until a condition of the project holds; whether it holds in the end.

        `condition` is evaluated where the project lives, at once, after every change of the history and several times
        a second, so it must neither wait nor change anything. False after `timeout_s` seconds of real time, or as soon
        as nothing can change any more: in process, on a virtual clock, while no other thread runs.
        """
        return Wait(self, timeout_s).until(condition)

    def changes_in_s(self) -> float | None:
        """The most seconds until the project changes by itself; None if neither it nor another thread can change it."""
        return threading.TIMEOUT_MAX

    def _why(self, rereport: RereportOf) -> str:
        told = f"claimed {rereport.claimed}, the lot has {rereport.counted}"
        if rereport.claimed > rereport.counted:
            return f"{told}: counted twice, of another window or direction, or deleted at the lot"
        return f"{told}: lost, not stored yet, or not counted"

    def _add_device(self, device: JsonObject, device_id: str | None, device_name: str | None) -> str:
        device |= {} if device_id is None else {"device_id": device_id}
        device |= {} if device_name is None else {"device_name": device_name}
        problems: list[Problem] = []
        read = read_device(device, "", problems, default_id=self.project.new_device_id())
        if read is None:
            raise ValueError(str(SeedError(problems)))
        if read.device_id in self.project.devices:
            raise ValueError(f"there is a device {read.device_id} already: use lot({read.device_id!r})")
        return self.project.put_device(read).device_id

    def _device(self, device_id: str) -> Device:
        devices = self.project.devices
        if device_id not in devices:
            there = ", ".join(devices) or "none"
            raise KeyError(f"there is no device {device_id} (a reset or a restart forgets it); there are: {there}")
        return devices[device_id]

    def _new_record(self, device_id: str, record: JsonObject) -> NewRecord:
        device = self._device(device_id)
        problems: list[Problem] = []
        new = read_record(record, device, "", problems)
        if new is None:
            raise ValueError(str(SeedError(problems)))
        return new


def record_id_of(record: object) -> str:
    """The record id of a client's record: a text, a mapping or an object. TypeError if it has none."""
    if isinstance(record, str):
        return record
    names = ("record_id", "recordId")
    if isinstance(record, Mapping):
        found = next((record[name] for name in names if name in record), None)
    else:
        found = next((getattr(record, name) for name in names if hasattr(record, name)), None)
    if not isinstance(found, str):
        raise TypeError(f"no record_id in {type(record).__name__}")
    return found


def _request(request: RequestReceived, answer: RequestAnswered | None) -> ClientRequest:
    try:
        body = loads(request.body) if request.body else None
    except ValueError:
        body = request.body
    code = answer.code if answer else None
    sent = answer.sent if answer else "pending"
    return ClientRequest(request.method, request.path, request.query, request.headers, body, code, sent)


__all__ = ["CATALOGUE", "ClientRequest", "Lot", "Parking", "QueueMessage", "RereportOf"]
