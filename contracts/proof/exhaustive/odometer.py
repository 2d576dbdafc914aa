"""An odometer over choices: whatever is chosen while something runs, it is run once for every sequence of choices.

The code under it asks `choose` whenever there are several ways to go on; how many there are may depend on what was
chosen before. Nothing is kept but the present position, so that a run can be taken up where it was left.
"""

from collections.abc import Iterable


class Odometer:
    """The present sequence of choices, and the way to the next one. The last choice turns fastest."""

    def __init__(self, position: Iterable[int] = ()) -> None:
        self._digits = list(position)
        self._bounds: list[int] = []
        self._at = 0

    def choose(self, options: int) -> int:
        """One of 0, 1, ..., options - 1."""
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
        """Go to the next sequence, for the next run. False when every sequence has been run."""
        del self._digits[self._at :], self._bounds[self._at :]
        self._at = 0
        while self._digits and self._digits[-1] + 1 == self._bounds[-1]:
            self._digits.pop()
            self._bounds.pop()
        if self._digits:
            self._digits[-1] += 1
        return bool(self._digits)

    def again(self) -> None:
        """Run the present sequence once more."""
        self._at = 0

    @property
    def position(self) -> tuple[int, ...]:
        """The present sequence: an odometer made from it goes on here."""
        return tuple(self._digits)

    @property
    def share(self) -> float:
        """How much of the tree of choices is behind: each choice divides what is left evenly."""
        done, part = 0.0, 1.0
        for digit, options in zip(self._digits, self._bounds, strict=False):
            part /= options
            done += digit * part
        return done
