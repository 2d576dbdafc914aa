"""What follows from comparing counts, whatever the code: exact statements about one cell as pure functions of sets.

A cell's ids are sets: `lot` are those that the lot counts, `client` those that the client counts. A round is one
claim of their number and, if the lot's differs, the re-report of all of the lot's. A correct client adds what it is
delivered, once each, and claims how many it has.
"""

from collections.abc import Iterable
from collections.abc import Set as AbstractSet
from enum import Enum
from itertools import chain
from math import comb
from typing import TypeAlias, TypeVar

Id = TypeVar("Id")
Ids: TypeAlias = AbstractSet[object]


class Class(Enum):
    """What becomes of a pair of sets without further faults: every pair belongs to exactly one class."""

    REPAIRABLE = "the client has nothing that the lot lacks: one round repairs it, or nothing is amiss"
    SILENT = "as many are missing as are too many: the counts agree and nobody ever speaks of it"
    IRRECONCILABLE = "the client has what the lot lacks: after one round it has all, and the counts differ for ever"


def trichotomy(client: Ids, lot: Ids) -> Class:
    """The class of a pair."""
    if client <= lot:
        return Class.REPAIRABLE
    return Class.SILENT if len(client) == len(lot) else Class.IRRECONCILABLE


def class_sizes(ids: int) -> dict[Class, int]:
    """How many of the 4^u pairs over a universe of u ids are in each class."""
    repairable = 3**ids
    silent = comb(2 * ids, ids) - 2**ids
    return {
        Class.REPAIRABLE: repairable,
        Class.SILENT: silent,
        Class.IRRECONCILABLE: 4**ids - repairable - silent,
    }


def difference(client: Ids, lot: Ids) -> int:
    """All that a comparison of counts measures: how many are missing, less how many are too many."""
    return len(lot - client) - len(client - lot)


def invisible(cells: Iterable[tuple[Ids, Ids]]) -> bool:
    """Whether client and lot diverge in some compared cell (client's ids, lot's ids), and no comparison shows it.

    A lot that is silent when counts agree can never repair such a state: it looks like agreement.
    """
    pairs = tuple(cells)
    return any(client != lot for client, lot in pairs) and not any(difference(*pair) for pair in pairs)


def after_round(client: AbstractSet[Id], lot: AbstractSet[Id]) -> frozenset[Id]:
    """What a correct client has after a round without faults."""
    return frozenset(client | lot) if difference(client, lot) else frozenset(client)


def bracket(acked: Ids, delivered: Ids, cell: Ids) -> tuple[int, int]:
    """The least and the most that a truthful client can claim for a cell.

    What it acknowledged it has said that it keeps; what was never delivered it cannot know.
    """
    return len(acked & cell), len(delivered & cell)


def round_bound(faults: int) -> int:
    """After how many rounds at most a correct client has all of a cell, with so many faults in its whole history.

    A fault is one lost or doubled message or command. One more round ends in a comparison that is equal.
    """
    return faults


def rereported_bound(faults: int, records: int) -> int:
    """How many messages a cell's re-reports have at most, in the whole history of a correct client."""
    return faults * records


def expected_store(deliveries: Iterable[Id]) -> frozenset[Id]:
    """What a correct client has in the end: whatever was delivered, in any order, however often."""
    return frozenset(deliveries)


def counted_deliveries(first: int, records: int, rounds: int) -> int:
    """What a client that counts deliveries claims after some rounds without faults, `first` deliveries to begin with.

    It comes to rest only where its count is right by luck or nothing had come: else every round adds all records.
    """
    count = first
    for _ in range(rounds):
        count += records if count != records else 0
    return count


def union(parts: Iterable[AbstractSet[Id]]) -> frozenset[Id]:
    """The cells of a finer split, taken together."""
    return frozenset(chain.from_iterable(parts))
