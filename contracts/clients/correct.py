"""Correct clients of other designs than the reference client's: no rule may accuse them.

Known-bad clients show that the judge is sharp, these that it is fair. Each makes other choices where the obligations of
a client leave one.
"""

import json
from collections.abc import Iterator, Sequence
from typing import IO, Any, TypeVar

from contracts.client.interface import DumpedRecord, Socket, Start, Window
from contracts.clients.native import NativeClient, NativeReferenceClient
from contracts.clients.reference import ReferenceClient
from contracts.clients.vendor_api import VendorApi
from mock_server.model import DAY, HOUR, MINUTE, JsonObject

AClient = TypeVar("AClient", bound=type[ReferenceClient])

CORRECT: dict[str, type[ReferenceClient]] = {ReferenceClient.__name__: ReferenceClient}
"""Every correct client by its name, the reference client first."""

EIGHT_HOURS_EAST = 8 * HOUR
"""The time zone of the lots, ahead of UTC."""


def correct(client: AClient) -> AClient:
    """Enter a client into `CORRECT`."""
    CORRECT[client.__name__] = client
    return client


correct(NativeReferenceClient)


@correct
class AsksByQuarterHours(ReferenceClient):
    """Windows are the quarters of an hour, with the bounds that the cloud's profile names."""

    window_ms = 15 * MINUTE
    boundary_ms = 0


@correct
class EndsAMillisecondEarly(ReferenceClient):
    """Windows are full hours that end at .999."""

    boundary_ms = 0

    def windows(self, from_ms: int, until_ms: int) -> Iterator[tuple[int, int]]:
        return ((start, end - 1) for start, end in super().windows(from_ms, until_ms))


@correct
class AsksByDays(ReferenceClient):
    """Windows are the days of the lots' time zone, asked about two hours after midnight."""

    window_ms = DAY
    boundary_ms = -EIGHT_HOURS_EAST
    grace_ms = 2 * HOUR


@correct
class AsksInTheNight(ReferenceClient):
    """Windows are hours, all of a day asked about in the night after it."""

    grace_ms = 2 * HOUR

    def closed_until(self) -> int:
        return (self.now_ms() - self.grace_ms + EIGHT_HOURS_EAST) // DAY * DAY - EIGHT_HOURS_EAST + self.boundary_ms

    def next_close(self) -> int:
        return self.closed_until() - self.boundary_ms + DAY + self.grace_ms


@correct
class AsksByRollingWindows(ReferenceClient):
    """Each hour it asks about the last two hours, so that every record is counted in two windows."""

    def windows(self, from_ms: int, until_ms: int) -> Iterator[tuple[int, int]]:
        return ((start - HOUR, end) for start, end in super().windows(from_ms, until_ms))


@correct
class CountsPassesOnly(ReferenceClient):
    """Asks about passes only: bills are none of its business."""

    def cells_of(self, device_id: str, start: int, until: int) -> Iterator[tuple[str, int, int, int, int, int]]:
        return (cell for cell in super().cells_of(device_id, start, until) if cell[1] == 0)


@correct
class AsksPatiently(ReferenceClient):
    """Asks late and seldom: an hour after a window's end, and again only after three hours."""

    grace_ms = HOUR
    again_ms = 3 * HOUR
    drain_ms = 45 * MINUTE


@correct
class AcknowledgesInAnyOrder(ReferenceClient):
    """Acknowledges a batch from its end, as workers of a pool do when the last one is done first."""

    def take_frames(self, socket: Socket, frames: Sequence[dict[str, Any]]) -> None:
        super().take_frames(socket, frames[::-1])


