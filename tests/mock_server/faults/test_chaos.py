"""Chaos: bounded, repeatable, and over when it is told to be."""

from collections import Counter
from itertools import groupby
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from mock_server.clock import VirtualClock
from mock_server.faults.catalogue import CATALOGUE, UPLINK, FaultKind
from mock_server.faults.chaos import MAX_CONSECUTIVE, PRESETS, Chaos, read_chaos
from mock_server.faults.faults import Faults, Occasion
from mock_server.history.events import FaultInjected
from mock_server.history.log import History
from mock_server.model import HOUR, Record
from mock_server.problems import Problem
from mock_server.project import Project
from mock_server.state.journal import Journal
from tests.support import NOON, Api, examples, keep_passes, make_project, published, sync_info

SEEDS = st.integers(0, 2**32)


def faults_in(project: Project) -> list[FaultInjected]:
    """The faults of a project's history."""
    return [entry.event for entry in project.history.after() if isinstance(entry.event, FaultInjected)]


def chaotic_project(preset: str, seed: int, budget: int | None = None) -> Project:
    """A project on a virtual clock with chaos."""
    return make_project(chaos=Chaos(preset, seed, budget))


def try_three_times(api: Api, *, total: int) -> list[Any]:
    """A client that gives a call three tries, and gets a new token when it is told 1010."""
    answers = []
    for _ in range(3):
        answers.append(api.sync(sync_info(total)))
        if answers[-1].get("code") == 1010:
            api.connect()
        if answers[-1]["success"]:
            break
    return answers


@pytest.mark.parametrize("preset", PRESETS)
def test_presets_name_kinds_of_the_catalogue(preset: str) -> None:
    """Every kind of a preset exists, with a rate between 0 and 1."""
    assert set(PRESETS[preset].rates) <= set(CATALOGUE)
    assert all(0 < rate <= 0.5 for rate in PRESETS[preset].rates.values())


def test_deleting_records_is_left_to_whoever_directs_it() -> None:
    """No preset deletes records: a client could never agree with the lot again."""
    assert not any(FaultKind.RECORD_DELETE in preset.rates for preset in PRESETS.values())


def test_rough_has_everything_else() -> None:
    """The rough preset has every kind but those after which no client can do anything right.

    Nor the second 60, which only lots that write texts have, nor a second way to end a connection, nor what a client's
    queue library deals with by itself.
    """
    assert set(PRESETS["rough"].rates) == set(CATALOGUE) - {
        FaultKind.RECORD_DELETE,
        FaultKind.ANSWER_REFUSE,
        FaultKind.TOKEN_REGION,
        FaultKind.SOCKET_IDLE,
        FaultKind.CONSUMER_CLOSE,
        FaultKind.SUBSCRIBE_REFUSE,
        FaultKind.ACK_LOSE,
        FaultKind.MESSAGE_BAD_CHECKSUM,
        FaultKind.MESSAGE_LEAP_SECOND,
    }


@given(seed=SEEDS)
@settings(max_examples=examples(50))
def test_a_seed_repeats_its_run(seed: int) -> None:
    """The same seed draws the same kinds and then the same faults at the same occasions."""
    runs = [Chaos("default", seed) for _ in range(2)]
    occasions = [Occasion(UPLINK, f"record {number}", "lot", 0) for number in range(200)]
    assert runs[0].rates == runs[1].rates
    assert [runs[0].draw(each, 0, 0) for each in occasions] == [runs[1].draw(each, 0, 0) for each in occasions]


def test_runs_differ_in_kind() -> None:
    """Two levels: which kinds strike differs from run to run."""
    assert len({tuple(Chaos("default", seed).rates) for seed in range(20)}) > 10


@given(seed=SEEDS, budget=st.integers(0, 30), records=st.integers(1, 300))
@settings(max_examples=examples(30))
def test_faults_never_exceed_the_budget(seed: int, budget: int, records: int) -> None:
    """However many occasions there are, the faults of a run are at most its budget."""
    project = chaotic_project("rough", seed, budget)
    keep_passes(project, *range(NOON, NOON + records))
    assert len(faults_in(project)) == project.chaos.used <= budget


@given(seed=SEEDS, retries=st.lists(st.integers(0, 4), max_size=120))
@settings(max_examples=examples(60))
def test_no_operation_meets_more_than_two_faults_in_a_row(seed: int, retries: list[int]) -> None:
    """The theorem, on any interleaving of operations: two in a row at most, then the operation gets through."""
    faults = Faults(History(lambda: 0), Journal(), Chaos("rough", seed, budget=10_000))
    outcomes: dict[int, list[bool]] = {}
    for operation in retries:
        struck = faults.strike(Occasion(UPLINK, f"operation {operation}", "lot", 0))
        outcomes.setdefault(operation, []).append(bool(struck))
    for each in outcomes.values():
        runs = [len(list(run)) for struck, run in groupby(each) if struck]
        assert max(runs, default=0) <= MAX_CONSECUTIVE


