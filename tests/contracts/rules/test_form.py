"""Tests of the rules of the form of a request."""

import json
from typing import Any

import pytest

from contracts.cases.form import ONE_ASK
from contracts.client.interface import Window
from contracts.clients.record_store import CellRow
from contracts.clients.reference import ReferenceClient
from contracts.clients.zoo import GROUPS, ZOO, form
from contracts.clients.zoo.form import AsksAllAtOnce, KeepsItsSpelling
from contracts.play.scenario import BEGIN, LANE_ID, LOT_IDS, Crashes, Happens, RecordKind, Scenario, Strikes
from contracts.rules.form import RULES
from contracts.run.run import Run
from mock_server.faults.catalogue import FaultKind
from mock_server.history.asking import sync_events
from mock_server.history.events import CountCompared, DeviceChanged, Event, RequestAnswered, RequestReceived
from mock_server.history.log import Entry
from mock_server.model import DAY, HOUR, MINUTE
from mock_server.problems import parse_json
from mock_server.profile import Profile
from mock_server.web.data_plane.masking import BODY_KEPT, masked_body
from mock_server.wire.sync_asked import asked_device
from tests.contracts.support import broken, kept, killed, outcome, played
from tests.support import SEEDS

assert form in GROUPS  # importing the group fills the zoo

IDS = tuple(rule.id for rule in RULES)
ANIMALS = {name: animal for name, animal in ZOO.items() if animal.client.__module__ == form.__name__}

SEEN_BY_A_LANE = Scenario(
    (Happens(BEGIN + 10 * MINUTE, "r1", details={"lane_device_id": LANE_ID}),), settles=False, runs_ms=ONE_ASK
)
CAMEL = Scenario(
    lots=("tuya", "tuya"), profile={"key_spelling": "camel"}, begin=BEGIN, settles=False, runs_ms=10 * MINUTE
)
DOWN_FOR_A_DAY = Scenario((Crashes(BEGIN, 27 * HOUR),), settles=False, runs_ms=27 * HOUR + 10 * MINUTE)
NOTHING_ASKED = Scenario(settles=False, runs_ms=MINUTE)

ELSEWHERE = {"FORM-BATCH": DOWN_FOR_A_DAY, "FORM-CASE-ADAPTS": CAMEL}
"""Scenarios of the rules that a vehicle before a lane does not exercise."""

SCENARIOS = {"KeepsItsSpelling": CAMEL, "AsksAllAtOnce": DOWN_FOR_A_DAY}
INFO = {"total_count": 2, "start_time": 1000, "end_time": 2000, "pass_direction": 0}
BODY: dict[str, Any] = {"data_type": 0, "record_sync_infos": [INFO]}
PATH = f"/v1.0/parking-control/{LOT_IDS[0]}/records/sync"


def history(*events: Event, profile: Profile | None = None) -> Run:
    """A run of which nothing is known but its history."""
    entries = tuple(Entry(place + 1, place, event) for place, event in enumerate(events))
    return Run(NOTHING_ASKED, entries, profile or Profile(), frozenset())


def json_or_none(text: str) -> object:
    """The JSON value of a body."""
    try:
        return parse_json(text.encode())
    except ValueError:
        return None


def asked(body: object = BODY, *, method: str = "POST", path: str = PATH, code: int | None = None) -> Run:
    """One call and its answer; a body that is no text is sent as JSON."""
    text = body if isinstance(body, str) else json.dumps(body)
    device_id = asked_device(path)
    return history(
        DeviceChanged(LOT_IDS[0], "Lot", "tuya", "lot", online=True),
        DeviceChanged(LANE_ID, "Lane", "", "lane", online=True),
        RequestReceived(method, path, "", {}, masked_body(text.encode())),
        *(sync_events(3, device_id, json_or_none(text)) if device_id is not None else ()),
        RequestAnswered(3, code, None, None, "whole"),
    )


def with_infos(*infos: object, data_type: object = 0) -> dict[str, object]:
    """A body of these entries."""
    return {"data_type": data_type, "record_sync_infos": list(infos)}


@pytest.mark.parametrize("name", ANIMALS)
def test_each_animal_breaks_its_own_rule_of_form_and_no_other(name: str) -> None:
    """A defect in one property of a request is held against that property only."""
    run = played(SCENARIOS.get(name, SEEN_BY_A_LANE), ANIMALS[name].client)
    assert [rule for rule in IDS if outcome(rule, run).breaches] == [ANIMALS[name].rule_id]


@pytest.mark.parametrize("rule_id", IDS)
def test_the_reference_client_keeps_each_rule_where_it_can_be_broken(rule_id: str) -> None:
    """Each rule is exercised in the scenario that shows its animals, and kept."""
    assert kept(rule_id, ELSEWHERE.get(rule_id, SEEN_BY_A_LANE))


