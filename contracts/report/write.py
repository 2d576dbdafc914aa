"""Writes a run's folder: `report.json`, `junit.xml`, `index.html`, and a file for each failure.

A folder has one run. The report of the run before is read first, for the comparison, and kept as `report.last.json`.
"""

import json
import shlex
from pathlib import Path

from contracts.check.earlier_failures import drop_fixed
from contracts.check.engine import Plan
from contracts.check.failure_file import write_failure
from contracts.check.results import Check, Failure
from contracts.client.spec import OBSERVED
from contracts.report.changes import REPORT, compare, keep_last, read_last
from contracts.report.html import Page, index_html
from contracts.report.junit import junit_xml
from contracts.report.report_json import report_json
from contracts.report.story import by_history, story
from contracts.rules.base import Rule

FAILURES = "failures"
"""The folder of the failures' histories, inside of the report's folder."""

JUNIT, INDEX = "junit.xml", "index.html"

Written = dict[tuple[str, str], Path]
"""The file of each failure by rule and case."""


def write_report(folder: Path, client: str, plan: Plan, found: Check, agent: str | None = None) -> Written:
    """Write a run's folder; return the failures' files. OSError if it cannot be written.

    `client` is the client's spec as text; `agent` its own name and version, which the report shows where it is known.
    """
    agent = agent or client
    comparison = compare(read_last(folder), found)
    written = _write_failures(folder / FAILURES, client, plan, found)
    relative = {key: path.relative_to(folder).as_posix() for key, path in written.items()}
    keep_last(folder)
    verdicts = report_json(agent, plan, found, relative, comparison) | {"client": client}
    report = json.dumps(verdicts, ensure_ascii=False, indent=1)
    (folder / REPORT).write_bytes(f"{report}\n".encode("utf-8", "replace"))
    (folder / JUNIT).write_bytes(junit_xml(agent, plan, found, lambda rule: _story(rule, found, plan, client, written)))
    commands = {key: repeat_command(path, client, key[0]) for key, path in written.items()}
    page = index_html(Page(agent, plan, found, relative, commands, comparison))
    (folder / INDEX).write_bytes(page.encode("utf-8", "replace"))
    return written


def _write_failures(folder: Path, client: str, plan: Plan, found: Check) -> Written:
    """Write the failures. A file of an earlier run stays until its rule is judged again in its case and holds."""
    folder.mkdir(parents=True, exist_ok=True)
    drop_fixed(folder, found)
    return {
        (failure.rule_id, failure.case): write_failure(folder, failure, client, plan.seed)
        for rule in found.rules
        for failure in found.failures(rule)
    }


def _story(rule: Rule, found: Check, plan: Plan, client: str, written: Written) -> list[str]:
    """The story of a rule's smallest failure as on the console; failures that are not known have precedence."""
    smallest: list[Failure] = (found.unknown(rule, plan.known) or found.failures(rule))[:1]
    (together,) = by_history(smallest, found)
    case = smallest[0].case
    return story(together, repeat_command(written[rule.id, case], client, rule.id), found.narrowing(case))


def repeat_command(path: Path | None, client: str, rule_id: str) -> str:
    """The command that repeats the failure of a file. An observed client is observed again, in other runs."""
    if client.startswith(OBSERVED):
        command = client.removeprefix(OBSERVED)
        return f"parking-mock check --observe{f' --exec {shlex.quote(command)}' if command else ''} --rule {rule_id}"
    return f"parking-mock replay {shlex.quote(str(path))}"
