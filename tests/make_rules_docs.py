"""The pages about rules and about the clients that break them.

`python -m tests.make_rules_docs` measures the kill matrix at twenty seeds and writes `fixtures/matrix.json`, from
which the second page is made; it takes minutes.
"""

import json
import os
import statistics
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from contracts import matrix
from contracts.cases import CASES
from contracts.check import Plan, aimed_at, check_in_parallel
from contracts.clients.zoo import ZOO, Animal
from contracts.explore import DEFAULT_EXAMPLES
from contracts.rule import Rule
from contracts.rules import BOOKS, RULES
from tests.markdown import table

RESULTS = Path(__file__).parent.parent / "fixtures" / "matrix.json"
REFERENCE = "contracts.clients.reference:ReferenceClient"
SEEDS = 20

LEVELS = {"must": "must", "should": "should", "info": "for information"}
SOURCES = {"documented": "documented by the vendor", "derived": "follows from it", "practice": "good practice"}


def rules_page(made: str) -> str:
    """Every rule, in groups."""
    groups = "\n".join(_group(book.title, list(book)) for book in BOOKS)
    counts = ", ".join(f"{sum(rule.level == level for rule in RULES.values())} {level}" for level in LEVELS)
    return f"""{made}

# The rules

What a client of the parking cloud owes, {len(RULES)} rules: {counts}. A broken must-rule is a **fail**, a broken
should-rule is **non-strict**, a rule for information is only told. A rule whose situation never arose is **not
exercised**, never green; one that needs a verb that the client lacks is **unimplemented**.

`parking-mock rules` lists them, `parking-mock check --rule 'CNT-*'` judges some of them. Every rule is judged in every
run; the cases named here are made for it, and the known-bad clients show that it can fail ([matrix](matrix.md)).
{groups}"""


def _group(title: str, rules: list[Rule]) -> str:
    return f"\n## {title}\n" + "".join(map(_rule, rules))


def _rule(rule: Rule) -> str:
    broken_by = [f"`{animal.name}` ({animal.defect.rstrip('.')})" for animal in _animals(rule.id)]
    cases = ", ".join(f"`{case}`" for case in aimed_at([rule.id])) or "none of its own"
    return f"""
### {rule.id}

**{rule.statement}** {rule.why}

Level: {LEVELS[rule.level]}. Source: {SOURCES[rule.source]}. Needs: {", ".join(rule.needs)}. Cases: {cases}.
{f"Broken by {'; '.join(broken_by)}." if broken_by else "No known-bad client breaks it."}
"""


def _animals(rule_id: str) -> Iterator[Animal]:
    return (animal for animal in ZOO.values() if animal.rule_id == rule_id)


def matrix_page(made: str) -> str:
    """What every known-bad client breaks, and how soon it is caught."""
    data: Any = json.loads(RESULTS.read_text(encoding="utf-8"))
    rows = [_row(each) for each in data["rows"]]
    killed = sum(len(each["killed_after"]) == data["seeds"] for each in data["rows"])
    reference = data["reference"]
    return f"""{made}

# The kill matrix

Each known-bad client is the reference client with one defect. It is played the cases that are made for the rule that it
breaks, until the rule catches it, at most {data["examples"]} scenarios of each case; then one scenario of each of
{len(matrix.OTHERS)} other cases, to see what else it breaks. `parking-mock matrix` does so at one seed, and ends with
exit code 1 if one survives.

At {data["seeds"]} seeds {killed} of {len(rows)} are caught at every seed. The reference client, at the same seeds and
{data["examples"]} scenarios of each of {reference["cases"]} cases ({reference["runs"]} runs), broke
{reference["broken"] or "no"} rules and left {reference["idle"] or "none"} unexercised.

{table(("rule", "client", "defect", "caught at", "after (median, most)", "it also breaks"), rows)}

"After" counts scenarios, the one that caught it included. Made by `python -m tests.make_rules_docs`.
"""


def _row(data: dict[str, Any]) -> tuple[str, ...]:
    animal = ZOO[data["client"]]
    after = data["killed_after"]
    pace = f"{statistics.median(after):g}, {max(after)}" if after else "never"
    also = ", ".join(data["also_breaks"]) or "nothing else"
    return (
        f"[{animal.rule_id}](rules.md#{animal.rule_id.lower()})",
        f"`{animal.name}`",
        animal.defect,
        f"{len(after)} of {data['seeds']}",
        pace,
        also,
    )


def measure(seeds: int = SEEDS) -> dict[str, Any]:
    """The matrix and the reference client at some seeds."""
    jobs = os.cpu_count() or 1
    first = {row.animal: row for row in matrix.rows(jobs=jobs)}
    after: dict[str, list[int]] = {name: [] for name in ZOO}
    for seed in range(seeds):
        for row in matrix.rows(seed=seed, samples=0, jobs=jobs):
            after[row.animal] += [] if row.killed_after is None else [row.killed_after]
        print(f"matrix, seed {seed}", file=sys.stderr)  # noqa: T201 a command of ours
    rows = [
        {"client": name, "seeds": seeds, "killed_after": after[name], "also_breaks": first[name].also} for name in ZOO
    ]
    return {"seeds": seeds, "examples": DEFAULT_EXAMPLES, "rows": rows, "reference": _reference(seeds, jobs)}


def _reference(seeds: int, jobs: int) -> dict[str, Any]:
    runs, broken, idle = 0, set[str](), set[str]()
    for seed in range(seeds):
        found = check_in_parallel(REFERENCE, Plan(seed=seed, shrink=False), jobs)
        runs += found.runs
        broken |= {rule.id for rule in found.broken("info")}
        idle |= {rule.id for rule in found.rules if not found.tally(rule).exercised}
        print(f"reference, seed {seed}", file=sys.stderr)  # noqa: T201 a command of ours
    return {"runs": runs, "cases": len(CASES), "broken": sorted(broken), "idle": sorted(idle)}


def main() -> None:
    """Measure, and write the results."""
    RESULTS.write_text(json.dumps(measure(), indent=1) + "\n", encoding="utf-8")


if __name__ == "__main__":
    main()
