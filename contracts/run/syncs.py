"""The calls of records/sync, as the client made them, and their claims: a count for a cell."""

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property
from itertools import chain

from mock_server.faults.catalogue import FaultKind
from mock_server.history.events import SyncAsked
from mock_server.history.index import Call
from mock_server.model import AskedEntry, Cell, JsonObject


@dataclass(frozen=True)
class Sync:
    """One call of records/sync, with what `SyncAsked` has of its body. `fields` is None if that is no JSON object."""

    call: Call
    device_id: str
    fields: JsonObject | None
    total: int
    entries: tuple[AskedEntry, ...]
    faults: tuple[str, ...] = ()

    @property
    def seq(self) -> int:
        """The number of the request's entry in the history."""
        return self.call.seq

    @property
    def time(self) -> int:
        """When it was sent."""
        return self.call.time

    @cached_property
    def cells(self) -> tuple[Cell, ...]:
        """The cells that it asks about."""
        return tuple(entry.cell for entry in self.entries if entry.cell is not None)

    @cached_property
    def entry_fields(self) -> tuple[JsonObject, ...]:
        """The fields by name of each of its entries."""
        return tuple(entry.fields for entry in self.entries)

    @property
    def lost(self) -> bool:
        """Whether a fault kept the command from the lot."""
        return FaultKind.COMMAND_LOSE in self.faults


@dataclass(frozen=True, slots=True)
class Claim:
    """One claimed count of a call. `counted` is the lot's own count, None if the lot never compared."""

    sync: Sync
    cell: Cell
    claimed: int
    counted: int | None

    @property
    def seq(self) -> int:
        """The number of the request's entry in the history."""
        return self.sync.seq

    @property
    def time(self) -> int:
        """When it was sent."""
        return self.sync.time

    @property
    def equal(self) -> bool:
        """Whether the lot compared and found the same number."""
        return self.counted == self.claimed


def sync_of(call: Call, asked: Sequence[SyncAsked], faults: tuple[str, ...]) -> Sync:
    """A sync, from its call and its events in the history. `faults` are the kinds of faults that struck it."""
    entries = tuple(chain.from_iterable(event.entries for event in asked))
    return Sync(call, asked[0].device_id, asked[0].fields, asked[0].total, entries, faults)
