"""The verdicts on the vendor's loops, measured into `fixtures/sdk-verdicts.json` for `docs/sdk-verdicts.md`.

`python -m tests.make_sdk_verdicts LOOP...` plays one scenario of every case of the trial at each of some seeds to some
loops, or to all (an hour). `--seeds N` before the names plays another number of seeds, and the page says so.
"""

import hashlib
import json
import shlex
import sys
from collections.abc import Iterable, Iterator, Mapping
from pathlib import Path
from typing import Any

from contracts.cases import CASES
from contracts.check.explore import Exploration
from contracts.play.attachment import load
from contracts.play.scenario import Scenario
from contracts.rules import RULES
from contracts.rules.base import Outcome
from contracts.run.run import Run
from contracts.sdk.building import ADAPTERS
from contracts.sdk.causes import CAUSES
from contracts.sdk.loops import LOOPS, LoopSpec
from contracts.sdk.program import command_of
from contracts.sdk.trial import PLAIN, TRIALS, Trial
from mock_server.model import JsonObject
from mock_server.version import __version__
from tests.json_lines import one_line_each
from tests.markdown import table

RESULTS = Path(__file__).parent.parent / "fixtures" / "sdk-verdicts.json"
SEEDS = 3


def read_results() -> dict[str, Any]:
    """The committed measurements: one object for each loop."""
    results: dict[str, Any] = json.loads(RESULTS.read_text(encoding="utf-8"))
    return results


def adapter_digest(loop: LoopSpec) -> str:
    """A digest of an adapter's sources: another adapter may make another verdict."""
    files = sorted((ADAPTERS / loop.name).glob("*")) or [ADAPTERS / f"{loop.name.replace('-', '_')}.py"]
    return hashlib.sha256(b"".join(path.read_bytes() for path in files)).hexdigest()[:12]


def conditions(loop: LoopSpec) -> JsonObject:
    """What a measurement holds for: measured under others it is stale."""
    return {
        "package": f"{loop.package} {loop.version}",
        "adapter": adapter_digest(loop),
        "judge": __version__,
        "cases": [_named(case_id, trial) for trial in TRIALS for case_id in trial.cases],
        "rules": len(RULES),
    }


def problems(results: Mapping[str, Any]) -> Iterator[str]:
    """Measurements that are missing or stale, and causes that do not fit them."""
    for name, loop in LOOPS.items():
        result = results.get(name)
        if result is None or any(result[key] != value for key, value in conditions(loop).items()):
            yield f"{name} was not measured as it is now: run `make sdk-verdicts ARGS={name}`"
        elif odd := sorted(CAUSES[name].keys() ^ result["broken"].keys()):
            yield f"{name}: found broken or told of in contracts/sdk/causes.py, and not both: {', '.join(odd)}"


def measure(name: str, seeds: Iterable[int], trials: Iterable[Trial] = TRIALS) -> JsonObject:
    """One loop at some seeds: the rules that it breaks, each in how many runs and in which cases."""
    runs, broken = 0, dict[str, dict[str, Any]]()
    turns = [(seed, trial, case_id) for seed in seeds for trial in trials for case_id in trial.cases]
    for seed, trial, case_id in turns:
        case = _named(case_id, trial)
        for rule_ids in _played(name, case_id, seed, trial):
            runs += 1
            _tell(f"{name} {case} seed {seed}: {', '.join(rule_ids) or 'nothing'}")
            for rule_id in rule_ids:
                found = broken.setdefault(rule_id, {"runs": 0, "cases": []})
                found["runs"] += 1
                found["cases"] += [case] if case not in found["cases"] else []
    return {"runs": runs, "broken": {rule_id: broken[rule_id] for rule_id in RULES if rule_id in broken}}


def _named(case_id: str, trial: Trial) -> str:
    return f"{case_id} {trial.note}".rstrip()


def _played(name: str, case_id: str, seed: int, trial: Trial) -> list[list[str]]:
    """The rules that are broken in a scenario that was drawn, as the first of a case is the same at every seed."""
    found: list[list[str]] = []

    def watch(_scenario: Scenario, _run: Run, outcomes: Mapping[str, Outcome]) -> bool:
        found.append([rule_id for rule_id, each in outcomes.items() if each.breaches])
        return False

    client = load(f"exec {shlex.join(command_of(name, trial.options))}")
    skipped = 1 if seed else 0
    exploration = Exploration(client, tuple(RULES.values()), skipped + 1, seed, shrink=False, skipped=skipped)
    exploration.of(CASES[case_id], watch)
    return found


