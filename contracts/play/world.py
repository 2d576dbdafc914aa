"""The world that a client is judged in: one emulated cloud on a virtual clock, and the connections to it."""

from abc import ABC, abstractmethod
from collections.abc import Callable
from functools import cached_property
from typing import Any, Self, TypeVar

from contracts.client.interface import Client, Link
from contracts.play.convergence import Convergence
from contracts.play.leaks import Secrets
from contracts.play.recording import CUTS, Finding
from contracts.play.resumed import Resumed
from contracts.play.scenario import LANE_ID, LOT_IDS, MIDNIGHT, Happens, Scenario, Strikes
from mock_server.faults.catalogue import CATALOGUE, FaultKind
from mock_server.faults.faults import Fault
from mock_server.history.events import ConsumerChanged, FaultInjected
from mock_server.history.log import Entry
from mock_server.model import JsonObject
from mock_server.profile import Profile
from mock_server.testing.parking import Parking

T = TypeVar("T")
_TYPES = {"enter": (0, 0), "leave": (0, 1), "bill": (1, None)}


class World(ABC):
    """The parking of one scenario, in this process or on a server. A session uses nothing else of the emulator."""

    parking: Parking
    has_process = False
    """Whether clients are processes of their own, whose output and end can be observed too."""

    def __init__(self, scenario: Scenario) -> None:
        self.scenario = scenario
        self._client: Client | None = None
        self._is_cut, self._looked_to = False, 0
        self._unlisted = {LOT_IDS[place] for place in scenario.unlisted}

    def settings(self) -> dict[str, Any]:
        """The settings that the parking is made from."""
        if isinstance(self.scenario, Resumed):
            return {"project": self.scenario.file, "clock": "virtual"}
        lots: list[JsonObject] = [
            {"device_id": device_id, "device_name": f"Lot {place}", "supplier_code": brand}
            for place, (device_id, brand) in enumerate(zip(LOT_IDS, self.scenario.lots, strict=False))
        ]
        lane: JsonObject = {"device_id": LANE_ID, "device_name": "Lane", "kind": "lane"}
        now_ms = MIDNIGHT + self.scenario.begin
        return {"profile": self.scenario.profile, "clock": "virtual", "now_ms": now_ms, "devices": [*lots, lane]}

    @abstractmethod
    def __enter__(self) -> Self: ...

    @abstractmethod
    def __exit__(self, *_: object) -> None: ...

    @property
    @abstractmethod
    def link(self) -> Link:
        """The connections for a client of this process."""

    @abstractmethod
    def do(self, work: Callable[[], T]) -> T:
        """Run work on the project in the thread that owns it, and return its result."""

    def attend(self, client: Client) -> None:
        """The client of this world, from its start on."""
        self._client = client
        self._is_cut = False

    def has_cut(self) -> bool:
        """Whether a fault has ended the client's connection, and it has not come back since."""
        return not self.do(self._is_back)

    def _is_back(self) -> bool:
        """Whether the client is not cut off, or no more. To be called where the project lives."""
        for entry in self.parking.project.history.after(self._looked_to):
            self._looked_to = entry.seq
            event = entry.event
            if isinstance(event, FaultInjected) and event.fault in CUTS:
                self._is_cut = True
            elif isinstance(event, ConsumerChanged) and event.change == "connected":
                self._is_cut = False
        return not self._is_cut

    def await_connection(self, ask_quiet: Callable[[], None] | None) -> bool:
        """Wait in real time for the return of a client that was cut off; whether it has come back.

        If it has not, it is not waited for again before the next cut.
        """
        is_back = self._comes_back(ask_quiet)
        self._is_cut = False
        return is_back

    @abstractmethod
    def _comes_back(self, ask_quiet: Callable[[], None] | None) -> bool:
        """Wait for its return; whether it has come back."""

    @abstractmethod
    def drain(self, ask_quiet: Callable[[], None] | None) -> None:
        """Let the client take every message that has been delivered to it; `ask_quiet` calls its `quiet`.

        This ends even if the client reads or answers nothing.
        """

    @abstractmethod
    def cut(self) -> None:
        """The client's process is dead: close its connections."""

    @property
    def secrets(self) -> Secrets:
        """What a client must not write."""
        return {}

    @property
    def findings(self) -> tuple[Finding, ...]:
        """What was seen outside the traffic of the project."""
        return ()

    @property
    def exports(self) -> JsonObject:
        """The object of `serve --json`, without the `unlisted` lots, which a client has to find by the API."""
        exports: dict[str, Any] = dict(self.parking.exports)
        listed = [device for device in exports["devices"] if device["device_id"] not in self._unlisted]
        return exports | {"devices": listed}

    @property
    def profile(self) -> Profile:
        """How this cloud behaves where the vendor's page leaves it open."""
        return self.parking.project.profile

    @property
    def now_ms(self) -> int:
        """The world's time, in epoch ms."""
        return self.do(self.parking.project.clock.now_ms)

    @property
    def next_at(self) -> int | None:
        """When the next timer of the project is due, None if there is none."""
        return self.do(self.parking.project.clock.next_at)

    @property
    def last(self) -> int:
        """The number of the newest entry of the history."""
        return self.parking.project.history.last

    def entries(self, after: int = 0) -> tuple[Entry, ...]:
        """The entries of the history after a number."""
        return self.do(lambda: tuple(self.parking.project.history.after(after)))

    def advance_to(self, at_ms: int) -> None:
        """Let time pass."""
        self.do(lambda: self._advance_to(at_ms))

    def _advance_to(self, at_ms: int) -> None:
        clock: Any = self.parking.project.clock
        if at_ms > clock.now_ms():
            clock.advance_to(at_ms)

    @property
    def pending(self) -> int:
        """How many messages the client has not acknowledged."""
        return self.do(lambda: sum(main.pending for main in self.parking.project.queue.mains))

    def converged(self) -> bool:
        """Whether the client and the lots agree."""
        return self.do(self._convergence.reached)

    def stalled(self, rounds: int) -> bool:
        """Whether some cell has compared unequal `rounds` times, or a message comes again and again."""
        return self.do(lambda: self._convergence.stalled(rounds))

    @cached_property
    def _convergence(self) -> Convergence:
        return Convergence(self.parking.project, self._unlisted, self.scenario.since)

    def delete(self, name: str) -> None:
        """Remove a record from its lot, without a message."""
        for record in self.parking.records:
            if record.record_id == name:
                self.do(lambda key=record.key: self.parking.project.lots.remove(key))  # type: ignore[misc]

    def take_offline(self, lot: int, for_ms: int) -> None:
        """Take a lot off line for a time."""
        self.do(lambda: self.parking.project.take_offline(LOT_IDS[lot], for_ms))

    def happens(self, step: Happens) -> None:
        """Let the records of a step happen."""
        for each in step.each():
            self._happens(each)

    def _happens(self, step: Happens) -> None:
        """Let one record happen, after arming the faults that its step has for its uplink and its re-reports."""
        device_id = LOT_IDS[step.lot]
        data_type, direction = _TYPES[step.kind]
        self._arm_for(device_id, data_type, step)
        record: JsonObject = {"record_id": step.name, "data_type": data_type, "event_time": MIDNIGHT + step.event_at}
        record |= {"plate_no": step.plate} | ({} if direction is None else {"pass_direction": direction})
        self.parking.keep(device_id, record | step.details)

    def _arm_for(self, device_id: str, data_type: int, step: Happens) -> None:
        def arm(kind: str, value: int = 0, skip: int = 0) -> None:
            self._arm(Fault(kind, value, 1, skip, device_id, data_type, record_id=step.name))

        if step.copies != 1:
            arm(FaultKind.UPLINK_DUPLICATE if step.copies else FaultKind.UPLINK_LOSE)
        if step.delay_ms:
            arm(FaultKind.UPLINK_DELAY, step.delay_ms)
        for place, copies in enumerate(step.again):
            if copies != 1:
                arm(FaultKind.REREPORT_DUPLICATE if copies else FaultKind.REREPORT_LOSE, skip=place)

    def calm(self) -> None:
        """Clear every fault but those armed for single records (`Happens.again`): they are bounded."""
        self.do(lambda: self.parking.project.calm(keep=lambda fault: fault.record_id is not None))

    def strikes(self, step: Strikes) -> None:
        """Arm the fault of a step."""
        value = CATALOGUE[step.kind].default if step.value is None else step.value
        device_id = None if step.lot is None else LOT_IDS[step.lot]
        limits: dict[str, Any] = {"device_id": device_id, "path": step.path, "record_id": step.record}
        self._arm(Fault(step.kind, value, step.times, step.skip, **limits))

    def _arm(self, fault: Fault) -> None:
        self.do(lambda: self.parking.project.arm(fault))
