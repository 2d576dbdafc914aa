"""The page about the known-bad clients, made from the measurements in `fixtures/matrix.json`.

`python -m tests.make_matrix CLIENT...` measures some known-bad clients at every seed, and as processes at the first
(a minute each); `ReferenceClient` is the reference client in every case (minutes). Without arguments it measures all of
them (an hour). `--seeds N` before the names measures with fewer seeds, and the page says so. `--first` plays the first
seed again and keeps what the others have shown (seconds each).
"""

import json
import os
import statistics
import sys
from collections import Counter
from collections.abc import Callable, Iterator, Mapping
from functools import partial
from pathlib import Path
from typing import Any

from contracts.cases import CASES
from contracts.check.engine import Plan, check_in_parallel
from contracts.check.explore import DEFAULT_EXAMPLES
from contracts.check.workers import worker_pool
from contracts.clients.reference import ReferenceClient
from contracts.clients.zoo import ZOO, KnownBadClient
from contracts.proof import matrix
from contracts.rules import RULES
from mock_server.model import JsonObject
from tests.json_lines import one_line_each
from tests.make_correct import correct_text
from tests.markdown import table

RESULTS = Path(__file__).parent.parent / "fixtures" / "matrix.json"
REFERENCE = ReferenceClient.__name__
SEEDS = 20


def read_results() -> dict[str, Any]:
    """The committed measurements: one object for the reference client and one for each known-bad client."""
    results: dict[str, Any] = json.loads(RESULTS.read_text(encoding="utf-8"))
    return results


def problems(results: Mapping[str, Any]) -> Iterator[str]:
    """What the measurements lack, or have too much, to be those of the zoo: a sentence each, with the remedy."""
    for name in (REFERENCE, *ZOO):
        if name not in results:
            yield f"{name} has not been measured: run `make matrix ARGS={name}`"
    for name, known_bad in ZOO.items():
        broken = results.get(name, {"rule": known_bad.rule_id, "also_breaks": []})
        if broken["rule"] != known_bad.rule_id or not RULES.keys() >= set(broken["also_breaks"]):
            yield f"{name} was measured with other rules than there are now: run `make matrix ARGS={name}`"
    for name in sorted(results.keys() - {REFERENCE, *ZOO}):
        yield f"{name} is not in the zoo any more: delete its line from {RESULTS.name}"


def matrix_page(made: str) -> str:
    """What every known-bad client breaks, and how soon it is caught. `made` is the remark above every made page."""
    results = read_results()
    wrong = list(problems(results))
    if wrong:
        raise ValueError("; ".join(wrong))
    zoo = {name: results[name] for name in ZOO}
    rows = [_row(known_bad, zoo[name]) for name, known_bad in ZOO.items()]
    killed = sum(all(results[name]["killed_after"]) for name in ZOO)
    return f"""{made}

# The kill matrix

Each known-bad client is the reference client with one defect. It is played the cases that are made for the rule that it
breaks, until the rule catches it, at most {DEFAULT_EXAMPLES} scenarios of each case; then one scenario of each of
{len(matrix.OTHERS)} other cases, to see what else it breaks. `parking-mock matrix` does so at one seed, and ends with
exit code 1 if one survives.

Of {len(rows)} known-bad clients {killed} are caught at every seed that they were played with: {_seeds_text(results)}.
{_reference_text(results[REFERENCE])}
{_way_text(zoo, "As processes of their own, on real connections", "--exec", "killed_as_process_after")}
{_way_text(zoo, "Over the queue's native port", "--carrier native", "killed_over_native_after")}
{_told_first_text(zoo)}

{table(("rule", "client", "defect", "caught at", "after (median, most)", "it also breaks"), rows)}

"After" counts scenarios, the one that caught it included. Made by `make matrix`. On two cores the
reference client meets every case in 9.4 times, and the whole matrix takes 18 times, what it takes to draw the scenarios
alone (`make bench ARGS=judge`: 20 s, 32 s and 2 s on the machine that measured it).

{correct_text()}"""


def _seeds_text(results: Mapping[str, Any]) -> str:
    """With how many seeds how many known-bad clients were played."""
    numbers = Counter(len(results[name]["killed_after"]) for name in ZOO)
    return ", ".join(f"{many} with {seeds}" for seeds, many in sorted(numbers.items(), reverse=True))


def _reference_text(result: Mapping[str, Any]) -> str:
    """What the reference client did at the same seeds, and what it has not met yet."""
    verdicts: dict[str, list[str]] = {}
    for rule_id, verdict in result["not_passed"].items():
        verdicts.setdefault(verdict, []).append(rule_id)
    left = "; ".join(f"{verdict}: {', '.join(rule_ids)}" for verdict, rule_ids in verdicts.items())
    met = f"{result['runs']} runs of {len(result['cases'])} cases at {SEEDS} seeds"
    text = f"The reference client keeps every rule in {met}"
    text += f" (in process, where some cannot be seen: {left})." if left else "."
    new = [f"`{each}`" for each in (*CASES, *RULES) if each not in {*result["cases"], *result["rules"]}]
    return f"{text} Added since: {', '.join(new)}." if new else text


