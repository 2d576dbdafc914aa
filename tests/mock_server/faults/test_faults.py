"""Directed faults: what each does, where, how often, and that it is in the history."""

import json
from typing import Any

import pytest

from mock_server.clock import VirtualClock
from mock_server.faults.catalogue import CALL, CATALOGUE, UPLINK, FaultKind
from mock_server.faults.faults import Fault, Faults, Occasion, Strike, publication, read_fault
from mock_server.history.events import FaultInjected, RecordLost
from mock_server.history.log import History
from mock_server.model import HOUR, JsonObject
from mock_server.problems import Problem
from mock_server.project import Project
from mock_server.state.journal import Journal
from tests.support import LOT, NOON, SYNC_PATH, Api, keep_passes, published, sync_info

ONCE = Occasion(UPLINK, "record 1", LOT, 0, record_id="pass-1")


def faults() -> Faults:
    """Faults with nothing directed."""
    return Faults(History(lambda: 0), Journal())


def directed(project: Project, kind: str, value: int | None = None, **limits: Any) -> None:
    """Direct a fault at a project."""
    project.arm(Fault(kind, CATALOGUE[kind].default if value is None else value, **limits))


def advance(project: Project, by_ms: int) -> None:
    """Move the project's clock."""
    assert isinstance(project.clock, VirtualClock)
    project.clock.advance(by_ms)


def test_strikes_as_often_as_it_should_and_is_forgotten() -> None:
    """A fault with times 2 strikes the next two occasions, and then no more."""
    some = faults()
    some.arm(Fault(FaultKind.UPLINK_LOSE, 0, times=2))
    assert [bool(some.strike(ONCE)) for _ in range(4)] == [True, True, False, False]
    assert not list(some.armed())


def test_skip_lets_the_first_occasions_pass() -> None:
    """With skip 2 the third occasion is the first that is struck."""
    some = faults()
    some.arm(Fault(FaultKind.UPLINK_LOSE, 0, skip=2))
    assert [bool(some.strike(ONCE)) for _ in range(4)] == [False, False, True, False]


@pytest.mark.parametrize(
    ("limits", "strikes"),
    [
        ({}, True),
        ({"device_id": LOT}, True),
        ({"device_id": "other"}, False),
        ({"data_type": 0}, True),
        ({"data_type": 1}, False),
        ({"path": "/v1.0"}, False),
        ({"record_id": "pass-1"}, True),
        ({"record_id": "pass-2"}, False),
    ],
    ids=str,
)
def test_strikes_only_what_it_matches(limits: dict[str, Any], strikes: bool) -> None:  # noqa: FBT001 a parameter
    """Device, data type and path limit a fault to what they name."""
    some = faults()
    some.arm(Fault(FaultKind.UPLINK_LOSE, 0, **limits))
    assert bool(some.strike(ONCE)) is strikes


def test_token_calls_are_struck_only_by_name() -> None:
    """A fault on calls leaves token calls alone unless its path names them."""
    call = Occasion(CALL, "call", path="/v1.0/token")
    some = faults()
    some.arm(Fault(FaultKind.ANSWER_BUSY, 1111))
    assert not some.strike(call)
    some.arm(Fault(FaultKind.ANSWER_BUSY, 1110, path="/v1.0/token"))
    assert some.strike(call) == [Strike(FaultKind.ANSWER_BUSY, 1110)]


def test_a_kind_of_token_calls_strikes_no_other_call() -> None:
    """token.region strikes the calls for a token without a path, and other calls not even with one."""
    region, other = Fault(FaultKind.TOKEN_REGION, 0), Fault(FaultKind.TOKEN_REGION, 0, path="/v1.0/expand")
    token_call, call = (Occasion(CALL, "call", path=path) for path in ("/v1.0/token", "/v1.0/expand/devices"))
    assert (region.matches(token_call), region.matches(call)) == (True, False)
    assert not other.matches(token_call)
    assert not other.matches(call)


