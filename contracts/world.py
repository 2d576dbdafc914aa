"""The world that a client is judged in: one fake cloud in this process, on a virtual clock, and the wires to it."""

from collections.abc import Mapping
from typing import Any, Self
from urllib.parse import urlsplit

from contracts.client import HttpAnswer, Socket
from contracts.scenario import LANE_ID, LOT_IDS, MIDNIGHT, Happens, Scenario, Strikes
from mock_server import mock_parking
from mock_server.faults import CATALOGUE, Fault
from mock_server.inprocess import MockParking
from mock_server.inprocess_socket import InProcessSocket
from mock_server.model import JsonObject
from mock_server.web.environ import build_environ
from mock_server.web.handshake import HandshakeRefusedError

_TYPES = {"enter": (0, 0), "leave": (0, 1), "bill": (1, None)}


class World:
    """A parking of one scenario. It answers the vendor's hosts for `requests` as well while it is open."""

    def __init__(self, scenario: Scenario) -> None:
        lots: list[JsonObject] = [
            {"device_id": device_id, "device_name": f"Lot {place}", "supplier_code": brand}
            for place, (device_id, brand) in enumerate(zip(LOT_IDS, scenario.lots, strict=False))
        ]
        lane: JsonObject = {"device_id": LANE_ID, "device_name": "Lane", "kind": "lane"}
        self._unlisted = {LOT_IDS[place] for place in scenario.unlisted}
        now_ms = MIDNIGHT + scenario.begin
        self.parking: MockParking = mock_parking(
            profile=scenario.profile, clock="virtual", now_ms=now_ms, devices=[*lots, lane]
        )
        self._sockets: list[InProcessSocket] = []

    def __enter__(self) -> Self:
        self.parking.start()
        return self

    def __exit__(self, *_: object) -> None:
        self.parking.stop()

    @property
    def exports(self) -> JsonObject:
        """What a client is told: the object of `serve --json`, without the lots that it must find out about itself."""
        exports: dict[str, Any] = dict(self.parking.exports)
        listed = [device for device in exports["devices"] if device["device_id"] not in self._unlisted]
        return exports | {"devices": listed}

    @property
    def now_ms(self) -> int:
        """The world's time."""
        return self.parking.project.clock.now_ms()

    @property
    def next_at(self) -> int | None:
        """When something happens by itself."""
        return self.parking.project.clock.next_at()

    def advance_to(self, at_ms: int) -> None:
        """Let time pass."""
        clock: Any = self.parking.project.clock
        if at_ms > clock.now_ms():
            clock.advance_to(at_ms)

    def call(
        self, method: str, url: str, headers: Mapping[str, str], body: bytes = b"", timeout_s: float = 10
    ) -> HttpAnswer:
        """One HTTP exchange, without a socket."""
        target = urlsplit(url)
        environ = build_environ(method, target.path, target.query, headers.items(), body)
        answer = self.parking.call(environ, timeout_s)
        return HttpAnswer(answer.status, dict(answer.headers), answer.content)

    def connect(self, url: str, headers: Mapping[str, str]) -> Socket:
        """A consumer's connection, without a socket."""
        try:
            socket = self.parking.open_socket(url, headers)
        except HandshakeRefusedError as refused:
            raise ConnectionRefusedError(f"{refused.status} {refused}") from None
        self._sockets.append(socket)
        return socket

    def cut(self) -> None:
        """The process at the other end is dead: its connections are gone."""
        for socket in self._sockets:
            socket.close()
        self._sockets.clear()

    @property
    def has_frames(self) -> bool:
        """Whether frames wait to be read."""
        return any(socket.waiting for socket in self._sockets)

    @property
    def progress(self) -> tuple[int, int]:
        """What changes whenever a client takes a frame or says something."""
        return (self.parking.project.history.last, sum(socket.unread for socket in self._sockets))

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
            self.parking.project.arm(Fault(kind, value, 1, skip, device_id, record_id=step.name))

        if step.copies != 1:
            arm("uplink.duplicate" if step.copies else "uplink.lose")
        if step.delay_ms:
            arm("uplink.delay", step.delay_ms)
        for place, copies in enumerate(step.again):
            if copies != 1:
                arm("rereport.duplicate" if copies else "rereport.lose", skip=place)

    def calm(self) -> None:
        """No more faults, but for what the records' own plans still have in store: that is bounded."""
        self.parking.project.calm(keep=lambda fault: fault.record_id is not None)

    def strikes(self, step: Strikes) -> None:
        """A fault is directed."""
        value = CATALOGUE[step.kind].default if step.value is None else step.value
        device_id = None if step.lot is None else LOT_IDS[step.lot]
        limits: dict[str, Any] = {"device_id": device_id, "path": step.path, "record_id": step.record}
        self.parking.project.arm(Fault(step.kind, value, step.times, step.skip, **limits))