@pytest.mark.parametrize("rule_id", IDS)
def test_nothing_is_exercised_where_nothing_is_asked(rule_id: str) -> None:
    """A client that has made no call has shown nothing."""
    assert not outcome(rule_id, played(NOTHING_ASKED, ReferenceClient)).exercised


@pytest.mark.parametrize("name", ANIMALS)
@pytest.mark.parametrize("seed", SEEDS)
def test_each_animal_is_killed_at_any_seed(name: str, seed: int) -> None:
    """The aimed cases find each defect at the usual number of examples."""
    assert killed(ANIMALS[name], seed)


@pytest.mark.parametrize(
    ("rule_id", "body"),
    [
        ("FORM-CASE", {"data_type": 0, "recordSyncInfos": [INFO]}),
        ("FORM-CASE", with_infos({**INFO, "totalCount": 2})),
        ("FORM-CASE", {"datatype": 0, "record_sync_infos": [INFO]}),
        ("FORM-CASE", with_infos({"Total-Count" if key == "total_count" else key: INFO[key] for key in INFO})),
        ("FORM-TYPES", with_infos(INFO, data_type="0")),
        ("FORM-TYPES", with_infos(INFO, data_type=False)),
        ("FORM-TYPES", with_infos({**INFO, "total_count": "2"})),
        ("FORM-TYPES", with_infos({**INFO, "start_time": 1000.0})),
        ("FORM-TYPES", with_infos({**INFO, "end_time": None})),
        ("FORM-TYPES", with_infos({**INFO, "pass_direction": True})),
        ("FORM-TYPES", with_infos({key: INFO[key] for key in INFO if key != "start_time"})),
        ("FORM-DATATYPE", {"record_sync_infos": [{"data_type": 0, **INFO}]}),
        ("FORM-DATATYPE", {"data_type": 0, "record_sync_infos": [{"data_type": 0, **INFO}]}),
        ("FORM-DATATYPE", {"record_sync_infos": [INFO]}),
        ("FORM-DATATYPE", with_infos(INFO, data_type=None)),
        ("FORM-DATATYPE", with_infos(INFO, data_type=2)),
        ("FORM-DIRECTION", with_infos({**INFO, "pass_direction": 2})),
        ("FORM-DIRECTION", with_infos({**INFO, "pass_direction": None})),
        ("FORM-NO-DIRECTION", with_infos(INFO, data_type=1)),
        ("FORM-LIST", {"data_type": 0}),
        ("FORM-LIST", {"data_type": 0, "record_sync_infos": None}),
        ("FORM-LIST", {"data_type": 0, "record_sync_infos": INFO}),
        ("FORM-LIST", {"data_type": 0, "record_sync_infos": []}),
        ("FORM-LIST", with_infos(INFO, 7)),
        ("FORM-LIST", with_infos(INFO, None)),
        ("FORM-COUNT", with_infos({**INFO, "total_count": -1})),
        ("FORM-COUNT", with_infos({**INFO, "total_count": None})),
        ("FORM-UNIQUE", with_infos(INFO, {**INFO, "total_count": 3})),
        ("FORM-JSON", "data_type=0"),
        ("FORM-JSON", "[]"),
        ("FORM-JSON", ""),
        ("FORM-JSON", "{'data_type': 0}"),
    ],
)
def test_a_body_with_one_defect_breaks_one_rule(rule_id: str, body: object) -> None:
    """Whatever is wrong with a body is said by one rule, and every other takes the body as it is."""
    assert [rule for rule in IDS if outcome(rule, asked(body)).breaches] == [rule_id]


@pytest.mark.parametrize(
    ("method", "path"),
    [
        ("PUT", PATH),
        ("POST", PATH.replace("v1.0", "v2.0")),
        ("POST", f"{PATH}/"),
        ("POST", PATH.replace(LOT_IDS[0], LANE_ID)),
        ("POST", PATH.replace(LOT_IDS[0], "6ce")),
        ("POST", PATH.replace("records", "a/records")),
    ],
)
def test_another_method_path_or_device_breaks_the_path(method: str, path: str) -> None:
    """Only a POST to the very path with the id of one of the project's lots is right."""
    assert outcome("FORM-PATH", asked(method=method, path=path)).breaches
    assert not outcome("FORM-JSON", asked(method=method, path=path)).breaches


@pytest.mark.parametrize("code", [None, 1108])
def test_a_near_miss_of_the_path_is_told_from_another_call(code: int | None) -> None:
    """A path with `parking` in it is meant for this endpoint if nothing is there, and for another one otherwise."""
    found = outcome("FORM-PATH", asked(path=PATH.replace("records", "record"), code=code))
    assert bool(found.breaches) == (code == 1108)


