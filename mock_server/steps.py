"""Long work in steps: a generator that yields after each, so that whoever carries it out may do something else."""

from collections.abc import Generator
from typing import TypeAlias, TypeVar

T = TypeVar("T")

TURN_S = 0.005
"""How long work goes on before others get their turn, in seconds: some 20 requests or messages, or 100 timers."""

Steps: TypeAlias = Generator[None, None, T]
"""Work in steps, with its result."""


def at_once(steps: Steps[T]) -> T:
    """Carry out all steps; the result."""
    while True:
        try:
            next(steps)
        except StopIteration as done:
            result: T = done.value
            return result
