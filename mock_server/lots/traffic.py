"""A day in the life of a lot, seeded: cars arrive, stay, pay and leave.

Everything comes from the `Random` that is passed in and from whole numbers, so a day is the same on every machine.
Curve, stays and tariff are our choice; what a pass and a bill hold is told in `mock_server.lots.seed`.
"""

import heapq
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from operator import attrgetter
from random import Random

from mock_server.lots.seed import NewRecord
from mock_server.model import DAY, HOUR, MINUTE, CarType, DataType, JsonScalar, PassDirection

FREE_MS = 15 * MINUTE
"""A stay of this length or less costs nothing; it still makes a bill, of zero."""

FEN_PER_HOUR = 500
FEN_PER_DAY = 4_000
"""Each hour begun costs 5 yuan, a day at most 40 yuan."""

PAY_METHODS = (1, 2, 3)
"""The vendor has an integer here and does not publish its values."""

ARRIVALS = (1, 1, 1, 1, 2, 5, 16, 48, 60, 34, 20, 18, 22, 20, 16, 16, 20, 38, 46, 30, 18, 10, 5, 2)
"""How many of 450 cars arrive in each hour of the day: a morning peak at 8, an evening peak at 18."""

LONG_TERM, UNLICENSED, COMING_BACK, COUPONS = 33, 3, 15, 5
"""Shares in percent: of new cars with a plate, of new cars, of arrivals, of bills."""

_MORNING, _EVENING = range(6, 10), range(17, 24)
_PROVINCES = "京津沪渝冀豫云辽黑湘皖鲁新苏浙赣鄂桂甘晋蒙陕吉闽贵粤青藏川宁琼"
_LETTERS = "ABCDEFGHJKLMNPQRSTUVWXYZ"
_SIGNS = _LETTERS + "0123456789"
_TURN = MINUTE
"""How long a car is away at least before it comes back."""

_PAID_BEFORE = 10 * MINUTE
"""How long before leaving a car pays at most."""


@dataclass(frozen=True, slots=True)
class Lanes:
    """The lane devices of a lot by direction; without any, passes name no lane."""

    enter: Sequence[str] = ()
    leave: Sequence[str] = ()


@dataclass(frozen=True, slots=True)
class Car:
    """A car: an unlicensed one has an empty plate."""

    plate_no: str
    car_type: CarType


@dataclass(frozen=True, slots=True)
class Payment:
    """What a stay costs and who paid how: amounts in fen, `time` in epoch milliseconds."""

    time: int
    payable: int
    paid: int
    method: int


@dataclass(frozen=True, slots=True)
class Visit:
    """One stay. `leave_time` is None for a car that is still inside at midnight; only those who leave pay."""

    car: Car
    enter_time: int
    leave_time: int | None = None
    payment: Payment | None = None


def day(
    random: Random, device_id: str, start_of_day: int, visits: int, lanes: Lanes | None = None
) -> Iterator[NewRecord]:
    """The records of one day of a lot, in the order of their event times.

    `start_of_day` is in epoch milliseconds; every event lies in [start_of_day, start_of_day + 24 h). A visit makes
    an enter pass, a leave pass unless the car stays overnight, and a bill if it leaves and is not a long-term car.
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
    """The visits of one day, in the order of their arrivals."""
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
    """What a stay costs, in fen: nothing up to 15 minutes, then each hour begun, at most the day's price a day."""
    if stay_ms <= FREE_MS:
        return 0
    days, rest = divmod(stay_ms, DAY)
    return days * FEN_PER_DAY + min(-(-rest // HOUR) * FEN_PER_HOUR, FEN_PER_DAY)


def _chance(random: Random, percent: int) -> bool:
    return random.randrange(100) < percent


def _arrival(random: Random) -> int:
    """Milliseconds after midnight, by the arrival curve."""
    ticket = random.randrange(sum(ARRIVALS))
    for hour, share in enumerate(ARRIVALS):
        if ticket < share:
            return hour * HOUR + random.randrange(HOUR)
        ticket -= share
    raise AssertionError("a ticket is below the sum of the shares")


def _stay(random: Random, hour: int) -> int:
    """How long a car stays that arrives in this hour, in milliseconds: errands, visits, working days, nights."""
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
    pay_time = leave_time - random.randrange(5_000, min(_PAID_BEFORE, latest + 5_001))
    payable = fee(pay_time - enter_time)
    paid = 0 if _chance(random, COUPONS) else payable
    return Visit(car, enter_time, leave_time, Payment(pay_time, payable, paid, random.choice(PAY_METHODS)))


class _Cars:
    """Who arrives: long-term, temporary and unlicensed cars, some of them for the second time."""

    def __init__(self, random: Random) -> None:
        self._random = random
        self._inside: list[tuple[int, str, Car]] = []
        self._away: list[Car] = []
        self._plates: set[str] = set()

    def arrive(self, at: int) -> Car:
        """A car that is not inside at that time."""
        while self._inside and self._inside[0][0] + _TURN <= at:
            self._away.append(heapq.heappop(self._inside)[2])
        if self._away and _chance(self._random, COMING_BACK):
            return self._away.pop(self._random.randrange(len(self._away)))
        return self._new_car()

    def leave(self, visit: Visit) -> None:
        """Note when a car will be away again. Nobody can tell one car without a plate from another."""
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
    """A plate: province, letter and five signs; one in five is a new-energy plate with D or F and six signs."""
    signs = [random.choice("DF")] if _chance(random, 20) else []
    signs += [random.choice(_SIGNS) for _ in range(5)]
    return random.choice(_PROVINCES) + random.choice(_LETTERS) + "".join(signs)


@dataclass(frozen=True, slots=True)
class _Recorder:
    """Writes visits down as a lot does."""

    random: Random
    device_id: str
    start_of_day: int
    lanes: Lanes

    def records(self, visit: Visit, number: int) -> Iterator[NewRecord]:
        """Enter pass, bill and leave pass of the day's n-th visit, as far as they exist."""
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
