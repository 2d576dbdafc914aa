from collections import Counter, defaultdict
from collections.abc import Iterable
from itertools import pairwise
from random import Random

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mock_server.lots.seed import NewRecord, Seed, default_seed
from mock_server.lots.traffic import FEN_PER_DAY, FREE_MS, Lanes, Visit, day, fee, plan
from mock_server.model import DAY, HOUR, MINUTE, CarType, DataType, PassDirection
from mock_server.project import Project
from tests.support import LOT, make_project

START = 1_652_716_800_000
END = START + DAY
LANES = Lanes(enter=("in-1", "in-2"), leave=("out-1",))

seeds = st.integers(0, 2**32)
sizes = st.integers(0, 60)


def records_of(seed: int, visits: int, lanes: Lanes | None = None) -> list[NewRecord]:
    """One day of the lot."""
    return list(day(Random(seed), LOT, START, visits, lanes))


def by_kind(records: Iterable[NewRecord]) -> Counter[tuple[DataType, PassDirection | None]]:
    """How many records there are of each kind."""
    return Counter((record.data_type, record.pass_direction) for record in records)


@given(seeds, sizes)
def test_same_seed_makes_the_same_day(seed: int, visits: int) -> None:
    """A day depends on nothing but what is passed in."""
    assert records_of(seed, visits, LANES) == records_of(seed, visits, LANES)


def test_another_seed_makes_another_day() -> None:
    """Seeds matter."""
    assert records_of(1, 20) != records_of(2, 20)


def test_start_only_moves_the_day() -> None:
    """Another date has the same traffic at the same hours."""
    moved = day(Random(7), LOT, START + DAY, 50)
    times = [record.event_time - DAY for record in moved]
    assert times == [record.event_time for record in records_of(7, 50)]


@given(seeds, sizes)
def test_events_lie_in_the_day_in_order(seed: int, visits: int) -> None:
    """Every event time is a whole millisecond of the day, and the records come in the order of their times."""
    times = [record.event_time for record in records_of(seed, visits)]
    assert all(type(time) is int and START <= time < END for time in times)
    assert times == sorted(times)


@given(seeds, sizes)
def test_every_visit_enters_once(seed: int, visits: int) -> None:
    """There are as many enter passes as visits, and a leave for each car that does not stay overnight."""
    planned = plan(Random(seed), START, visits)
    kinds = by_kind(records_of(seed, visits))
    assert kinds[DataType.PASS, PassDirection.ENTER] == len(planned) == visits
    assert kinds[DataType.PASS, PassDirection.LEAVE] == sum(visit.leave_time is not None for visit in planned)
    assert kinds[DataType.BILL, None] == sum(visit.payment is not None for visit in planned)


@given(seeds, sizes)
def test_cars_leave_after_they_came(seed: int, visits: int) -> None:
    """A stay is positive, and who is inside at midnight neither leaves nor pays."""
    for visit in plan(Random(seed), START, visits):
        if visit.leave_time is None:
            assert visit.payment is None
        else:
            assert START <= visit.enter_time < visit.leave_time < END


@given(seeds, sizes)
def test_a_car_is_in_one_place(seed: int, visits: int) -> None:
    """The stays of one plate do not overlap: a car comes back only after it has left."""
    stays: defaultdict[str, list[Visit]] = defaultdict(list)
    for visit in plan(Random(seed), START, visits):
        stays[visit.car.plate_no].append(visit)
    for own in (own for plate_no, own in stays.items() if plate_no):
        for earlier, later in pairwise(own):
            assert earlier.leave_time is not None
            assert earlier.leave_time < later.enter_time


@given(seeds, sizes)
def test_temporary_cars_pay_before_they_leave(seed: int, visits: int) -> None:
    """Who leaves pays shortly before by the tariff, unless a coupon does or the car is a long-term one."""
    for visit in plan(Random(seed), START, visits):
        is_due = visit.leave_time is not None and visit.car.car_type is not CarType.LONG_TERM
        assert (visit.payment is not None) == is_due
        if visit.payment is not None and visit.leave_time is not None:
            assert visit.enter_time < visit.payment.time < visit.leave_time
            assert visit.leave_time - visit.payment.time < 10 * MINUTE
            assert visit.payment.payable == fee(visit.payment.time - visit.enter_time)
            assert visit.payment.paid in (0, visit.payment.payable)


