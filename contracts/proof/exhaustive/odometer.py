"""An odometer over choices: code that asks it for choices is run once for every sequence of choices.

The code calls `choose` wherever it can continue in several ways; their number may depend on the earlier choices. The
position is the whole state, so an enumeration can be resumed from it.
"""

from collections.abc import Iterable


class Odometer:
    """The present sequence of choices; `advance` goes to the next. The last choice turns fastest."""

    def __init__(self, position: Iterable[int] = ()) -> None:
        self._digits = list(position)
        self._bounds: list[int] = []
        self._at = 0

    def choose(self, options: int) -> int:
        """One of 0, 1, ..., options - 1. ValueError if the code asks other questions than in the run before."""
        if self._at == len(self._digits):
            self._digits.append(0)
        if self._at == len(self._bounds):
            self._bounds.append(options)
        digit = self._digits[self._at]
        if self._bounds[self._at] != options or digit >= options:
            raise ValueError(f"choice {self._at} is {digit} of {options}: what runs is not what ran before")
        self._at += 1
        return digit

    def advance(self) -> bool:
        """Move to the next sequence, for the next run. False when every sequence has been run."""
        del self._digits[self._at :], self._bounds[self._at :]
        self._at = 0
        while self._digits and self._digits[-1] + 1 == self._bounds[-1]:
            self._digits.pop()
            self._bounds.pop()
        if self._digits:
            self._digits[-1] += 1
        return bool(self._digits)

    @property
    def position(self) -> tuple[int, ...]:
        """The present sequence: an odometer made from it continues here."""
        return tuple(self._digits)

    @property
    def share(self) -> float:
        """The share (0 to 1) of the tree of choices that has been run, as if all branches were equally large."""
        done, part = 0.0, 1.0
        for digit, options in zip(self._digits, self._bounds, strict=False):
            part /= options
            done += digit * part
        return done
