"""The connections of a client to the queue: their subscriptions, and the pauses after cuts."""

from dataclasses import dataclass, field
from typing import TypeAlias

from contracts.play.recording import CUTS, Act, ActKind
from contracts.run.run import Run
from mock_server.faults.catalogue import FaultKind
from mock_server.history.events import ConsumerChanged, FaultInjected, MessageAcknowledged
from mock_server.history.log import Entry

_Moment: TypeAlias = Entry | Act

_TELLING = (MessageAcknowledged, FaultInjected, ConsumerChanged)
"""The events that tell of connections."""

_Subscription: TypeAlias = tuple[str, str]
"""A topic, and the name of a subscription of it."""


@dataclass(slots=True)
class Connection:
    """`names` are the subscriptions of each topic, each with the seq at which it was first used.

    `left` has those that were not connected when another name of their topic was first used, and never were again,
    with that seq: several that are used side by side are none of them. `connected` has those of each open consumer.
    `pauses` are the times from each cut to the return, in rows: a row ends when something is acknowledged or the
    client is started; one in which the client was refused by a fault is not counted, as it has more than one reason.
    `cut` is a cut after which it has not come back, though nothing has stopped it; `awaited` says
    whether it was waited for in real time since.
    """

    names: dict[str, dict[str, int]] = field(default_factory=dict)
    left: dict[_Subscription, int] = field(default_factory=dict)
    connected: dict[str, _Subscription] = field(default_factory=dict)
    pauses: list[list[int]] = field(default_factory=lambda: [[]])
    cut: _Moment | None = None
    refused: bool = False
    awaited: bool = False
    last_seq: int = 0


def connections(run: Run) -> Connection:
    """The connections of a run."""
    found = Connection()
    acts: list[_Moment] = [*run.acts_of(ActKind.CRASHES, ActKind.DIED, ActKind.START, ActKind.NOT_BACK)]
    entries = (each for each in run.entries if isinstance(each.event, _TELLING))
    for moment in sorted([*entries, *acts], key=lambda each: each.seq):
        event = moment.event if isinstance(moment, Entry) else None
        if isinstance(moment, Act) and moment.kind is ActKind.NOT_BACK:
            found.awaited = True
        elif isinstance(moment, Act):
            found.cut = None
            _begin_row(found)
        elif isinstance(event, MessageAcknowledged):
            _begin_row(found)
        elif isinstance(event, FaultInjected) and event.fault in CUTS:
            found.cut, found.awaited = moment, False
        elif isinstance(event, FaultInjected) and event.fault == FaultKind.SUBSCRIBE_REFUSE:
            found.refused = True
        elif isinstance(event, ConsumerChanged):
            _change(found, moment, event)
    return found


def _begin_row(found: Connection) -> None:
    if found.pauses[-1]:
        found.pauses.append([])


def _change(found: Connection, moment: Entry, event: ConsumerChanged) -> None:
    """Record a consumer's subscription, or the pause from a cut until any consumer, new or standing by, is active."""
    if event.change == "connected":
        _connect(found, moment.seq, event)
    elif event.change == "disconnected":
        found.connected.pop(event.consumer, None)
    elif event.change == "active" and found.cut is not None:
        if found.refused:
            _begin_row(found)
        else:
            found.pauses[-1].append(moment.time - found.cut.time)
        found.cut, found.last_seq, found.refused = None, moment.seq, False


def _connect(found: Connection, seq: int, event: ConsumerChanged) -> None:
    used = found.names.setdefault(event.topic, {})
    if event.subscription not in used:
        for name in used:
            if (event.topic, name) not in found.connected.values():
                found.left.setdefault((event.topic, name), seq)
    used.setdefault(event.subscription, seq)
    found.left.pop((event.topic, event.subscription), None)
    found.connected[event.consumer] = (event.topic, event.subscription)