@pytest.mark.parametrize(
    ("code", "text"),
    [
        (2007, "your ip(203.0.113.7) cross-region access is not allowed"),
        (1114, "your ip(203.0.113.7) don't have access to this API"),
    ],
)
def test_an_address_is_refused_when_it_asks_for_a_token(api: Api, code: int, text: str) -> None:
    """token.region: with the texts that were observed on this call; a token in use goes on working."""
    directed(api.project, FaultKind.TOKEN_REGION, code)
    assert api.sync(sync_info(0))["success"] is True
    answer = api.call("GET", "/v1.0/token?grant_type=1")
    assert (answer["code"], answer["msg"]) == (code, text)
    assert api.call("GET", "/v1.0/token?grant_type=1")["success"] is True


def test_faults_compose() -> None:
    """Two faults on one message add up: doubled and late."""
    plan = publication([Strike(FaultKind.UPLINK_DUPLICATE, 0), Strike(FaultKind.UPLINK_DELAY, 700)])
    assert (plan.copies, plan.delay_ms) == (2, 700)


def test_what_strikes_is_in_the_history(project: Project) -> None:
    """The history names the fault, its site and the operation that it hit, before what follows from it."""
    directed(project, FaultKind.UPLINK_LOSE)
    keep_passes(project, NOON)
    events = [entry.event for entry in project.history.after()]
    struck = [event for event in events if isinstance(event, FaultInjected)]
    assert [(event.fault, event.site) for event in struck] == [(FaultKind.UPLINK_LOSE, "uplink")]
    assert events.index(struck[0]) < next(i for i, event in enumerate(events) if isinstance(event, RecordLost))


@pytest.mark.parametrize("kind", CATALOGUE)
def test_every_kind_survives_json(kind: str) -> None:
    """A fault of every kind is read as it is written."""
    problems: list[Problem] = []
    written = Fault(kind, 7 if CATALOGUE[kind].parameter else 0, times=2, skip=1, device_id=LOT).to_json()
    assert read_fault(json.loads(json.dumps(written)), "", problems) == Fault(
        kind, 7 if CATALOGUE[kind].parameter else 0, times=2, skip=1, device_id=LOT
    )
    assert not problems


def test_lost_message_is_at_the_lot_only(project: Project) -> None:
    """uplink.lose: the record counts, its message was never published."""
    directed(project, FaultKind.UPLINK_LOSE)
    keep_passes(project, NOON)
    assert (len(project.store), published(project)) == (1, [])


def test_doubled_message_has_two_ids(project: Project) -> None:
    """uplink.duplicate: two publications of one record, with two message ids."""
    directed(project, FaultKind.UPLINK_DUPLICATE)
    keep_passes(project, NOON)
    messages = project.queue.main.pending_messages()
    assert published(project) == ["pass-000001"] * 2
    assert messages[0].message_id != messages[1].message_id


def test_late_message_comes_when_its_time_has_come(project: Project) -> None:
    """uplink.delay: nothing before, everything at the time."""
    directed(project, FaultKind.UPLINK_DELAY, 5_000)
    keep_passes(project, NOON)
    advance(project, 4_999)
    assert published(project) == []
    advance(project, 1)
    assert published(project) == ["pass-000001"]


def test_neighbours_change_places(project: Project) -> None:
    """uplink.swap: the next record's message goes first."""
    directed(project, FaultKind.UPLINK_SWAP)
    keep_passes(project, NOON, NOON)
    assert published(project) == ["pass-000002", "pass-000001"]


def test_a_swapped_message_without_a_neighbour_goes_after_a_moment(project: Project) -> None:
    """uplink.swap waits no longer than a second for the next message."""
    directed(project, FaultKind.UPLINK_SWAP)
    keep_passes(project, NOON)
    advance(project, 1_000)
    assert published(project) == ["pass-000001"]


