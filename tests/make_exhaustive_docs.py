"""The page about small histories, made from the results in `fixtures/exhaustive.jsonl`.

`python -m tests.make_exhaustive_docs` plays all histories again and writes that file; it takes minutes.
"""

import json
from collections import Counter
from collections.abc import Iterable, Iterator
from itertools import combinations
from pathlib import Path

from contracts.commands.exhaust import Progress, result_json, run
from contracts.proof.exhaustive import oracle
from contracts.proof.exhaustive.counting_models import MODELS
from contracts.proof.exhaustive.histories import Scope, Violation
from contracts.proof.exhaustive.odometer import Odometer
from contracts.proof.exhaustive.totals import ExhaustiveTotals
from tests.markdown import table

RESULTS = Path(__file__).parent.parent / "fixtures" / "exhaustive.jsonl"

REAL = "contracts.clients.reference:ReferenceClient"
BY_MESSAGE_ID = "dedupes by message id"
WHOLE = Scope(records=4, faults=2, syncs=3)
PUBLISHED = Scope(records=4, faults=2, syncs=3, copies="published")
CLIENT = Scope(records=2, faults=2, syncs=3)
ROUNDS = tuple(Scope(records=3, faults=faults, syncs=syncs) for faults in (1, 2, 3) for syncs in range(5))
INSIDE = tuple(
    Scope(records=records, faults=faults, syncs=faults - 1, at_end=False)
    for records, faults in ((3, 2), (4, 2), (3, 3))
)

RUNS: tuple[tuple[str, Scope], ...] = (
    *((title, WHOLE) for title in MODELS),
    ("correct", PUBLISHED),
    (BY_MESSAGE_ID, PUBLISHED),
    *(("correct", scope) for scope in (*ROUNDS, *INSIDE)),
    (REAL, CLIENT),
)

PREDICTED = {
    "correct": (0, 0, 0, 0, 0, 0),
    "counts deliveries": (152, 7908, 0, 8060, 0, 7796),
    BY_MESSAGE_ID: (40, 5122, 0, 5162, 0, 5122),
    "drops re-reports": (3164, 3164, 0, 3164, 5040, 3164),
    "replaces window": (0, 0, 0, 224, 224, 0),
    "closed end": (447, 15400, 0, 15687, 0, 14565),
    "pools directions": (528, 17271, 0, 17449, 0, 16985),
    "swaps direction": (350, 24798, 0, 25064, 0, 24798),
    "identity = plate": (16562, 16562, 263, 18322, 21234, 16602),
    "arrival time": (0, 6160, 0, 6160, 0, 6160),
    "cached count": (0, 6160, 0, 6160, 0, 6160),
    "one shot": (224, 0, 0, 0, 0, 0),
    "ack before persist": (0, 0, 0, 2268, 3976, 0),
    "adds re-reports to last count": (40, 4344, 0, 4384, 0, 4344),
}
"""What a model of a page of code, without the emulator, had found before: histories for each of the violations."""

PREDICTED_HISTORIES, PREDICTED_HISTORIES_3 = 12_959, 4_398


def read_results() -> dict[tuple[str, Scope], ExhaustiveTotals]:
    """The committed results."""
    lines = map(json.loads, RESULTS.read_text(encoding="utf-8").splitlines())
    return {(line["client"], Scope(**line["scope"])): ExhaustiveTotals.from_json(line) for line in lines}


