"""Rules of converging: client and lot end up with the same records, and re-reports end."""

from collections.abc import Iterator
from itertools import pairwise

from contracts.rules.base import Breach, Outcome, RuleBook, judged
from contracts.rules.evidence import claims as rounds
from contracts.rules.evidence.claims import Flow, Question, span_text
from contracts.run.run import Run
from contracts.run.syncs import Claim
from mock_server.history.events import CommandMoved
from mock_server.history.index import LotRecord
from mock_server.model import DAY, HOUR, MINUTE, SECOND, ProcessStatus
from mock_server.words import cell_text

RULES = RuleBook("Converging")

SOON = 2 * DAY
"""How long a client may take to ask again: two days, because it may plan one pass a day."""

FLOOR = 60 * SECOND
"""The least time between two syncs of one cell."""

LONG_FLOW = 5 * MINUTE
"""A re-report that takes this long exercises CONV-DRAIN: a client that asks every few minutes would ask amid it."""

TRIGGERED = 3
"""This number of syncs at the moments of one re-report's messages is no coincidence."""

MOST_A_DAY = 10
"""How often a cell that cannot agree may be asked about in a day: a few tries, then rarely."""

IN_VAIN = (ProcessStatus.FAILED, ProcessStatus.UNKNOWN)
"""The last statuses of commands that have compared nothing."""

WATCHED = 12 * HOUR
"""How long a run must go on after such a claim to show that the client gives up."""


@RULES.rule(
    "CONV-REACHES",
    "must",
    "derived",
    statement="When nothing more goes wrong, the client comes to hold every record of the lot that it can know of.",
    why="That is what records/sync is for. With f faults, f rounds bring every record to a client that asks on.",
    spares="Asking again at any pace within two days; giving up where a lot refuses for good.",
)
def reaches(run: Run) -> Outcome:
    """A record that a re-report brings is counted, and one that it lacks is asked about until it is delivered."""
    asked = list(rounds.questions(run))
    kept = list(_brought_again(run))
    breaches = [*_not_kept(run, kept), *_given_up(run, asked), *_silenced(run, asked)]
    return judged(kept, breaches)


def _brought_again(run: Run) -> Iterator[tuple[Claim, Claim, str]]:
    """A truthful claim with a record missing, the cell's last claim after its acknowledgement, and its name."""
    for cell, claims in run.claims_of.items():
        first = next((claim for claim in claims if rounds.missing(run, cell, claim.seq)), None)
        if first is None or not rounds.is_truthful(run, first):
            continue
        for record in rounds.missing(run, cell, first.seq):
            if record.acked_before(claims[-1].seq):
                yield first, claims[-1], record.name


def _not_kept(run: Run, brought: list[tuple[Claim, Claim, str]]) -> Iterator[Breach]:
    for _, last, name in brought:
        low, _ = run.bracket(last.cell, last.seq)
        if last.claimed < low:
            came = f"{name} came again and was acknowledged, and still the client claims"
            yield Breach(f"{came} {last.claimed} of {low} records of {cell_text(last.cell)}", last.seq)


def _given_up(run: Run, asked: list[Question]) -> Iterator[Breach]:
    """Re-reports that brought only a part of the missing records, after which the client never asked again."""
    for each in asked:
        if each.heard and each.is_open and not each.restarted and _dropped(run, each):
            said = f"a re-report of {cell_text(each.claim.cell)} came without {each.record.name}"
            yield Breach(f"{said}, and the client never asked again", each.claim.seq)


def _silenced(run: Run, asked: list[Question]) -> Iterator[Breach]:
    """Last claims that are the lot's own number, while a record is missing: no truthful client could claim it."""
    for each in asked:
        last = rounds.claims_about(run, each.record)[-1]
        if run.calm_at is None or each.record.deliveries or not last.equal or rounds.is_truthful(run, last):
            continue
        said = f"the client claimed {last.claimed} records of {cell_text(last.cell)}, the lot's own number"
        yield Breach(f"{said}, without {each.record.name}: it will never be reported again", last.seq)


