"""Rules of the client as a process, and of several instances side by side."""

from collections.abc import Iterator

from contracts.client.interface import ProcessProblem
from contracts.play.recording import ActKind
from contracts.rules.base import Breach, Outcome, RuleBook, judged
from contracts.run.run import Run
from contracts.run.syncs import Claim
from mock_server.model import MINUTE
from mock_server.words import cell_text

RULES = RuleBook("The process")

AT_ONCE = MINUTE
"""Two syncs of a cell within this time come from two instances that do not share a schedule."""


@RULES.rule(
    "PROC-ANSWER",
    "must",
    "practice",
    statement="The process answers every verb that it has, in time and in its form, and ends when it is told to.",
    why="What hangs or dies by itself reconciles nothing until somebody looks.",
    partly=("process",),
    spares="Slow answers within the patience; verbs that it does not have.",
)
def answer(run: Run) -> Outcome:
    """No finding of a process problem. Exercised by every client that was started.

    In process only the form of answers can be seen.
    """
    return judged(
        run.acts_of(ActKind.START), (Breach(each.text, each.seq) for each in run.findings_of(*ProcessProblem))
    )


@RULES.rule(
    "CONV-SINGLE",
    "should",
    "practice",
    statement="Several instances of the client share one schedule: each cell is asked about by one of them.",
    why="Calls are limited and metered: every instance with timers of its own doubles them.",
    needs=("process", "instances"),
)
def single(run: Run) -> Outcome:
    """No cell is asked about twice within a minute; a failed call may be repeated. Exercised by several instances."""
    claims = [claim for claim in run.claims if claim.sync.call.taken]
    return judged(run.has_replicas and claims, _repeated(run, claims) if run.has_replicas else ())


def _repeated(run: Run, claims: list[Claim]) -> Iterator[Breach]:
    last: dict[object, Claim] = {}
    for claim in claims:
        before = last.get(claim.cell)
        if before is not None and before.sync is not claim.sync and claim.time - before.time < AT_ONCE:
            text = f"asked about {cell_text(claim.cell)} twice within {(claim.time - before.time) / 1000:g} s"
            yield Breach(
                f'{run.scenario.instances} instances {text}; one that runs alone says "instances": 1', claim.seq
            )
        last[claim.cell] = claim