def exhaustive_page(made: str) -> str:
    """What all small histories show. `made` is the remark above every made page."""
    results = read_results()
    whole = {title: results[title, WHOLE] for title in MODELS}
    figures = list(_figures(whole))
    equal = sum(ours == theirs for _, ours, theirs in figures)
    return f"""{made}

# Every small history

A few records and a few faults are enough to tell every wrong way of counting from the right one, so few that all
histories can be played. `parking-mock exhaust` does so with the emulator's own lot, uplink, queue and commands, on a
virtual clock, without HTTP. An odometer makes every sequence of choices; the emulator asks it for faults where it
would ask chaos.

```console
$ parking-mock exhaust --records 1 --faults 1 --client correct --client "ack before persist"
correct: 44 histories, nothing wrong in any
ack before persist: 44 histories
  count bracket        2 (1,1)        smallest: r1 enters; r1: crash
  acked but not stored 4 (1,1)        smallest: r1 enters; r1: crash
```

## What a history is

- One to n **records**; each enters or leaves, inside the window or at its very end, which is outside. Their order
  says nothing, so each selection is played in one order only.
- What becomes of each at first: it arrives, or it is **lost**, comes **twice**, comes **late** (after the first sync
  and what that brings), or the process **crashes** before it is durable.
- Then some **syncs** of both directions. The command arrives, is lost or is carried out twice; each re-reported
  record arrives, is lost or comes twice. One more claim, without faults, looks at the end.
- Whatever is not "it arrives" is one of at most f **faults**.

`--resume FILE` keeps a checkpoint: a run that was interrupted goes on from there.

## Fourteen models of a client

Up to {WHOLE.records} records, {WHOLE.faults} faults, {WHOLE.syncs} syncs. A cell has the number of histories that
show it, and the size of the smallest (records, faults). The models are a few lines each
(`contracts/proof/exhaustive/counting_models.py`).

{table(("client", "histories", *Violation), _rows(whole))}

S is what the lot has in the window. *Count bracket*: a claim does not lie between the records acknowledged and the
records delivered. *Mismatches > F*: more of the {WHOLE.syncs} syncs found different counts than there may be faults.

What it says: the end alone is a weak witness; four wrong clients end with a perfect store, because the protocol heals
the evidence. The count bracket needs nothing but traffic and catches all of them but *one shot*, who must be shown to
ask no more. Two records and two faults are enough for each.

### Against the prediction

A model of a page of code, without the emulator, had counted the same before. {equal} of {len(figures)} figures of the
table are the same here{_differences(figures)} The correct client has
{_against(whole["correct"].histories.total(), PREDICTED_HISTORIES)} histories, and
{_against(whole["correct"].up_to(3).histories.total(), PREDICTED_HISTORIES_3)} up to 3 records. The prediction leaves a
few things open. Its figures come out with these answers:

- the first two records are one car and so are the next two, and *identity = plate* keeps entering and leaving apart;
- *adds re-reports* claims what it has, where that is more than the sum;
- a crash undoes what was not durable, for *counts deliveries* too;
- "F" in *mismatches > F* is the number of faults that there may be, not of those that there were, and the last claim
  is not one of the mismatches.

A message that comes **twice** is the same message again here, as when its acknowledgement was lost. The emulator's
faults `uplink.duplicate` and `rereport.duplicate` publish a second message instead, with an id of its own
(`--copies published`). That matters to nobody but who dedupes by message id, who is then caught more often:

{table(("client", "copies", "histories", *Violation), _rows_by_copies(results))}

## How many syncs are enough

A correct client holds everything after as many syncs as there are faults, and one sync less is too few. Histories in
which it does not hold everything, of up to 3 records:

{table(("faults at most", "0 syncs", "1 sync", "2 syncs", "3 syncs", "4 syncs"), _rounds(results))}

The prediction has 0 from F syncs on, as here, and 80 at one sync less, both for F = 2 and for F = 3. The table's
figures are higher: it has records at the end of the window too, which these syncs neither need nor repair. Without
them there are {_inside(results, 3, 3)} histories for F = 3 and up to 3 records. For F = 2 there are
{_inside(results, 3, 2)} up to 3 records and {_inside(results, 4, 2)} up to 4, so the prediction's figure for F = 2 is
that of 4 records, though it says 3.

## What counts can tell

All pairs of what a client and a lot have, over u ids, sorted by what becomes of them without faults; counted by
enumeration, and compared with the formulas (3^u, binom(2u,u) - 2^u, the rest):

{table(("u", "pairs", *(each.name.lower() for each in oracle.Class), "by formula"), _classes())}

## A whole client

The reference client, over HTTP and the message queue and with its own plan: up to {CLIENT.records} records,
{CLIENT.faults} faults, and {CLIENT.syncs} calls about the records' window that faults can hit. A command that is
carried out twice is one whose answer is lost, a crash comes right after the acknowledgement.

    parking-mock exhaust --records {CLIENT.records} --faults {CLIENT.faults} --client {REAL}

{_real(results[REAL, CLIENT])}
The same command takes any client and tells the smallest history in which it goes wrong.
"""


