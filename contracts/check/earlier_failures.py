"""The failures of earlier checks that lie in a report's folder: they are played first, until they are mended."""

from collections.abc import Callable, Iterable, Iterator
from contextlib import suppress
from pathlib import Path
from typing import Literal, TypeAlias

from contracts.check.engine import Plan
from contracts.check.failure_file import Recorded, ReplayError, read_failure
from contracts.check.results import CaseResult, Check
from contracts.check.workers import told_to_end
from contracts.client.interface import MakeClient
from contracts.client.spec import OBSERVED
from contracts.rules.base import Outcome
from contracts.rules.verdict import judge
from contracts.run.run import run_of

Came: TypeAlias = Literal["FIXED", "FAILED", "NOT JUDGED"]
"""What came of a failure. It is not judged if the client lacks what its rule needs."""

OnReplay: TypeAlias = Callable[[Recorded, Came], None]


def failure_files(path: Path) -> list[Path]:
    """The files of failures that a path means: itself, or those of a report's folder, or of a folder of failures."""
    if not path.is_dir():
        return [path]
    inner = path / "failures"
    return sorted((inner if inner.is_dir() else path).glob("*.json"))


def remembered(folder: Path, plan: Plan) -> Iterator[Recorded]:
    """The failures that lie in a folder of failures, of the rules of a plan.

    What cannot be read is passed over, and so is what was only observed: nothing of that can be repeated.
    """
    for path in sorted(folder.glob("*.json")):
        recorded = _read(path)
        if recorded is None or (recorded.client or "").startswith(OBSERVED):
            continue
        if recorded.rule.id in plan.rule_ids:
            yield recorded


def play_remembered(
    failures: Iterable[Recorded], make_client: MakeClient, plan: Plan, on_replay: OnReplay
) -> list[CaseResult]:
    """Play each scenario again; all rules of the plan are judged in it, as in a case.

    It ends early where this process is told to end.
    """
    results: dict[str, CaseResult] = {}
    with suppress(KeyboardInterrupt):  # of those that were played the results are there
        for recorded in failures:
            if told_to_end():
                break
            run = run_of(recorded.scenario, make_client)
            outcomes = judge(run, plan.rules)
            results.setdefault(recorded.case, CaseResult(recorded.case)).watch(recorded.scenario, run, outcomes)
            on_replay(recorded, _came(outcomes.get(recorded.rule.id)))
    return list(results.values())


def _came(outcome: Outcome | None) -> Came:
    if outcome is None:
        return "NOT JUDGED"
    return "FAILED" if outcome.breaches else "FIXED"


def drop_mended(folder: Path, found: Check) -> None:
    """Remove the files of failures that a check has judged and not found again."""
    for path in folder.glob("*.json"):
        recorded = _read(path)
        if recorded is not None and _is_mended(recorded, found):
            path.unlink()


def _is_mended(recorded: Recorded, found: Check) -> bool:
    results = [case.by_rule.get(recorded.rule.id) for case in found.cases if case.case == recorded.case]
    judged = [result for result in results if result is not None and result.judged]
    return bool(judged) and not any(result.failure for result in judged) and recorded.rule in found.rules


def _read(path: Path) -> Recorded | None:
    try:
        return read_failure(path)
    except (OSError, ReplayError):
        return None
