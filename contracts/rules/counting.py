"""Rules of counting: what a claimed count must be."""

from collections.abc import Callable

from contracts import counters
from contracts.counters import Counter, differs, fits
from contracts.rule import Breach, Check, Outcome, RuleBook, judged
from contracts.run import Run

RULES = RuleBook("Counting")


def not_counting_like(counter: Counter) -> Check:
    """The check of a rule against one wrong counter.

    Exercised where that counter would have been caught; broken where it explains every claim of the run, and one of
    them is off the bracket.
    """

    def check(run: Run) -> Outcome:
        if not differs(run, counter):
            return Outcome(exercised=False)
        if not run.off_bracket or not fits(run, counter):
            return Outcome(exercised=True)
        return Outcome(
            exercised=True, breaches=(Breach(f"{off_text(run)}: it {counter.name}", run.off_bracket[0][0].seq),)
        )

    return check


def off_text(run: Run) -> str:
    """The first claim that is off the bracket, with the sum."""
    claim, low, high = run.off_bracket[0]
    right = f"{low}" if low == high else f"{low} to {high}"
    return f"the client claimed {claim.claimed} where {right} was right"


@RULES.rule(
    "CNT-TRUTH",
    "must",
    "documented",
    statement="A claimed count is the number of distinct records of the cell that are stored just before it is sent.",
    why="The lot compares it with its own: any other number makes it report for nothing, or be silent about a loss.",
)
def truth(run: Run) -> Outcome:
    """Every claim lies between the records acknowledged and the records delivered."""
    return judged(
        any(low for _, low, _ in _judged(run)),
        (
            Breach(f"claimed {claim.claimed} where {low} to {high} records of the cell were there", claim.seq)
            for claim, low, high in run.off_bracket
        ),
    )


def _judged(run: Run) -> list[tuple[object, int, int]]:
    return [(claim, *run.bracket(claim.cell, claim.seq)) for claim in run.claims]


def _against(rule_id: str, counter: Counter, statement: str, why: str) -> Callable[[Run], Outcome]:
    check = not_counting_like(counter)
    return RULES.rule(rule_id, "must", "derived", statement=statement, why=why)(check)


_against(
    "CNT-RECORD-ID",
    counters.DELIVERIES,
    "A record counts once, however often it was delivered.",
    "The queue delivers at least once. A count of deliveries grows with every re-report and never comes to rest.",
)
_against(
    "CNT-NOT-MSG-ID",
    counters.MESSAGE_IDS,
    "Records are told apart by their record id, not by the broker's message id.",
    "A re-report is a new message about the same record: counted by message id it is one more each time.",
)
