"""A project's time as an object for tests: read it, and move it if it is virtual."""

from datetime import datetime, timedelta
from typing import TYPE_CHECKING

from mock_server.advance import Advance
from mock_server.testing.times import epoch_ms

if TYPE_CHECKING:
    from mock_server.testing.parking import Parking

DEFAULT_TIMEOUT_S = 5.0
"""How long a wait lasts at most, in seconds of real time, unless the caller says otherwise."""


class ParkingClock:
    """A project's time."""

    def __init__(self, parking: "Parking") -> None:
        self._parking = parking

    def __repr__(self) -> str:
        return f"<ParkingClock at {self._parking.project.clock.now_ms()}>"

    @property
    def now_ms(self) -> int:
        """Epoch milliseconds."""
        return self._parking.run(self._parking.project.clock.now_ms)

    def advance(self, by_ms: int | timedelta, timeout_s: float = DEFAULT_TIMEOUT_S) -> None:
        """Move a virtual clock forward, by milliseconds or a timedelta, as `advance_to` does."""
        by = round(by_ms / timedelta(milliseconds=1)) if isinstance(by_ms, timedelta) else by_ms
        self.advance_to(self.now_ms + _whole(by), timeout_s)

    def advance_to(self, at_ms: int | datetime, timeout_s: float = DEFAULT_TIMEOUT_S) -> None:
        """Move a virtual clock to a time, through every timer on the way, each at its own time.

        At each it waits for consumers that are connected to acknowledge what they hold, as `POST /_lab/.../clock` does.
        When none acknowledges for `timeout_s` seconds of real time, the rest of the move waits for nobody. What
        `consume()` holds is not waited for. TypeError on the system's clock, ValueError for a time in the past.
        """
        parking, to_ms = self._parking, _whole(epoch_ms(at_ms))
        move = parking.run(lambda: Advance(parking.project, to_ms))
        while not move.arrived:
            parking.run(move.go)
            if parking.run(lambda: move.waits) and not self._is_acknowledged(move, timeout_s):
                move.give_up()

    def _is_acknowledged(self, move: Advance, timeout_s: float) -> bool:
        """Wait for an acknowledgement, or until nothing is left to be acknowledged; whether there was one in time."""
        seen = self._parking.run(lambda: move.acknowledged)
        return self._parking.wait_until(lambda: not move.waits or move.acknowledged != seen, timeout_s)


def _whole(time_ms: object) -> int:
    if isinstance(time_ms, bool) or not isinstance(time_ms, int):
        raise TypeError(f"a time is whole milliseconds, a datetime or a timedelta, not {time_ms!r}")
    return time_ms
