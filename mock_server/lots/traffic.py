"""A day of a lot's traffic, seeded: cars arrive, stay, pay and leave.

All randomness is that of the `Random` passed in, and all arithmetic is in integers, so a day is the same on every
machine. Arrivals, stays and tariff are our choice; the fields of passes and bills are in `mock_server.lots.seed`.
"""

import heapq
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from operator import attrgetter
from random import Random

from mock_server.lots.seed import NewRecord
from mock_server.model import DAY, HOUR, MINUTE, CarType, DataType, JsonScalar, PassDirection

FREE_MS = 15 * MINUTE
"""A stay of this length or less is free; its bill has an amount of 0."""

FEN_PER_HOUR = 500
FEN_PER_DAY = 4_000
"""The tariff: 5 yuan for each hour or part of one, at most 40 yuan a day."""

PAY_METHODS = (1, 2, 3)
"""Values of `pay_method` (our choice): the vendor documents an integer, not its values."""

ARRIVALS = (1, 1, 1, 1, 2, 5, 16, 48, 60, 34, 20, 18, 22, 20, 16, 16, 20, 38, 46, 30, 18, 10, 5, 2)
"""The arrivals in each hour of the day, as shares of their sum: a morning peak at 8, an evening peak at 18."""

LONG_TERM, UNLICENSED, RETURNING, COUPONS = 33, 3, 15, 5
"""In percent: long-term cars of new cars with a plate, unlicensed cars of new cars, returning cars of arrivals, bills
paid by coupon of bills."""

_MORNING, _EVENING = range(6, 10), range(17, 24)
_PROVINCES = "京津沪渝冀豫云辽黑湘皖鲁新苏浙赣鄂桂甘晋蒙陕吉闽贵粤青藏川宁琼"
_LETTERS = "ABCDEFGHJKLMNPQRSTUVWXYZ"
_SIGNS = _LETTERS + "0123456789"
_MIN_AWAY_MS = MINUTE
"""The shortest time between a car's leaving and its next arrival."""

_MAX_PAID_BEFORE_MS = 10 * MINUTE
"""The longest time between paying and leaving."""


@dataclass(frozen=True, slots=True)
class Lanes:
    """The lane device ids of a lot by direction. Passes of a direction without any have no lane."""

    enter: Sequence[str] = ()
    leave: Sequence[str] = ()


@dataclass(frozen=True, slots=True)
class Car:
    """A car. The plate of an unlicensed one is empty."""

    plate_no: str
    car_type: CarType


@dataclass(frozen=True, slots=True)
class Payment:
    """The payment of a stay: `payable` and `paid` in fen, `time` in epoch milliseconds, `method` a `PAY_METHODS`."""

    time: int
    payable: int
    paid: int
    method: int


@dataclass(frozen=True, slots=True)
class Visit:
    """One stay. `leave_time` is None for a car that stays beyond the day; such a car does not pay."""

    car: Car
    enter_time: int
    leave_time: int | None = None
    payment: Payment | None = None


def day(
    random: Random, device_id: str, start_of_day: int, visits: int, lanes: Lanes | None = None
) -> Iterator[NewRecord]:
    """The records of one day of a lot, ordered by their event times.

    `start_of_day` is in epoch milliseconds; every event is in [start_of_day, start_of_day + 24 h). A visit has an
    enter pass, a leave pass unless the car stays overnight, and a bill if it leaves and is not a long-term car.
    """
    recorder = _Recorder(random, device_id, start_of_day, lanes or Lanes())
    records = [
        record
        for number, visit in enumerate(plan(random, start_of_day, visits), start=1)
        for record in recorder.records(visit, number)
    ]
    records.sort(key=attrgetter("event_time"))
    return iter(records)