def test_shuffled_rereport_has_the_same_records(api: Api) -> None:
    """rereport.shuffle: the same records, not in the order of time."""
    keep_passes(api.project, *range(NOON - HOUR, NOON, HOUR // 20), fate="lose")
    directed(api.project, FaultKind.REREPORT_SHUFFLE)
    api.sync(sync_info(0))
    came = published(api.project)
    assert sorted(came) == [f"pass-{number:06d}" for number in range(1, 21)]
    assert came != sorted(came)
    assert list(api.project.lots.rereports[-1].record_ids) == came


def test_spread_rereport_trickles_in(api: Api) -> None:
    """rereport.spread: half of the records have come after half of the time."""
    keep_passes(api.project, *range(NOON - HOUR, NOON, HOUR // 10), fate="lose")
    directed(api.project, FaultKind.REREPORT_SPREAD, 10_000)
    api.sync(sync_info(0))
    advance(api.project, 4_999)
    assert len(published(api.project)) == 5
    advance(api.project, 5_001)
    assert len(published(api.project)) == 10


@pytest.mark.parametrize(
    ("kind", "copies"), [(FaultKind.REREPORT_LOSE, 0), (FaultKind.REREPORT_DUPLICATE, 2), (FaultKind.REREPORT_DELAY, 0)]
)
def test_one_record_of_a_rereport_is_struck(api: Api, kind: str, copies: int) -> None:
    """Faults on a re-report's records hit one record and leave the others."""
    keep_passes(api.project, NOON - 2, NOON - 1, fate="lose")
    directed(api.project, kind, 60_000)
    api.sync(sync_info(0))
    assert published(api.project) == ["pass-000001"] * copies + ["pass-000002"]


def test_lost_command_ends_unknown(api: Api) -> None:
    """command.lose: an sn is answered, the lot never compares, the command ends in status 5."""
    keep_passes(api.project, NOON - 1, fate="lose")
    directed(api.project, FaultKind.COMMAND_LOSE)
    answer: Any = api.sync(sync_info(0))
    advance(api.project, 1_000)
    status: Any = api.call("GET", f"/v1.0/expand/cmds/{answer['result']['sn']}")
    assert status["result"]["process_status"] == 5
    assert not api.project.lots.rereports


@pytest.mark.parametrize(
    ("kind", "code"),
    [
        (FaultKind.ANSWER_BUSY, 1111),
        (FaultKind.ANSWER_ERROR, 500),
        (FaultKind.ANSWER_UNKNOWN_CODE, 90_210),
        (FaultKind.TIME_REFUSE, 1013),
        (FaultKind.DEVICE_OFFLINE, 2001),
        (FaultKind.TOKEN_EXPIRE, 1010),
        (FaultKind.TOKEN_REVOKE, 1010),
    ],
)
def test_refused_call_changes_nothing(api: Api, kind: str, code: int) -> None:
    """A refusal has its code, and nothing was compared; the next call of a client that gets a token works."""
    keep_passes(api.project, NOON - 1, fate="lose")
    directed(api.project, kind)
    assert api.sync(sync_info(0))["code"] == code
    assert not api.project.lots.rereports
    assert api.connect().sync(sync_info(0))["success"] is True


def test_offline_for_a_while(api: Api) -> None:
    """device.offline with for_ms: the lot refuses until the time is over."""
    directed(api.project, FaultKind.DEVICE_OFFLINE, 60_000)
    assert [api.sync(sync_info(0))["code"] for _ in range(2)] == [2001, 2001]
    advance(api.project, 60_000)
    assert api.sync(sync_info(0))["success"] is True


def test_expired_token_can_be_refreshed_revoked_cannot(api: Api) -> None:
    """token.expire leaves the refresh token alive, token.revoke kills both."""
    for kind, lives in ((FaultKind.TOKEN_EXPIRE, True), (FaultKind.TOKEN_REVOKE, False)):
        refresh = api.project.tokens.grant().refresh_token
        directed(api.project, kind)
        api.sync(sync_info(0))
        assert api.call("GET", f"/v1.0/token/{refresh}")["success"] is lives
        api.connect()


def raw_answer(api: Api) -> bytes:
    """The bytes of a sync's answer, whatever they are."""
    body = json.dumps({"dataType": 0, "recordSyncInfos": [sync_info(0)]}).encode()
    headers = api.signed_headers("POST", SYNC_PATH, body)
    return bytes(api.client.open(SYNC_PATH, method="POST", data=body, headers=headers).data)


@pytest.mark.parametrize(
    ("kind", "broken"),
    [
        (FaultKind.ANSWER_NOT_JSON, lambda raw: raw.startswith(b"<html>")),
        (FaultKind.ANSWER_EMPTY, lambda raw: raw == b""),
        (FaultKind.ANSWER_TRUNCATED, lambda raw: raw.startswith(b'{"result"') and not raw.endswith(b"}")),
        (FaultKind.ANSWER_NO_RESULT, lambda raw: json.loads(raw)["result"] == {}),
        (FaultKind.ANSWER_UNKNOWN_FIELDS, lambda raw: "x-new" in json.loads(raw) and "sn" in json.loads(raw)["result"]),
    ],
    ids=lambda value: value if isinstance(value, str) else "",
)
def test_garbled_answer_comes_after_the_call_was_carried_out(api: Api, kind: str, broken: Any) -> None:
    """The lot has compared and re-reported; only the answer is broken, and the history says so."""
    keep_passes(api.project, NOON - 1, fate="lose")
    directed(api.project, kind)
    assert broken(raw_answer(api))
    assert len(api.project.lots.rereports) == 1
    answers = [entry.to_json() for entry in api.project.history.after() if entry.event.kind == "answer"]
    assert answers[-1]["sent"] == "garbled"


@pytest.mark.parametrize(
    ("kind", "field", "value"),
    [(FaultKind.RECORD_NO_PLATE, "plate_no", ""), (FaultKind.RECORD_UNKNOWN_ENUM, "details", {"car_type": 99})],
)
def test_odd_record_is_odd_at_the_lot_too(project: Project, kind: str, field: str, value: object) -> None:
    """An odd record is what the lot keeps, not only what the message says."""
    directed(project, kind)
    (record,) = keep_passes(project, NOON)
    assert getattr(record, field) == value
    assert project.store.get(record.key) == record


def test_record_deleted_at_the_lot(project: Project) -> None:
    """record.delete: after a while the lot no longer counts it, and tells nobody."""
    directed(project, FaultKind.RECORD_DELETE, 1_000)
    keep_passes(project, NOON)
    advance(project, 1_000)
    assert (len(project.store), published(project)) == (0, ["pass-000001"])


def test_record_corrected_at_the_lot(project: Project) -> None:
    """record.correct: the same record id comes again with another plate, and counts once."""
    directed(project, FaultKind.RECORD_CORRECT, 1_000)
    keep_passes(project, NOON, plate_no="京A12345")
    advance(project, 1_000)
    assert len(project.store) == 1
    plates = [getattr(message.subject, "plate_no", "") for message in project.queue.main.pending_messages()]
    assert plates == ["京A12345", "京A12346"]


def test_calm_forgets_everything_directed(api: Api) -> None:
    """After calm nothing strikes any more."""
    directed(api.project, FaultKind.ANSWER_BUSY, times=5)
    api.project.calm()
    assert api.sync(sync_info(0))["success"] is True


@pytest.mark.parametrize(
    ("fault", "words"),
    [
        ({}, "kind is required"),
        ({"kind": "uplink.burn"}, "kind must be one of uplink.lose"),
        ({"kind": "uplink.burn"}, ", not uplink.burn"),
        ({"kind": "uplink.lose", "delay_ms": 5}, "delay_ms is not known"),
        ({"kind": "uplink.delay", "delay_ms": "5"}, "delay_ms must be an integer"),
        ({"kind": "uplink.lose", "times": 0}, "times must be from 1"),
        ({"kind": "uplink.lose", "data_type": 2}, "data_type must be 0 or 1"),
    ],
    ids=str,
)
def test_bad_fault_says_what_is_wrong(fault: JsonObject, words: str) -> None:
    """A fault that cannot be used is refused with the field's name and what it should be."""
    problems: list[Problem] = []
    assert read_fault(fault, "", problems) is None
    assert words in "; ".join(f"{problem.path} {problem.text}" for problem in problems)


def test_a_random_source_is_told_of_hits() -> None:
    """How often the operation was hit in a row, and how often the worst-hit call, which no record changes."""
    told: list[tuple[int, int]] = []

    class Source:
        """Strikes always."""

        def draw(self, _occasion: Occasion, consecutive: int, worst: int) -> Strike:
            """Remember what it is told."""
            told.append((consecutive, worst))
            return Strike(FaultKind.UPLINK_LOSE, 0)

    some = Faults(History(lambda: 0), Journal(), Source())
    for occasion in (ONCE, ONCE, ONCE, Occasion(CALL, "call 1"), Occasion(CALL, "call 1"), ONCE):
        some.strike(occasion)
    assert told == [(0, 0), (1, 0), (2, 0), (0, 0), (1, 1), (3, 2)]
