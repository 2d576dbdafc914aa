"""The history as JSON lines, and the place from which a client reads it."""

import json
from collections.abc import Iterator

from mock_server.history.log import Entry, History
from mock_server.model import JsonObject
from mock_server.problems import whole_number
from mock_server.web.lab.request import LabError, read_number

MAX_AFTER = 2**53
"""The highest number of an entry in a request: the integers that JavaScript has without loss."""

HISTORY_FORMATS = LINES, HAR = "lines", "har"
"""What a history is asked for: JSON lines, or its calls as HAR, which browsers open."""

PIECE_ENTRIES, PIECE_BYTES = 100, 64 * 1024
"""The most entries of a piece, and the bytes after which it ends: a millisecond's work."""


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


def history_pieces(history: History, after: int) -> Iterator[bytes]:
    """The entries after a number as JSON lines, up to the newest entry at the first piece; some lines a piece.

    A marker stands for entries that the history has dropped. The pieces end early if the history begins again.
    """
    resets, end = history.resets, history.last
    while after < end and history.resets == resets:
        lines = []
        if history.dropped > after:
            lines.append(_line(dropped_marker(history, after)))
            after = history.dropped
        for entry in history.after(after, PIECE_ENTRIES):
            if entry.seq > end or sum(map(len, lines)) > PIECE_BYTES:
                break
            lines.append(entry_line(entry))
            after = entry.seq
        yield b"".join(lines)


def dropped_marker(history: History, after: int) -> JsonObject:
    """The marker of the dropped entries after a number; `seq` is the number of the last one."""
    return {"kind": "history.dropped", "seq": history.dropped, "dropped": history.dropped - after}


def entry_line(entry: Entry) -> bytes:
    """One entry as a JSON line."""
    return _line(entry.to_json())


def _line(value: JsonObject) -> bytes:
    return json.dumps(value, ensure_ascii=False, separators=(",", ":")).encode("utf-8", "replace") + b"\n"