def _dropped(run: Run, question: Question) -> bool:
    return question.again is None and rounds.spare_ms(run, question.claim) >= SOON


@RULES.rule(
    "CONV-QUIET",
    "must",
    "derived",
    statement="Once the client holds a cell's records, its count of the cell agrees and nothing is reported again.",
    why="A count that stays different makes the lot report the same records at every sync, for ever.",
    spares="Asking again while records are still on their way, or after a correction; a count that differs "
    "while the lot's record is unreadable.",
)
def quiet(run: Run) -> Outcome:
    """The last claim of a re-reported cell is the lot's number, if all of its records were acknowledged by then."""
    rereported = {event.cell for _, event in run.rereports}
    ends = [claims[-1] for cell, claims in run.claims_of.items() if cell in rereported and len(claims) > 1]
    complete = [claim for claim in ends if _is_complete(run, claim)]
    return judged(complete, (_unequal_breach(run, claim) for claim in complete if not claim.equal))


def _is_complete(run: Run, claim: Claim) -> bool:
    """Whether a truthful claim could only be the lot's number."""
    low, high = run.bracket(claim.cell, claim.seq)
    return low == high == claim.counted


def _unequal_breach(run: Run, claim: Claim) -> Breach:
    times = sum(event.cell == claim.cell for _, event in run.rereports)
    said = f"the client has all {claim.counted} records of {cell_text(claim.cell)} and claims {claim.claimed}"
    return Breach(f"{said}: they were reported again {times} {'time' if times == 1 else 'times'}", claim.seq)


@RULES.rule(
    "CONV-NOT-BY-SUCCESS",
    "must",
    "documented",
    statement="A window is not settled because a call was answered with success: it is asked about again.",
    why="The answer says that a command was issued. The command, or all that it made the lot report, may be lost.",
    spares="Asking again once only, up to two days later, or with a larger window.",
)
def not_by_success(run: Run) -> Outcome:
    """A first sync after which no record of the cell was delivered is repeated."""
    silent = [each for each in rounds.questions(run) if each.is_open and not each.heard and not each.restarted]
    dropped = [each for each in silent if _dropped(run, each)]
    return judged(any(each.again for each in silent), map(_taken_for_done, dropped))


def _taken_for_done(question: Question) -> Breach:
    said = f"{question.record.name} is missing, and nothing came of the only sync of {cell_text(question.claim.cell)}"
    return Breach(f"{said}: its success was taken for an agreement", question.claim.seq)


@RULES.rule(
    "CONV-RESULT",
    "must",
    "derived",
    statement="A command that ended as failed or unknown has compared nothing: its cells are asked about again.",
    why="The call was answered with success, and then the lot was out of reach: what is missing there stays missing.",
    spares="Reading no results at all, but asking again by a plan of its own, up to two days later.",
)
def result(run: Run) -> Outcome:
    """A missing record whose every command came to nothing is asked about again within two days."""
    ended = run.once(ended_in_vain)
    in_vain = [found for record in run.records.values() if (found := _asked_in_vain(run, record, ended))]
    left = [(record, claims[-1]) for record, claims, healed in in_vain if not healed]
    return judged(
        any(healed for *_, healed in in_vain),
        (_in_vain(*each) for each in left if rounds.spare_ms(run, each[1]) >= SOON),
    )


def ended_in_vain(run: Run) -> set[str]:
    """The commands that ended as failed or unknown."""
    moved = (entry.event for entry in run.entries)
    return {event.sn for event in moved if isinstance(event, CommandMoved) and event.status in IN_VAIN}


def _asked_in_vain(run: Run, record: LotRecord, ended: set[str]) -> tuple[LotRecord, list[Claim], bool] | None:
    """A record that was missing while commands about it came to nothing, those claims, and if one did not follow."""
    if not record.losses or record.removed_seq is not None:
        return None
    claims = [claim for claim in rounds.claims_about(run, record) if claim.sync.call.understood]
    vain = [each for each in claims if each.sync.call.answer and each.sync.call.answer.sn in ended]
    if not vain or record.delivered_before(vain[0].seq):
        return None
    return record, vain, len(vain) < len(claims)


