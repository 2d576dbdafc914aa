"""Times, cells and lists of names in words, and lines of text, the same in every message of both halves.

Times are in UTC. The dashboard has words of its own: its page is read beside the lots, in their time.
"""

import hashlib
import textwrap
from collections.abc import Iterable
from datetime import UTC, datetime
from difflib import get_close_matches

from mock_server.model import LATEST_MS, SECOND, Cell, DataType, PassDirection
from mock_server.wire.record_time import iso_time

NAMES_SHOWN = 6


def clock_text(at_ms: int, *, precise: bool = False) -> str:
    """A time of day in UTC; with milliseconds only if there are any, or if `precise`."""
    seconds, milliseconds = divmod(at_ms, 1000)
    text = f"{datetime.fromtimestamp(seconds, UTC):%H:%M:%S}"
    return f"{text}.{milliseconds:03d}" if milliseconds or precise else text


def day_text(at_ms: int) -> str:
    """A date and a time of day in UTC."""
    return f"{datetime.fromtimestamp(at_ms // 1000, UTC):%Y-%m-%d} {clock_text(at_ms)}"


def time_text(at_ms: int) -> str:
    """A time that a client has sent, as ISO 8601 text; one before 1970 as its number of milliseconds."""
    return iso_time(at_ms) if at_ms >= 0 else f"{at_ms} ms"


def range_text(least: int, most: int) -> str:
    """A range of numbers; one number if the least and the most are equal."""
    return f"{least}" if least == most else f"{least} to {most}"


def line_text(cell: Cell) -> str:
    """The line of a cell without its lot: data type and direction."""
    if cell.data_type is DataType.BILL:
        return "bills"
    return "passes, enter" if cell.pass_direction is PassDirection.ENTER else "passes, leave"


def cell_text(cell: Cell) -> str:
    """A cell in words: lot, what is counted, window."""
    return f"lot {cell.device_id}, {line_text(cell)}, {window_text(cell.start_time, cell.end_time)}"


def window_text(start: int, end: int) -> str:
    """A window to the millisecond; its end has a date only where it is on another day."""
    if min(start, end) < 0 or max(start, end) > LATEST_MS:
        return f"{start} ms - {end} ms"
    day, last_day = (f"{datetime.fromtimestamp(at_ms // SECOND, UTC):%Y-%m-%d} " for at_ms in (start, end))
    until = "" if day == last_day else last_day
    return f"{day}{clock_text(start, precise=True)} - {until}{clock_text(end, precise=True)}"


def names_text(names: Iterable[str]) -> str:
    """A list of names, the first `NAMES_SHOWN` of them and how many more there are."""
    known = list(names)
    more = f" and {len(known) - NAMES_SHOWN} more" if len(known) > NAMES_SHOWN else ""
    return ", ".join(known[:NAMES_SHOWN]) + more


def printable(text: str) -> str:
    """The text with a question mark for what could steer a terminal or break a line: callers choose parts of it."""
    return "".join(sign if sign.isprintable() else "?" for sign in text)


def mask(secret: str) -> str:
    """A fingerprint of a secret: `#` and 10 hex digits of its SHA-256. An empty one stays empty."""
    return f"#{hashlib.sha256(secret.encode('utf-8', 'replace')).hexdigest()[:10]}" if secret else ""


def without(secrets: Iterable[str], text: str) -> str:
    """The text with the mask of each of these secrets in its place: callers may have put them anywhere."""
    for secret in secrets:
        if secret in text:
            text = text.replace(secret, mask(secret))
    return text


def folded(head: str, text: str, width: int, hang: int) -> list[str]:
    """A text of any length in lines of at most `width` characters, broken between words: nothing of it is left out.

    The first line begins with `head`, the others with `hang` blanks. A word that is longer than a line is broken.
    """
    lines = textwrap.wrap(text, width, initial_indent=head, subsequent_indent=" " * hang, break_on_hyphens=False)
    return lines or [head.rstrip()]


def shortened(text: str, most: int) -> str:
    """The text, cut off at `most` characters with an ellipsis: for what is bounded wherever it is shown."""
    return text if len(text) <= most else f"{text[: most - 3]}..."


def did_you_mean(name: str, names: Iterable[str]) -> str:
    """The names that are similar to a name, whatever its case, as the end of a sentence; empty if there are none."""
    by_upper = {each.upper(): each for each in names}
    close = [by_upper[each] for each in get_close_matches(name.upper(), by_upper, cutoff=0.6)]
    return f"; did you mean {' or '.join(close)}?" if close else ""
