"""Every small history, played to every model of a client."""

from collections import Counter

import pytest

from contracts.proof.exhaustive.counting_models import MODELS, CorrectModel
from contracts.proof.exhaustive.histories import Choices, HistoryStage, Scope, Size, Violation, histories
from contracts.proof.exhaustive.odometer import Odometer
from contracts.proof.exhaustive.totals import ExhaustiveTotals
from mock_server.history.events import MessagePublished
from tests.contracts.proof.exhaustive.count_comparison import rereported_bound
from tests.make_exhaustive_docs import read_results


def tally(scope: Scope, model: type[CorrectModel]) -> ExhaustiveTotals:
    """Every history of a scope, summed up."""
    found = ExhaustiveTotals()
    for played in histories(scope, model):
        found.take(played)
    return found


def up_to(records: int, totals: ExhaustiveTotals) -> ExhaustiveTotals:
    """The totals of those histories that have so many records at most."""

    def part(sizes: Counter[Size]) -> Counter[Size]:
        return Counter({size: count for size, count in sizes.items() if size.records <= records})

    found = ExhaustiveTotals()
    found.histories = part(totals.histories)
    found.seen = {each: part(sizes) for each, sizes in totals.seen.items()}
    found.smallest = {each: played for each, played in totals.smallest.items() if played.size.records <= records}
    return found


@pytest.mark.parametrize("title", MODELS)
def test_what_is_wrong_with_whom(title: str) -> None:
    """All histories of up to three records and two faults show what the committed result of up to four has of them."""
    whole = read_results()[title, Scope(records=4, faults=2)]
    assert tally(Scope(records=3, faults=2), MODELS[title]).to_json() == up_to(3, whole).to_json()


def test_the_correct_client_shows_nothing_wrong() -> None:
    """The committed result of the correct model has no violation in any history."""
    assert not read_results()["correct", Scope(records=4)].smallest


@pytest.mark.parametrize("faults", [1, 2, 3])
def test_the_round_bound_is_tight(faults: int) -> None:
    """A correct client holds everything after as many syncs as there are faults (O6), and one sync less is too few."""
    enough = tally(Scope(records=2, faults=faults, syncs=faults), CorrectModel)
    too_few = tally(Scope(records=2, faults=faults, syncs=faults - 1), CorrectModel)
    assert not enough.seen[Violation.STORE]
    assert too_few.seen[Violation.STORE]
    assert min(too_few.seen[Violation.STORE]) == (1, faults)


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


@pytest.mark.parametrize("title", [title for title in MODELS if title != "dedupes by message id"])
def test_who_makes_the_copies_matters_to_message_ids_only(title: str) -> None:
    """A second copy with its own message id is judged like a redelivery, but by who dedupes by message id."""
    redelivered, published = (
        [played.violations for played in histories(Scope(2, 1, 2, copies), MODELS[title])]
        for copies in ("redelivered", "published")
    )
    assert redelivered == published