def _in_vain(record: LotRecord, claim: Claim) -> Breach:
    said = f"{record.name} is missing, and every command about {cell_text(claim.cell)} failed or ended unknown"
    return Breach(f"{said}: it was never asked about again", claim.seq)


@RULES.rule(
    "CONV-DRAIN",
    "must",
    "derived",
    statement="While messages of a cell's re-report keep coming, the cell is not asked about again.",
    why="The count is not yet whole, so the lot reports everything once more, on top of what is on its way.",
    spares="Asking about other windows meanwhile, or about this one a minute after the last message.",
)
def drain(run: Run) -> Outcome:
    """No claim of a cell is made between two messages of its re-report that are at most a minute apart."""
    flows = list(rounds.flows(run))
    return judged(
        any(flow.lasts_ms >= LONG_FLOW for flow in flows),
        (
            Breach(f"{cell_text(flow.cell)}: asked about again while its re-report was still coming", claim.seq)
            for flow in flows
            for claim in rounds.amid(run, flow)
        ),
    )


@RULES.rule(
    "CONV-MIN-INTERVAL",
    "must",
    "derived",
    statement="At least a minute passes between two syncs of one cell.",
    why="Each may make the lot report the whole cell again, and every call is metered.",
    spares="Repeating a call that failed; a claim after a restart; a pass that the judge asked for; two "
    "windows that overlap.",
)
def min_interval(run: Run) -> Outcome:
    """A claim that was answered well is not repeated within a minute by the same process."""
    provoked = any(_is_provoked(run, claim) for claim in run.claims)
    pairs = (pair for claims in run.claims_of.values() for pair in pairwise(claims))
    return judged(provoked, (_too_soon(*pair) for pair in pairs if _is_too_soon(run, *pair)))


def _is_provoked(run: Run, claim: Claim) -> bool:
    """Whether a client that asks again as soon as it sees a re-report would have done so."""
    is_asked = claim.counted is not None and not claim.equal and claim.sync.call.understood
    return is_asked and rounds.is_answered_at_once(run, claim, FLOOR)


def _is_too_soon(run: Run, first: Claim, second: Claim) -> bool:
    if first.seq == second.seq or second.time - first.time >= FLOOR or not first.sync.call.understood:
        return False
    return not rounds.is_prompted(run, second) and not rounds.was_disturbed(run, first.seq, second.seq)


def _too_soon(first: Claim, second: Claim) -> Breach:
    return Breach(f"{cell_text(first.cell)}: asked about again after {span_text(second.time - first.time)}", second.seq)


@RULES.rule(
    "CONV-NO-TRIGGER",
    "must",
    "derived",
    statement="Messages that arrive do not each cause a sync.",
    why="A re-report of n records would cause n syncs, and each of them may cause a re-report.",
    spares="A pass that happens to come with a message: it takes three in a row.",
)
def no_trigger(run: Run) -> Outcome:
    """Fewer than `TRIGGERED` claims of a cell are made within a second of a message of its re-report."""
    found = [(flow, rounds.triggered(run, flow)) for flow in rounds.flows(run)]
    return judged(
        any(flow.news >= TRIGGERED for flow, _ in found),
        (_triggered_breach(flow, claims) for flow, claims in found if len(claims) >= TRIGGERED),
    )


def _triggered_breach(flow: Flow, claims: list[Claim]) -> Breach:
    said = f"{cell_text(flow.cell)}: {len(claims)} syncs, each at the moment in which a message of its re-report came"
    return Breach(said, claims[-1].seq)