def verdicts_page(made: str) -> str:
    """What each loop breaks, and what in it does so. `made` is the remark above every made page."""
    results = read_results()
    if wrong := list(problems(results)):
        raise ValueError("; ".join(wrong))
    parts = "\n\n".join(_part(loop, results[name]) for name, loop in LOOPS.items())
    rows = [_row(rule_id, results) for rule_id in RULES if any(rule_id in each["broken"] for each in results.values())]
    return f"""{made}

# The vendor's own loops on trial

The vendor publishes consumers of its message queue in several languages. Many clients are such a loop with a handler
put in, so it matters what the loop does when the handler fails, a message comes damaged, or the connection is cut. Each
is judged here as any client is, by `parking-mock judge-sdk NAME`: receiving is the loop's, with nothing of it changed;
all the rest, counting, windows, retries and the store, is the reference client's, which keeps every rule. The judge
knows nothing of the loops; why they break what was found broken is told below in our words.

{table(("rule", "level", *LOOPS), rows)}

A cell says in how many of the runs the rule was broken. {len(PLAIN.cases)} cases are played that can show what a loop
does, with all rules judged in each; in the others nothing would be the loop's. Two of them are played once more to a
client whose store is busy when the first record comes, and never again. All loops pause in real time, so rules about
the length of pauses are unimplemented for them. The SDK in Go calls its handler from ten goroutines at a time, and no
rule is broken by that: our client stores the same in any order.

{parts}

To have it yourself, with a file for each broken rule that `parking-mock replay` plays again:

    parking-mock judge-sdk                             the loops, their versions, and where each is from
    parking-mock judge-sdk python-connector --report report
    parking-mock judge-sdk go --case receive/damage    a minute

Python packages have to be there in the version named; for the others Node.js and npm, Go, or a JDK and Maven, and what
they fetch and build is kept in `~/.cache/parking-mock` (`PARKING_MOCK_SDK_CACHE` names another folder). What is missing
is said, with exit code 2. Exit code 1: a must-rule is broken.

Measured by `make sdk-verdicts`; a test holds the page to versions, adapters, cases and judge as they are.
"""


def _row(rule_id: str, results: Mapping[str, Any]) -> tuple[str, ...]:
    rule = RULES[rule_id]
    broken = (results[name]["broken"].get(rule_id) for name in LOOPS)
    return (
        f"[{rule_id}](rules.md#{rule_id.lower()})",
        rule.level,
        *(str(each["runs"]) if each else "" for each in broken),
    )


def _part(loop: LoopSpec, result: Mapping[str, Any]) -> str:
    """The section of a loop."""
    how = "unmodified, as published" if loop.published else "our writing of the loop, on the library unmodified"
    played = f"{result['runs']} runs at {result['seeds']} seeds" if result["seeds"] > 1 else f"{result['runs']} runs"
    found = "\n".join(
        f"- `{rule_id}` in {', '.join(each['cases'])}. {CAUSES[loop.name][rule_id]}"
        for rule_id, each in result["broken"].items()
    )
    return f"""## {loop.name}

{loop.package} {loop.version}, {loop.carrier}; {how} ({loop.origin}). {played}.

{found or "Nothing was found broken."}"""


def main(names: list[str]) -> None:
    """Measure the loops of these names, or all of them, and write each result as soon as it is there."""
    seeds = SEEDS
    if names[:1] == ["--seeds"]:
        seeds, names = int(names[1]), names[2:]
    if unknown := [name for name in names if name not in LOOPS]:
        sys.exit(f"there is no loop {', '.join(unknown)}; there are: {', '.join(LOOPS)}")
    for name in names or LOOPS:
        LOOPS[name].prepare()
        result = conditions(LOOPS[name]) | {"seeds": seeds} | measure(name, range(seeds))
        known = (read_results() if RESULTS.exists() else {}) | {name: result}
        RESULTS.write_text(one_line_each({each: known[each] for each in LOOPS if each in known}), "utf-8")


def _tell(line: str) -> None:
    print(line, file=sys.stderr, flush=True)  # noqa: T201 a command of ours


if __name__ == "__main__":
    main(sys.argv[1:])