@correct
class StoresFramesFirst(ReferenceClient):
    """Stores each frame as it came, acknowledges it, and decodes it later; what cannot be decoded stays stored."""

    def __init__(self, exports: JsonObject | None = None) -> None:
        super().__init__(exports)
        self._frames: IO[str] | None = None

    def start(self, start: Start) -> None:
        self._frames = (start.folder / "frames.jsonl").open("a+", encoding="utf-8")
        self._frames.seek(0)
        super().start(start)

    def take_frames(self, socket: Socket, frames: Sequence[dict[str, Any]]) -> None:
        file = self._opened()
        decoded = file.tell()
        file.writelines(f"{json.dumps(frame)}\n" for frame in frames)
        file.flush()
        file.seek(decoded)
        for frame in frames:
            self.answer_frame(socket, frame, is_done=True)
        self._reconnects = 0

    def decode(self) -> None:
        """Decode the frames that have come since the last time: after a crash all of them, which changes nothing."""
        with self._store.transaction():
            for line in iter(self._opened().readline, ""):
                self.take(json.loads(line))

    def reconcile(self, window: Window | None = None) -> None:
        self.decode()
        super().reconcile(window)

    def quiet(self) -> None:
        super().quiet()
        self.decode()

    def dump(self) -> list[DumpedRecord]:
        self.decode()
        return super().dump()

    def crash(self) -> None:
        self._opened().close()
        super().crash()

    def stop(self) -> None:
        self._opened().close()
        super().stop()

    def _opened(self) -> IO[str]:
        if self._frames is None:
            raise RuntimeError("not started")
        return self._frames


@correct
class HasAWorkerForBills(ReferenceClient):
    """Two workers with a subscription each: one stores passes, the other bills, and each acknowledges what it gets."""

    def __init__(self, exports: JsonObject | None = None) -> None:
        super().__init__(exports)
        self._worker = "passes"
        self._workers: dict[str, tuple[Socket | None, int, int]] = {"bills": (None, 0, 0)}

    def start(self, start: Start) -> None:
        super().start(start)
        self._turn()
        self.connect()

    def subscription(self) -> str:
        return f"{self._exports['access_id']}-{self._worker}"

    def receive(self) -> None:
        for _ in range(2):
            super().receive()
            self._turn()

    def take_status(self, device_id: str, status: dict[str, Any]) -> None:
        is_bill = status["code"] == "temporary_parking_bill" or "102" in status
        if is_bill == (self._worker == "bills"):
            super().take_status(device_id, status)

    def wakes_at(self) -> int | None:
        moments = [super().wakes_at()]
        self._turn()
        moments.append(super().wakes_at())
        self._turn()
        return min((each for each in moments if each is not None), default=None)

    def stop(self) -> None:
        self._turn()
        if self._socket is not None:
            self._socket.close()
        self._turn()
        super().stop()

    def _turn(self) -> None:
        """The other worker's turn."""
        mine = (self._socket, self._reconnect_at, self._reconnects)
        other = "passes" if self._worker == "bills" else "bills"
        self._workers[self._worker] = mine
        self._worker = other
        self._socket, self._reconnect_at, self._reconnects = self._workers[other]


@correct
class AcknowledgesSinglyOverNative(NativeClient):
    """Consumes over the native port, and acknowledges each message for itself."""


class PatientTokenApi(VendorApi):
    """Uses a token until it is refused."""

    def live_token(self) -> str:
        """The last token, or a new one if there is none."""
        if not self._token:
            self._token = self._ask_for_token()
        return self._token


class NextPassTokenApi(PatientTokenApi):
    """Leaves the repetition of a refused call to the next pass as well."""

    def business(self, method: str, target: str, body: bytes = b"") -> dict[str, Any]:
        """One attempt."""
        return self.attempt(method, target, body)


@correct
class RenewsWhenRefused(ReferenceClient):
    """Asks for another token only when the old one is refused (1010), and repeats the call at once."""

    def make_api(self) -> VendorApi:
        return PatientTokenApi(self._exports, self._link, lambda: self._machine_ms)


@correct
class RenewsAtNextPass(ReferenceClient):
    """Asks for another token only when the old one is refused (1010), at its next pass."""

    def make_api(self) -> VendorApi:
        return NextPassTokenApi(self._exports, self._link, lambda: self._machine_ms)


@correct
class BeginsWithItsHour(ReferenceClient):
    """Asks about no window before the hour in which it was installed."""

    look_back = 0