@given(seeds, sizes)
def test_a_bill_belongs_to_a_stay(seed: int, visits: int) -> None:
    """A bill's plate entered and left at the times that it names, and no order number comes twice."""
    records = records_of(seed, visits)
    passes = {(each.plate_no, each.pass_direction, each.event_time) for each in records}
    bills = [record for record in records if record.data_type is DataType.BILL]
    for bill in bills:
        assert (bill.plate_no, PassDirection.ENTER, bill.details["enter_time"]) in passes
        assert (bill.plate_no, PassDirection.LEAVE, bill.details["leave_time"]) in passes
    assert len({bill.details["order_no"] for bill in bills}) == len(bills)


@given(seeds, sizes)
def test_passes_name_the_lanes_of_their_direction(seed: int, visits: int) -> None:
    """With lanes, who enters does it at an entry; without, no lane is named."""
    for record in records_of(seed, visits, LANES):
        if record.data_type is DataType.PASS:
            lanes = LANES.leave if record.pass_direction is PassDirection.LEAVE else LANES.enter
            assert record.details["lane_device_id"] in lanes
    assert not any("lane_device_id" in record.details for record in records_of(seed, visits))


def test_a_day_has_two_peaks() -> None:
    """Most cars come at eight and at six; the night is quiet and noon lies between."""
    arrivals = Counter(
        (record.event_time - START) // HOUR
        for record in records_of(3, 4000)
        if record.pass_direction is PassDirection.ENTER
    )
    assert arrivals.most_common(1)[0][0] == 8
    assert max(range(12, 24), key=lambda hour: arrivals[hour]) == 18
    assert sum(arrivals[hour] for hour in range(5)) < arrivals[12] < arrivals[18]


def test_a_day_has_all_kinds_of_cars() -> None:
    """Long-term, temporary and unlicensed cars; some stay overnight, some come back, some pay nothing."""
    planned = plan(Random(4), START, 1000)
    assert {visit.car.car_type for visit in planned} == set(CarType)
    assert all((visit.car.plate_no == "") == (visit.car.car_type is CarType.UNLICENSED) for visit in planned)
    assert 20 < sum(visit.leave_time is None for visit in planned) < 300
    assert max(Counter(visit.car.plate_no for visit in planned if visit.car.plate_no).values()) > 1
    payments = [visit.payment for visit in planned if visit.payment is not None]
    assert any(payment.payable == 0 for payment in payments)
    assert any(payment.paid < payment.payable for payment in payments)


def test_no_visits_make_no_records() -> None:
    """An empty day is empty."""
    assert records_of(0, 0, LANES) == []


@pytest.mark.parametrize(
    ("stay", "fen"),
    [
        (0, 0),
        (FREE_MS, 0),
        (FREE_MS + 1, 500),
        (HOUR, 500),
        (HOUR + 1, 1000),
        (8 * HOUR, FEN_PER_DAY),
        (23 * HOUR, FEN_PER_DAY),
        (24 * HOUR, FEN_PER_DAY),
        (24 * HOUR + 1, FEN_PER_DAY + 500),
        (48 * HOUR, 2 * FEN_PER_DAY),
    ],
)
def test_fee(stay: int, fen: int) -> None:
    """A quarter of an hour is free, each hour begun costs the same, a day has a most."""
    assert fee(stay) == fen


@given(st.integers(0, 10 * DAY), st.integers(0, DAY))
def test_a_longer_stay_never_costs_less(stay: int, more: int) -> None:
    """The tariff does not fall."""
    assert fee(stay) <= fee(stay + more)


def test_a_project_keeps_a_day() -> None:
    """A lot takes a day's records as a seed and counts every pass."""
    records = tuple(records_of(5, 300, LANES))
    project: Project = make_project(seed=Seed(default_seed().devices, records))
    assert len(project.store) == len(records)
    kinds = by_kind(records)
    for direction in PassDirection:
        line = (LOT, DataType.PASS, direction)
        assert sum(record.line == line for record in project.store.records()) == kinds[DataType.PASS, direction]