@RULES.rule(
    "CONV-GIVE-UP",
    "must",
    "derived",
    statement="A cell about which the lot can never agree is asked about ten times a day at the most.",
    why="Where the lot has deleted a record no count can be equal: a client that does not give up asks for ever.",
    spares="Ten tries in a day, at any pace. Who asks each hour for ever is accused on purpose: each call "
    "makes the lot report everything again.",
)
def give_up(run: Run) -> Outcome:
    """In the day after the first truthful claim that cannot be equal there are at most `MOST_A_DAY` of the cell."""
    stuck = [claims for claims in _fruitless(run) if len(claims) > 1]
    days = [[claim for claim in claims if claim.time < claims[0].time + DAY] for claims in stuck]
    return judged(
        any(run.ended_at - claims[0].time >= WATCHED for claims in stuck),
        (_endless_breach(day) for day in days if len(day) > MOST_A_DAY),
    )


def _fruitless(run: Run) -> Iterator[list[Claim]]:
    """The truthful claims of each cell that cannot be equal: the client has a record that the lot has deleted."""
    gone = {record.line for record in run.records.values() if record.removed_seq is not None}
    for cell, claims in run.claims_of.items():
        if cell.line in gone:
            found = [claim for claim in claims if _is_hopeless(run, claim)]
            if found:
                yield found


def _is_hopeless(run: Run, claim: Claim) -> bool:
    if claim.counted is None or claim.equal or not rounds.is_truthful(run, claim):
        return False
    deleted = [each for each in run.in_cell(claim.cell) if not rounds.at_lot(each, claim.seq)]
    had = any(each.acked_before(claim.seq) for each in deleted)
    return had and claim.counted > 0 and not rounds.missing(run, claim.cell, claim.seq)


def _endless_breach(claims: list[Claim]) -> Breach:
    hours = (claims[-1].time - claims[0].time) // HOUR + 1
    first = claims[0]
    said = f"the lot has {first.counted} records of {cell_text(first.cell)} and the client truthfully {first.claimed}"
    return Breach(f"{said}; it asked {len(claims)} times in {hours} hours", claims[-1].seq)


@RULES.rule(
    "CONV-OTHERS",
    "must",
    "derived",
    statement="A cell that cannot agree keeps no other cell from being asked about.",
    why="Behind one window that can never be repaired every later loss would stay.",
    spares="The client's own pace, as its other windows show it, and twice the length of its windows.",
)
def others(run: Run) -> Outcome:
    """While a cell can never agree, a loss in another one is asked about in time, given the client's own pace."""
    beside = list(_beside(run))
    late = (each for each in beside if not any(claim.time <= each[2] for claim in rounds.claims_about(run, each[1])))
    return judged(beside, (_held_up_breach(*each) for each in late))


def _held_up_breach(stuck: Claim, record: LotRecord, due: int) -> Breach:
    said = f"{record.name} was not asked about in {span_text(due - record.time)}"
    return Breach(f"{said}, while {cell_text(stuck.cell)} cannot agree", stuck.seq)


def _beside(run: Run) -> Iterator[tuple[Claim, LotRecord, int]]:
    """Claims that cannot be equal, each with a later loss outside its cell and the time by which to ask about that."""
    for claims in _fruitless(run):
        cell, pace = claims[0].cell, rounds.lag_ms(run, claims[0].time)
        for record in run.records.values():
            due = record.time + 2 * (cell.end_time - cell.start_time) + 2 * HOUR + pace
            if claims[0].time <= record.time and not run.is_in(cell, record) and _is_owed(run, record, due):
                yield claims[0], record, due


def _is_owed(run: Run, record: LotRecord, due: int) -> bool:
    """Whether a record's first message was lost, and the client could and should have asked about it by `due`."""
    device_id = record.kept.device_id
    is_plain = record.removed_seq is None and abs(record.kept.event_time - record.time) <= MINUTE
    is_lost = bool(record.losses) and (not record.deliveries or record.deliveries[0].origin == "rereport")
    return (
        is_plain
        and is_lost
        and run.takes_sync(device_id)
        and run.ended_at >= due
        and rounds.is_steady(run, device_id, record.time)
    )
