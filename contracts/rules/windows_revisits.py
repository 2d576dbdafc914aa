"""Rules of planning windows, continued: going back to old windows, and their recommended length."""

from contracts.rules.base import Breach, Outcome, judged
from contracts.rules.evidence.coverage import began, span_of, steady_since
from contracts.rules.windows import RULES, dated, each_cell, infos
from contracts.run.run import Run
from contracts.run.syncs import Sync
from mock_server.history.index import LotRecord
from mock_server.model import DAY, HOUR, Cell, Line
from mock_server.words import cell_text

__all__ = ["RULES"]

LATE, NOT_LATER = 4 * HOUR, 20 * HOUR
"""The least and the greatest delay of a record at its lot that only another sync of its window can find."""

REVISIT_WITHIN = 50 * HOUR
"""How soon after that the window should be asked about again: two daily cycles and a margin."""

OLDEST = 31 * DAY
"""The greatest age of a window: generous, because the vendor does not document how long lots keep records."""


@RULES.rule(
    "WIN-REVISIT",
    "should",
    "derived",
    statement="A window is compared again a day later.",
    why="A record may reach its lot hours late; if its message is then lost, only a later comparison finds it.",
)
def revisit(run: Run) -> Outcome:
    """A late record whose message was lost lies in a cell that is asked about after the record reached its lot."""
    exercised, breaches = False, []
    for record in run.records.values():
        cells = [cell for cell in run.claims_of if run.is_in(cell, record)] if _is_late(run, record) else []
        if not any(run.claims_of[cell][0].seq < record.seq for cell in cells):
            continue
        if any(run.claims_of[cell][-1].seq > record.seq for cell in cells):
            exercised |= run.scenario.settles
        elif _could_revisit(run, record):
            late = (record.time - record.kept.event_time) / HOUR
            text = f"{record.name} reached its lot {late:.1f} hours late and was lost; {cell_text(cells[0])}, where it"
            breaches.append(Breach(f"{text} belongs, was never asked about again", record.seq))
    return judged(exercised, breaches)


def _is_late(run: Run, record: LotRecord) -> bool:
    late = record.time - record.kept.event_time
    is_lost = bool(record.losses) and not any(each.origin == "uplink" for each in record.deliveries)
    plain = record.versions == 1 and record.removed_seq is None and run.takes_sync(record.kept.device_id)
    return plain and is_lost and LATE <= late <= NOT_LATER and record.kept.event_time >= began(run)


def _could_revisit(run: Run, record: LotRecord) -> bool:
    """Whether nothing kept the client from asking within `REVISIT_WITHIN` after the record reached its lot."""
    since = steady_since(run, record.kept.device_id)
    return since is not None and since <= record.time and run.ended_at >= record.time + REVISIT_WITHIN


@RULES.rule(
    "WIN-HORIZON",
    "should",
    "practice",
    statement="A client does not go back for ever: no window is asked about that is older than a month.",
    why="Lots keep limited history: counts of what is gone differ for ever, and each call costs.",
)
def horizon(run: Run) -> Outcome:
    """No window starts more than `OLDEST` ago. Exercised if the client's first start is a day longer ago than that."""
    return judged(
        bool(run.syncs) and run.syncs[-1].time - began(run) > OLDEST + DAY,
        (
            Breach(f"asked about a window {(sync.time - cell.start_time) / DAY:.0f} days old: {dated(cell)}", sync.seq)
            for sync, cell in _first_old(run).values()
        ),
    )


def _first_old(run: Run) -> dict[Line, tuple[Sync, Cell]]:
    """The first sync of each line about a window that is too old, with the cell."""
    old: dict[Line, tuple[Sync, Cell]] = {}
    for sync, cell in infos(run):
        if sync.time - cell.start_time > OLDEST:
            old.setdefault(cell.line, (sync, cell))
    return old


@RULES.rule(
    "WIN-SPAN-1H",
    "info",
    "documented",
    statement="A window is an hour or less.",
    why="That is what the vendor recommends: a mismatch has fewer records reported again, and tells better where.",
)
def span_1h(run: Run) -> Outcome:
    """No window is above an hour. Exercised by any window."""
    return judged(
        any(infos(run)),
        (
            Breach(f"a window of {span_of(cell).length / HOUR:.1f} hours: {dated(cell)}", sync.seq)
            for cell, sync in run.once(each_cell).items()
            if span_of(cell).length > HOUR
        ),
    )
