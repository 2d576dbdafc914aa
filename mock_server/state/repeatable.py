"""A random source whose place in its sequence is a number, so that a later process goes on where it stopped."""

from random import Random

_WORD = 32
"""The bits that Python's generator makes at once (documented: a Mersenne Twister of 32-bit words)."""

_WORDS_AT_ONCE = 1 << 20


class RepeatableRandom(Random):
    """The same values as `Random(seed)`, and `value`: how many words of its sequence were drawn.

    A register of the state.
    """

    value = 0

    def __init__(self, seed: int) -> None:
        super().__init__(seed)
        self._seed = seed

    def go_to(self, value: int) -> None:
        """Go on behind that many words."""
        self.seed(self._seed)
        self.value = 0
        while self.value < value:
            self.getrandbits(_WORD * min(_WORDS_AT_ONCE, value - self.value))

    def random(self) -> float:
        """A number in [0, 1), which takes two words."""
        self.value += 2
        return super().random()

    def getrandbits(self, k: int) -> int:
        """A number of `k` bits. Every method but `random` is made from this one."""
        self.value += (k + _WORD - 1) // _WORD
        return super().getrandbits(k)
