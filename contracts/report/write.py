"""Writes a run's folder: `report.json`, `junit.xml`, `index.html`, and a file for each failure.

A folder has one run. The report of the run before is read first, for the comparison, and kept as `report.last.json`.
"""

import json
import shlex
from collections.abc import Mapping
from pathlib import Path

from contracts.check.earlier_failures import drop_fixed
from contracts.check.engine import Plan
from contracts.check.failure_file import failure_path, write_failure
from contracts.check.results import Check, Failure
from contracts.client.spec import OBSERVED, read_spec
from contracts.report.changes import compare, keep_last
from contracts.report.html import Page, index_html
from contracts.report.junit import junit_xml
from contracts.report.report_json import Places, report_json
from contracts.report.stored_report import REPORT
from contracts.report.story import by_history, story
from contracts.rules.base import Level, Rule

FAILURES = "failures"
"""The folder of the failures' histories, inside of the report's folder."""

JUNIT, INDEX = "junit.xml", "index.html"

Written = dict[tuple[str, str], Path]
"""The file of each failure by rule and case, of those that have one."""

MOST_FILES: Mapping[Level, int] = {"must": 8, "should": 2, "info": 2}
"""The most failures of a rule that are written to files, by its level: a rule can be broken in every case, and a file
has a whole history."""


def write_report(folder: Path, client: str, plan: Plan, found: Check, agent: str | None = None) -> Written:
    """Write a run's folder; return the failures' files. OSError if it cannot be written.

    `client` is the client's spec as text; `agent` its own name and version, which the report shows where it is known.
    """
    agent = agent or client
    comparison = compare(folder, found)
    written = _write_failures(folder / FAILURES, client, plan, found, agent)
    relative = {key: path.relative_to(folder).as_posix() for key, path in written.items()}
    keep_last(folder)
    commands = {
        (each.rule_id, each.case): repeat_command(written.get((each.rule_id, each.case)), each, client, plan)
        for rule in found.rules
        for each in found.failures(rule)
    }
    verdicts = report_json(agent, plan, found, Places(relative, commands), comparison, client)
    report = json.dumps(verdicts, ensure_ascii=False, indent=1)
    (folder / REPORT).write_bytes(f"{report}\n".encode("utf-8", "replace"))
    (folder / JUNIT).write_bytes(junit_xml(agent, plan, found, lambda rule: _story(rule, found, plan, client, written)))
    page = index_html(Page(agent, plan, found, relative, commands, comparison))
    (folder / INDEX).write_bytes(page.encode("utf-8", "replace"))
    return written


def _write_failures(folder: Path, client: str, plan: Plan, found: Check, agent: str) -> Written:
    """Write the failures. A file of an earlier run stays until its rule is judged again in its case."""
    folder.mkdir(parents=True, exist_ok=True)
    drop_fixed(folder, found)
    written = {}
    for rule in found.rules:
        kept, dropped = _kept(rule, plan, found)
        for failure in kept:
            written[rule.id, failure.case] = write_failure(folder, failure, client, plan.seed, agent)
        for failure in dropped:
            failure_path(folder, failure).unlink(missing_ok=True)
    return written


def _kept(rule: Rule, plan: Plan, found: Check) -> tuple[list[Failure], list[Failure]]:
    """The failures of a rule that get files, and the others. The smallest gets one; then come those that are new."""
    smallest_first = found.failures(rule)
    known = [plan.known.covers(rule.id, failure.case) for failure in smallest_first]
    order = sorted(range(len(known)), key=lambda place: (place > 0 and known[place], place))
    chosen = [smallest_first[place] for place in order]
    return chosen[: MOST_FILES[rule.level]], chosen[MOST_FILES[rule.level] :]


def _story(rule: Rule, found: Check, plan: Plan, client: str, written: Written) -> list[str]:
    """The story of a rule's smallest failure as on the console; failures that are not known have precedence."""
    smallest: list[Failure] = (found.unknown(rule, plan.known) or found.failures(rule))[:1]
    (together,) = by_history(smallest, found)
    case = smallest[0].case
    command = repeat_command(written.get((rule.id, case)), smallest[0], client, plan)
    return story(together, command, found.narrowing(case))


def repeat_command(path: Path | None, failure: Failure, client: str, plan: Plan) -> str:
    """The command that repeats a failure, by its file if it has one. An observed client is observed again."""
    if client.startswith(OBSERVED):
        command = client.removeprefix(OBSERVED)
        chosen = f" --exec {shlex.quote(command)}" if command else ""
        return f"parking-mock check --observe{chosen} --rule {failure.rule_id}"
    if path is not None:
        return f"parking-mock replay {shlex.quote(str(path))}"
    return repeat_case(client, plan, f"--rule {failure.rule_id} --case {failure.case}")


def repeat_case(client: str, plan: Plan, chosen: str) -> str:
    """The command that plays what was `chosen` by flags again."""
    return f"parking-mock check {read_spec(client).option} {chosen} --seed {plan.seed} --examples {plan.examples}"
