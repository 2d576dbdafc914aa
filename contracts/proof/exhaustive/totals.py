"""The totals of many small histories: the number of each size, and of those that show each violation."""

from collections import Counter
from typing import Any, Self

from contracts.proof.exhaustive.histories import Played, Size, Violation
from mock_server.model import JsonObject


class ExhaustiveTotals:
    """The number of histories of one model by size: all, and those with each violation; the smallest of those."""

    def __init__(self) -> None:
        self.histories: Counter[Size] = Counter()
        self.seen: dict[Violation, Counter[Size]] = {each: Counter() for each in Violation}
        self.smallest: dict[Violation, Played] = {}

    def take(self, played: Played) -> None:
        """Add a history."""
        self.histories[played.size] += 1
        for violation in played.violations:
            self.seen[violation][played.size] += 1
            known = self.smallest.get(violation)
            if known is None or played.size < known.size:
                self.smallest[violation] = played

    def cell(self, violation: Violation) -> str:
        """The text of a table's cell: the number of histories that show a violation, and the size of the smallest."""
        sizes = self.seen[violation]
        if not sizes:
            return "0"
        records, faults = min(sizes)
        return f"{sizes.total()} ({records},{faults})"

    def to_json(self) -> JsonObject:
        """The totals as JSON."""
        return {
            "histories": _rows(self.histories),
            "violations": {each.value: _rows(sizes) for each, sizes in self.seen.items()},
            "smallest": {each.value: _played_json(played) for each, played in self.smallest.items()},
        }

    @classmethod
    def from_json(cls, data: Any) -> Self:
        """The reverse of `to_json`."""
        tally = cls()
        tally.histories = _sizes(data["histories"])
        tally.seen = {each: _sizes(data["violations"][each.value]) for each in Violation}
        tally.smallest = {Violation(name): _played(each) for name, each in data["smallest"].items()}
        return tally


def _rows(sizes: Counter[Size]) -> list[list[int]]:
    return [[*size, count] for size, count in sorted(sizes.items())]


def _sizes(rows: Any) -> Counter[Size]:
    return Counter({Size(records, faults): count for records, faults, count in rows})


def _played_json(played: Played) -> JsonObject:
    return {
        "size": list(played.size),
        "told": list(played.words),
        "violations": sorted(played.violations),
        "position": list(played.position),
    }


def _played(data: Any) -> Played:
    return Played(
        Size(*data["size"]), frozenset(map(Violation, data["violations"])), tuple(data["told"]), tuple(data["position"])
    )