def _rows(tallies: dict[str, ExhaustiveTotals]) -> Iterator[list[object]]:
    for title, tally in tallies.items():
        yield [title, tally.histories.total(), *(tally.cell(each) for each in Violation)]


def _rows_by_copies(results: dict[tuple[str, Scope], ExhaustiveTotals]) -> Iterator[list[object]]:
    for title in ("correct", BY_MESSAGE_ID):
        for scope in (WHOLE, PUBLISHED):
            tally = results[title, scope]
            yield [title, scope.copies, tally.histories.total(), *(tally.cell(each) for each in Violation)]


def _figures(tallies: dict[str, ExhaustiveTotals]) -> Iterator[tuple[str, int, int]]:
    """Which figure, ours, and what was predicted."""
    for title, tally in tallies.items():
        for violation, predicted in zip(Violation, PREDICTED[title], strict=True):
            yield f"{title}: {violation.value}", tally.seen[violation].total(), predicted


def _differences(figures: Iterable[tuple[str, int, int]]) -> str:
    odd = [f"{name} {ours}, not {theirs}" for name, ours, theirs in figures if ours != theirs]
    return f". Others are: {'; '.join(odd)}." if odd else "."


def _against(ours: int, predicted: int) -> str:
    return f"{ours:,}" + ("" if ours == predicted else f" (predicted: {predicted:,})")


def _rounds(results: dict[tuple[str, Scope], ExhaustiveTotals]) -> Iterator[list[object]]:
    for faults in (1, 2, 3):
        row = [scope for scope in ROUNDS if scope.faults == faults]
        yield [faults, *(results["correct", scope].seen[Violation.STORE].total() for scope in row)]


def _inside(results: dict[tuple[str, Scope], ExhaustiveTotals], records: int, faults: int) -> int:
    scope = next(each for each in INSIDE if (each.records, each.faults) == (records, faults))
    return results["correct", scope].seen[Violation.STORE].total()


def _classes() -> Iterator[list[object]]:
    for ids in (3, 4, 5):
        every = [frozenset(each) for size in range(ids + 1) for each in combinations(range(ids), size)]
        found = Counter(oracle.trichotomy(client, lot) for client in every for lot in every)
        same = dict(found) == oracle.class_sizes(ids)
        yield [ids, len(every) ** 2, *(found[each] for each in oracle.Class), "the same" if same else "others"]


def _real(tally: ExhaustiveTotals) -> str:
    total = f"{tally.histories.total():,} histories"
    wrong = [f"{each.value}: {tally.cell(each)}" for each in Violation if tally.seen[each]]
    told = (
        "; ".join(wrong) if wrong else "it agrees with the lot in the end, has everything, and never leaves the bracket"
    )
    return f"{total}: {told}."


def main() -> None:
    """Play everything again."""
    lines = []
    for client, scope in RUNS:
        progress = Progress(scope, (client,), [], Odometer(), ExhaustiveTotals())
        for _ in run(progress):
            pass
        lines.append(json.dumps(result_json(client, scope, progress.done[0]), ensure_ascii=False))
    RESULTS.write_text("".join(f"{line}\n" for line in lines), encoding="utf-8")


if __name__ == "__main__":
    main()
