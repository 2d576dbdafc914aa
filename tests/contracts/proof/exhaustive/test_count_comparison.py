"""Tests of the exact statements about counts, against brute force."""

from collections import Counter
from collections.abc import Iterator
from itertools import combinations, product

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.contracts.proof.exhaustive import count_comparison
from tests.contracts.proof.exhaustive.count_comparison import PairClass

IDS = st.frozensets(st.integers(0, 5))


def subsets(ids: int) -> list[frozenset[int]]:
    """Every set over a universe."""
    return [frozenset(each) for size in range(ids + 1) for each in combinations(range(ids), size)]


def fate(client: frozenset[int], lot: frozenset[int]) -> PairClass:
    """The class of a pair, found by playing rounds until nothing changes."""
    for _ in range(3):
        client = client | lot if len(client) != len(lot) else client
    if client == lot:
        return PairClass.REPAIRABLE
    return PairClass.SILENT if len(client) == len(lot) else PairClass.IRRECONCILABLE


@pytest.mark.parametrize("ids", range(5))
def test_every_pair_is_in_the_class_that_playing_it_shows(ids: int) -> None:
    """The class of every pair over up to four ids is what rounds without faults make of it."""
    for client, lot in product(subsets(ids), repeat=2):
        assert count_comparison.trichotomy(client, lot) is fate(client, lot)


@pytest.mark.parametrize("ids", range(6))
def test_the_sizes_of_the_classes_are_those_of_the_enumeration(ids: int) -> None:
    """The formulas count what enumeration counts, classes of size 0 included."""
    counted = Counter(count_comparison.trichotomy(*pair) for pair in product(subsets(ids), repeat=2))
    assert count_comparison.class_sizes(ids) == {each: counted[each] for each in PairClass}


def test_the_sizes_for_four_ids_are_the_published_ones() -> None:
    """Of the 256 pairs over four ids 81 are repaired, 54 are silent for ever, and 121 can never agree."""
    assert list(count_comparison.class_sizes(4).values()) == [81, 54, 121]


@given(IDS, IDS)
def test_the_difference_is_what_the_counts_show(client: frozenset[int], lot: frozenset[int]) -> None:
    """Missing less extra ids is the difference of the counts, and nothing else can be seen."""
    assert count_comparison.difference(client, lot) == len(lot) - len(client)


@given(st.lists(st.tuples(IDS, IDS), max_size=4))
def test_a_divergence_is_invisible_where_every_count_agrees(cells: list[tuple[frozenset[int], frozenset[int]]]) -> None:
    """No cell shows another count, and yet some set differs."""
    silent = all(len(client) == len(lot) for client, lot in cells)
    assert count_comparison.invisible(cells) == (silent and any(client != lot for client, lot in cells))


@given(IDS, IDS)
def test_one_cell_is_invisible_where_its_class_is_silent(client: frozenset[int], lot: frozenset[int]) -> None:
    """The silent class and an invisible divergence of one cell are the same thing."""
    assert count_comparison.invisible([(client, lot)]) == (count_comparison.trichotomy(client, lot) is PairClass.SILENT)


@given(IDS, IDS)
def test_a_round_repairs_what_can_be_repaired_and_loses_nothing(client: frozenset[int], lot: frozenset[int]) -> None:
    """After one round the class alone says what the client has."""
    after = count_comparison.after_round(client, lot)
    expected = {PairClass.REPAIRABLE: lot, PairClass.SILENT: client, PairClass.IRRECONCILABLE: client | lot}
    assert after == expected[count_comparison.trichotomy(client, lot)]


@given(IDS, IDS)
def test_what_can_never_agree_differs_for_ever(client: frozenset[int], lot: frozenset[int]) -> None:
    """A client that has what the lot lacks, and another number, differs after every further round."""
    after = count_comparison.after_round(client, lot)
    forever = count_comparison.trichotomy(client, lot) is PairClass.IRRECONCILABLE
    assert (count_comparison.difference(after, lot) != 0) == forever
    assert count_comparison.after_round(after, lot) == after


OK, LOST, TWICE = 1, 0, 2
PRICE = {OK: 0, LOST: 1, TWICE: 1}


def histories(records: int, faults: int, rounds: int) -> Iterator[tuple[int, list[bool]]]:
    """Every history of a correct client: its re-reported messages, and after each round whether it had all."""
    for live in _fates(records, faults):
        had = frozenset(place for place, copies in enumerate(live) if copies)
        yield from _rounds(had, records, faults - _price(live), rounds, 0, [len(had) == records])


def _rounds(
    had: frozenset[int], records: int, faults: int, rounds: int, sent: int, whole: list[bool]
) -> Iterator[tuple[int, list[bool]]]:
    if not rounds:
        yield sent, whole
        return
    if faults:  # the command is lost
        yield from _rounds(had, records, faults - 1, rounds - 1, sent, [*whole, whole[-1]])
    if len(had) == records:
        yield from _rounds(had, records, faults, rounds - 1, sent, [*whole, True])
        return
    for again in _fates(records, faults):
        now = had | {place for place, copies in enumerate(again) if copies}
        complete = [*whole, len(now) == records]
        yield from _rounds(now, records, faults - _price(again), rounds - 1, sent + records, complete)


def _fates(records: int, faults: int) -> Iterator[tuple[int, ...]]:
    return (each for each in product((OK, LOST, TWICE), repeat=records) if _price(each) <= faults)


def _price(fates: tuple[int, ...]) -> int:
    return sum(PRICE[each] for each in fates)


@pytest.mark.parametrize(("records", "faults"), [(1, 0), (1, 1), (1, 3), (2, 2), (2, 3), (3, 2)])
def test_the_round_bound_holds_and_is_tight(records: int, faults: int) -> None:
    """In every history a client has all after as many rounds as there are faults; with one round less it need not."""
    bound = count_comparison.round_bound(faults)
    outcomes = list(histories(records, faults, faults + 1))
    assert all(whole[bound] for _, whole in outcomes)
    assert faults == 0 or any(not whole[bound - 1] for _, whole in outcomes)
    assert max(sent for sent, _ in outcomes) <= count_comparison.rereported_bound(faults, records)
