"""Reads the entries of a sync body, valid or not, and their cells where the fields define one, for the history.

`sync_request` validates a body and names its problems.
"""

import math
import sys
from dataclasses import dataclass
from functools import cached_property, lru_cache
from typing import Any, NamedTuple

from mock_server.model import AskedEntry, Cell, DataType, JsonObject, JsonValue, PassDirection
from mock_server.wire.paths import SYNC_PREFIX, SYNC_SUFFIX


@dataclass(frozen=True)
class Spelling:
    """The keys of a body in one spelling. The vendor's parameter tables use snake case, its examples camel case."""

    data_type: str
    record_sync_infos: str
    total_count: str
    start_time: str
    end_time: str
    pass_direction: str

    @cached_property
    def keys(self) -> frozenset[str]:
        """All six keys."""
        items = (self.total_count, self.start_time, self.end_time, self.pass_direction)
        return frozenset((self.data_type, self.record_sync_infos, *items))


SNAKE = Spelling("data_type", "record_sync_infos", "total_count", "start_time", "end_time", "pass_direction")
CAMEL = Spelling("dataType", "recordSyncInfos", "totalCount", "startTime", "endTime", "passDirection")


MOST_ENTRIES = 10_000
"""The most entries of one call that the history holds: the most that any profile accepts."""

_KEY_LENGTH = 64
_TEXT_LENGTH = 64
"""The longest key of a field, and the characters kept of a text, so that a wrong body stays small in the history."""


class Asked(NamedTuple):
    """The content of one body. `fields` is None if it is not a JSON object.

    `total` is the length of its list, of which `entries` holds the first `MOST_ENTRIES`.
    """

    fields: JsonObject | None
    total: int
    entries: tuple[AskedEntry, ...]


def asked_device(path: str) -> str | None:
    """The device id in the path of records/sync; None for any other path."""
    is_sync = path.startswith(SYNC_PREFIX) and path.endswith(SYNC_SUFFIX)
    return path[len(SYNC_PREFIX) : -len(SYNC_SUFFIX)] if is_sync else None


@lru_cache(maxsize=256)
def squashed(key: str) -> str:
    """A key without underscores and dashes, in lower case: equal for all spellings."""
    return key.replace("_", "").replace("-", "").lower()


FIELD_NAMES = {squashed(key): key for key in sorted(SNAKE.keys)}
"""The endpoint's field names in snake case, by their squashed form."""


def read_asked(body: object, device_id: str) -> Asked:
    """Read a body sent to a device. `body` is its JSON value, None if it is not JSON."""
    if not isinstance(body, dict):
        return Asked(None, 0, ())
    spelling = SNAKE if SNAKE.record_sync_infos in body else CAMEL
    listed = body.get(spelling.record_sync_infos)
    if isinstance(listed, list):
        read = EntryReader(device_id, _either(body, SNAKE.data_type, CAMEL.data_type), spelling).read
        return Asked(_known(body), len(listed), tuple(map(read, listed[:MOST_ENTRIES])))
    listed = _misplaced(body)
    entries = (AskedEntry(None, None, _raw(item)) for item in listed[:MOST_ENTRIES])
    return Asked(_known(body), len(listed), tuple(entries))


def _misplaced(body: JsonObject) -> list[object]:
    """The entries of a list whose name has neither spelling, or of one object in place of the list."""
    wanted = squashed(SNAKE.record_sync_infos)
    found = next((value for key, value in body.items() if _is_field(key) and squashed(key) == wanted), None)
    return found if isinstance(found, list) else [found] if isinstance(found, dict) else []


class EntryReader:
    """Reads the entries of one body. `data_type` is the body's value, `spelling` the spelling of its list."""

    def __init__(self, device_id: str, data_type: object, spelling: Spelling) -> None:
        self._device_id = device_id
        self._data_type = _DATA_TYPES.get(data_type) if isinstance(data_type, int | float) else None
        self._is_plain = type(data_type) is int
        self._keys = spelling

    def read(self, item: object) -> AskedEntry:
        """One entry."""
        if not isinstance(item, dict):
            return AskedEntry(None, None, _raw(item))
        if self._is_plain and (entry := self._plain(item)) is not None:
            return entry
        return AskedEntry(self._cell(item), _shown(_either(item, SNAKE.total_count, CAMEL.total_count)), _raw(item))

    def _plain(self, item: JsonObject) -> AskedEntry | None:
        """An entry with exactly the fields of its data type, each an integer; None for any other entry.

        A shortcut for speed: nearly all entries are such ones.
        """
        keys, data_type = self._keys, self._data_type
        is_pass = data_type is DataType.PASS
        if data_type is None or len(item) != _BILL_FIELDS + is_pass:
            return None
        try:
            claimed, start, end = item[keys.total_count], item[keys.start_time], item[keys.end_time]
            direction = item[keys.pass_direction] if is_pass else 0
        except KeyError:
            return None
        if not (type(claimed) is type(start) is type(end) is type(direction) is int) or direction not in _DIRECTIONS:
            return None
        way = _DIRECTIONS[direction] if is_pass else None
        return AskedEntry(Cell(self._device_id, data_type, way, start, end), claimed)

    def _cell(self, item: JsonObject) -> Cell | None:
        """The cell of an entry; None without integer times and a known data type, or for a pass without direction."""
        start = _either(item, SNAKE.start_time, CAMEL.start_time)
        end = _either(item, SNAKE.end_time, CAMEL.end_time)
        if type(start) is not int or type(end) is not int or self._data_type is None:
            return None
        if self._data_type is DataType.BILL:
            return Cell(self._device_id, self._data_type, None, start, end)
        direction = _either(item, SNAKE.pass_direction, CAMEL.pass_direction)
        known = _DIRECTIONS.get(direction) if isinstance(direction, int | float) else None
        return None if known is None else Cell(self._device_id, self._data_type, known, start, end)


_BILL_FIELDS = 3
_DATA_TYPES: dict[float, DataType] = {each.value: each for each in DataType}
_DIRECTIONS: dict[float, PassDirection] = {each.value: each for each in PassDirection}


def _either(fields: JsonObject, snake: str, camel: str) -> Any:
    """The value of a field in either spelling, None if it has neither."""
    return fields[snake] if snake in fields else fields.get(camel)


def _raw(item: object) -> JsonValue:
    """An entry in the form of the history."""
    return _known(item) if isinstance(item, dict) else _shown(item)


def _known(fields: JsonObject) -> JsonObject:
    """The fields whose names are the endpoint's in any spelling. Others are left out: they may hold anything."""
    return {key: _shown(value) for key, value in fields.items() if _is_field(key)}


@lru_cache(maxsize=256)
def _is_field(key: str) -> bool:
    return len(key) <= _KEY_LENGTH and squashed(key) in FIELD_NAMES


def _shown(value: Any) -> JsonValue:
    """A value in the form of the history: JSON of a bounded size, valid in UTF-8, with lists and objects emptied."""
    if isinstance(value, list | dict):
        return type(value)()
    if isinstance(value, float) and math.isinf(value):  # 1e999 is read as infinity, which JSON cannot express
        return math.copysign(sys.float_info.max, value)
    return value[:_TEXT_LENGTH].encode("utf-8", "replace").decode() if isinstance(value, str) else value
