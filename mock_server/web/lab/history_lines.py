"""The history as lines, and from where on it is read."""

import json
from collections.abc import Iterator

from mock_server.history.log import Entry, History
from mock_server.model import JsonObject
from mock_server.problems import whole_number
from mock_server.web.lab.request import LabError, read_number

MAX_AFTER = 2**53
"""The highest number of an entry that can be asked for."""


def history_place(history: History, after: str | None, event_id: str | None) -> tuple[int, int]:
    """From where on entries are asked for: a number, and how many resets there had been when it was given.

    The id of an event is its number, and after a reset number and count of resets: `17.1`.
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
    """The entries after a number as JSON lines; the first tells how many are gone, if any are."""
    if history.dropped > after:
        yield _line(dropped_marker(history, after))
    for entry in list(history.after(after)):
        yield entry_line(entry)


def dropped_marker(history: History, after: int) -> JsonObject:
    """What stands in place of the entries after a number that are gone; `seq` is the last one of them."""
    return {"kind": "history.dropped", "seq": history.dropped, "dropped": history.dropped - after}


def entry_line(entry: Entry) -> bytes:
    """One entry as a JSON line."""
    return _line(entry.to_json())


def _line(value: JsonObject) -> bytes:
    return json.dumps(value, ensure_ascii=False, separators=(",", ":")).encode("utf-8", "replace") + b"\n"
