"""Seeds by name, made on demand: `--seed busy-day`, `"seed": "busy-day"` in the lab API and in Python.

Their records are of 2022-05-17, Beijing time. A name means the same seed on every machine.
"""

from collections.abc import Callable
from random import Random

from mock_server.lots.seed import NewRecord, Seed
from mock_server.lots.traffic import Lanes, day
from mock_server.model import HOUR, JIESHUN, MINUTE, DataType, Device, DeviceKind, Fate, JsonScalar, PassDirection
from mock_server.problems import Problem, ProblemKind

DAY_START = 1_652_716_800_000
"""2022-05-17 00:00 in Beijing, in epoch milliseconds."""

_LOT, _JIESHUN_LOT, _LANE_IN, _LANE_OUT = (f"6ce{number:013d}" for number in range(1, 5))
_LANES = Lanes(enter=(_LANE_IN,), leave=(_LANE_OUT,))

_BUSY_RANDOM_SEED, _BUSY_VISITS = 2, 5_296
"""This random seed and number of visits make exactly 10,000 passes."""

_BRAND_VISITS = 6


def quiet_lot() -> Seed:
    """One lot with seven records: among them one lost, one published twice, one without a plate, one of 0 fen."""
    morning = DAY_START + 8 * HOUR
    records = (
        _pass("quiet-1", PassDirection.ENTER, morning, "京A10001"),
        _pass("quiet-2", PassDirection.ENTER, morning + 5 * MINUTE, "沪B20002", fate="lose"),
        _pass("quiet-3", PassDirection.ENTER, morning + 9 * MINUTE, "", {"car_type": 3}),
        _bill("quiet-bill-1", morning + 50 * MINUTE, "京A10001", fen=500, enter_time=morning),
        _pass("quiet-4", PassDirection.LEAVE, morning + 52 * MINUTE, "京A10001"),
        # A leave pass without an enter pass, in the last millisecond of its hour, published twice.
        _pass("quiet-5", PassDirection.LEAVE, morning + HOUR - 1, "苏E5D0005", fate="duplicate"),
        _bill("quiet-bill-2", morning + HOUR, "沪B20002", fen=0, enter_time=morning + 55 * MINUTE),
    )
    return Seed((Device(_LOT, "Quiet Lane Car Park"),), records)


def busy_day() -> Seed:
    """One lot on a busy day: 10,000 passes and their bills. The lot assigns the record ids."""
    devices = (
        Device(_LOT, "East Gate Car Park"),
        Device(_LANE_IN, "East Gate, in", kind=DeviceKind.LANE),
        Device(_LANE_OUT, "East Gate, out", kind=DeviceKind.LANE),
    )
    return Seed(devices, tuple(day(Random(_BUSY_RANDOM_SEED), _LOT, DAY_START, _BUSY_VISITS, _LANES)))  # noqa: S311 test data


def many_brands() -> Seed:
    """Five lots of four brands, one with lanes: the Jieshun lot supports no sync command, one lot is off line."""
    brands = {_LOT: "acme", _JIESHUN_LOT: JIESHUN, "6ce0000000000011": "northgate", "6ce0000000000012": "tuya"}
    lots = (
        *(Device(lot, f"Lot of brand {brand}", supplier_code=brand) for lot, brand in brands.items()),
        Device("6ce0000000000013", "Lot without a line", supplier_code="acme", online=False),
    )
    lanes = (
        Device(_LANE_IN, "Lane in of brand acme", supplier_code="acme", kind=DeviceKind.LANE),
        Device(_LANE_OUT, "Lane out of brand acme", supplier_code="acme", kind=DeviceKind.LANE),
    )
    records = (
        record
        for number, lot in enumerate(lots)
        for record in day(
            Random(number),  # noqa: S311 test data
            lot.device_id,
            DAY_START,
            _BRAND_VISITS,
            _LANES if lot.device_id == _LOT else None,
        )
    )
    return Seed((*lots, *lanes), tuple(records))


NAMED_SEEDS: dict[str, Callable[[], Seed]] = {
    "quiet-lot": quiet_lot,
    "busy-day": busy_day,
    "many-brands": many_brands,
}


def read_named_seed(name: str, problems: list[Problem]) -> Seed | None:
    """The seed of that name. None, with a problem noted that lists the known names, if there is none."""
    make = NAMED_SEEDS.get(name)
    if make is None:
        text = f"{name[:64]!r} is not known; there are: {', '.join(NAMED_SEEDS)}"
        problems.append(Problem(ProblemKind.ILLEGAL, "seed", text))
        return None
    return make()


def _pass(
    record_id: str,
    direction: PassDirection,
    event_time: int,
    plate_no: str,
    details: dict[str, JsonScalar] | None = None,
    fate: Fate = None,
) -> NewRecord:
    return NewRecord(_LOT, record_id, DataType.PASS, direction, event_time, plate_no, details or {}, fate)


def _bill(record_id: str, event_time: int, plate_no: str, *, fen: int, enter_time: int) -> NewRecord:
    details: dict[str, JsonScalar] = {
        "order_no": f"order-{record_id}",
        "payable_amount": fen,
        "paid_amount": fen,
        "pay_method": 1,
        "enter_time": enter_time,
    }
    return NewRecord(_LOT, record_id, DataType.BILL, None, event_time, plate_no, details)
