"""The page about small histories, made from the results in `fixtures/exhaustive.jsonl`.

`python -m tests.make_exhaustive_docs MODEL...` plays all histories to some models again and writes their lines of that
file; without arguments to all models. `"counts deliveries"` is such a name.
"""

import json
import sys
from collections import Counter
from collections.abc import Iterator
from itertools import combinations
from pathlib import Path

from contracts.commands.exhaust import ExhaustiveProgress, result_json, run
from contracts.proof.exhaustive.counting_models import MODELS
from contracts.proof.exhaustive.histories import Scope, Violation
from contracts.proof.exhaustive.odometer import Odometer
from contracts.proof.exhaustive.totals import ExhaustiveTotals
from tests.contracts.proof.exhaustive.count_comparison import PairClass, trichotomy
from tests.markdown import table

RESULTS = Path(__file__).parent.parent / "fixtures" / "exhaustive.jsonl"

BY_MESSAGE_ID = "dedupes by message id"
WHOLE = Scope(records=4, faults=2, syncs=3)
PUBLISHED = Scope(records=4, faults=2, syncs=3, copies="published")

RUNS: tuple[tuple[str, Scope], ...] = (
    *((title, WHOLE) for title in MODELS),
    ("correct", PUBLISHED),
    (BY_MESSAGE_ID, PUBLISHED),
)


def read_results() -> dict[tuple[str, Scope], ExhaustiveTotals]:
    """The committed results."""
    lines = map(json.loads, RESULTS.read_text(encoding="utf-8").splitlines())
    return {(line["client"], Scope(**line["scope"])): ExhaustiveTotals.from_json(line) for line in lines}


def exhaustive_page(made: str) -> str:
    """What all small histories show. `made` is the remark above every made page."""
    results = read_results()
    whole = {title: results[title, WHOLE] for title in MODELS}
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

## Models of a client

Up to {WHOLE.records} records, {WHOLE.faults} faults, {WHOLE.syncs} syncs. A cell has the number of histories that
show it, and the size of the smallest (records, faults). The models are a few lines each
(`contracts/proof/exhaustive/counting_models.py`).

{table(("client", "histories", *Violation), _rows(whole))}

S is what the lot has in the window. *Count bracket*: a claim does not lie between the records acknowledged and the
records delivered. *Mismatches > F*: more of the {WHOLE.syncs} syncs found different counts than there may be faults.

What it says: the end alone is a weak witness; four wrong clients end with a perfect store, because the protocol heals
the evidence. The count bracket needs nothing but traffic and catches all of them but *one shot*, who must be shown to
ask no more. Two records and two faults are enough for each.

What the table's models and columns mean exactly:

- the first two records are one car and so are the next two, and *identity = plate* keeps entering and leaving apart;
- *adds re-reports* claims what it has, where that is more than the sum;
- a crash undoes what was not durable, for *counts deliveries* too;
- "F" in *mismatches > F* is the number of faults that there may be, not of those that there were, and the last claim
  is not one of the mismatches.

A correct client holds everything after as many syncs as there are faults, and one sync less is too few.

A message that comes **twice** is the same message again here, as when its acknowledgement was lost. The emulator's
faults `uplink.duplicate` and `rereport.duplicate` publish a second message instead, with an id of its own
(`--copies published`). That matters to nobody but who dedupes by message id, who is then caught more often:

{table(("client", "copies", "histories", *Violation), _rows_by_copies(results))}

## What counts can tell

All pairs of what a client and a lot have, over u ids, sorted by what becomes of them without faults. There are
3^u, binom(2u,u) - 2^u, and the rest:

{table(("u", "pairs", *(each.name.lower() for each in PairClass)), _classes())}
"""


def _rows(tallies: dict[str, ExhaustiveTotals]) -> Iterator[list[object]]:
    for title, tally in tallies.items():
        yield [title, tally.histories.total(), *(tally.cell(each) for each in Violation)]


def _rows_by_copies(results: dict[tuple[str, Scope], ExhaustiveTotals]) -> Iterator[list[object]]:
    for title in ("correct", BY_MESSAGE_ID):
        for scope in (WHOLE, PUBLISHED):
            tally = results[title, scope]
            yield [title, scope.copies, tally.histories.total(), *(tally.cell(each) for each in Violation)]


def _classes() -> Iterator[list[object]]:
    for ids in (3, 4, 5):
        every = [frozenset(each) for size in range(ids + 1) for each in combinations(range(ids), size)]
        found = Counter(trichotomy(client, lot) for client in every for lot in every)
        yield [ids, len(every) ** 2, *(found[each] for each in PairClass)]


def main(titles: list[str]) -> None:
    """Play to the models of these titles, or to all, and write the results among the others."""
    unknown = [title for title in titles if title not in MODELS]
    if unknown:
        sys.exit(f"there is no model {', '.join(unknown)}; there are: {', '.join(MODELS)}")
    results = read_results()
    for client, scope in RUNS:
        if client in (titles or MODELS):
            progress = ExhaustiveProgress(scope, (client,), [], Odometer(), ExhaustiveTotals())
            for _ in run(progress):
                pass
            results[client, scope] = progress.done[0]
    lines = (json.dumps(result_json(*key, results[key]), ensure_ascii=False) for key in RUNS)
    RESULTS.write_text("".join(f"{line}\n" for line in lines), encoding="utf-8")


if __name__ == "__main__":
    main(sys.argv[1:])