def test_a_right_body_breaks_nothing_in_either_spelling() -> None:
    """Snake case and camel case, with fields that no page names."""
    camel = {"dataType": 1, "recordSyncInfos": [{"totalCount": 0, "startTime": 1, "endTime": 2}], "traceId": "x"}
    for body in (BODY, camel):
        assert not [rule for rule in IDS if outcome(rule, asked(body)).breaches]


def test_the_path_is_exercised_only_by_a_lot_that_told_of_a_lane() -> None:
    """A client that asks the lane of its last record cannot be caught where no record names one."""
    plain = Scenario((Happens(BEGIN + 10 * MINUTE, "r1"),), settles=False, runs_ms=ONE_ASK)
    assert not outcome("FORM-PATH", played(plain, ReferenceClient)).exercised


def test_the_count_is_exercised_only_by_a_zero() -> None:
    """A client that leaves out zeros cannot be caught where every cell has a record."""
    kinds: tuple[RecordKind, ...] = ("enter", "leave", "bill")
    steps = tuple(Happens(BEGIN + MINUTE, kind, kind, event=BEGIN - 30 * MINUTE) for kind in kinds)
    run = played(Scenario(steps, settles=False, runs_ms=6 * MINUTE), ReferenceClient)
    assert len(run.claims) == 3
    assert not outcome("FORM-COUNT", run).exercised


@pytest.mark.parametrize("rule_id", ["FORM-BATCH", "FORM-UNIQUE"])
def test_a_single_entry_exercises_no_rule_of_lists(rule_id: str) -> None:
    """One cell cannot be there twice, and is no batch."""
    assert not outcome(rule_id, asked()).exercised


def test_a_spelling_may_be_tried_once() -> None:
    """A client that knows only the vendor's tables is refused by this cloud; it is blamed if it does not learn."""

    class LeavesLotsAlone(ReferenceClient):
        def key(self, name: str) -> str:
            return name

    one_lot = Scenario(profile={"key_spelling": "camel"}, settles=False, runs_ms=HOUR + 10 * MINUTE)
    assert kept("FORM-CASE-ADAPTS", one_lot, LeavesLotsAlone)
    assert broken("FORM-CASE-ADAPTS", one_lot, KeepsItsSpelling)
    assert not broken("FORM-CASE", one_lot, KeepsItsSpelling)


def test_a_body_that_the_history_has_cut_is_still_measured() -> None:
    """A week of hours in one request is more than the history shows: too long a list, but no broken JSON."""
    run = played(Scenario((Crashes(BEGIN, 7 * DAY),), settles=False, runs_ms=7 * DAY + 10 * MINUTE), AsksAllAtOnce)
    assert max(len(sync.call.request.body) for sync in run.syncs) == BODY_KEPT
    assert [rule for rule in IDS if outcome(rule, run).breaches] == ["FORM-BATCH"]


@pytest.mark.parametrize("size", [400, 1_000])
def test_every_entry_of_a_long_list_is_a_claim(size: int) -> None:
    """What the lot compares is what the judge sees, however long the body: as many claims, and the true number."""

    class AsksFarBack(AsksAllAtOnce):
        def cells_to_ask(self, device_id: str, data_type: int, window: Window | None) -> list[CellRow]:
            cells = super().cells_to_ask(device_id, data_type, window)
            return [back(cells[0], hours) for hours in range(size)] if cells else []

    def back(cell: CellRow, hours: int) -> CellRow:
        return cell._replace(start_ms=cell.start_ms - hours * HOUR, end_ms=cell.end_ms - hours * HOUR)

    run = played(Scenario(settles=False, runs_ms=ONE_ASK), AsksFarBack)
    sync = run.syncs[0]
    assert sync.call.answer is not None
    compared = [entry.event for entry in run.entries if isinstance(entry.event, CountCompared)]
    claims = [claim for claim in run.claims if claim.sync is sync]
    assert len(claims) == sync.total == size
    assert [(claim.cell, claim.claimed, claim.counted) for claim in claims] == [
        (each.cell, each.claimed, each.counted) for each in compared if each.sn == sync.call.answer.sn
    ]
    assert outcome("FORM-BATCH", run).breaches[0].message == f"sent {size} entries in one request"


def test_a_refusal_that_a_fault_made_is_nobodys_signature() -> None:
    """1004 out of the blue says nothing about the body."""
    refused = Scenario((Strikes(BEGIN, FaultKind.ANSWER_REFUSE, 1004),), settles=False, runs_ms=10 * MINUTE)
    assert kept("FORM-JSON", refused)
