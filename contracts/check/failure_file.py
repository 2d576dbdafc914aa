"""Failures as JSON files that can be played again: the scenario, the breaches, and the history of the run."""

import json
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from contracts.check.results import Failure
from contracts.client.interface import MakeClient
from contracts.play.scenario import Scenario
from contracts.rules import RULES
from contracts.rules.base import Breach, Rule
from contracts.run.run import Run, run_of
from contracts.run.run_json import read_run, run_json
from mock_server.model import JsonObject
from mock_server.problems import parse_json
from mock_server.state.codec import DecodeError, decode
from mock_server.version import __version__

FORMAT = "parking-mock/failure"
VERSION = 1

BREACHES_WRITTEN = 20
"""The most breaches of one run in a file: a client may break a rule with every call, and in one way."""


class ReplayError(Exception):
    """A file cannot be read as a failure, or its failure cannot be judged; the text says why."""


@dataclass(frozen=True, slots=True)
class RecordedFailure:
    """A failure read from a file."""

    rule: Rule
    case: str
    client: str | None
    scenario: Scenario
    breaches: tuple[Breach, ...]
    data: JsonObject
    agent: str | None = None

    def failure(self) -> Failure:
        """The failure with the recorded run; nothing is played. ReplayError if the file lacks the history."""
        try:
            run = read_run(self.data, self.scenario)
        except ValueError as error:
            raise ReplayError(str(error)) from None
        return Failure(self.rule.id, self.case, self.scenario, run, self.breaches)


def _head(failure: Failure, client: str | None, seed: int | None, agent: str | None) -> JsonObject:
    """What a failure's file has before the run."""
    return {
        "format": FORMAT,
        "version": VERSION,
        "parking_mock": __version__,
        "rule": failure.rule_id,
        "case": failure.case,
        "client": client,
        "agent": agent,
        "seed": seed,
        "breaches": [{"message": each.message, "seq": each.seq} for each in failure.breaches[:BREACHES_WRITTEN]],
        "scenario": failure.scenario.to_json(),
    }


def _run_lines(run: Run) -> str:
    """The run as its members of the file's object: an entry of the history a line, for whoever searches by lines."""
    told: Any = run_json(run)
    history = ",\n".join(f"  {json.dumps(entry, ensure_ascii=False)}" for entry in told["history"])
    seen = ",\n".join(f'  "{name}": {json.dumps(value, ensure_ascii=False)}' for name, value in told["seen"].items())
    return f' "history": [\n{history}\n ],\n "seen": {{\n{seen}\n }}'


def failure_path(folder: Path, failure: Failure) -> Path:
    """The file of a failure in a folder: it has its rule's and case's name."""
    return folder / f"{failure.rule_id}--{failure.case.replace('/', '-')}.json"


def write_failure(
    folder: Path, failure: Failure, client: str | None, seed: int | None, agent: str | None = None
) -> Path:
    """Write a failure to its file in a folder. `client` is its spec as text, `agent` what it calls itself."""
    path = failure_path(folder, failure)
    head = json.dumps(_head(failure, client, seed, agent), ensure_ascii=False, indent=1).removesuffix("\n}")
    text = f"{head},\n{failure.run.once(_run_lines)}\n}}\n"
    path.write_bytes(text.encode("utf-8", "replace"))  # a client may have sent a lone surrogate
    return path


def read_failure(path: Path) -> RecordedFailure:
    """Read a failure. OSError if the file cannot be read, ReplayError if it has no failure."""
    try:
        data: Any = parse_json(path.read_bytes())
    except ValueError as error:
        raise ReplayError(f"{path} is no failure file: {error}") from None
    if not isinstance(data, dict) or data.get("format") != FORMAT or data.get("version") != VERSION:
        raise ReplayError(f'{path} is no failure file: it needs "format": "{FORMAT}" and "version": {VERSION}')
    if str(data.get("rule")) not in RULES:
        raise ReplayError(f"{path}: there is no rule {data.get('rule')!r}")
    try:
        scenario = Scenario.from_json(data.get("scenario"))
        breaches = decode(tuple[Breach, ...], data.get("breaches"), "breaches")
        rule, client, agent = RULES[data["rule"]], _text(data, "client"), _text(data, "agent")
        return RecordedFailure(rule, str(data.get("case")), client, scenario, breaches, data, agent)
    except DecodeError as error:
        raise ReplayError(f"{path}: {error}") from None


def _text(data: JsonObject, name: str) -> str | None:
    text = data.get(name)
    return text if isinstance(text, str) else None


def replay(recorded: RecordedFailure, make_client: MakeClient) -> Failure | None:
    """Play a recorded scenario again; the failure if the rule is still broken, None if the client is fixed.

    ReplayError if this client lacks a capability that the rule needs, or keeps the rule only because it died of itself,
    or if a fault strikes that the judge does not know.
    """
    run = run_of(recorded.scenario, make_client)
    missing = recorded.rule.missing(run.can)
    if run.unimplemented or missing:
        lacks = "it" if run.unimplemented else " and ".join(each.label for each in missing)
        raise ReplayError(f"{recorded.rule.id} cannot be judged: the client lacks {lacks}")
    if run.unknown_faults:
        kinds = ", ".join(sorted(run.unknown_faults))
        raise ReplayError(f"{recorded.rule.id} cannot be judged: this version does not know the fault {kinds}")
    breaches: tuple[Breach, ...] = recorded.rule.check(run).breaches
    if not breaches and (missing := recorded.rule.missing_in_part(run.can)):
        raise ReplayError(f"{recorded.rule.id} cannot be judged whole: the client lacks {missing[0].label}")
    if run.deaths and not breaches:
        raise ReplayError(f"{recorded.rule.id} cannot be judged: the client died of itself {run.deaths[0].text}")
    return Failure(recorded.rule.id, recorded.case, recorded.scenario, run, breaches) if breaches else None
