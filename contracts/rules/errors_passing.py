"""Rules of errors that pass: a failed call is repeated, with pauses."""

from collections.abc import Iterator, Sequence
from itertools import islice

from contracts.play.recording import ActKind
from contracts.rules.base import Breach, Outcome, RuleBook, judged
from contracts.rules.evidence import errors as failures
from contracts.rules.evidence.errors import (
    Fails,
    healed,
    how,
    left_in_part,
    left_open,
    most_within,
    refused_with,
    repeats_at_once,
    streaks,
    with_unknown_code,
)
from contracts.run.run import Run
from contracts.run.syncs import Claim
from mock_server.faults.catalogue import FaultKind
from mock_server.model import HOUR, MINUTE
from mock_server.words import cell_text

RULES = RuleBook("Errors")

BUSY_REPEATS, REPEATS = 2, 3
"""Numbers of repeats in a row without a pause that are too many: after a refusal as busy, and after other errors."""

FREE = 6
"""Tries in a row that may follow each other quickly."""

TRIES_A_MINUTE = 15
"""The most tries a minute after that: pauses of four seconds."""

OFFLINE_TRIES_AN_HOUR = 30
"""The most tries an hour once a lot has been off line for an hour: pauses of two minutes."""


def left(run: Run, fails: Fails) -> Iterator[Breach]:
    """A breach for the first cell that was never asked about again after such a failure."""
    for claim in left_open(run, fails)[:1]:
        yield Breach(f"{cell_text(claim.cell)} {how(run, claim.sync)} and was never asked about again", claim.seq)


def hasty(run: Run, fails: Fails, at_once: int) -> Iterator[Breach]:
    """Breaches for cells that were asked about again `at_once` times without a pause, or too often within a minute.

    None for a client that may pause in real time, of which nothing shows here.
    """
    for row in streaks(run, fails) if run.shows_pauses else ():
        text = f"{cell_text(row[0].cell)} {how(run, row[0].sync)} and was asked about again"
        if repeats_at_once(row) >= at_once:
            yield Breach(f"{text} {repeats_at_once(row)} times without a pause", row[0].seq)
        elif (tries := most_within(row[FREE:], MINUTE)) > TRIES_A_MINUTE:
            yield Breach(f"{text} {tries} times a minute, after {FREE} tries in a row had failed", row[FREE].seq)


def first(breaches: Iterator[Breach]) -> Iterator[Breach]:
    """The first breach: the cells of one call have the same."""
    return islice(breaches, 1)


def _failed(row: Sequence[Claim]) -> int:
    """The least number of failures in a streak: all but its last claim, which may have failed too."""
    return len(row) - 1


@RULES.rule(
    "ERR-BODY",
    "must",
    "documented",
    statement="A call has succeeded if its body says `success: true`; HTTP 200 says nothing, and what was refused is"
    " asked again.",
    why="The cloud refuses with HTTP 200. A client that looks at the status takes every refusal for a success.",
    spares="Repeating at any time within two days, as part of another window, or not at all after a refusal for good.",
)
def body(run: Run) -> Outcome:
    """No cell is left open whose every call was refused with a passing code."""
    fails = refused_with(failures.BUSY | failures.TROUBLE)
    return judged(healed(run, fails), left(run, fails))


@RULES.rule(
    "ERR-KEEP",
    "must",
    "derived",
    statement="A call that failed leaves its cells open: each is asked about again.",
    why="Nothing was compared. A record that was lost in that window is lost for good.",
    spares="As ERR-BODY.",
)
def keep(run: Run) -> Outcome:
    """No cell is left open whose calls all failed."""
    return judged(healed(run, failures.PASSING), left(run, failures.PASSING))


@RULES.rule(
    "ERR-PARTIAL",
    "must",
    "derived",
    statement="After a failed call all of its cells are asked about again, not only some.",
    why="Nothing in a failure says which cells were looked at.",
    spares="Repeating the cells in another call, in several, or in a larger window.",
)
def partial(run: Run) -> Outcome:
    """If one cell of a failed call is asked about again, all are."""
    left = left_in_part(run, failures.PASSING)
    many = [claim for claim in healed(run, failures.PASSING) if claim.cell != claim.sync.cells[-1]]
    return judged(
        many,
        (
            Breach(
                f"{cell_text(claim.cell)} was never asked about again after its call {how(run, claim.sync)}, but"
                " other cells of that call were",
                claim.seq,
            )
            for claim in left[:1]
        ),
    )


@RULES.rule(
    "ERR-TIMEOUT",
    "must",
    "derived",
    statement="A call without an answer may have been carried out or not: its cells are asked about again.",
    why="A time-out taken for a success closes windows that no lot has looked at.",
    spares="As ERR-BODY. Asking by the command's record first is no repetition, and does no harm.",
)
def timeout(run: Run) -> Outcome:
    """No cell is left open whose last call got no answer."""
    return judged(healed(run, failures.unanswered), left(run, failures.unanswered))


