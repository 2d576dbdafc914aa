"""Rules of receiving: messages and the connection. `receiving_storage` has the rules of the store."""

from collections.abc import Iterator

from msgspec import structs

from contracts.rules.base import Breach, Outcome, judged
from contracts.rules.evidence.acknowledgements import Oddity, deaths, name_of, never_taken, oddity, passed_over
from contracts.rules.evidence.connections import Connection, connections
from contracts.rules.evidence.encryption import unread
from contracts.rules.evidence.storage import explained, is_taken, names, seq_of_first_ack
from contracts.rules.receiving_storage import RULES
from contracts.run.known_faults import has_unknown_fields
from contracts.run.run import Run
from contracts.run.syncs import Claim
from mock_server.history.index import Delivery, LotRecord
from mock_server.model import MINUTE

__all__ = ["RULES"]

LONG_MS = 15 * MINUTE
"""How long a client may take to go on after a message or a cut of its connection."""

CUTS = 9
"""The number of cuts in a row that shows whether the pauses before reconnecting grow."""

FEW_CUTS, CALM_PAUSE_MS = 4, 30_000
"""A client that pauses this long after a few cuts is no burden, whether its pauses grow or not."""


def _died_of(run: Run, kind: Oddity, what: str = "") -> list[Breach]:
    """A breach for the first death of the client by a message of this kind."""
    found = (
        Breach(f"the client died of {name_of(delivery)}{what}, {act.text.partition('(')[0]}", delivery.seq)
        for act, delivery, odd in deaths(run)
        if odd == kind
    )
    return [*found][:1]


def _left(run: Run, kind: Oddity, what: str = "") -> Iterator[Breach]:
    """Breaches for messages of this kind that were refused or never acknowledged."""
    for each in never_taken(run, kind):
        how = "refused" if each.refused else "never acknowledged, though others behind it were"
        yield Breach(f"{name_of(each.delivery)}{what} was {how}", each.seq)


@RULES.rule(
    "REC-NACK",
    "must",
    "derived",
    statement="A message that cannot be read keeps no others from being read, and does not stop the client.",
    why="One damaged message would end the receiving of all that come behind it.",
    spares="Acknowledging a damaged message at once, after some deliveries, or refusing it; storing it as it "
    "came. Whether a client has kept it cannot be seen from outside.",
)
def nack(run: Run) -> Outcome:
    """Messages behind a damaged one are acknowledged, and the client does not die of it."""
    damaged = [each for each in run.deliveries if each.damaged and not each.torn]
    if not damaged:
        return judged(exercised=False, breaches=())
    behind = [each for each in run.deliveries if each.readable and each.seq > damaged[0].seq]
    return judged(
        any(each.acked_seq is not None for each in behind),
        [
            *_stuck(run, damaged[0], behind),
            *_died_of(run, "damaged", " that was damaged"),
        ],
    )


def _stuck(run: Run, damaged: Delivery, behind: list[Delivery]) -> Iterator[Breach]:
    """A breach if nothing is acknowledged after a damaged message, though others were delivered."""
    waiting = {each.message_id for each in behind if run.ended_at - each.time >= LONG_MS}
    if waiting and not any(each.acked_seq is not None and each.acked_seq > damaged.seq for each in run.deliveries):
        text = f"{name_of(damaged)} was damaged; {len(waiting)} came behind it and none was acknowledged any more"
        yield Breach(text, damaged.seq)


@RULES.rule(
    "REC-ASK-AGAIN",
    "should",
    "derived",
    statement="A message that cannot be read is asked for again before it is acknowledged.",
    why="It may come whole the next time. Thrown away it is missing until the lot reports it again; kept as it came it"
    " can be read later only if it was not damaged on the way.",
)
def ask_again(run: Run) -> Outcome:
    """A message that was damaged when it first came is not acknowledged then, unless the client has read it.

    Whether it was kept or thrown away does not show, so this can be no more than good practice.
    """
    first = [each for each in run.deliveries if each.damaged and not each.torn and not each.redelivery_count]
    at_once = (each for each in first if each.acked_seq is not None and not is_taken(run, each))
    return judged(
        any(each.record for each in first),
        [Breach(f"{name_of(e)} was damaged and was acknowledged when it first came", e.seq) for e in at_once],
    )


@RULES.rule(
    "REC-ENCRYPTION",
    "should",
    "documented",
    statement="A message is decrypted as its property `em` names it: by AES-ECB or by AES-GCM.",
    why="Which of the two a project's messages have is chosen in the console; a client that reads one of them only has"
    " nothing on the day on which that is changed.",
)
def encryption(run: Run) -> Outcome:
    """Something of what came intact was read. A client that reads nothing is told this alone of all that follows."""
    left = run.once(unread)
    text = f"nothing was read of {len(left)} messages that were encrypted by {run.profile.encryption}"
    is_taken = any(each.record and each.acked_seq is not None for each in run.deliveries)
    return judged(is_taken, [Breach(text, left[0].seq)] if left else ())


