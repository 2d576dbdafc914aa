"""The failures of earlier checks in a report's folder. A check plays them first, and removes those that are fixed."""

from collections.abc import Callable, Iterable, Iterator
from contextlib import suppress
from pathlib import Path
from typing import Literal, TypeAlias

from contracts.check.engine import Plan
from contracts.check.failure_file import RecordedFailure, ReplayError, read_failure
from contracts.check.results import LIFELESS_RUNS, CaseResult, Check, HarnessFailure
from contracts.check.workers import end_requested
from contracts.client.interface import MakeClient
from contracts.client.spec import OBSERVED
from contracts.play.own_cloud import in_own_cloud
from contracts.rules.base import Outcome
from contracts.rules.verdict import judge
from contracts.run.run import Run, run_of

ReplayVerdict: TypeAlias = Literal["FIXED", "FAILED", "NOT JUDGED"]
"""The verdict on a failure that was played again.

It is not judged if the client lacks a capability that its rule needs, or died of itself: a dead client breaks nothing.
"""

OnReplay: TypeAlias = Callable[[RecordedFailure, ReplayVerdict], None]


def failure_files(path: Path) -> list[Path]:
    """The failure files at a path: the file itself, or those of a report's folder, or those of a folder of failures."""
    if not path.is_dir():
        return [path]
    inner = path / "failures"
    return sorted((inner if inner.is_dir() else path).glob("*.json"))


def earlier_failures(folder: Path, plan: Plan) -> Iterator[RecordedFailure]:
    """The failures in a folder, of the rules of a plan.

    Files that cannot be read are skipped, and so are failures of observed clients, which cannot be played again, and
    those in a cloud that answers otherwise than the client's own.
    """
    for path in sorted(folder.glob("*.json")):
        recorded = _read(path)
        if recorded is None or (recorded.client or "").startswith(OBSERVED):
            continue
        if recorded.rule.id in plan.rule_ids and in_own_cloud(recorded.scenario, plan.stated) is not None:
            yield recorded


def play_earlier(
    failures: Iterable[RecordedFailure], make_client: MakeClient, plan: Plan, on_replay: OnReplay
) -> list[CaseResult]:
    """Play each scenario again and judge all rules of the plan in it, as in a case.

    It ends early if this process is asked to end, or at a failure of the harness, which is in the result of its case.
    """
    results: dict[str, CaseResult] = {}
    with suppress(KeyboardInterrupt):  # the results of the failures played so far are kept
        for recorded in failures:
            result = results.setdefault(recorded.case, CaseResult(recorded.case))
            try:
                verdict = _played_again(recorded, make_client, plan, result)
            except Exception as error:  # noqa: BLE001 whatever it is, what was played so far is told
                result.harness_failure = HarnessFailure.of(recorded.case, error)
                break
            on_replay(recorded, verdict)
            if end_requested() or not _is_worth_more(results.values()):
                break
    return list(results.values())


def _played_again(recorded: RecordedFailure, make_client: MakeClient, plan: Plan, result: CaseResult) -> ReplayVerdict:
    """Play one scenario again and add it to the result of its case."""
    run = run_of(recorded.scenario, make_client)
    end_requested()  # the run does not count if it was broken off
    outcomes = judge(run, plan.rules)
    result.watch(recorded.scenario, run, outcomes)
    return _verdict(outcomes.get(recorded.rule.id), run)


def _is_worth_more(results: Iterable[CaseResult]) -> bool:
    """Whether the client has stayed alive in some run, or has not had `LIFELESS_RUNS` yet."""
    found = list(results)
    lifeless = sum(result.lifeless for result in found)
    return lifeless < max(LIFELESS_RUNS, sum(result.runs for result in found))


def _verdict(outcome: Outcome | None, run: Run) -> ReplayVerdict:
    if outcome is not None and outcome.breaches:
        return "FAILED"
    return "NOT JUDGED" if outcome is None or run.deaths else "FIXED"


def drop_fixed(folder: Path, found: Check) -> None:
    """Remove the files of failures whose rule a check has judged in the same case and found kept, without a death."""
    for path in folder.glob("*.json"):
        recorded = _read(path)
        if recorded is not None and _is_fixed(recorded, found):
            path.unlink()


def _is_fixed(recorded: RecordedFailure, found: Check) -> bool:
    cases = [case for case in found.cases if case.case == recorded.case]
    if any(case.died for case in cases):
        return False
    results = [case.by_rule.get(recorded.rule.id) for case in cases]
    judged = [result for result in results if result is not None and result.judged]
    return (
        bool(judged)
        and not any(result.failure for result in judged)
        and recorded.rule.id in {rule.id for rule in found.rules}
    )


def _read(path: Path) -> RecordedFailure | None:
    try:
        return read_failure(path)
    except (OSError, ReplayError):
        return None
