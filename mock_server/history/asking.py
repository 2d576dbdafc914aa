"""The events that tell what a call of records/sync asks."""

from collections.abc import Iterator

from mock_server.history.events import SyncAsked
from mock_server.wire.sync_asked import read_asked

ENTRIES_AN_EVENT = 50
"""A history is bounded by events: a call with many entries has several, so that none is large."""


def sync_events(request: int, device_id: str, body: object) -> Iterator[SyncAsked]:
    """The events of a call about a device, at least one. `body` is the JSON value, None if the body is not JSON."""
    asked = read_asked(body, device_id)
    for first in range(0, max(1, len(asked.entries)), ENTRIES_AN_EVENT):
        entries = asked.entries[first : first + ENTRIES_AN_EVENT]
        yield SyncAsked(request, device_id, asked.fields, asked.total, entries)
