"""What correct clients of several designs are told, measured into `fixtures/correct.json` for `docs/matrix.md`.

`python -m tests.make_correct CLIENT...` plays one scenario of every case at each of 20 seeds to some of them, or to all
(an hour). `--seeds N` before the names plays fewer seeds, and the page says so; `--more N` plays N seeds beside those
that were played.
"""

import json
import os
import sys
from collections import Counter
from collections.abc import Iterable, Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

from contracts.cases import CASES
from contracts.check.explore import Exploration
from contracts.check.workers import worker_pool
from contracts.clients.correct import CORRECT
from contracts.play.scenario import Scenario
from contracts.rules import RULES
from contracts.rules.base import Outcome
from contracts.run.run import Run
from mock_server.model import JsonObject
from tests.json_lines import one_line_each
from tests.markdown import table

RESULTS = Path(__file__).parent.parent / "fixtures" / "correct.json"
SEEDS = 20


def read_results() -> dict[str, Any]:
    """The committed measurements: one object for each correct client."""
    results: dict[str, Any] = json.loads(RESULTS.read_text(encoding="utf-8"))
    return results


def correct_text() -> str:
    """The part of a page about them: their designs, and which rules they break."""
    results = read_results()
    if missing := CORRECT.keys() - results.keys():
        raise ValueError(f"run `make correct ARGS={' '.join(sorted(missing))}`")
    accused = [f"`{name}`: {', '.join(ids)}" for name in CORRECT if (ids := _broken(results[name], "must"))]
    verdict = f"Accused by a must-rule: {'; '.join(accused)}." if accused else "No must-rule accuses any of them."
    rows = [(f"`{name}`", (CORRECT[name].__doc__ or "").strip(), *_row(results[name])) for name in CORRECT]
    return f"""## Correct clients of other designs

Known-bad clients show that the judge is sharp, these {len(CORRECT)} correct ones that it is fair. Each is played every
case: at each seed one scenario that was drawn, or once the only one that a case has.
{verdict} What a design costs by should-rules is told as a recommendation, and is no failure.

{table(("client", "design", "seeds", "runs", "should-rules that it breaks"), rows)}

Made by `make correct`.
"""


def _row(result: Mapping[str, Any]) -> tuple[object, ...]:
    return (result["seeds"], result["runs"], ", ".join(_broken(result, "should")) or "none")


def _broken(result: Mapping[str, Any], level: str) -> list[str]:
    return [rule_id for rule_id in result["broken"] if rule_id in RULES and RULES[rule_id].level == level]


def measure(name: str, seeds: Iterable[int], cases: Iterable[str] = tuple(CASES)) -> JsonObject:
    """One correct client at some seeds: in how many runs it breaks which rule."""
    runs, broken = 0, Counter[str]()
    for seed in seeds:
        for case_id in cases:
            for rule_ids in _played(name, case_id, seed):
                runs += 1
                broken.update(rule_ids)
    return {"runs": runs, "broken": {rule_id: broken[rule_id] for rule_id in RULES if rule_id in broken}}


def _played(name: str, case_id: str, seed: int) -> list[list[str]]:
    """The broken rules of each run: of a drawn scenario, as the first is the same at every seed, or the only one."""
    found: list[list[str]] = []

    def watch(_scenario: Scenario, _run: Run, outcomes: Mapping[str, Outcome]) -> bool:
        broken = {rule_id: outcome.breaches[0] for rule_id, outcome in outcomes.items() if outcome.breaches}
        found.append(list(broken))
        for rule_id, breach in broken.items():
            if RULES[rule_id].level == "must":
                _tell(f"{name} {case_id} seed {seed}: {rule_id}: {breach.message}")
        return False

    exploration = Exploration(CORRECT[name], tuple(RULES.values()), 2, seed, shrink=False, skipped=1)
    exploration.of(CASES[case_id], watch)
    if not found and seed == 0:
        replace(exploration, skipped=0).of(CASES[case_id], watch)
    return found


def main(names: list[str]) -> None:
    """Measure the clients of these names, or all of them, seed by seed, and write what is known each time."""
    option, seeds = "--seeds", SEEDS
    if names[:1] in (["--seeds"], ["--more"]):
        option, seeds, names = names[0], int(names[1]), names[2:]
    if unknown := [name for name in names if name not in CORRECT]:
        sys.exit(f"there is no correct client {', '.join(unknown)}; there are: {', '.join(CORRECT)}")
    results: dict[str, Any] = read_results() if option == "--more" else {}
    played = {name: results.get(name, {"seeds": 0})["seeds"] for name in names or CORRECT}
    turns = [(name, played[name] + further) for further in range(seeds) for name in played]
    with worker_pool(os.cpu_count() or 1) as pool:
        for (name, seed), result in zip(turns, pool.map(_measured, turns), strict=True):
            results[name] = {"seeds": seed + 1} | _sum(results.get(name, {"runs": 0, "broken": {}}), result)
            _write(results)
            _tell(f"{name} seed {seed}")


def _measured(turn: tuple[str, int]) -> JsonObject:
    return measure(turn[0], [turn[1]])


def _sum(one: Mapping[str, Any], other: Mapping[str, Any]) -> JsonObject:
    broken = Counter(one["broken"]) + Counter(other["broken"])
    return {"runs": one["runs"] + other["runs"], "broken": dict(broken)}


def _write(results: dict[str, JsonObject]) -> None:
    known = (read_results() if RESULTS.exists() else {}) | results
    RESULTS.write_text(one_line_each({name: known[name] for name in CORRECT if name in known}), "utf-8")


def _tell(line: str) -> None:
    print(line, file=sys.stderr, flush=True)  # noqa: T201 a command of ours


if __name__ == "__main__":
    main(sys.argv[1:])
