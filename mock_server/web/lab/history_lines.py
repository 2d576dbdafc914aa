"""The history as JSON lines, and the place from which a client reads it."""

import json
from collections.abc import Iterator

from mock_server.history.log import Entry, History
from mock_server.model import JsonObject
from mock_server.problems import whole_number
from mock_server.web.lab.request import LabError, read_number

MAX_AFTER = 2**53
"""The highest number of an entry in a request: the integers that JavaScript has without loss."""


def history_place(history: History, after: str | None, event_id: str | None) -> tuple[int, int]:
    """The number of the last entry that a client has, and the count of resets in the history that it is of.

    `event_id` (the header Last-Event-ID) goes before `after`. It is a number, or number and resets: `17.1`.
    LabError if either is invalid.
    """
    first = read_number("after", "0" if after is None else after, MAX_AFTER)
    if event_id is None:
        return first, history.resets
    number, dot, resets = event_id.partition(".")
    seq, times = whole_number(number), whole_number(resets if dot else "0")
    if seq is None or times is None:
        raise LabError(400, "invalid", "Last-Event-ID must be the id of an event of this history, such as 17")
    return seq, times


def history_lines(history: History, after: int) -> Iterator[bytes]:
    """The entries after a number as JSON lines; first a marker of those that the history has dropped, if any."""
    if history.dropped > after:
        yield _line(dropped_marker(history, after))
    for entry in list(history.after(after)):
        yield entry_line(entry)


def dropped_marker(history: History, after: int) -> JsonObject:
    """The marker of the dropped entries after a number; `seq` is the number of the last one."""
    return {"kind": "history.dropped", "seq": history.dropped, "dropped": history.dropped - after}


def entry_line(entry: Entry) -> bytes:
    """One entry as a JSON line."""
    return _line(entry.to_json())


def _line(value: JsonObject) -> bytes:
    return json.dumps(value, ensure_ascii=False, separators=(",", ":")).encode("utf-8", "replace") + b"\n"
