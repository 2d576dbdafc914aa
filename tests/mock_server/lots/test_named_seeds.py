import hashlib
import json
from collections import Counter
from typing import get_args

import pytest

from mock_server.lab_shapes import SeedName
from mock_server.lots.named_seeds import DAY_START, NAMED_SEEDS, busy_day, many_brands, quiet_lot, read_named_seed
from mock_server.lots.seed import Seed, read_seed
from mock_server.model import DAY, JIESHUN, DataType, DeviceKind, PassDirection
from mock_server.problems import Problem, in_words
from tests.support import LOT, make_project, sampled

DIGESTS = {
    "quiet-lot": "4c6ac19eba60986f",
    "busy-day": "45fbbcbdc012b6a2",
    "many-brands": "6a1c56cd10f1034d",
}


def digest(seed: Seed) -> str:
    """The SHA-256 of the seed file, shortened."""
    return hashlib.sha256(json.dumps(seed.to_json(), ensure_ascii=False).encode()).hexdigest()[:16]


@pytest.mark.parametrize("name", NAMED_SEEDS)
def test_a_name_makes_the_same_seed_on_every_machine(name: str) -> None:
    """The seed file of a name is the same byte for byte, on every machine and every Python."""
    assert digest(NAMED_SEEDS[name]()) == DIGESTS[name]


@pytest.mark.parametrize("name", sampled(NAMED_SEEDS, every=2))
def test_every_seed_is_one_that_could_be_read_from_a_file(name: str) -> None:
    """Written as a seed file and read again, a named seed is the same, and a project keeps all of its records."""
    seed = NAMED_SEEDS[name]()
    assert read_seed(seed.to_json()) == seed
    assert len(make_project(seed=seed).store) == len(seed.records) > 0


def test_the_lab_api_knows_the_same_names() -> None:
    """The shape of a seed's name has exactly the names that can be made."""
    assert list(get_args(SeedName)) == list(NAMED_SEEDS)


def test_an_unknown_name() -> None:
    """Whoever mistypes a seed is told which there are."""
    problems: list[Problem] = []
    assert read_named_seed("bussy-day", problems) is None
    assert in_words(problems) == "seed 'bussy-day' is not known; there are: quiet-lot, busy-day, many-brands"


def lots(seed: Seed) -> list[str]:
    """The device ids of a seed's lots."""
    return [device.device_id for device in seed.devices if device.kind is DeviceKind.LOT]


def test_busy_day() -> None:
    """One lot, exactly 10,000 passes of one day, both ways, and the bills of those who paid."""
    seed = busy_day()
    kinds = Counter((record.data_type, record.pass_direction) for record in seed.records)
    assert lots(seed) == [LOT]
    assert kinds[DataType.PASS, PassDirection.ENTER] + kinds[DataType.PASS, PassDirection.LEAVE] == 10_000
    assert kinds[DataType.BILL, None] > 3_000
    assert all(DAY_START <= each.event_time < DAY_START + DAY for each in seed.records)


def test_quiet_lot() -> None:
    """One lot with a lost, a doubled and an unlicensed pass, a free bill and a car that only leaves."""
    seed = quiet_lot()
    assert lots(seed) == [LOT]
    assert {"lose", "duplicate"} <= {record.fate for record in seed.records}
    assert any(not record.plate_no for record in seed.records)
    assert any(record.details.get("payable_amount") == 0 for record in seed.records)


def test_many_brands() -> None:
    """Several brands, Jieshun among them, a lot off line, lanes, and records of every lot."""
    seed = many_brands()
    brands = {device.supplier_code for device in seed.devices}
    assert JIESHUN in brands
    assert len(brands) >= 4
    assert [device.online for device in seed.devices].count(False) == 1
    assert any(device.kind is DeviceKind.LANE for device in seed.devices)
    assert {record.device_id for record in seed.records} == set(lots(seed))
