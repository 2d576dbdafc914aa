"""Every small history, played to every model of a client."""

import pytest

from contracts.clients.counting_models import MODELS, Correct
from contracts.exhaustive import Scope, Violation, histories
from contracts.odometer import Odometer
from contracts.tally import Tally


def tally(scope: Scope, model: type[Correct]) -> Tally:
    """Every history of a scope, summed up."""
    found = Tally()
    for played in histories(scope, model):
        found.take(played)
    return found


def test_the_correct_client_shows_nothing_wrong() -> None:
    """All histories of up to three records and two faults: as many as the reference model has, and none is wrong."""
    found = tally(Scope(records=3, faults=2), Correct)
    assert found.histories.total() == 4_398
    assert not found.smallest


@pytest.mark.parametrize("faults", [1, 2, 3])
def test_the_round_bound_is_tight(faults: int) -> None:
    """A correct client holds everything after as many syncs as there are faults (O6), and one sync less is too few."""
    enough = tally(Scope(records=2, faults=faults, syncs=faults), Correct)
    too_few = tally(Scope(records=2, faults=faults, syncs=faults - 1), Correct)
    assert not enough.seen[Violation.STORE]
    assert too_few.seen[Violation.STORE]
    assert min(too_few.seen[Violation.STORE]) == (1, faults)


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
