"""What a sync body asks, valid or not."""

import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from msgspec import structs, to_builtins

from mock_server.model import HOUR, INT64_MAX, AskedEntry, Cell, DataType, PassDirection, SyncInfo
from mock_server.profile import Profile
from mock_server.wire.errors import VendorError
from mock_server.wire.paths import SYNC_PREFIX, SYNC_SUFFIX
from mock_server.wire.sync_asked import MOST_ENTRIES, Asked, asked_device, read_asked
from mock_server.wire.sync_request import read_sync_request
from tests.strategies import json_values
from tests.support import LOT, NOON, SYNC_PATH, sync_info

CELL = Cell(LOT, DataType.PASS, PassDirection.ENTER, NOON - HOUR, NOON)
NAMES = ("data_type", "dataType", "total_count", "totalCount", "startTime", "start_time", "endTime", "Pass-Direction")
KEYS = st.sampled_from((*NAMES, "passDirection", "pass_direction", "plate_no"))
NUMBERS = st.sampled_from((0, 1, 2, -1, NOON, NOON - HOUR, NOON + HOUR, INT64_MAX, INT64_MAX + 1))
VALUES = st.one_of(NUMBERS, json_values, st.booleans(), st.just(float("inf")), st.just("\ud800"))
INFOS = st.one_of(
    st.just(sync_info(1)),
    st.builds(sync_info, NUMBERS, NUMBERS, NUMBERS, st.sampled_from((0, 1, 2, None))),
    st.dictionaries(KEYS, VALUES),
    json_values,
)
LISTS = st.one_of(st.lists(INFOS, max_size=4), INFOS)
BODIES = st.builds(
    lambda own, name, listed: own | {name: listed},
    st.dictionaries(KEYS, VALUES),
    st.sampled_from(("recordSyncInfos", "record_sync_infos", "RecordSyncInfos")),
    LISTS,
)


def asked(*infos: object, **fields: object) -> Asked:
    """What a body of these entries asks of the lot."""
    return read_asked({"dataType": 0, "recordSyncInfos": list(infos)} | fields, LOT)


def test_a_plain_entry_is_its_cell_and_its_count() -> None:
    """Nothing is told twice: the fields are made from the two."""
    assert asked(sync_info(7)) == Asked({"dataType": 0, "recordSyncInfos": []}, 1, (AskedEntry(CELL, 7),))
    fields = {"total_count": 7, "start_time": NOON - HOUR, "end_time": NOON}
    assert asked(sync_info(7)).entries[0].fields == fields | {"pass_direction": 0}
    bill = asked(sync_info(7, direction=None), dataType=1).entries[0]
    assert (bill.cell, bill.fields) == (structs.replace(CELL, data_type=DataType.BILL, pass_direction=None), fields)


@pytest.mark.parametrize(
    ("info", "entry"),
    [
        (sync_info(7) | {"totalCount": "7"}, AskedEntry(CELL, "7", sync_info(7) | {"totalCount": "7"})),
        (sync_info(7) | {"plate_no": "京A12345"}, AskedEntry(CELL, 7, sync_info(7))),
        (sync_info(7, direction=None), AskedEntry(None, 7, sync_info(7, direction=None))),
        (sync_info(7) | {"endTime": {"at": 1}}, AskedEntry(None, 7, sync_info(7) | {"endTime": {}})),
        ({"StartTime": 1}, AskedEntry(None, None, {"StartTime": 1})),
        ("x" * 100, AskedEntry(None, None, "x" * 64)),
        (None, AskedEntry(None, None)),
    ],
)
def test_an_odd_entry_is_told_as_it_was_sent(info: object, entry: AskedEntry) -> None:
    """A cell where there is one; the fields of the endpoint and no others; bounded."""
    assert asked(info).entries == (entry,)


def test_what_is_no_list_of_entries() -> None:
    """No JSON object, an object in place of the list, a list under a name that no page has, too long a list."""
    assert read_asked(None, LOT) == read_asked([1], LOT) == Asked(None, 0, ())
    assert read_asked({"recordSyncInfos": sync_info(7)}, LOT).entries == (AskedEntry(None, None, sync_info(7)),)
    assert read_asked({"RecordSyncInfos": [sync_info(7)]}, LOT).entries == (AskedEntry(None, None, sync_info(7)),)
    long = asked(*[0] * (MOST_ENTRIES + 1))
    assert (long.total, len(long.entries)) == (MOST_ENTRIES + 1, MOST_ENTRIES)


@given(BODIES)
def test_both_readers_agree(body: dict[str, Any]) -> None:
    """Whatever the cloud takes is in the history as the same cells and counts; whatever it refuses can be written."""
    told = read_asked(body, LOT)
    assert json.dumps(to_builtins(told), ensure_ascii=False, allow_nan=False).encode()
    try:
        infos = read_sync_request(body, LOT, Profile(), NOON)
    except VendorError:
        return
    assert [SyncInfo(entry.cell, entry.claimed) for entry in told.entries] == list(infos)  # type: ignore[arg-type]  # a failure shows what they are


@pytest.mark.parametrize(
    ("path", "device_id"),
    [(SYNC_PATH, LOT), (f"{SYNC_PREFIX}a/b{SYNC_SUFFIX}", "a/b"), (f"{SYNC_PATH}/", None), ("/v1.0/token", None)],
)
def test_the_device_is_in_the_path(path: str, device_id: str | None) -> None:
    """Of a call of records/sync, whoever the device may be."""
    assert asked_device(path) == device_id
