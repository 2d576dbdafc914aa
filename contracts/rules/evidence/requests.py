"""What a client has refused, where it does not say which message it means.

Over the WebSocket a client refuses one message by its id. Over the native protocol its library waits, and asks then for
everything again that is not acknowledged: the history has the request, and which messages came again for it.
"""

from bisect import bisect
from collections import defaultdict
from itertools import accumulate

from contracts.run.run import Run
from mock_server.history.events import RedeliveryRequested
from mock_server.history.index import Delivery
from mock_server.history.log import Entry
from mock_server.model import SECOND

HELD_MS = 10 * SECOND
"""How long a client has held a message that it asks for: the shortest ack timeout of pulsar-client (our choice).

What it has had for less than that may be in work, and only come again with the others.
"""


def asked_again(run: Run) -> dict[int, int]:
    """The deliveries that a client may have refused: the seq of each, with that of the request or of the refusal."""
    return {each.seq: seq for seq, held in run.once(_requests) for each in held} | _refused(run)


def refusals(run: Run) -> dict[int, int]:
    """Those of them that it has certainly not taken.

    A message of which a request can be is the only one that was held, or a later one was acknowledged before: a client
    that stores and acknowledges what it gets now and then has the latest ones in hand.
    """
    found = {
        each.seq: seq
        for seq, held in run.once(_requests)
        for each in held
        if len(held) == 1 or _was_passed_over(run, each, seq)
    }
    return found | _refused(run)


def _was_passed_over(run: Run, delivery: Delivery, seq: int) -> bool:
    """Whether a later delivery to the same consumer was acknowledged before an entry."""
    acked, latest = run.once(_acknowledged)[delivery.consumer]
    place = bisect(acked, seq)
    return place > 0 and latest[place - 1] > delivery.seq


def _acknowledged(run: Run) -> dict[str, tuple[list[int], list[int]]]:
    """For each consumer the seqs of acknowledgements in order, each with the latest delivery acknowledged by then."""
    found: dict[str, list[tuple[int, int]]] = defaultdict(list)
    for each in run.deliveries:
        if each.acked_seq is not None:
            found[each.consumer].append((each.acked_seq, each.seq))
    pairs = {consumer: sorted(each) for consumer, each in found.items()}
    return defaultdict(
        lambda: ([], []),
        {
            consumer: ([a for a, _ in each], [*accumulate((d for _, d in each), max)])
            for consumer, each in pairs.items()
        },
    )


def has_asked(run: Run, delivery: Delivery, following: Delivery) -> bool:
    """Whether a consumer has asked for what it holds between a delivery to it and the next one of the same message."""
    seqs = run.once(_seqs_of_requests)[delivery.consumer]
    return bisect(seqs, delivery.seq) < bisect(seqs, following.seq)


def _seqs_of_requests(run: Run) -> dict[str, list[int]]:
    found: dict[str, list[int]] = defaultdict(list)
    for each in run.entries:
        if isinstance(each.event, RedeliveryRequested):
            found[each.event.consumer].append(each.seq)
    return found


def _refused(run: Run) -> dict[int, int]:
    return {each.seq: each.refused_seq for each in run.deliveries if each.refused_seq is not None}


def _requests(run: Run) -> list[tuple[int, list[Delivery]]]:
    """The seq of each request for redelivery, with what its consumer had held for `HELD_MS` by then."""
    asked = [(each, each.event) for each in run.entries if isinstance(each.event, RedeliveryRequested)]
    if not asked:
        return []
    latest: dict[tuple[str, str], Delivery] = {}
    waiting = iter([*run.deliveries, None])
    delivery = next(waiting)
    found: list[tuple[int, list[Delivery]]] = []
    for entry, event in asked:
        while delivery is not None and delivery.seq < entry.seq:
            latest[delivery.subscription, delivery.message_id] = delivery
            delivery = next(waiting)
        held = [each for each in latest.values() if each.consumer == event.consumer and _is_held(each, entry)]
        found.append((entry.seq, held))
    return found


def _is_held(delivery: Delivery, request: Entry) -> bool:
    is_open = delivery.acked_seq is None or delivery.acked_seq > request.seq
    return is_open and not delivery.torn and request.time - delivery.time >= HELD_MS
