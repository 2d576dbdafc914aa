"""What comparing counts can and cannot show, as exact statements about sets of record ids, whatever the code.

Of a cell, `lot` are the ids that the lot counts and `client` those that the client counts. A round is one claim of
their number and, if the lot's number differs, the re-report of all of the lot's. A correct client keeps what it is
delivered, once each, and claims how many it has.
"""

from collections.abc import Iterable
from collections.abc import Set as AbstractSet
from enum import Enum
from math import comb
from typing import TypeAlias, TypeVar

Id = TypeVar("Id")
Ids: TypeAlias = AbstractSet[object]


class PairClass(Enum):
    """What happens to a pair of sets without further faults. Every pair belongs to exactly one class."""

    REPAIRABLE = "the client has nothing that the lot lacks: one round repairs it, or nothing is amiss"
    SILENT = "as many are missing as are too many: the counts agree and nobody ever speaks of it"
    IRRECONCILABLE = "the client has what the lot lacks: after one round it has all, and the counts differ for ever"


def trichotomy(client: Ids, lot: Ids) -> PairClass:
    """The class of a pair."""
    if client <= lot:
        return PairClass.REPAIRABLE
    return PairClass.SILENT if len(client) == len(lot) else PairClass.IRRECONCILABLE


def class_sizes(ids: int) -> dict[PairClass, int]:
    """How many of the 4^u pairs over a universe of u ids are in each class."""
    repairable = 3**ids
    silent = comb(2 * ids, ids) - 2**ids
    return {
        PairClass.REPAIRABLE: repairable,
        PairClass.SILENT: silent,
        PairClass.IRRECONCILABLE: 4**ids - repairable - silent,
    }


def difference(client: Ids, lot: Ids) -> int:
    """All that a comparison of counts measures: the number of missing ids less the number of extra ids."""
    return len(lot - client) - len(client - lot)


def invisible(cells: Iterable[tuple[Ids, Ids]]) -> bool:
    """Whether some cell's pair (client's ids, lot's ids) diverges and all counts agree, so that nothing is repaired."""
    pairs = tuple(cells)
    return any(client != lot for client, lot in pairs) and not any(difference(*pair) for pair in pairs)


def after_round(client: AbstractSet[Id], lot: AbstractSet[Id]) -> frozenset[Id]:
    """What a correct client has after a round without faults."""
    return frozenset(client | lot) if difference(client, lot) else frozenset(client)


def round_bound(faults: int) -> int:
    """The most rounds until a correct client has all of a cell, with so many faults in its whole history.

    A fault is one lost or doubled message or command. One more round finds equal counts.
    """
    return faults


def rereported_bound(faults: int, records: int) -> int:
    """The most messages of a cell's re-reports in the whole history of a correct client."""
    return faults * records
