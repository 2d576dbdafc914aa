"""Entries of the history from their JSON, as this version, an older one or a later one wrote it.

An absent field takes its event's default, so a field that an event gains must have one. Unknown fields and kinds are
passed over; the numbers of the entries around them stay as they are.
"""

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import fields
from functools import cache
from typing import Any, get_args, get_type_hints

from mock_server.history.asking import sync_events
from mock_server.history.events import Event, RequestReceived, SyncAsked
from mock_server.history.log import Entry
from mock_server.model import AskedEntry, Cell, DataType, PassDirection
from mock_server.problems import parse_json
from mock_server.wire.sync_asked import asked_device

_EVENTS: dict[str, Any] = {event.kind: event for event in get_args(Event)}


def read_entries(lines: Iterable[Mapping[str, Any]]) -> tuple[Entry, ...]:
    """The entries of a history. KeyError, TypeError or ValueError if a line of a known kind has not what it needs."""
    entries = [_entry(line) for line in lines if line["kind"] in _EVENTS]
    if any(isinstance(entry.event, SyncAsked) for entry in entries):
        return tuple(entries)
    return tuple(_with_asked(entries))


def _with_asked(entries: Iterable[Entry]) -> Iterator[Entry]:
    """A history of before `SyncAsked`: read from the body what each call asks, under the number of the request.

    Such a history has the first 16 KiB of a body. A longer one tells no entries.
    """
    for entry in entries:
        yield entry
        request = entry.event
        device_id = asked_device(request.path) if isinstance(request, RequestReceived) else None
        if isinstance(request, RequestReceived) and device_id is not None:
            for asked in sync_events(entry.seq, device_id, _json_or_none(request.body)):
                yield Entry(entry.seq, entry.time, asked)


def _json_or_none(body: str) -> object:
    try:
        return parse_json(body.encode("utf-8", "replace"))
    except ValueError:
        return None


def _entry(line: Mapping[str, Any]) -> Entry:
    event = _EVENTS[line["kind"]]
    hints = _hints(event)
    own = {each.name: _value(hints[each.name], line[each.name]) for each in fields(event) if each.name in line}
    return Entry(line["seq"], line["time"], event(**own))


@cache
def _hints(event: type) -> dict[str, Any]:
    return get_type_hints(event)


def _value(hint: Any, value: Any) -> Any:
    if hint is Cell:
        return _cell(**value)
    return tuple(_asked(**entry) for entry in value) if hint == tuple[AskedEntry, ...] else value


def _asked(cell: Any, claimed: Any, raw: Any = None) -> AskedEntry:
    return AskedEntry(None if cell is None else _cell(**cell), claimed, raw)


def _cell(device_id: str, data_type: int, pass_direction: int | None, start_time: int, end_time: int) -> Cell:
    direction = None if pass_direction is None else PassDirection(pass_direction)
    return Cell(device_id, DataType(data_type), direction, start_time, end_time)
