"""Long work of a view, cut into steps between which other requests are served.

The work is a generator that yields after each step. Work whose caller closes the connection is abandoned at its next
turn, unless it has called `carry_through`.
"""

from collections.abc import Callable
from typing import Any, TypeVar

from mock_server.clock import monotonic_s
from mock_server.steps import TURN_S, Steps
from mock_server.web.serving.inline import CARRY_THROUGH, MEMORY, yield_turn

T = TypeVar("T")

_WORK = "mock_server.work"


class NotYetError(Exception):
    """The view is called again: its answer does not count yet."""


def in_turns(environ: dict[str, Any], begin: Callable[[], Steps[T]]) -> T:
    """Go on with the work of a request, and return its result once there is one; NotYetError before.

    Without a server it is done in one go.
    """
    memory = environ.setdefault(MEMORY, {})
    work = memory.pop(_WORK, None) or begin()
    until = monotonic_s() + TURN_S
    while True:
        try:
            next(work)
        except StopIteration as done:
            result: T = done.value
            return result
        if monotonic_s() > until and yield_turn(environ):
            memory[_WORK] = work
            raise NotYetError


def carry_through(environ: dict[str, Any]) -> None:
    """From now on the work of this request is done to its end, even if its caller closes the connection."""
    environ[MEMORY][CARRY_THROUGH] = True
