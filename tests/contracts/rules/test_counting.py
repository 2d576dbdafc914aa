"""Tests of the rules of counting."""

from contracts.clients.zoo.counting import CountsDeliveries, CountsOneMore
from contracts.scenario import BEGIN, MINUTE, Happens, Scenario
from tests.contracts.support import broken, kept

DOUBLED = Scenario(steps=(Happens(BEGIN + 10 * MINUTE, "r1", copies=2),))


def test_a_count_that_is_too_high_is_no_truth() -> None:
    """One more than was delivered breaks CNT-TRUTH even where nothing was lost."""
    assert broken("CNT-TRUTH", Scenario(steps=(Happens(BEGIN + 10 * MINUTE, "r1"),)), CountsOneMore)


def test_a_doubled_record_counts_once() -> None:
    """CNT-RECORD-ID is exercised by one doubled record, broken by a client that counts deliveries."""
    assert broken("CNT-RECORD-ID", DOUBLED, CountsDeliveries)
    assert kept("CNT-RECORD-ID", DOUBLED)


def test_another_defect_is_not_blamed_on_counting_deliveries() -> None:
    """A client that is always one too high breaks CNT-TRUTH and not CNT-RECORD-ID."""
    assert broken("CNT-TRUTH", DOUBLED, CountsOneMore)
    assert not broken("CNT-RECORD-ID", DOUBLED, CountsOneMore)
