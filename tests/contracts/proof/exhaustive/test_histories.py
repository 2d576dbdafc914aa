"""Every small history, played to every model of a client."""

from collections import Counter

import pytest

from contracts.proof.exhaustive import oracle
from contracts.proof.exhaustive.counting_models import MODELS, Correct
from contracts.proof.exhaustive.histories import Choices, HistoryStage, Scope, Size, Violation, every, histories
from contracts.proof.exhaustive.odometer import Odometer
from contracts.proof.exhaustive.totals import ExhaustiveTotals
from mock_server.history.events import MessagePublished
from tests.make_exhaustive_docs import PREDICTED, PREDICTED_HISTORIES, read_results


def tally(scope: Scope, model: type[Correct]) -> ExhaustiveTotals:
    """Every history of a scope, summed up."""
    found = ExhaustiveTotals()
    for played in histories(scope, model):
        found.take(played)
    return found


@pytest.mark.parametrize("title", MODELS)
def test_what_is_wrong_with_whom(title: str) -> None:
    """All histories of up to three records and two faults show what the committed result of up to four has of them."""
    whole = read_results()[title, Scope(records=4, faults=2)]
    assert tally(Scope(records=3, faults=2), MODELS[title]).to_json() == whole.up_to(3).to_json()


def test_the_committed_result_is_what_was_predicted() -> None:
    """Every figure of up to four records is the one that a model without the emulator had found."""
    results = read_results()
    assert results["correct", Scope(records=4)].histories.total() == PREDICTED_HISTORIES
    found = {
        title: tuple(results[title, Scope(records=4)].seen[each].total() for each in Violation) for title in PREDICTED
    }
    assert found == PREDICTED


def test_the_correct_client_shows_nothing_wrong() -> None:
    """The committed result of the correct model has no violation in any history."""
    assert not read_results()["correct", Scope(records=4)].smallest


@pytest.mark.parametrize("faults", [1, 2, 3])
def test_the_round_bound_is_tight(faults: int) -> None:
    """A correct client holds everything after as many syncs as there are faults (O6), and one sync less is too few."""
    enough = tally(Scope(records=2, faults=faults, syncs=faults), Correct)
    too_few = tally(Scope(records=2, faults=faults, syncs=faults - 1), Correct)
    assert not enough.seen[Violation.STORE]
    assert too_few.seen[Violation.STORE]
    assert min(too_few.seen[Violation.STORE]) == (1, faults)


def test_re_reports_are_bounded() -> None:
    """Re-reports of a correct client have at most a message for each fault and record (O6), and sometimes as many."""
    scope, odometer = Scope(records=2, faults=2), Odometer()
    stage = HistoryStage(scope, Choices(odometer, scope), Correct)
    most: Counter[Size] = Counter()
    for played in every(stage.play, odometer):
        published = (entry.event for entry in stage._project.history.after())
        messages = sum(isinstance(each, MessagePublished) and each.origin == "rereport" for each in published)
        most[played.size] = max(most[played.size], messages)
    assert all(messages <= oracle.rereported_bound(faults, records) for (records, faults), messages in most.items())
    assert most[Size(2, 2)] == oracle.rereported_bound(2, 2)


def test_a_run_can_be_taken_up_where_it_was_left() -> None:
    """A position in the middle goes on with the histories that were still to come."""
    scope = Scope(records=1, faults=1)
    odometer = Odometer()
    first = []
    for played in histories(scope, Correct, odometer):
        first.append(played)
        if len(first) == 7:
            break
    odometer.advance()
    rest = list(histories(scope, Correct, Odometer(odometer.position)))
    assert first + rest == list(histories(scope, Correct))


@pytest.mark.parametrize("title", [title for title in MODELS if title != "dedupes by message id"])
def test_who_makes_the_copies_matters_to_message_ids_only(title: str) -> None:
    """A second copy with its own message id is judged like a redelivery, but by who dedupes by message id."""
    redelivered, published = (
        [played.violations for played in histories(Scope(2, 1, 2, copies), MODELS[title])]
        for copies in ("redelivered", "published")
    )
    assert redelivered == published
