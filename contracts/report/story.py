"""A failure on the console: verdict, wrong count, shortest history, records, reason, and how to repeat it."""

from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from itertools import islice

from contracts.check.causes import is_bystander, rank_in
from contracts.check.known_failing import KnownFailing
from contracts.check.results import Check, Failure
from contracts.diagnosis.explain import diagnose
from contracts.diagnosis.narrowing import Narrowing
from contracts.report.narration import Emphasis, NarratedEvent, narrate
from contracts.report.record_table import rows
from contracts.report.settings import settings_text, title_of
from contracts.rules import RULES
from contracts.rules.verdict import BROKEN
from contracts.run.run import Run
from contracts.run.syncs import Claim
from mock_server.history.index import LotRecord
from mock_server.history.story import how_many
from mock_server.words import cell_text, clock_text, day_text, folded, names_text, printable

BEFORE, AFTER = 14, 3
"""How many lines of the history are shown before a breach, and how many after it."""

RECORDS_SHOWN = 12
WIDTH = 116


def story(failures: Sequence[Failure], repeat: str, narrowing: Narrowing | None = None) -> list[str]:
    """The lines for failures of one history, the cause first. `repeat` is the command that repeats it.

    The first is told in full, the others, which the same history breaks too, are named.
    `narrowing` has the wrong counters that explain every run of the client.
    """
    run, seq = failures[0].run, failures[0].breaches[0].seq
    records, faults, _ = failures[0].scenario.size
    return [
        *_verdict(failures[0]),
        *_also(failures[1:]),
        *_scenario(failures[0]),
        *(f"  {line}" for line in sum_lines(run, seq)),
        *_diagnosis(run, narrowing),
        f"  Shortest history found ({how_many(records, 'record')}, {how_many(faults, 'fault or other event')})",
        *history_lines(narrate(run, focus_of(failures)), seq),
        *_table(run),
        *_reason(failures[0]),
        f"  Repeat: {repeat}",
    ]


def focus_of(failures: Iterable[Failure]) -> Emphasis:
    """What must be told of the history of some failures."""
    return Emphasis.of(*((RULES[failure.rule_id], failure.breaches) for failure in failures))


def by_history(failures: Iterable[Failure], found: Check) -> list[list[Failure]]:
    """Failures of a check grouped by their history; the cause first, in each and among them."""
    together: dict[str, list[Failure]] = {}
    for failure in sorted(failures, key=rank_in(found)):
        together.setdefault(f"{failure.case} {failure.scenario}", []).append(failure)
    return list(together.values())


def worth_telling(found: Check, known: KnownFailing) -> tuple[list[list[Failure]], list[Failure]]:
    """The smallest failure of each rule that is not known to fail, by history, the cause first; and those only named.

    What nearly every defect breaks is only named where there is anything else.
    """
    smallest = (failures[0] for rule in found.rules if (failures := found.unknown(rule, known)))
    everything = by_history(smallest, found)
    told = [failures for failures in everything if not is_bystander(failures)] or everything
    return told, [each for failures in everything if failures not in told for each in failures]


def _verdict(failure: Failure) -> Iterator[str]:
    yield f"{BROKEN[failure.level].upper()}  {failure.rule_id} ({failure.level})   case {failure.case}"
    yield from _wrapped("  ", failure.breaches[0].message)


def _also(bystanders: Sequence[Failure]) -> list[str]:
    """The other rules that the history breaks, with their levels."""
    named = [f"{each.rule_id} ({each.level})" for each in bystanders]
    return _wrapped("  Broken by the same history: ", ", ".join(named)) if named else []


def _scenario(failure: Failure) -> Iterator[str]:
    """What happens in the case, and the settings of its world."""
    title = title_of(failure.case)
    yield from _wrapped(f"  {failure.case}: ", title) if title else []
    yield from _wrapped("  Settings: ", settings_text(failure.scenario))


def _reason(failure: Failure) -> Iterator[str]:
    rule = RULES[failure.rule_id]
    yield from _wrapped(f"  {rule.id}: ", rule.statement)
    yield from _wrapped("    ", f"Why: {rule.why} ({rule.source})")


def _wrapped(indent: str, text: str) -> list[str]:
    return folded(indent, text, WIDTH, 4)


