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

from contracts.cases import CASES
from contracts.check.engine import Plan, aimed_at, check_in_parallel
from contracts.check.explore import DEFAULT_EXAMPLES
from contracts.clients.zoo import ZOO, KnownBadClient
from contracts.proof import matrix
from contracts.rules import BOOKS, RULES
from contracts.rules.base import VENDOR_PAGE, Rule
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

What a client of [records/sync]({VENDOR_PAGE}) owes,
{len(RULES)} rules: {counts}. A broken must-rule is a **fail**, a broken
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


def _animals(rule_id: str) -> Iterator[KnownBadClient]:
    return (animal for animal in ZOO.values() if animal.rule_id == rule_id)


def matrix_page(made: str) -> str:
    """What every known-bad client breaks, and how soon it is caught."""
    data: Any = json.loads(RESULTS.read_text(encoding="utf-8"))
    seeds = len(data["killed_after"])
    animals = [animal for animal in ZOO.values() if animal.name in data["also_breaks"]]
    rows = [_row(animal, data) for animal in animals]
    killed = sum(all(after[animal.name] for after in data["killed_after"].values()) for animal in animals)
    return f"""{made}

# The kill matrix

Each known-bad client is the reference client with one defect. It is played the cases that are made for the rule that it
breaks, until the rule catches it, at most {data["examples"]} scenarios of each case; then one scenario of each of
{len(matrix.OTHERS)} other cases, to see what else it breaks. `parking-mock matrix` does so at one seed, and ends with
exit code 1 if one survives.

Of {len(rows)} known-bad clients {killed} are caught at every one of {seeds} seeds.
{_reference_text(data["reference"])}
{_exec_text(data)}

{table(("rule", "client", "defect", "caught at", "after (median, most)", "it also breaks"), rows)}

"After" counts scenarios, the one that caught it included. Made by `python -m tests.make_rules_docs`. On two cores the
reference client meets every case in 9.4 times, and the whole matrix takes 18 times, what it takes to draw the scenarios
alone (`make bench ARGS=judge`: 20 s, 32 s and 2 s on the machine that measured it).
"""


def _reference_text(reference: dict[str, Any]) -> str:
    """What the reference client did at the same seeds."""
    runs, cases = sum(each["runs"] for each in reference.values()), max(each["cases"] for each in reference.values())
    others: dict[str, set[str]] = {}
    for each in reference.values():
        for rule_id, verdict in each["others"].items():
            others.setdefault(verdict, set()).add(rule_id)
    left = "; ".join(f"{verdict}: {', '.join(sorted(rule_ids))}" for verdict, rule_ids in sorted(others.items()))
    text = f"The reference client keeps every rule in {runs} runs of {cases} cases at {len(reference)} seeds"
    return f"{text} (in process, where some cannot be seen: {left})." if left else f"{text}."


def _exec_text(data: dict[str, Any]) -> str:
    """How the same clients fare as processes of their own, on real connections."""
    there, here = data["as_processes"], data["killed_after"]["0"]
    caught = sum(after is not None for after in there.values())
    later = [name for name, after in there.items() if after != here[name]]
    odd = f", {', '.join(f'`{name}`' for name in later)} after another number of scenarios" if later else ""
    return (
        f"As processes of their own, on real connections (`parking-mock matrix --exec`), {caught} of {len(there)} are"
        f" caught at seed 0 by the same rules{odd}."
    )


def _row(animal: KnownBadClient, data: dict[str, Any]) -> tuple[str, ...]:
    after = [each[animal.name] for each in data["killed_after"].values()]
    caught = [number for number in after if number]
    pace = f"{statistics.median(caught):g}, {max(caught)}" if caught else "never"
    also = ", ".join(data["also_breaks"][animal.name]) or "nothing else"
    rule = f"[{animal.rule_id}](rules.md#{animal.rule_id.lower()})"
    return (rule, f"`{animal.name}`", animal.defect, f"{len(caught)} of {len(after)}", pace, also)


def measure(seeds: int = SEEDS) -> None:
    """The matrix and the reference client at some seeds. What is in the results already is not measured again."""
    jobs = os.cpu_count() or 1
    data: Any = json.loads(RESULTS.read_text(encoding="utf-8")) if RESULTS.exists() else {}
    data = {"examples": DEFAULT_EXAMPLES, "killed_after": {}, "also_breaks": {}, "reference": {}} | data
    if "as_processes" not in data:
        rows = matrix.rows(samples=0, jobs=jobs, elsewhere=True)
        data["as_processes"] = {row.client: row.killed_after for row in rows}
    for seed in map(str, range(seeds)):
        if seed not in data["killed_after"]:
            rows = matrix.rows(seed=int(seed), samples=matrix.SAMPLES if seed == "0" else 0, jobs=jobs)
            data["killed_after"][seed] = {row.client: row.killed_after for row in rows}
            data["also_breaks"] = data["also_breaks"] or {row.client: row.also for row in rows}
        if seed not in data["reference"]:
            data["reference"][seed] = _reference(int(seed), jobs)
        RESULTS.write_text(json.dumps(data, indent=1) + "\n", encoding="utf-8")
        print(f"seed {seed} of {seeds}", file=sys.stderr)  # noqa: T201 a command of ours


def _reference(seed: int, jobs: int) -> dict[str, Any]:
    found = check_in_parallel(REFERENCE, Plan(seed=seed, shrink=False), jobs)
    verdicts = {rule.id: found.verdict(rule).value for rule in found.rules}
    return {
        "runs": found.runs,
        "cases": len(CASES),
        "others": {rule_id: verdict for rule_id, verdict in verdicts.items() if verdict != "pass"},
    }


def main() -> None:
    """Measure what has not been measured, and write the results."""
    measure()


if __name__ == "__main__":
    main()
