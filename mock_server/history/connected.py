"""Which consumers a history says are connected, for a world that goes on from a history of another time or project."""

from collections.abc import Callable, Iterable
from typing import Any, TypeAlias

from msgspec.structs import replace

from mock_server.history.events import ConsumerChanged
from mock_server.history.log import Entry

ConsumerKey: TypeAlias = tuple[str, str, str, int | None]
"""Topic, subscription, consumer id and partition."""


def connected_in(entries: Iterable[Entry]) -> dict[ConsumerKey, ConsumerChanged]:
    """The latest line about each consumer that is connected at the end, in the order of their coming."""
    connected: dict[ConsumerKey, ConsumerChanged] = {}
    for entry in entries:
        event = entry.event
        if isinstance(event, ConsumerChanged):
            key = (event.topic, event.subscription, event.consumer, event.partition)
            if event.change == "disconnected":
                connected.pop(key, None)
            else:
                connected[key] = event
    return connected


def with_subscription(entry: Entry, rename: Callable[[str], str]) -> Entry:
    """The entry with another name of its subscription, if it is about one."""
    event: Any = entry.event
    name = getattr(event, "subscription", None)
    if name is None or rename(name) == name:
        return entry
    return replace(entry, event=replace(event, subscription=rename(name)))