def sum_lines(run: Run, seq: int) -> Iterator[str]:
    """For a wrong claim: the right count, and the difference."""
    found = next((each for each in run.off_bracket if each[0].seq == seq), None)
    if found is None:
        return
    claim, low, high = found
    there = [record for record in run.in_cell(claim.cell) if record.delivered_before(claim.seq)]
    right = f"{low}" if low == high else f"{low} to {high}"
    names = f" ({names_text(record.name for record in there)})" if there else ""
    yield f"Cell: {cell_text(claim.cell)}."
    yield f"Claimed {claim.claimed}. Right was {right}{names}."
    if claim.claimed > high:
        more = f"{claim.claimed - high} too many{_repeats(there, claim)}"
        yield f"{claim.claimed} = {how_many(high, 'record')} + {more}"
    else:
        yield f"{claim.claimed} = {how_many(low, 'record')} - {low - claim.claimed} missing"


def _repeats(records: list[LotRecord], claim: Claim) -> str:
    times = Counter({record.name: sum(each.seq < claim.seq for each in record.deliveries) for record in records})
    repeated = [f"{name} {count} x" for name, count in times.items() if count > 1]
    return f" (delivered: {names_text(repeated)})" if repeated else ""


def _diagnosis(run: Run, narrowing: Narrowing | None) -> Iterator[str]:
    """The wrong counters that explain every claim of the run, and those that explain all runs."""
    if not run.off_bracket:
        return
    fitting = [counter for counter, fits, _ in diagnose(run) if fits]
    yield f"  Which wrong counter explains every claim of this run? ({how_many(len(run.claims), 'claim')})"
    if not fitting:
        yield "     none that is known"
    for counter in fitting:
        only = " <- only candidate left" if len(fitting) == 1 else ""
        yield f"     {counter.name}: YES{only}"
        yield f"       remedy: {counter.remedy}"
    if narrowing and narrowing.narrows(len(fitting)):
        yield f"  ... and of all {narrowing.runs} runs with a wrong claim?"
        only = " <- only candidate left" if len(narrowing.left) == 1 else ""
        yield f"     {', '.join(narrowing.left)}{only}"


def history_lines(lines: list[NarratedEvent], seq: int, mark: str = "   <- here") -> Iterator[str]:
    """The lines of a history around the one with this number, which is marked."""
    place = next((place for place, line in enumerate(lines) if line.seq >= seq), len(lines) - 1)
    first = max(0, place - BEFORE)
    if first:
        yield f"     ... {how_many(first, 'line')} before"
    day = ""
    for number, line in enumerate(lines[first : place + AFTER + 1], start=first):
        if day != (day := day_text(line.time).partition(" ")[0]):
            yield f"         {day}"
        end = mark if number == place else "   <- fault" if line.fault else ""
        head = f"    {number + 1:>3}  {clock_text(line.time):<12}  {line.lane:<7}  "
        told, *more = folded(head, line.text, WIDTH, len(head) + 2)
        yield from (told + end, *more)
    if place + AFTER + 1 < len(lines):
        yield f"     ... {how_many(len(lines) - place - AFTER - 1, 'line')} more"


def log_lines(run: Run) -> Iterator[str]:
    """What the client's process wrote, with the time at which that was read."""
    if not run.log:
        yield "  Nothing is recorded that the client wrote to its standard error"
        return
    yield f"  What the client wrote to its standard error, the newest {how_many(len(run.log), 'line')}"
    for line in run.log:
        head = f"    {clock_text(line.time):<12}  "
        yield from folded(head, printable(line.text), WIDTH, len(head) + 2)


def _table(run: Run) -> Iterator[str]:
    """The table of records: how often each was delivered and how often it is stored."""
    records = list(islice(rows(run), len(run.records)))
    if not records:
        return
    yield "  Records        event time  delivered  acked  stored  class"
    for row in records[:RECORDS_SHOWN]:
        has = "?" if row.stored is None else str(row.stored)
        acked = "yes" if row.acked else "no"
        record = f"{row.name:<12} {clock_text(row.event_time):<12}"
        yield f"    {record} {row.delivered:>6}    {acked:<5}  {has:>4}    {row.text}"
    if len(records) > RECORDS_SHOWN:
        yield f"    ... and {len(records) - RECORDS_SHOWN} more"