@RULES.rule(
    "REC-CUMULATIVE",
    "must",
    "derived",
    statement="Each message is acknowledged for itself: one that is acknowledged answers for none before it.",
    why="Over this protocol the others stay and come again; where acknowledgements are cumulative they would be lost.",
    spares="Acknowledging up to a message over native Pulsar, and there whatever comes again because the client has "
    "asked for what it holds; acknowledging in any order, by several workers, or in batches; leaving what is "
    "damaged, unknown, of another lot, or has a second 60 in its time; refusing a message. A message is left only if a "
    "later one of its connection was acknowledged before it came again, or for good.",
)
def cumulative(run: Run) -> Outcome:
    """No message was left unacknowledged when a later one was acknowledged."""
    left = {
        each.delivery.message_id: each
        for each in reversed(passed_over(run))
        if not each.refused and (each.later or (each.for_good and each.oddity == "plain"))
    }
    return judged(
        any(map(_is_among_others, run.deliveries, run.deliveries[1:])),
        (
            Breach(f"{name_of(each.delivery)} was left when a later one was acknowledged, and came again", each.seq)
            for each in reversed(left.values())
        ),
    )


def _is_among_others(one: Delivery, other: Delivery) -> bool:
    """Whether two messages were delivered to one consumer at one time, and the first was acknowledged after that."""
    together = one.consumer == other.consumer and one.time == other.time and one.message_id != other.message_id
    is_plain = one.readable and other.readable
    return together and is_plain and one.acked_seq is not None and one.acked_seq > other.seq


@RULES.rule(
    "REC-ACK-DUPLICATES",
    "must",
    "derived",
    statement="A message about a record that is known already is acknowledged too.",
    why="Otherwise it comes again for ever, and enough of them fill the window of what may be unacknowledged: the queue"
    " then delivers nothing more.",
    spares="Refusing it first, if it is acknowledged in the end.",
)
def ack_duplicates(run: Run) -> Outcome:
    """Every message about a record that was acknowledged before is acknowledged too."""
    taken = (each for each in run.deliveries if each.readable and each.acked_seq is not None)
    forever = [each for each in never_taken(run, "known") if each.for_good]
    return judged(
        any(oddity(run, each, each.seq) == "known" for each in taken),
        (Breach(f"{name_of(e.delivery)}, which was known already, was never acknowledged", e.seq) for e in forever),
    )


@RULES.rule(
    "REC-RECONNECT",
    "must",
    "derived",
    statement="A lost connection is opened again, for the same subscription, after pauses that grow.",
    why="A new subscription begins without what was waiting in the old one, and a client that comes back at once each"
    " time is a burden to the queue when that is in trouble.",
    partly=("pauses",),
    spares="Several subscriptions side by side, one for each worker; coming back at once after the first few "
    "cuts, or with random pauses; pauses in real time.",
)
def reconnect(run: Run) -> Outcome:
    """One subscription for each topic; a new connection after each cut; longer pauses after many cuts in a row.

    A client that may pause in real time has not come back only if it was waited for in real time.
    """
    found = connections(run)
    return judged(
        any(_shows_growth(pauses) for pauses in found.pauses),
        [*_other_names(found), *_never_back(run, found), *_too_soon(run, found)],
    )


def _shows_growth(pauses: list[int]) -> bool:
    return len(pauses) >= CUTS or (len(pauses) >= FEW_CUTS and pauses[-1] >= CALM_PAUSE_MS)


def _other_names(found: Connection) -> Iterator[Breach]:
    """A breach for each topic of which a subscription was left for another. Several side by side are no such thing."""
    for topic, used in found.names.items():
        seqs = [seq for (of, _), seq in found.left.items() if of == topic]
        if seqs:
            text = f"{len(used)} subscriptions of topic {topic} were used one after another: {', '.join([*used][:3])}"
            yield Breach(text, min(seqs))


def _never_back(run: Run, found: Connection) -> Iterator[Breach]:
    if found.cut is None or run.ended_at - found.cut.time < LONG_MS:
        return
    minutes = (run.ended_at - found.cut.time) // MINUTE
    if run.shows_pauses:
        yield Breach(f"the connection was cut, and the client was not back after {minutes} min", found.cut.seq)
    elif found.awaited:
        text = "the connection was cut, and the client was not back, though it was waited for in real time"
        yield Breach(text, found.cut.seq)


