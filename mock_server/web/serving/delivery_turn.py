"""How long messages are delivered to one connection before others get their turn."""

import asyncio
from collections.abc import Callable

from mock_server.clock import monotonic_s
from mock_server.steps import TURN_S


class DeliveryTurn:
    """The turns of one connection on the running loop.

    `go_on` is called at the beginning of the next one if something has to wait for it.
    """

    def __init__(self, go_on: Callable[[], None]) -> None:
        self._go_on = go_on
        self._loop = asyncio.get_running_loop()
        self._ends_at: float | None = None
        self._is_waited_for = False

    def goes_on(self) -> bool:
        """Whether one more message is delivered in this iteration of the loop; at least one is."""
        if self._ends_at is None:
            self._ends_at = monotonic_s() + TURN_S
            self._loop.call_soon(self._next)
            return True
        if monotonic_s() <= self._ends_at:
            return True
        self._is_waited_for = True
        return False

    def _next(self) -> None:
        self._ends_at = None
        if self._is_waited_for:
            self._is_waited_for = False
            self._go_on()