@RULES.rule(
    "ERR-MALFORMED",
    "must",
    "derived",
    statement="An answer that cannot be read - no JSON, no body, half a body, no `sn` - is a failure like others:"
    " the client lives, and asks again.",
    why="Proxies answer with web pages. A client that dies of one stops reconciling; one that shrugs loses a window.",
    spares="As ERR-BODY. An answer of success without `sn` may be taken for either.",
)
def malformed(run: Run) -> Outcome:
    """The client does not die of an unreadable answer, and leaves no cell open whose last call got one."""
    return judged(healed(run, failures.unreadable), [*_deaths(run), *left(run, failures.unreadable)])


def _deaths(run: Run) -> Iterator[Breach]:
    """A breach for the first death of the client at the same time as an unreadable answer."""
    odd = failures.GARBLING | {FaultKind.ANSWER_NO_RESULT}
    for act in run.acts_of(ActKind.DIED):
        last = next((call for call in reversed(run.calls) if call.seq <= act.seq), None)
        if last is not None and last.time == act.time and odd.intersection(run.faults_of(last)):
            yield Breach(f"the client died of an answer that could not be read ({act.text})", last.seq)
            return


@RULES.rule(
    "ERR-RATE",
    "must",
    "derived",
    statement="After a refusal as busy or too frequent a client pauses, and for longer each time: it does not repeat"
    f" twice without a pause, and after {FREE} tries in a row makes {TRIES_A_MINUTE} a minute at most.",
    why="Whoever is told to slow down and does not keeps the limit exceeded, for all of the project.",
    needs=("pauses",),
    spares="One repetition at once; pauses that grow, or that are constant and four seconds or longer; pauses "
    "in real time.",
)
def rate(run: Run) -> Outcome:
    """The pace of repeats of a cell that was refused so; exercised where two tries failed in a row."""
    fails = refused_with(failures.BUSY)
    exercised = any(_failed(row) >= BUSY_REPEATS for row in streaks(run, fails))
    return judged(exercised, first(hasty(run, fails, at_once=BUSY_REPEATS)))


@RULES.rule(
    "ERR-5XX",
    "must",
    "derived",
    statement="After a system error, an unreadable answer or none a client tries again with growing pauses: not three"
    f" times without one, and after {FREE} tries in a row {TRIES_A_MINUTE} times a minute at most.",
    why="A server that is not well is not helped by a client that asks every second, and calls cost money.",
    needs=("pauses",),
    spares="Two repetitions at once; pauses that grow, or that are constant and four seconds or longer; pauses "
    "in real time.",
)
def trouble(run: Run) -> Outcome:
    """The pace of repeats of a cell; exercised where four tries failed in a row, over at least a minute."""
    fails = failures.SERVER_TROUBLE
    exercised = any(_failed(row) > REPEATS and row[-1].time - row[0].time >= MINUTE for row in streaks(run, fails))
    return judged(exercised, first(hasty(run, fails, at_once=REPEATS)))


@RULES.rule(
    "ERR-OFFLINE",
    "must",
    "derived",
    statement="A lot that is off line (2001) is asked later about the same windows, with growing pauses: after an"
    f" hour {OFFLINE_TRIES_AN_HOUR} times an hour at most, and again once it is back.",
    why="A lot may be off line for days. What it kept in that time is only found by asking when it is back.",
    partly=("pauses",),
    spares="Asking every two minutes or less often, or once a day; pauses in real time.",
)
def offline(run: Run) -> Outcome:
    """The pace of repeats while the lot is off line, and no cell left open afterwards."""
    fails = refused_with(failures.OFFLINE)
    return judged(
        healed(run, fails) and any(_span(row[:-1]) >= HOUR for row in streaks(run, fails)),
        [*left(run, fails), *first(hasty(run, fails, at_once=REPEATS)), *first(_hourly(run, fails))],
    )


def _hourly(run: Run, fails: Fails) -> Iterator[Breach]:
    for row in streaks(run, fails) if run.shows_pauses else ():
        late = [claim for claim in row if claim.time - row[0].time >= HOUR]
        if (tries := most_within(late, HOUR)) > OFFLINE_TRIES_AN_HOUR:
            yield Breach(
                f"lot {row[0].cell.device_id} had been off line for an hour and was asked {tries} times in another",
                late[0].seq,
            )


def _span(row: Sequence[Claim]) -> int:
    return row[-1].time - row[0].time if row else 0


@RULES.rule(
    "ERR-UNKNOWN-CODE",
    "should",
    "practice",
    statement="A refusal with a code of no table is taken for a passing one: the cells are asked about again, with"
    " growing pauses.",
    why="The vendor's lists of codes disagree and grow.",
    partly=("pauses",),
)
def unknown_code(run: Run) -> Outcome:
    """No cell is left open after such a refusal, and repeats have pauses."""
    return judged(
        healed(run, with_unknown_code),
        [*left(run, with_unknown_code), *first(hasty(run, with_unknown_code, at_once=REPEATS))],
    )