@pytest.mark.slow
@given(seed=SEEDS)
@settings(max_examples=examples(40))
def test_whoever_tries_three_times_gets_through(seed: int) -> None:
    """Under rough chaos each sync succeeds, or is at least carried out, within three tries."""
    project = chaotic_project("rough", seed, budget=10_000)
    api = Api(project, garbled=True).connect()
    for total in range(30):
        carried_out = len(sns(project))
        answers = try_three_times(api, total=total % 3)
        assert answers[-1]["success"], answers
        assert len(sns(project)) > carried_out


def sns(project: Project) -> list[str]:
    """The serial numbers that were answered, whole or not."""
    answers = (entry.to_json() for entry in project.history.after() if entry.event.kind == "answer")
    return [str(answer["sn"]) for answer in answers if answer["sn"]]


@given(seed=SEEDS, preset=st.sampled_from(["gentle", "default", "rough"]), records=st.integers(1, 60))
@settings(max_examples=examples(40))
def test_every_record_is_published_or_lost_by_a_named_fault(seed: int, preset: str, records: int) -> None:
    """Conservation: every record is at the lot, and each was published, or lost by a fault of the history."""
    project = chaotic_project(preset, seed)
    kept = keep_passes(project, *range(NOON, NOON + records))
    assert isinstance(project.clock, VirtualClock)
    project.clock.advance(HOUR)
    lost = [entry.to_json() for entry in project.history.after() if entry.event.kind == "record.lost"]
    assert len(project.store) == records
    assert all(entry["cause"] in CATALOGUE for entry in lost)
    assert set(published(project)) | {entry["record_id"] for entry in lost} == {record.record_id for record in kept}


@given(seed=SEEDS)
@settings(max_examples=examples(25))
def test_after_calm_one_sync_repairs_everything(seed: int) -> None:
    """Calm ends it: one sync then brings every record, and the next one is equal."""
    project = chaotic_project("rough", seed)
    api = Api(project, garbled=True).connect()
    keep_passes(project, *range(NOON - 40, NOON))
    project.calm()
    struck = len(faults_in(project))
    api.connect()
    api.sync(sync_info(0))
    assert len(faults_in(project)) == struck
    assert {record.record_id for record in project.store.records()} <= set(published(project))
    api.sync(sync_info(40))
    assert len(project.lots.rereports) == 1


def test_reset_starts_the_same_chaos_again() -> None:
    """A reset project meets the same faults as the first time."""
    project = chaotic_project("rough", 5)
    runs = []
    for _ in range(2):
        keep_passes(project, *range(NOON, NOON + 50))
        runs.append([(each.fault, each.operation) for each in faults_in(project)])
        project.reset()
    assert runs[0] == runs[1] != []


def test_explicit_fate_is_left_alone() -> None:
    """A record whose fate was chosen meets no chaos on its way."""
    project = chaotic_project("rough", 5)
    keep_passes(project, *range(NOON, NOON + 50), fate="deliver")
    assert Counter(published(project)).most_common(1)[0][1] == 1
    assert not faults_in(project)


@pytest.mark.parametrize(
    ("data", "words"),
    [
        (5, "chaos must be a preset"),
        ("wild", "chaos.preset must be one of off, gentle, default, rough, not wild"),
        ({"seed": 5}, "chaos.preset is required"),
        ({"preset": "rough", "seed": "x"}, "chaos.seed must be an integer"),
        ({"preset": "rough", "limit": 5}, "chaos.limit is not known"),
    ],
    ids=str,
)
def test_bad_chaos_says_what_is_wrong(data: object, words: str) -> None:
    """Chaos that cannot be used is refused with what it should be."""
    problems: list[Problem] = []
    assert read_chaos(data, "chaos", problems, 0) is None
    assert words in "; ".join(f"{problem.path} {problem.text}" for problem in problems)


def test_bill_of_nothing_strikes_bills_only() -> None:
    """A pass has no fee to be zero."""
    chaos = Chaos("rough", 1)
    drawn = [chaos.draw(Occasion("record", str(number), "lot", 0), 0, 0) for number in range(500)]
    assert FaultKind.RECORD_ZERO_FEE not in {strike.kind for strike in drawn if strike}


def test_odd_records_stay_records() -> None:
    """Whatever chaos makes of records, the lot keeps one for each."""
    project = chaotic_project("rough", 11)
    kept = keep_passes(project, *range(NOON, NOON + 200))
    assert all(isinstance(record, Record) for record in kept)
    assert len(project.store) == 200