def _way_text(results: Mapping[str, Any], way: str, option: str, field: str) -> str:
    """How the same clients fare where they are played in another way."""
    caught = sum(each[field] is not None for each in results.values())
    later = [name for name, each in results.items() if each[field] != each["killed_after"][0]]
    odd = f", {', '.join(f'`{name}`' for name in later)} after another number of scenarios" if later else ""
    fares = f"{caught} of {len(results)} are caught at seed 0 by the same rules{odd}"
    return f"{way} (`parking-mock matrix {option}`), {fares}."


def _told_first_text(results: Mapping[str, Any]) -> str:
    """For how many of them a report tells the rule first that names the defect. Older measurements do not say."""
    told = {name: each["told_first"] for name, each in results.items() if "told_first" in each}
    text = matrix.told_first_text(told)
    return f"{text[:1].upper()}{text[1:]}." if told else ""


def _row(known_bad: KnownBadClient, result: Mapping[str, Any]) -> tuple[str, ...]:
    after = result["killed_after"]
    caught = [number for number in after if number]
    pace = f"{statistics.median(caught):g}, {max(caught)}" if caught else "never"
    also = ", ".join(result["also_breaks"]) or "nothing else"
    rule = f"[{known_bad.rule_id}](rules.md#{known_bad.rule_id.lower()})"
    return (rule, f"`{known_bad.name}`", known_bad.defect, f"{len(caught)} of {len(after)}", pace, also)


def measure(name: str, seeds: int = SEEDS) -> JsonObject:
    """One known-bad client: after how many scenarios each seed caught it, and what else it breaks at the first."""
    first = matrix.row_of(name)
    return {
        "rule": first.rule_id,
        "killed_after": [first.killed_after, *(matrix.killed_after(name, seed=seed) for seed in range(1, seeds))],
        "killed_as_process_after": matrix.killed_after(name, way=matrix.Way(is_process=True)),
        "killed_over_native_after": matrix.killed_after(name, way=matrix.Way(is_native=True)),
        "also_breaks": first.also,
        "told_first": first.told_first,
    }


def measure_first(name: str) -> JsonObject:
    """The same at the first seed; what is known of the other seeds stays."""
    first, known = matrix.row_of(name), read_results()[name]
    killed_after = [first.killed_after, *known["killed_after"][1:]]
    own = {"rule": first.rule_id, "killed_after": killed_after, "also_breaks": first.also}
    return {**known, **own, "told_first": first.told_first}


def measure_reference() -> JsonObject:
    """The reference client in every case at every seed: the rules that it did not pass, each with a verdict."""
    client = f"{ReferenceClient.__module__}:{REFERENCE}"
    jobs = os.cpu_count() or 1
    found = [check_in_parallel(client, Plan(seed=seed, shrink=False), jobs) for seed in range(SEEDS)]
    verdicts = {(rule.id, check.verdict(rule).value) for check in found for rule in check.rules}
    return {
        "runs": sum(check.runs for check in found),
        "cases": list(CASES),
        "rules": list(RULES),
        "not_passed": dict(sorted(each for each in verdicts if each[1] != "pass")),
    }


def main(names: list[str]) -> None:
    """Measure the clients of these names, or all of them, and write each result as soon as it is there."""
    work: Callable[[str], JsonObject] = measure
    if names[:1] == ["--first"]:
        work, names = measure_first, names[1:]
    elif names[:1] == ["--seeds"]:
        work, names = partial(measure, seeds=int(names[1])), names[2:]
    unknown = [name for name in names if name not in (REFERENCE, *ZOO)]
    if unknown:
        sys.exit(f"there is no known-bad client {', '.join(unknown)}: `parking-mock matrix` lists them")
    known_bad = [name for name in names or ZOO if name in ZOO]
    with worker_pool(os.cpu_count() or 1) as pool:
        for name, result in zip(known_bad, pool.map(work, known_bad), strict=True):
            _write(name, result)
    if REFERENCE in names or not names:
        _write(REFERENCE, measure_reference())


def _write(name: str, result: JsonObject) -> None:
    """Write a result among the others, in the zoo's order."""
    results = read_results() | {name: result}
    RESULTS.write_text(one_line_each({each: results[each] for each in (REFERENCE, *ZOO) if each in results}), "utf-8")
    print(name, file=sys.stderr)  # noqa: T201 a command of ours


if __name__ == "__main__":
    main(sys.argv[1:])