def _too_soon(run: Run, found: Connection) -> Iterator[Breach]:
    """Pauses that have not grown over many cuts. Pauses may be random, so the sums of three are compared."""
    for pauses in found.pauses if run.shows_pauses else ():
        early, late = pauses[:3], pauses[CUTS - 3 : CUTS]
        if len(pauses) >= CUTS and sum(late) <= sum(early) and max(late) < CALM_PAUSE_MS:
            told = ", ".join(str(each) for each in pauses[:CUTS])
            yield Breach(f"after {CUTS} cuts in a row the client came back after {told} ms", found.last_seq)


@RULES.rule(
    "REC-TOLERANT",
    "must",
    "practice",
    statement="Fields and kinds of messages that a client does not know are passed over, and the message acknowledged.",
    why="Vendors add fields and events without notice; a client that refuses them stops on the day that they do.",
    spares="Storing the message as it came; ignoring the kind that is not known.",
)
def tolerant(run: Run) -> Outcome:
    """No message with unknown fields or of an unknown kind is refused, left, not stored, or makes the client die."""
    new = [
        each for each in run.deliveries if has_unknown_fields(each) or (each.record is None and each.origin == "uplink")
    ]

    def is_only_known_extended(record: LotRecord, seq: int) -> bool:
        acked = [each for each in record.deliveries if each.readable and each.acked_seq and each.acked_seq <= seq]
        return bool(acked) and all(map(has_unknown_fields, acked))

    return judged(
        any(each.readable and each.acked_seq is not None for each in new),
        [
            *_left(run, "unknown"),
            *(
                Breach(f"{names(each.among)}: {each.shown}, after coming with fields that no page names", each.seq)
                for each in explained(run, is_only_known_extended)
            ),
            *_died_of(run, "unknown"),
        ],
    )


@RULES.rule(
    "REC-FOREIGN",
    "must",
    "practice",
    statement="Records of lots that a client does not know count for none that it knows, and are acknowledged.",
    why="All lots of a project share one queue, and a new one may report before anybody has told the client of it.",
    spares="Storing such a record under its own lot, or throwing it away.",
)
def foreign(run: Run) -> Outcome:
    """No claim and no dump has an unknown lot's record under a known lot."""
    strange = [record for record in run.records.values() if not run.is_listed(record.kept.device_id)]
    if not strange:
        return judged(exercised=False, breaches=())
    return judged(
        any(_would_show(run, record) for record in strange),
        [
            *_over_claims(run, strange),
            *_under_others(run, strange),
            *_left(run, "foreign", " of a lot that the client was not told of"),
            *_died_of(run, "foreign", " of a lot that the client was not told of"),
        ],
    )


def _would_show(run: Run, record: LotRecord) -> bool:
    """Whether a dump, or a claim of its time, would have shown a record under another lot."""
    acked = seq_of_first_ack(record)
    return any(dump.asked_seq >= acked for dump in run.dumps) or any(
        claim.seq > acked and _is_like(run, record, claim) for claim in run.claims
    )


def _is_like(run: Run, record: LotRecord, claim: Claim) -> bool:
    """Whether a record would be in a claim's cell if it were a record of that lot."""
    own = structs.replace(claim.cell, device_id=record.kept.device_id)
    return run.takes_sync(claim.cell.device_id) and run.is_in(own, record)


def _over_claims(run: Run, strange: list[LotRecord]) -> Iterator[Breach]:
    """Claims that are too high, if records of unknown lots explain each of them."""
    over = [(claim, high, _like(run, strange, claim)) for claim, _, high in run.off_bracket if claim.claimed > high]
    if all(claim.claimed <= high + len(like) for claim, high, like in over):
        for claim, high, like in over:
            text = f"the client claimed {claim.claimed} where it had {high}; another lot has {names(like)}"
            yield Breach(text, claim.seq)


def _like(run: Run, strange: list[LotRecord], claim: Claim) -> list[LotRecord]:
    return [each for each in strange if each.intact_before(claim.seq) and _is_like(run, each, claim)]


def _under_others(run: Run, strange: list[LotRecord]) -> Iterator[Breach]:
    """A breach for the first record of an unknown lot that is stored under a known one."""
    owners = {record.key[1:]: record for record in strange}
    for dump in run.dumps:
        for row in dump.records:
            record = owners.get((row.data_type, row.record_id))
            known = run.takes_sync(row.device_id) and (row.device_id, row.data_type, row.record_id) not in run.records
            if record is not None and known:
                text = f"record {record.name} of {record.kept.device_id} is stored as one of {row.device_id}"
                yield Breach(text, dump.seq)
                return
