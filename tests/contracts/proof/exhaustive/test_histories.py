"""Every small history, played to every model of a client."""

from collections import Counter
from collections.abc import Iterable
from dataclasses import replace

import pytest

from contracts.proof.exhaustive.counting_models import MODELS, CorrectModel
from contracts.proof.exhaustive.histories import Choices, HistoryStage, Scope, Size, Violation, histories
from contracts.proof.exhaustive.odometer import Odometer
from contracts.proof.exhaustive.totals import ExhaustiveTotals
from mock_server.history.events import MessagePublished
from tests.contracts.proof.exhaustive.count_comparison import rereported_bound
from tests.make_exhaustive_docs import WHOLE, read_results
from tests.support import sampled


def tally(scope: Scope, model: type[CorrectModel]) -> ExhaustiveTotals:
    """Every history of a scope, summed up."""
    found = ExhaustiveTotals()
    for played in histories(scope, model):
        found.take(played)
    return found


def counts(
    totals: ExhaustiveTotals, scope: Scope, violations: Iterable[Violation] = Violation
) -> list[dict[Size, int]]:
    """The number of histories of each size in a scope, then of those with each of these violations."""

    def within(sizes: Counter[Size]) -> dict[Size, int]:
        return {
            size: count
            for size, count in sizes.items()
            if size.records <= scope.records and size.faults <= scope.faults
        }

    return [within(totals.histories), *(within(totals.seen[each]) for each in violations)]


SMALL = Scope(records=2, faults=2)
"""The scope that is played here to each model.

The committed result goes up to four records. `python -m tests.make_exhaustive_docs` measures it, in about half a minute
of CPU time a model; no test repeats that.
"""


@pytest.mark.parametrize("title", sampled(reversed(MODELS), every=len(MODELS)))
def test_what_is_wrong_with_whom(title: str) -> None:
    """All histories of up to two records and two faults show what the committed result of up to four has of them.

    The smallest history of every violation is among them, so each 0 of the table is distinguished from each number.
    """
    whole = read_results()[title, WHOLE]
    played = tally(SMALL, MODELS[title])
    assert counts(played, SMALL) == counts(whole, SMALL)
    assert played.smallest == whole.smallest


@pytest.mark.slow
@pytest.mark.parametrize("title", MODELS)
def test_what_is_wrong_with_whom_with_three_records(title: str) -> None:
    """All histories of up to three records and one fault agree with the committed result too.

    Except for the number of mismatches: their bound is the most faults of the scope, two in the committed result.
    """
    whole, scope = read_results()[title, WHOLE], Scope(records=3, faults=1)
    violations = [each for each in Violation if each is not Violation.MISMATCHES]
    assert counts(tally(scope, MODELS[title]), scope, violations) == counts(whole, scope, violations)


def test_the_correct_client_shows_nothing_wrong() -> None:
    """The committed result of the correct model has no violation in any history."""
    assert not read_results()["correct", WHOLE].smallest


@pytest.mark.parametrize("faults", [1, *(pytest.param(more, marks=pytest.mark.slow) for more in (2, 3))])
def test_the_round_bound_is_tight(faults: int) -> None:
    """A correct client holds everything after as many syncs as there are faults (O6), and one sync less is too few.

    Up to two faults that is so with a second record beside the first.
    """
    scope = Scope(records=1 if faults > 2 else 2, faults=faults, syncs=faults)
    enough, too_few = tally(scope, CorrectModel), tally(replace(scope, syncs=faults - 1), CorrectModel)
    assert not enough.seen[Violation.STORE]
    assert too_few.seen[Violation.STORE]
    assert min(too_few.seen[Violation.STORE]) == (1, faults)


@pytest.mark.slow
def test_re_reports_are_bounded() -> None:
    """Re-reports of a correct client have at most a message for each fault and record (O6), and sometimes as many."""
    scope, odometer = Scope(records=2, faults=2), Odometer()
    stage = HistoryStage(scope, Choices(odometer, scope), CorrectModel)
    most: Counter[Size] = Counter()
    more = True
    while more:
        played = stage.play()
        published = (entry.event for entry in stage._project.history.after())
        messages = sum(isinstance(each, MessagePublished) and each.origin == "rereport" for each in published)
        most[played.size] = max(most[played.size], messages)
        more = odometer.advance()
    assert all(messages <= rereported_bound(faults, records) for (records, faults), messages in most.items())
    assert most[Size(2, 2)] == rereported_bound(2, 2)


def test_a_run_can_be_taken_up_where_it_was_left() -> None:
    """A position in the middle goes on with the histories that were still to come."""
    scope = Scope(records=1, faults=1)
    odometer = Odometer()
    first = []
    for played in histories(scope, CorrectModel, odometer):
        first.append(played)
        if len(first) == 7:
            break
    odometer.advance()
    rest = list(histories(scope, CorrectModel, Odometer(odometer.position)))
    assert first + rest == list(histories(scope, CorrectModel))


@pytest.mark.parametrize(
    "title", sampled([title for title in MODELS if title != "dedupes by message id"], every=len(MODELS))
)
def test_who_makes_the_copies_matters_to_message_ids_only(title: str) -> None:
    """A second copy with its own message id is judged like a redelivery, but by who dedupes by message id."""
    redelivered, published = (
        [played.violations for played in histories(Scope(2, 1, 2, copies), MODELS[title])]
        for copies in ("redelivered", "published")
    )
    assert redelivered == published
