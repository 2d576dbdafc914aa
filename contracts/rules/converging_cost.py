"""Rules of converging, continued: counts that fall, windows lost by a restart, and the number of calls."""

from collections import Counter, defaultdict
from collections.abc import Iterator

from contracts.client.interface import Capability
from contracts.play.recording import ActKind
from contracts.rules.base import Breach, Outcome, judged
from contracts.rules.converging import RULES, SOON
from contracts.rules.evidence import claims as rounds
from contracts.rules.evidence.claims import Question, span_text
from contracts.rules.evidence.renewals import failed_calls
from contracts.run.run import Run
from contracts.run.syncs import Claim
from mock_server.model import HOUR, SECOND
from mock_server.words import cell_text

__all__ = ["RULES"]

MANY_LOTS = 10
"""The least number of lots of which a burst is judged."""

CALLS_AN_HOUR = 4
"""Twice the number needed for a lot: one call for passes in both directions, one for bills."""

LONG_ENOUGH = 6 * HOUR
"""How long a run must last for an average of calls."""


@RULES.rule(
    "CONV-MONOTONE",
    "must",
    "derived",
    statement="The claimed count of a cell never falls.",
    why="Records are only ever added. A count that falls was taken from a copy, a cache, or a store that loses.",
    spares="A fall after a crash, by what had not been acknowledged; corrections and deletions.",
)
def monotone(run: Run) -> Outcome:
    """Exercised where a cell with records is asked about again; lines with corrections or deletions are left out."""
    changed = {line for each in run.records.values() if each.versions > 1 or each.removed_seq for line in each.lines}
    rows = [claims for cell, claims in run.claims_of.items() if cell.line not in changed and len(claims) > 1]
    return judged(
        any(claim.claimed > 0 for claims in rows for claim in claims[:-1]),
        (_fall(*fall) for claims in rows for fall in _falls(run, claims)),
    )


def _falls(run: Run, claims: list[Claim]) -> Iterator[tuple[Claim, Claim]]:
    """Claims below an earlier one. Only a crash excuses a fall: it may lose unacknowledged records."""
    highest = claims[0]
    for claim in claims[1:]:
        if claim.claimed < highest.claimed and not (
            rounds.is_truthful(run, claim) and rounds.was_disturbed(run, highest.seq, claim.seq)
        ):
            yield highest, claim
        highest = max(highest, claim, key=lambda each: each.claimed)


def _fall(before: Claim, after: Claim) -> Breach:
    return Breach(f"claimed {after.claimed} records of {cell_text(after.cell)} after {before.claimed}", after.seq)


@RULES.rule(
    "CONV-RESUME",
    "must",
    "derived",
    statement="A restart forgets no window that still has to be asked about.",
    why="Progress that is kept in memory is gone with the process, and with it every window that was not settled.",
    needs=("traffic", "crash"),
    spares="Keeping the plan in memory and planning it anew, if the window is asked about within two days.",
)
def resume(run: Run) -> Outcome:
    """A record that was missing when the process died is asked about after its restart."""
    cut = [each for each in rounds.questions(run) if each.restarted and each.is_open]
    dropped = [each for each in cut if each.again is None and rounds.spare_ms(run, each.claim) >= SOON]
    return judged(any(each.again for each in cut), map(_forgotten, dropped))


def _forgotten(question: Question) -> Breach:
    said = f"{cell_text(question.claim.cell)}, of which {question.record.name} is missing"
    return Breach(f"{said}, was asked about before a restart and never after it", question.claim.seq)


@RULES.rule(
    "CONV-JITTER",
    "should",
    "practice",
    statement="The lots are not all asked in the same second.",
    why="Calls are limited for a project as a whole: a burst of all lots at the full hour is refused as too frequent.",
    needs=("pauses",),
)
def jitter(run: Run) -> Outcome:
    """At most half of the lots are first asked about the same window within one second, in a run without faults."""
    peaks = [(end, len(times), *_peak(times)) for end, times in _first_asks(run).items() if len(times) >= MANY_LOTS]
    return judged(
        peaks,
        (
            Breach(f"{most} of {lots} lots were asked within one second", seq)
            for _, lots, most, seq in peaks
            if 2 * most > lots
        ),
    )


def _first_asks(run: Run) -> dict[int, dict[str, Claim]]:
    """The first claim of each lot by the end of its window, in a run without faults."""
    found: dict[int, dict[str, Claim]] = defaultdict(dict)
    if not _is_plain(run):
        return found
    began = run.acts[0].time
    for claim in run.claims:
        if claim.cell.end_time > began:
            found[claim.cell.end_time].setdefault(claim.cell.device_id, claim)
    return found


def _is_plain(run: Run) -> bool:
    """Whether no fault, restart, prompt or failed call can have moved the client's calls."""
    restarted = len(run.acts_of(ActKind.START)) != 1 or run.acts_of(ActKind.CLOCK_JUMPS, ActKind.SYNCS)
    return Capability.ADVANCE in run.can and not (run.faults or restarted or failed_calls(run))


def _peak(asks: dict[str, Claim]) -> tuple[int, int]:
    """The number of claims in the busiest second, and the seq of one of them."""
    second, most = Counter(ask.time // SECOND for ask in asks.values()).most_common(1)[0]
    return most, next(ask.seq for ask in asks.values() if ask.time // SECOND == second)


@RULES.rule(
    "CONV-BUDGET",
    "should",
    "practice",
    statement=f"Where nothing goes wrong, a lot is sent {CALLS_AN_HOUR} syncs an hour at the most.",
    why="Calls are metered. Both directions of many windows fit into one call: two an hour and lot are enough.",
)
def budget(run: Run) -> Outcome:
    """The average of syncs an hour of each lot, over a run of `LONG_ENOUGH` in which every count agrees."""
    spent = run.ended_at - run.acts[0].time if run.acts else 0
    is_unequal = any(not claim.equal and claim.sync.call.understood for claim in run.claims)
    if spent < LONG_ENOUGH or not _is_plain(run) or is_unequal:
        return Outcome(exercised=False)
    calls = Counter(sync.device_id for sync in run.syncs if sync.call.understood)
    last = {sync.device_id: sync.seq for sync in run.syncs}
    return judged(
        calls,
        (
            Breach(f"lot {device_id} was sent {count} syncs in {span_text(spent)}", last[device_id])
            for device_id, count in calls.items()
            if count * HOUR > CALLS_AN_HOUR * spent
        ),
    )
