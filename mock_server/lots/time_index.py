"""The counting index: the number of records of a line in a window, in O(log n).

Event times and record slots are in sorted int64 blocks; a Fenwick tree over the block lengths turns a place in a
block into a rank. A record takes 16 bytes. A count takes two binary searches and two walks up the tree, whatever the
number of records in the window.
"""

from array import array
from bisect import bisect_left, bisect_right
from collections.abc import Iterable, Iterator
from typing import Self

_BLOCK = 2048
"""The entries of a full block. One twice as long is split: inserting moves at most 32 KiB in each of two arrays."""


class TimeIndex:
    """A sorted multiset of (event time, slot). Times and slots are int64; equal times are in the order of slots."""

    __slots__ = ("_maxima", "_slots", "_times", "_tree")

    def __init__(self) -> None:
        self._times: list[array[int]] = []
        self._slots: list[array[int]] = []
        self._maxima: list[int] = []
        self._tree: list[int] = [0]

    @classmethod
    def of(cls, entries: Iterable[tuple[int, int]]) -> Self:
        """The index of these, as if each had been added, which would take twice as long."""
        index = cls()
        in_order = sorted(entries)
        for start in range(0, len(in_order), _BLOCK):
            times, slots = zip(*in_order[start : start + _BLOCK], strict=True)
            index._times.append(array("q", times))
            index._slots.append(array("q", slots))
            index._maxima.append(times[-1])
        index._rebuild()
        return index

    def __len__(self) -> int:
        return self._rank_of_block(len(self._times))

    def add(self, time: int, slot: int) -> None:
        """Add one entry, at any time, in O(log n)."""
        block, place = self._place_of(time, slot)
        is_at_the_end = block == len(self._times) - 1 and (block < 0 or place == len(self._times[block]))
        if is_at_the_end and (block < 0 or len(self._times[block]) >= _BLOCK):
            self._append_block(time, slot)
            return
        times = self._times[block]
        times.insert(place, time)
        self._slots[block].insert(place, slot)
        self._maxima[block] = times[-1]
        self._shift(block, 1)
        if len(times) > 2 * _BLOCK:
            self._split(block)

    def _place_of(self, time: int, slot: int) -> tuple[int, int]:
        """The block of a new entry, and its place there. An empty index has block -1."""
        block = min(bisect_left(self._maxima, time), len(self._maxima) - 1)
        while block >= 0:
            times, slots = self._times[block], self._slots[block]
            place = bisect_left(slots, slot, bisect_left(times, time), bisect_right(times, time))
            if place < len(times) or block + 1 == len(self._times) or self._first(block + 1) > (time, slot):
                return block, place
            block += 1  # entries of this time go on in the next block
        return -1, 0

    def _first(self, block: int) -> tuple[int, int]:
        return self._times[block][0], self._slots[block][0]

    def remove(self, time: int, slot: int) -> None:
        """Remove one entry; KeyError if there is none."""
        block = bisect_left(self._maxima, time)
        while block < len(self._times) and self._times[block][0] <= time:
            if self._remove_from(block, time, slot):
                return
            block += 1
        raise KeyError((time, slot))

    def count(self, start: int, end: int) -> int:
        """The number of entries with start <= time < end."""
        return self._rank(end) - self._rank(start) if end > start else 0

    def slots(self, start: int, end: int) -> Iterator[int]:
        """The slots of the entries with start <= time < end, ordered by their times."""
        block = bisect_left(self._maxima, start)
        while block < len(self._times) and self._times[block][0] < end:
            times = self._times[block]
            yield from self._slots[block][bisect_left(times, start) : bisect_left(times, end)]
            block += 1

    def _rank(self, time: int) -> int:
        """The number of entries before `time`."""
        block = bisect_left(self._maxima, time)
        if block == len(self._times):
            return self._rank_of_block(block)
        return self._rank_of_block(block) + bisect_left(self._times[block], time)

    def _rank_of_block(self, block: int) -> int:
        """The number of entries in the blocks before `block`."""
        total = 0
        while block:
            total += self._tree[block]
            block &= block - 1
        return total

    def _shift(self, block: int, by: int) -> None:
        """Add `by` to the length of a block in the tree."""
        node = block + 1
        while node < len(self._tree):
            self._tree[node] += by
            node += node & -node

    def _append_block(self, time: int, slot: int) -> None:
        self._times.append(array("q", (time,)))
        self._slots.append(array("q", (slot,)))
        self._maxima.append(time)
        node = len(self._times)
        # A node of the tree holds the sum of the blocks from `covered_from` to its own.
        covered_from = node & (node - 1)
        self._tree.append(1 + self._rank_of_block(node - 1) - self._rank_of_block(covered_from))

    def _split(self, block: int) -> None:
        for arrays in (self._times, self._slots):
            arrays.insert(block + 1, arrays[block][_BLOCK:])
            del arrays[block][_BLOCK:]
        self._maxima.insert(block, self._times[block][-1])
        self._rebuild()

    def _remove_from(self, block: int, time: int, slot: int) -> bool:
        """Remove an entry from a block. False if the block does not have it."""
        times, slots = self._times[block], self._slots[block]
        low, high = bisect_left(times, time), bisect_right(times, time)
        try:
            place = slots.index(slot, low, high)
        except ValueError:
            return False
        del times[place], slots[place]
        self._shift(block, -1)
        if times:
            self._maxima[block] = times[-1]
        else:
            self._drop_block(block)
        return True

    def _drop_block(self, block: int) -> None:
        del self._times[block], self._slots[block], self._maxima[block]
        self._rebuild()

    def _rebuild(self) -> None:
        """Build the tree from the block lengths, in O(number of blocks)."""
        tree = [0, *map(len, self._times)]
        for node in range(1, len(tree)):
            parent = node + (node & -node)
            if parent < len(tree):
                tree[parent] += tree[node]
        self._tree = tree
