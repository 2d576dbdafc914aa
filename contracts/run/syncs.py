"""The calls of records/sync, as the client made them: what was claimed about which cell."""

from dataclasses import dataclass
from typing import Any

from mock_server.faults.catalogue import FaultKind
from mock_server.history.index import Call
from mock_server.model import Cell, DataType, PassDirection
from mock_server.problems import parse_json
from mock_server.wire.paths import SYNC_PREFIX, SYNC_SUFFIX


@dataclass(frozen=True, slots=True)
class Info:
    """One entry of a sync body. `cell` is None where it makes none; `claimed` is what it has for a count."""

    raw: dict[str, Any]
    cell: Cell | None
    claimed: Any


@dataclass(frozen=True, slots=True)
class Sync:
    """One call of records/sync. `body` is None if it is no JSON object (or too long to be in the history whole)."""

    call: Call
    device_id: str
    body: dict[str, Any] | None
    infos: tuple[Info, ...]
    faults: tuple[str, ...] = ()

    @property
    def seq(self) -> int:
        """The line of the request."""
        return self.call.seq

    @property
    def time(self) -> int:
        """When it was sent."""
        return self.call.time

    @property
    def cells(self) -> tuple[Cell, ...]:
        """What it asks about."""
        return tuple(info.cell for info in self.infos if info.cell is not None)

    @property
    def lost(self) -> bool:
        """Whether the command never reached the lot."""
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
        """The line of the request."""
        return self.sync.seq

    @property
    def time(self) -> int:
        """When it was sent."""
        return self.sync.time

    @property
    def equal(self) -> bool:
        """Whether the lot compared and found the same number."""
        return self.counted == self.claimed


def sync_of(call: Call, faults: tuple[str, ...]) -> Sync:
    """A call of records/sync, read from its request. `faults` are the kinds that struck it."""
    device_id = call.request.path[len(SYNC_PREFIX) : -len(SYNC_SUFFIX)]
    try:
        body = parse_json(call.request.body.encode())
    except ValueError:
        body = None
    if not isinstance(body, dict):
        return Sync(call, device_id, None, (), faults)
    listed = field_of(body, "record_sync_infos")
    infos = [_info(device_id, field_of(body, "data_type"), each) for each in listed] if isinstance(listed, list) else []
    return Sync(call, device_id, body, tuple(infos), faults)


def field_of(body: dict[str, Any], snake: str) -> Any:
    """A field under either of its spellings, None if it has neither."""
    return body.get(snake, body.get(camel(snake)))


def camel(snake: str) -> str:
    """A name as the vendor's examples spell it."""
    first, *rest = snake.split("_")
    return first + "".join(word.title() for word in rest)


def _info(device_id: str, data_type: Any, raw: Any) -> Info:
    if not isinstance(raw, dict):
        return Info({}, None, None)
    start, end = field_of(raw, "start_time"), field_of(raw, "end_time")
    direction = field_of(raw, "pass_direction")
    is_pass = data_type == DataType.PASS
    proper = type(start) is int and type(end) is int and data_type in (0, 1) and (not is_pass or direction in (0, 1))
    line_direction = PassDirection(direction) if proper and is_pass else None
    cell = Cell(device_id, DataType(data_type), line_direction, start, end) if proper else None
    return Info(raw, cell, field_of(raw, "total_count"))
