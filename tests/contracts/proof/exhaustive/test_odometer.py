"""Tests of the odometer."""

from itertools import product

import pytest

from contracts.proof.exhaustive.odometer import Odometer


def uneven(odometer: Odometer) -> str:
    """Choices of which the second ones depend on the first."""
    first = odometer.choose(3)
    return f"{first}" + "".join(str(odometer.choose(2)) for _ in range(first))


def all_runs(odometer: Odometer) -> list[str]:
    """What every sequence of choices makes, from where the odometer stands."""
    runs = [uneven(odometer)]
    while odometer.advance():
        runs.append(uneven(odometer))
    return runs


UNEVEN = ["0", "10", "11", "200", "201", "210", "211"]


def test_every_sequence_is_run_once_and_in_order() -> None:
    """Choices that depend on earlier ones are all made, each sequence once."""
    assert all_runs(Odometer()) == UNEVEN


def test_independent_choices_are_their_product() -> None:
    """Without dependence it is the Cartesian product."""
    odometer, seen = Odometer(), []
    while True:
        seen.append(tuple(odometer.choose(options) for options in (2, 1, 3)))
        if not odometer.advance():
            break
    assert seen == list(product(range(2), range(1), range(3)))


@pytest.mark.parametrize("place", range(len(UNEVEN)))
def test_a_position_says_where_to_go_on(place: int) -> None:
    """An odometer made from a position runs that sequence and all behind it."""
    odometer = Odometer()
    for _ in range(place):
        uneven(odometer)
        odometer.advance()
    assert all_runs(Odometer(odometer.position)) == UNEVEN[place:]


def test_the_share_behind_grows_to_one() -> None:
    """The share never falls, begins at nothing and ends below one."""
    odometer = Odometer()
    shares = []
    while True:
        uneven(odometer)
        shares.append(odometer.share)
        if not odometer.advance():
            break
    assert shares == sorted(set(shares))
    assert shares[0] == 0
    assert 0.9 < shares[-1] < 1


def test_a_position_of_something_else_is_refused() -> None:
    """A position that the choices do not allow is an error, not a silent other run."""
    odometer = Odometer((5,))
    with pytest.raises(ValueError, match="choice 0 is 5 of 3"):
        uneven(odometer)
