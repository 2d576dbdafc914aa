"""Texts of the dashboard for events, lines, windows and states. Times of day are the lots' local time, UTC+8."""

from collections.abc import Callable
from datetime import datetime, timedelta, timezone
from typing import Any

from mock_server.history.digest import FeedItem
from mock_server.history.digest_lot import LineKey, WindowSpan
from mock_server.model import DAY, Cell

ZONE = timezone(timedelta(hours=8))
"""The time zone of the lots: China, where the vendor's lots are (our choice)."""

STATUSES = {1: "sending", 2: "sent", 3: "succeeded", 4: "failed", 5: "unknown"}
SYMBOLS = {
    "never asked": "·",
    "equal": "=",
    "mismatch": "≠",
    "re-reporting": "↻",
    "repaired": "✓",
    "refused": "✕",
}
_LINES = {(0, 0): "entering", (0, 1): "leaving", (1, None): "bills"}
_TYPES = {0: "pass", 1: "bill"}


def line_text(line: LineKey) -> str:
    """The kind of records that a line counts, in one word."""
    return _LINES.get(line, "records")


def moment(at_ms: int) -> datetime | None:
    """Epoch milliseconds as a time in the lots' zone; None beyond the years of `datetime`."""
    try:
        return datetime.fromtimestamp(at_ms / 1000, ZONE)
    except (OverflowError, ValueError, OSError):
        return None


def clock_text(at_ms: int) -> str:
    """A time of day, with its milliseconds unless they are 0."""
    at = moment(at_ms)
    if at is None:
        return str(at_ms)
    fraction = at_ms % 1000
    return f"{at:%H:%M:%S}" + (f".{fraction:03d}".rstrip("0") if fraction else "")


def short_clock(at_ms: int) -> str:
    """A time of day, without its seconds if they are 0."""
    return clock_text(at_ms).removesuffix(":00")


def day_text(at_ms: int) -> str:
    """The date of a time; empty beyond the years of `datetime`."""
    at = moment(at_ms)
    return f"{at:%a} {at.day} {at:%b %Y}" if at else ""


def span_text(span: WindowSpan) -> str:
    """The first and last time of day of a window, and how many days they are apart, if any."""
    days = (span.end - span.start) // DAY
    return f"{short_clock(span.start)} – {short_clock(span.end)}" + (f" (+{days} d)" if days else "")


def cell_text(cell: Cell) -> str:
    """The line and window of a cell, without its lot."""
    direction = None if cell.pass_direction is None else int(cell.pass_direction)
    return f"{line_text((int(cell.data_type), direction))} {span_text(WindowSpan(cell.start_time, cell.end_time))}"


def event_text(item: FeedItem) -> str:
    """The text of an event in the feed."""
    text_of = _TEXT_OF.get(item.entry.event.kind)
    return text_of(item.entry.event, item.about) if text_of else item.entry.event.kind


def _kept(event: Any, _: str) -> str:
    what = line_text((event.data_type, event.pass_direction)).removesuffix("s")
    changed = "corrects" if event.replaced else "has"
    late = f" ({event.uplink})" if event.uplink else ""
    plate = event.plate_no or "without a plate"
    return f"lot {changed} {event.record_id}: {what}, {plate}, {clock_text(event.event_time)}{late}"


def _published(event: Any, about: str) -> str:
    again = {"rereport": "again, re-reported: ", "command": ""}.get(event.origin, "")
    return f"on the queue: {again}{about or 'an event of no known kind'}"


def _delivered(event: Any, about: str) -> str:
    again = f", time {event.redelivery_count + 1}" if event.redelivery_count else ""
    return f"delivered to {event.consumer}: {about or event.message_id}{again}"


def _acknowledged(event: Any, about: str) -> str:
    others = ", by itself or with one behind it" if event.cumulative else ""
    return f"acknowledged by {event.consumer}: {about or event.message_id}{others}"


def consumer_text(event: Any) -> str:
    """A consumer with what is known of its client."""
    carrier = {"websocket": "WebSocket", "native": "native Pulsar"}.get(event.carrier, "a test")
    known = ", ".join(each for each in (carrier, event.client, event.name) if each)
    return f"{event.consumer} ({known})"


def _consumer(event: Any, _: str) -> str:
    place = "" if event.partition is None else f", partition {event.partition}"
    return f"{consumer_text(event)} on {event.subscription}{place}: {event.change}"


def _compared(event: Any, _: str) -> str:
    verdict = "equal: silence" if event.equal else "mismatch"
    return f"claimed {event.claimed}, lot has {event.counted}: {verdict} ({cell_text(event.cell)}, sn {event.sn})"


def _answer(event: Any, _: str) -> str:
    damage = {"whole": "", "garbled": ", damaged on its way", "not": ", never sent"}[event.sent]
    result = f"success, sn {event.sn}" if event.sn else "success"
    return f"answer to {event.request}: " + (result if event.code is None else f"{event.code} {event.msg}") + damage


_TEXT_OF: dict[str, Callable[[Any, str], str]] = {
    "record.kept": _kept,
    "record.removed": lambda e, _: f"lot forgets {_TYPES.get(e.data_type, 'record')} {e.record_id}",
    "record.lost": lambda e, _: f"lost before the queue: {e.record_id} ({e.cause})",
    "message.published": _published,
    "message.delivered": _delivered,
    "message.acknowledged": _acknowledged,
    "message.discarded": lambda e, about: f"thrown away by {e.consumer}, unread ({e.error}): {about or e.message_id}",
    "message.refused": lambda e, about: f"refused by {e.consumer}, comes again: {about or e.message_id}",
    "message.expired": lambda e, about: f"let go, nobody ever listened: {about or e.message_id}",
    "redelivery.requested": lambda e, _: f"{e.consumer} asks again for what it has not acknowledged: {e.messages}",
    "consumer": _consumer,
    "consumer.refused": lambda e, _: f"{e.client or 'a client'} may not consume: {e.message}",
    "request": lambda e, _: f"{e.method} {e.path}",
    "answer": _answer,
    "count.compared": _compared,
    "rereport": lambda e, _: f"re-reports {e.records} of {cell_text(e.cell)}: claimed {e.claimed}, has {e.counted}",
    "command": lambda e, _: f"command {e.sn}: {STATUSES.get(e.status, e.status)}",
    "device": lambda e, _: f"{e.device_name} ({e.supplier_code}) is {'on' if e.online else 'off'} line",
    "fault": lambda e, _: f"fault {e.fault} strikes: {e.operation}",
    "faults": lambda e, _: f"faults {e.change}: {e.what}",
    "clock": lambda e, _: f"clock moves to {clock_text(e.to_ms)}, {day_text(e.to_ms)}",
}
