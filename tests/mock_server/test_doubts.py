"""Values that are allowed and surely not meant are taken with a warning, in every way that they are given."""

import json
import warnings
from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest

import mock_server
from mock_server import MockParking, ServedParking, mock_parking
from mock_server.cli import _seed
from mock_server.doubts import DoubtfulValueWarning, doubt_of_time, doubts_of_code
from mock_server.lab_client import LabClient
from mock_server.lab_shapes import SEED_FORMAT
from mock_server.model import HOUR
from mock_server.testing.lot import Lot
from tests.support import LOT, NOON

SECONDS = NOON // 1000


@pytest.mark.parametrize(
    ("at_ms", "words"),
    [
        (SECONDS, "is 1970-01-20 in epoch milliseconds: as seconds it would be 2022-05-17"),
        (NOON * 1000, "is after the year 9999 in epoch milliseconds: as microseconds it would be 2022-05-17"),
        (NOON * 1_000_000, "is after the year 9999 in epoch milliseconds: as nanoseconds it would be 2022-05-17"),
        (2**63 - 1, "is after the year 9999"),
    ],
)
def test_a_time_in_another_unit(at_ms: int, words: str) -> None:
    """Seconds, micro- and nanoseconds are known by their size, and what they would be is said."""
    assert words in (doubt_of_time("event_time", at_ms) or "")


@pytest.mark.parametrize("at_ms", [0, 1, 86_400_000, 999_999_999, 10_000_000_000, NOON, 253_402_300_799_999])
def test_a_time_that_may_be_meant(at_ms: int) -> None:
    """Times of any day that somebody could test with, and round numbers near the epoch, are no surprise."""
    assert doubt_of_time("event_time", at_ms) is None


@pytest.mark.parametrize("code", ["jieshunn", "JieShun", "jie shun", " jieshun", "jeishun"])
def test_a_slip_of_the_pen(code: str) -> None:
    """A code close to the one that changes what a lot does is named."""
    (doubt,) = doubts_of_code(code)
    assert f'"{code}" is a brand of its own' in doubt
    assert 'was "jieshun" meant?' in doubt


@pytest.mark.parametrize("code", ["jieshun", "tuya", "acme", "hikvision", "keytop", "j", "", "sunshine"])
def test_any_other_brand(code: str) -> None:
    """Unknown brands are allowed without a word."""
    assert list(doubts_of_code(code)) == []


GIVEN: dict[str, Callable[[MockParking, Lot], object]] = {
    "an entry": lambda _, lot: lot.enter(at=SECONDS),
    "a bill": lambda _, lot: lot.bill(at=NOON, enter_time=SECONDS, leave_time=NOON),
    "a record": lambda parking, _: parking.keep(LOT, {"data_type": 1, "event_time": SECONDS}),
    "a window": lambda _, lot: lot.count(SECONDS, SECONDS + 3600),
    "a brand": lambda parking, _: parking.add_lot(supplier_code="jieshunn"),
    "a clock": lambda *_: mock_parking(clock="virtual", now_ms=SECONDS),
    "a seed": lambda *_: mock_parking(devices=[{"supplier_code": "jieshunn"}]),
}


@pytest.mark.parametrize("give", GIVEN.values(), ids=GIVEN)
def test_in_python(parking_mock: MockParking, give: Callable[[MockParking, Lot], object]) -> None:
    """The warning has a category of its own and points at the line that brought the value."""
    lot = parking_mock.add_lot(LOT)
    with pytest.warns(DoubtfulValueWarning) as warned:
        give(parking_mock, lot)
    assert {each.filename for each in warned} == {__file__}


def test_a_warning_may_be_made_a_refusal(parking_mock: MockParking) -> None:
    """Where warnings are errors nothing has been kept."""
    lot = parking_mock.add_lot(LOT)
    with warnings.catch_warnings():
        warnings.simplefilter("error", DoubtfulValueWarning)
        with pytest.raises(DoubtfulValueWarning, match="as seconds it would be 2022-05-17"):
            lot.enter(at=SECONDS)
    assert lot.records() == []


def test_over_the_lab_api(parking_server: ServedParking) -> None:
    """The answer says it in a header, which the typed client makes a warning at the caller's line."""
    parking_server.add_lot(LOT)
    with LabClient(str(parking_server.exports["lab"])) as lab:
        project = lab.project(parking_server.access_id)
        calls: list[Callable[[], Any]] = [
            lambda: project.add_record(LOT, data_type=0, pass_direction=0, event_time=SECONDS),
            lambda: project.add_device(supplier_code="jieshunn"),
            lambda: project.change_device(LOT, supplier_code="JIESHUN"),
            lambda: lab.create_project(clock="virtual", now_ms=SECONDS).delete(),
        ]
        for call in calls:
            with pytest.warns(DoubtfulValueWarning, match="was .* meant|as seconds it would be") as warned:
                call()
            assert warned[0].filename == __file__
        with warnings.catch_warnings():
            warnings.simplefilter("error")
            project.add_device(supplier_code="acme")


def test_times_as_datetimes(parking_mock: MockParking) -> None:
    """A window may be given in datetimes with a zone, as a record's time."""
    lot = parking_mock.add_lot(LOT)
    at = datetime.fromtimestamp(NOON / 1000, UTC)
    lot.enter(at=at)
    assert lot.count(at, NOON + HOUR) == 1
    with pytest.raises(ValueError, match="time zone"):
        lot.count(datetime(2022, 5, 17), NOON)  # noqa: DTZ001 that is what is refused


def test_at_the_start_of_serve(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """A seed file's doubtful values are named on standard error, five at most."""
    seed = tmp_path / "seed.json"
    record = {"device_id": LOT, "data_type": 0, "pass_direction": 0, "event_time": SECONDS}
    devices = [{"device_id": LOT}, {"supplier_code": "jieshunn"}]
    seed.write_text(json.dumps({"format": SEED_FORMAT, "version": 1, "devices": devices, "records": [record] * 9}))
    _seed(str(seed))
    told = capsys.readouterr().err.splitlines()
    assert len(told) == 5
    assert told[0].startswith(f'Warning: seed {seed}: supplier_code "jieshunn"')


def test_its_names_are_where_users_look() -> None:
    """Warning and error can be named without knowing our modules."""
    assert mock_server.DoubtfulValueWarning is DoubtfulValueWarning
    assert issubclass(mock_server.RealVendorError, OSError)
