"""What the dashboard says of the queue's events."""

import pytest

from mock_server.history.digest import FeedItem
from mock_server.history.events import (
    ConsumerChanged,
    ConsumerRefused,
    Event,
    MessageAcknowledged,
    MessageDiscarded,
    RedeliveryRequested,
)
from mock_server.history.log import Entry
from mock_server.web.dashboard.words import event_text
from tests.support import NOON


@pytest.mark.parametrize(
    ("event", "text"),
    [
        (
            ConsumerChanged("event", "id-sub", "consumer-1", "active", "native", "Pulsar-CPP-v3.5.1", "a", 3),
            "consumer-1 (native Pulsar, Pulsar-CPP-v3.5.1, a) on id-sub, partition 3: active",
        ),
        (
            ConsumerChanged("event", "id-sub", "consumer-1", "connected"),
            "consumer-1 (WebSocket) on id-sub: connected",
        ),
        (
            ConsumerRefused("native", "Pulsar Go 0.14", "busy", "id-sub has an exclusive consumer"),
            "Pulsar Go 0.14 may not consume: id-sub has an exclusive consumer",
        ),
        (
            MessageDiscarded("m1", "event", "id-sub", "consumer-1", "ChecksumMismatch"),
            "thrown away by consumer-1, unread (ChecksumMismatch): pass r1",
        ),
        (
            RedeliveryRequested("event", "id-sub", "consumer-1", 5),
            "consumer-1 asks again for what it has not acknowledged: 5",
        ),
        (
            MessageAcknowledged("m1", "event", "id-sub", "consumer-1", cumulative=True),
            "acknowledged by consumer-1: pass r1, by itself or with one behind it",
        ),
    ],
    ids=lambda value: getattr(value, "kind", ""),
)
def test_an_event_of_the_queue_in_words(event: Event, text: str) -> None:
    """Who it was, with its library, and what became of the message."""
    assert event_text(FeedItem(Entry(1, NOON, event), "pass r1")) == text
