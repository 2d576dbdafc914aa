"""Tests of the record table: what became of each record."""

from dataclasses import replace

import pytest

from contracts.client.interface import Client, DumpedRecord
from contracts.clients.record_store import Stored
from contracts.clients.reference import ReferenceClient
from contracts.clients.zoo.counting import CountsDeliveries
from contracts.play.scenario import BEGIN, Deletes, Happens, Scenario, Step
from contracts.report.record_table import RecordRow, rows, summed
from contracts.run.run import Run, run_of
from mock_server.model import HOUR, MINUTE
from tests.contracts.report.support import AT, LOST


class HoursAhead(ReferenceClient):
    """Stores local time."""

    def take_record(self, record: Stored) -> None:
        """Eight hours on."""
        super().take_record(record._replace(event_ms=record.event_ms + 8 * HOUR))


class StoresNothing(ReferenceClient):
    """Acknowledges, and forgets."""

    def take_record(self, record: Stored) -> None:
        """Nothing."""


class KeepsTheFirst(ReferenceClient):
    """Never replaces what it has."""

    def take_record(self, record: Stored) -> None:
        """Only what is new."""
        if record.record_id not in {each.record_id for each in self.dump()}:
            super().take_record(record)


def seen(client: type[Client], *steps: Step) -> Run:
    """A short run."""
    return run_of(Scenario(steps, runs_ms=MINUTE, settles=False), client)


def table(run: Run) -> dict[str, str]:
    """What is said of each record."""
    return {row.name: row.text for row in rows(run)}


R1 = Happens(AT, "r1")


@pytest.mark.parametrize(
    ("client", "steps", "text"),
    [
        (ReferenceClient, [R1], "ok"),
        (ReferenceClient, [replace(R1, copies=0)], "lost: never delivered"),
        (StoresNothing, [R1], "lost: delivered, not stored"),
        (HoursAhead, [R1], "misplaced: stored under another lot, type, direction or time"),
        (ReferenceClient, [R1, Deletes(AT + MINUTE, "r1")], "foreign: the lot has forgotten it"),
        (ReferenceClient, [R1, replace(R1, at=AT + MINUTE, event=AT, plate="京B10002")], "ok"),
        (
            KeepsTheFirst,
            [R1, replace(R1, at=AT + MINUTE, event=BEGIN)],
            "stale: stored as it was before the lot corrected it",
        ),
        (
            ReferenceClient,
            [R1, replace(R1, at=AT + MINUTE, event=AT, plate="京B10002", copies=0)],
            "stale: the lot has corrected it, what is stored has not changed",
        ),
    ],
)
def test_each_record_has_a_class_and_a_reason(client: type[Client], steps: list[Step], text: str) -> None:
    """Of ok, lost, doubled, foreign, misplaced and stale the one that fits."""
    assert table(seen(client, *steps))["r1"] == text


def test_a_hash_that_does_not_change_tells_stale_content() -> None:
    """A correction of what the dump does not show is seen by the client's own hash."""
    corrected = replace(R1, at=AT + 2 * MINUTE, event=AT, plate="京B10002")
    run = seen(ReferenceClient, R1, corrected)
    newest = next(each for each in run.deliveries if each.version == 2)
    (dump,) = run.dumps
    old = dump._replace(seq=newest.seq - 1)
    assert table(replace(run, dumps=(old, dump)))["r1"].startswith("stale: the lot has corrected it")
    other = old._replace(records=tuple(each._replace(content_hash="other") for each in dump.records))
    assert table(replace(run, dumps=(other, dump)))["r1"] == "ok"


def test_what_is_stored_more_than_once_is_doubled() -> None:
    """By the number of rows of one id."""
    run = seen(ReferenceClient, R1)
    (dump,) = run.dumps
    (row,) = rows(replace(run, dumps=(dump._replace(records=dump.records * 3),)))
    assert (row.fate, row.stored, row.text) == ("doubled", 3, "doubled: stored 3 x")


def test_what_no_lot_has_ever_had_is_foreign() -> None:
    """A client that makes ids of its own has strangers in its store."""
    found = table(seen(CountsDeliveries, R1))
    assert found == {"r1": "lost: delivered, not stored", "r1#1": "foreign: no lot has a record of this id"}


def test_without_a_look_into_the_store_an_acknowledgement_has_to_do() -> None:
    """Nobody sees what is stored: what was acknowledged is taken for well."""
    run = replace(seen(ReferenceClient, R1, replace(R1, name="r2", copies=0)), dumps=())
    assert table(run) == {"r1": "ok", "r2": "lost: never delivered"}
    assert {row.stored for row in rows(run)} == {None}


def test_deliveries_and_repeats_are_counted() -> None:
    """How often a record came at all, and how often as a re-report."""
    found = {row.name: row for row in rows(run_of(LOST, ReferenceClient))}
    assert [(row.delivered, row.rereported, row.acked, row.stored) for row in found.values()] == [
        (2, 1, True, 1),
        (1, 1, True, 1),
    ]
    assert summed(list(found.values())) == {"ok": 2}


@pytest.mark.parametrize(
    ("data_type", "direction", "what"),
    [(0, 0, "pass, enter"), (0, 1, "pass, leave"), (1, None, "bill"), (9, 9, "pass")],
)
def test_a_kind_is_told_in_words(data_type: int, direction: int | None, what: str) -> None:
    """Whatever a client says that it has."""
    run = seen(ReferenceClient)
    odd = DumpedRecord("odd", "lot", data_type, direction, 0)
    (row,) = rows(replace(run, dumps=(run.dumps[0]._replace(records=(odd,)),)))
    assert isinstance(row, RecordRow)
    assert (row.name, row.what, row.fate) == ("odd", what, "foreign")


def test_records_that_share_an_id_are_told_apart() -> None:
    """A pass and a bill of one id are stored once each."""
    same = Scenario((Happens(BEGIN, "r1"), Happens(BEGIN, "r1", kind="bill")), settles=False)
    found = [(row.what, row.stored, row.fate) for row in rows(run_of(same, ReferenceClient))]
    assert found == [("pass, enter", 1, "ok"), ("bill", 1, "ok")]
