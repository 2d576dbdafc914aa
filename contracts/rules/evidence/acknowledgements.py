"""Messages that were delivered and not acknowledged, and what was odd about them."""

from collections import defaultdict
from collections.abc import Iterator
from typing import Literal, NamedTuple, TypeAlias

from contracts.play.recording import Act, ActKind
from contracts.rules.evidence.requests import has_asked, refusals
from contracts.rules.evidence.storage import is_old
from contracts.run.known_faults import has_unknown_fields
from contracts.run.run import Run
from mock_server.history.index import Delivery
from mock_server.model import MINUTE

PATIENCE_MS = 2 * MINUTE
"""How long a message may be unanswered where nothing sends it again."""

DEATH_MS = MINUTE
"""A client that dies within this time of a message, and has not answered it, is taken to have died of it."""

Oddity: TypeAlias = Literal["damaged", "unknown", "foreign", "known", "old", "plain"]
"""Why a client may not take a message. `damaged` are also times with a second 60, which many parsers refuse, `unknown`
are undocumented fields or kinds, `foreign` is an unknown lot, `known`
is a record that was acknowledged already."""


class PassedOver(NamedTuple):
    """A readable message that a client refused, or had not acknowledged when it acknowledged one that came later.

    `seq` is the entry of the history at which that shows. `later` says that the client acknowledged it after that,
    `for_good` that it never did although there was time.
    """

    delivery: Delivery
    seq: int
    oddity: Oddity
    refused: bool
    later: bool
    for_good: bool


def name_of(delivery: Delivery) -> str:
    """A message in words: its record or kind."""
    if delivery.record is not None:
        name = f"a message of record {delivery.record.name}"
    else:
        name = "the result of a command" if delivery.origin == "command" else "an event of a kind that no page names"
    return f"{name} with fields that no page names" if has_unknown_fields(delivery) else name


def oddity(run: Run, delivery: Delivery, seq: float) -> Oddity:
    """What is particular about a message, as seen at the entry `seq`."""
    if delivery.damaged or run.has_leap_second(delivery):
        return "damaged"
    if has_unknown_fields(delivery) or delivery.record is None:
        return "unknown"
    if not run.is_listed(delivery.device_id):
        return "foreign"
    others = (each for each in delivery.record.deliveries if each.message_id != delivery.message_id)
    if any(each.acked_seq is not None and each.acked_seq < seq for each in others):
        return "known"
    return "old" if is_old(delivery.record, seq) else "plain"


def passed_over(run: Run) -> list[PassedOver]:
    """Every readable message that was passed over, once for each time, in order."""
    messages: dict[tuple[str, str], list[Delivery]] = defaultdict(list)
    consumers: dict[str, list[Delivery]] = defaultdict(list)
    for delivery in run.deliveries:
        messages[delivery.subscription, delivery.message_id].append(delivery)
        consumers[delivery.consumer].append(delivery)
    until = {event.consumer: entry.time for entry, event in run.consumers if event.change == "disconnected"}
    found: list[PassedOver] = []
    for copies in messages.values():
        for delivery, following in zip(copies, [*copies[1:], None], strict=True):
            if delivery.readable and delivery.acked_seq is None:
                ended = until.get(delivery.consumer, run.ended_at)
                seq = _shows_at(run, delivery, following, consumers[delivery.consumer], ended)
                found += [] if seq is None else [_passed_over(run, delivery, seq, copies)]
    return sorted(found, key=lambda each: each.seq)


def _passed_over(run: Run, delivery: Delivery, seq: int, copies: list[Delivery]) -> PassedOver:
    later = any(each.acked_seq is not None for each in copies)
    for_good = not later and run.ended_at - copies[0].time >= PATIENCE_MS
    return PassedOver(delivery, seq, oddity(run, delivery, seq), delivery.seq in run.once(refusals), later, for_good)


def _shows_at(
    run: Run, delivery: Delivery, following: Delivery | None, others: list[Delivery], ended: int
) -> int | None:
    """The seq at which a message is seen to have been passed over, None if it never is.

    A later one of its connection was acknowledged before this one came again there, or in all the time that there was.
    One that came again because the client has asked for what it holds may have been in work.
    """
    refused_seq = run.once(refusals).get(delivery.seq)
    if refused_seq is not None:
        return refused_seq
    if following is not None and has_asked(run, delivery, following):
        return None
    behind = [each.acked_seq for each in others if each.seq > delivery.seq and each.acked_seq is not None]
    if following is not None and following.consumer == delivery.consumer:
        return following.seq if min(behind, default=following.seq) < following.seq else None
    return min(behind) if behind and ended - delivery.time >= PATIENCE_MS else None


def deaths(run: Run) -> Iterator[tuple[Act, Delivery, Oddity]]:
    """Each death of the client with the last odd message that it had just been delivered and had not answered."""
    for act in run.acts_of(ActKind.DIED):
        held = [(each, oddity(run, each, act.seq)) for each in run.deliveries if _is_held(each, act)]
        odd = [(each, what) for each, what in held if what in _DEADLY]
        if odd:
            yield act, *odd[-1]


_DEADLY = ("damaged", "unknown", "foreign")


def _is_held(delivery: Delivery, act: Act) -> bool:
    """Whether a message was delivered within `DEATH_MS` before an act, and not answered by then."""
    answered = (delivery.acked_seq, delivery.refused_seq)
    return (
        not delivery.torn
        and delivery.seq <= act.seq
        and act.time - delivery.time <= DEATH_MS
        and all(seq is None or seq > act.seq for seq in answered)
    )


def never_taken(run: Run, *oddities: Oddity) -> list[PassedOver]:
    """The messages with these oddities that were refused, or never acknowledged although there was time; each once."""
    found: dict[tuple[str, str], PassedOver] = {}
    for each in passed_over(run):
        if each.oddity in oddities and (each.refused or each.for_good):
            found.setdefault((each.delivery.subscription, each.delivery.message_id), each)
    return [*found.values()]
