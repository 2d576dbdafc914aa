"""Entries of the history from their JSON, as this version, an older one or a later one wrote it.

An absent field takes its event's default, so a field that an event gains must have one. Unknown fields are passed over,
and unknown kinds by `read_entries`; the numbers of the entries around them stay as they are.
"""

from collections.abc import Iterable, Iterator, Mapping
from typing import Any, get_args

from mock_server.history.asking import sync_events
from mock_server.history.events import Event, RequestReceived, SyncAsked
from mock_server.history.log import Entry
from mock_server.problems import parse_json
from mock_server.state.codec import DecodeError, decode
from mock_server.wire.sync_asked import asked_device

_EVENTS: dict[str, Any] = {event.kind: event for event in get_args(Event)}


def read_entry(line: object, path: str) -> Entry:
    """An entry from its JSON; `path` is its place in the file. DecodeError if it is none of a known kind."""
    try:
        return _read_entry(line)
    except DecodeError as error:
        raise error.below(path) from None


def _read_entry(line: object) -> Entry:
    if not isinstance(line, dict):
        raise DecodeError("", "must be an object")
    seq, time = (decode(int, line.get(name), f".{name}") for name in ("seq", "time"))
    if "event" in line:  # as stores had it before their version 2
        return Entry(seq, time, decode(Event, line["event"], ".event"))
    kind = line.get("kind")
    if not isinstance(kind, str) or kind not in _EVENTS:
        raise DecodeError(".kind", f"{kind!r} is no kind of entry that this version knows")
    return Entry(seq, time, decode(_EVENTS[kind], line, ""))


def read_entries(lines: Iterable[Mapping[str, Any]]) -> tuple[Entry, ...]:
    """The entries of a history. KeyError or ValueError if a line of a known kind has not what it needs."""
    known = (line for line in lines if line["kind"] in _EVENTS)
    entries = tuple(read_entry(line, f"history[{at}]") for at, line in enumerate(known))
    if any(isinstance(entry.event, SyncAsked) for entry in entries):
        return entries
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
