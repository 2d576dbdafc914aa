"""The world that a client is judged in: one fake cloud on a virtual clock, and the wires to it."""

from abc import ABC, abstractmethod
from collections.abc import Callable
from functools import cached_property
from typing import Any, Self, TypeVar

from contracts.client.interface import Link
from contracts.play.convergence import Convergence
from contracts.play.leaks import Secrets
from contracts.play.recording import Finding
from contracts.play.scenario import LANE_ID, LOT_IDS, MIDNIGHT, Happens, Scenario, Strikes
from mock_server.faults.faults import CATALOGUE, Fault
from mock_server.history.log import Entry
from mock_server.model import JsonObject
from mock_server.profile import Profile
from mock_server.testing.parking import Parking

T = TypeVar("T")
_TYPES = {"enter": (0, 0), "leave": (0, 1), "bill": (1, None)}


class World(ABC):
    """A parking of one scenario, wherever it lives. A session touches it through nothing else."""

    parking: Parking
    has_process = False
    """Whether clients are processes of their own, of which more can be seen than traffic."""

    def __init__(self, scenario: Scenario) -> None:
        self.scenario = scenario
        self._unlisted = {LOT_IDS[place] for place in scenario.unlisted}

    def settings(self) -> dict[str, Any]:
        """What the parking is made from."""
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
        """The wires for a client of this process."""

    @abstractmethod
    def do(self, work: Callable[[], T]) -> T:
        """Carry out work on the project where it lives."""

    @abstractmethod
    def listen(self, ask_quiet: Callable[[], None] | None) -> None:
        """Let the client take what has come. One that no longer reads is not asked for ever."""

    @abstractmethod
    def cut(self) -> None:
        """The process at the other end is dead: its connections are gone."""

    @property
    def secrets(self) -> Secrets:
        """What a client must not write."""
        return {}

    @property
    def findings(self) -> tuple[Finding, ...]:
        """What was seen beside the traffic of the project."""
        return ()

    @property
    def exports(self) -> JsonObject:
        """What a client is told: the object of `serve --json`, without the lots that it must find out about itself."""
        exports: dict[str, Any] = dict(self.parking.exports)
        listed = [device for device in exports["devices"] if device["device_id"] not in self._unlisted]
        return exports | {"devices": listed}

    @property
    def profile(self) -> Profile:
        """What this cloud answers where the vendor leaves it open."""
        return self.parking.project.profile

    @property
    def now_ms(self) -> int:
        """The world's time."""
        return self.do(self.parking.project.clock.now_ms)

    @property
    def next_at(self) -> int | None:
        """When something happens by itself."""
        return self.do(self.parking.project.clock.next_at)

    @property
    def last(self) -> int:
        """The number of the history's newest line."""
        return self.parking.project.history.last

    def entries(self, after: int = 0) -> tuple[Entry, ...]:
        """The history behind a line."""
        return self.do(lambda: tuple(self.parking.project.history.after(after)))

    def advance_to(self, at_ms: int) -> None:
        """Let time pass."""
        self.do(lambda: self._advance_to(at_ms))

    def _advance_to(self, at_ms: int) -> None:
        clock: Any = self.parking.project.clock
        if at_ms > clock.now_ms():
            clock.advance_to(at_ms)

    def converged(self) -> bool:
        """Whether the client and the lots agree."""
        return self.do(self._convergence.reached)

    def stalled(self, rounds: int) -> bool:
        """Whether some cell has compared unequal `rounds` times, or a message comes again and again."""
        return self.do(lambda: self._convergence.stalled(rounds))

    @cached_property
    def _convergence(self) -> Convergence:
        return Convergence(self.parking.project, self._unlisted)

    def delete(self, name: str) -> None:
        """A lot forgets a record and tells nobody."""
        for record in self.parking.records:
            if record.record_id == name:
                self.do(lambda key=record.key: self.parking.project.lots.remove(key))  # type: ignore[misc]

    def take_offline(self, lot: int, for_ms: int) -> None:
        """A lot is off line for a while."""
        self.do(lambda: self.parking.project.take_offline(LOT_IDS[lot], for_ms))

    def happens(self, step: Happens) -> None:
        """One record happens, or many alike."""
        for each in step.each():
            self._happens(each)

    def _happens(self, step: Happens) -> None:
        """A record happens, with its fate on the line and in each re-report."""
        device_id = LOT_IDS[step.lot]
        data_type, direction = _TYPES[step.kind]
        self._direct(device_id, step)
        record: JsonObject = {"record_id": step.name, "data_type": data_type, "event_time": MIDNIGHT + step.event_at}
        record |= {"plate_no": step.plate} | ({} if direction is None else {"pass_direction": direction})
        self.parking.keep(device_id, record | step.details)

    def _direct(self, device_id: str, step: Happens) -> None:
        def arm(kind: str, value: int = 0, skip: int = 0) -> None:
            self._arm(Fault(kind, value, 1, skip, device_id, record_id=step.name))

        if step.copies != 1:
            arm("uplink.duplicate" if step.copies else "uplink.lose")
        if step.delay_ms:
            arm("uplink.delay", step.delay_ms)
        for place, copies in enumerate(step.again):
            if copies != 1:
                arm("rereport.duplicate" if copies else "rereport.lose", skip=place)

    def calm(self) -> None:
        """No more faults, but for what the records' own plans still have in store: that is bounded."""
        self.do(lambda: self.parking.project.calm(keep=lambda fault: fault.record_id is not None))

    def strikes(self, step: Strikes) -> None:
        """A fault is directed."""
        value = CATALOGUE[step.kind].default if step.value is None else step.value
        device_id = None if step.lot is None else LOT_IDS[step.lot]
        limits: dict[str, Any] = {"device_id": device_id, "path": step.path, "record_id": step.record}
        self._arm(Fault(step.kind, value, step.times, step.skip, **limits))

    def _arm(self, fault: Fault) -> None:
        self.do(lambda: self.parking.project.arm(fault))