def plan(random: Random, start_of_day: int, visits: int) -> list[Visit]:
    """The visits of one day, ordered by their arrivals."""
    arrivals = sorted(start_of_day + _arrival(random) for _ in range(visits))
    end_of_day = start_of_day + DAY
    cars = _Cars(random)
    planned = []
    for enter_time in arrivals:
        car = cars.arrive(enter_time)
        leave_time = enter_time + _stay(random, (enter_time - start_of_day) // HOUR)
        visit = _visit(random, car, enter_time, leave_time if leave_time < end_of_day else None)
        cars.leave(visit)
        planned.append(visit)
    return planned


def fee(stay_ms: int) -> int:
    """The price of a stay in fen: 0 up to `FREE_MS`, then per hour or part of one, at most `FEN_PER_DAY` a day."""
    if stay_ms <= FREE_MS:
        return 0
    days, rest = divmod(stay_ms, DAY)
    return days * FEN_PER_DAY + min(-(-rest // HOUR) * FEN_PER_HOUR, FEN_PER_DAY)


def _chance(random: Random, percent: int) -> bool:
    return random.randrange(100) < percent


def _arrival(random: Random) -> int:
    """A random arrival in milliseconds after midnight, distributed as `ARRIVALS`."""
    ticket = random.randrange(sum(ARRIVALS))
    for hour, share in enumerate(ARRIVALS):
        if ticket < share:
            return hour * HOUR + random.randrange(HOUR)
        ticket -= share
    raise AssertionError("a ticket is below the sum of the shares")


def _stay(random: Random, hour: int) -> int:
    """A random length of stay in milliseconds, for an arrival in this hour: errand, working day, night, or visit."""
    if _chance(random, 15):
        low, high = 2, 15
    elif hour in _MORNING and _chance(random, 70):
        low, high = 7 * 60, 10 * 60
    elif hour in _EVENING and _chance(random, 35):
        low, high = 9 * 60, 14 * 60
    else:
        low, high = 15, 4 * 60
    return random.randrange(low * MINUTE, high * MINUTE)


def _visit(random: Random, car: Car, enter_time: int, leave_time: int | None) -> Visit:
    if leave_time is None or car.car_type is CarType.LONG_TERM:
        return Visit(car, enter_time, leave_time)
    latest = leave_time - enter_time - MINUTE
    pay_time = leave_time - random.randrange(5_000, min(_MAX_PAID_BEFORE_MS, latest + 5_001))
    payable = fee(pay_time - enter_time)
    paid = 0 if _chance(random, COUPONS) else payable
    return Visit(car, enter_time, leave_time, Payment(pay_time, payable, paid, random.choice(PAY_METHODS)))


class _Cars:
    """The cars of one day: chooses long-term, temporary, unlicensed and returning ones, no car twice at a time."""

    def __init__(self, random: Random) -> None:
        self._random = random
        self._inside: list[tuple[int, str, Car]] = []
        self._away: list[Car] = []
        self._plates: set[str] = set()

    def arrive(self, at: int) -> Car:
        """A car for an arrival at `at`: a returning one, or a new one."""
        while self._inside and self._inside[0][0] + _MIN_AWAY_MS <= at:
            self._away.append(heapq.heappop(self._inside)[2])
        if self._away and _chance(self._random, RETURNING):
            return self._away.pop(self._random.randrange(len(self._away)))
        return self._new_car()

    def leave(self, visit: Visit) -> None:
        """Note when the car of a visit leaves, so that it may return. Cars without a plate do not."""
        if visit.leave_time is not None and visit.car.plate_no:
            heapq.heappush(self._inside, (visit.leave_time, visit.car.plate_no, visit.car))

    def _new_car(self) -> Car:
        if _chance(self._random, UNLICENSED):
            return Car("", CarType.UNLICENSED)
        plate_no = self._new_plate()
        return Car(plate_no, CarType.LONG_TERM if _chance(self._random, LONG_TERM) else CarType.TEMPORARY)

    def _new_plate(self) -> str:
        while True:
            plate_no = plate(self._random)
            if plate_no not in self._plates:
                self._plates.add(plate_no)
                return plate_no


def plate(random: Random) -> str:
    """A random plate: province, letter and five characters; one in five has six, the first D or F (new energy)."""
    signs = [random.choice("DF")] if _chance(random, 20) else []
    signs += [random.choice(_SIGNS) for _ in range(5)]
    return random.choice(_PROVINCES) + random.choice(_LETTERS) + "".join(signs)


@dataclass(frozen=True, slots=True)
class _Recorder:
    """Makes the records of visits."""

    random: Random
    device_id: str
    start_of_day: int
    lanes: Lanes

    def records(self, visit: Visit, number: int) -> Iterator[NewRecord]:
        """The enter pass, bill and leave pass of the visit, as far as it has them. `number` is its place in the day."""
        yield self._pass(visit, PassDirection.ENTER, visit.enter_time, self.lanes.enter)
        if visit.payment is not None:
            yield self._bill(visit, visit.payment, number)
        if visit.leave_time is not None:
            yield self._pass(visit, PassDirection.LEAVE, visit.leave_time, self.lanes.leave)

    def _pass(self, visit: Visit, direction: PassDirection, time: int, lanes: Sequence[str]) -> NewRecord:
        lane: dict[str, JsonScalar] = {"lane_device_id": self.random.choice(lanes)} if lanes else {}
        details = lane | {"car_type": int(visit.car.car_type)}
        return NewRecord(self.device_id, None, DataType.PASS, direction, time, visit.car.plate_no, details)

    def _bill(self, visit: Visit, payment: Payment, number: int) -> NewRecord:
        details: dict[str, JsonScalar] = {
            "order_no": f"{self.start_of_day}{number:06d}",
            "enter_time": visit.enter_time,
            "leave_time": visit.leave_time,
            "payable_amount": payment.payable,
            "paid_amount": payment.paid,
            "pay_method": payment.method,
        }
        return NewRecord(self.device_id, None, DataType.BILL, None, payment.time, visit.car.plate_no, details)
