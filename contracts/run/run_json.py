"""A run as JSON in a failure file, and back: its history, and what the harness recorded beside it."""

from typing import Any

from contracts.client.interface import Capability, DumpedRecord, Effect, ProcessProblem
from contracts.play.recording import Act, ActKind, DecoyFinding, Dump, Finding, FindingKind, LogLine, OutputFinding
from contracts.play.scenario import Scenario
from contracts.run.run import Run
from mock_server.history.from_json import read_entries
from mock_server.history.log import Entry
from mock_server.model import JsonObject
from mock_server.problems import Problem, in_words
from mock_server.profile import read_profile

_KINDS: dict[str, FindingKind] = {
    kind: kind for kinds in (ProcessProblem, OutputFinding, DecoyFinding) for kind in kinds
}

RENAMED = {"a process of its own": Capability.OWN_PROCESS.value}
"""Capabilities as older files spell them."""


def run_json(run: Run) -> JsonObject:
    """A run without its scenario: `history` and `seen`."""
    seen: JsonObject = {
        "can": sorted(run.can),
        "acts": [[part for part in act if part is not None] for act in run.acts],
        "dumps": [[dump.seq, dump.time, [*map(list, dump.records)], dump.asked_seq] for dump in run.dumps],
        "effects": None if run.effects is None else [list(effect) for effect in run.effects],
        "calm_seq": run.calm_seq,
        "verbs": list(run.verbs),
        "findings": None if run.findings is None else [list(finding) for finding in run.findings],
        "log": [list(line) for line in run.log],
    }
    return {"history": [entry.to_json() for entry in run.entries], "seen": seen}


def read_run(data: Any, scenario: Scenario) -> Run:
    """Read a run of `run_json`. ValueError says what is wrong: a file may have no more than a scenario."""
    try:
        return _read(data["seen"], read_entries(data["history"]), scenario)
    except (KeyError, TypeError, AttributeError) as error:
        raise ValueError(f"its history cannot be told: {error!r}") from None


def _read(seen: Any, entries: tuple[Entry, ...], scenario: Scenario) -> Run:
    problems: list[Problem] = []
    profile = read_profile(scenario.profile, "profile", problems)
    if profile is None:
        raise ValueError(in_words(problems))
    return Run(
        scenario=scenario,
        entries=entries,
        profile=profile,
        can=frozenset(Capability(RENAMED.get(each, each)) for each in seen["can"]),
        acts=tuple(_act(*act) for act in seen["acts"]),
        dumps=tuple(_dump(*dump) for dump in seen["dumps"]),
        effects=None if seen["effects"] is None else tuple(Effect(*effect) for effect in seen["effects"]),
        calm_seq=seen["calm_seq"],
        verbs=tuple(seen.get("verbs", ())),
        findings=None if seen["findings"] is None else tuple(_finding(*finding) for finding in seen["findings"]),
        log=tuple(LogLine(int(time), str(text)) for time, text in seen.get("log", ())),
    )


def _act(seq: int, time: int, kind: str, text: str = "", off_ms: int | None = None) -> Act:
    """An act. Older files say by how much a clock jumps in its text: "-3600000 ms"."""
    if kind == ActKind.CLOCK_JUMPS and off_ms is None:
        text, off_ms = "", int(text.removesuffix(" ms"))
    return Act(seq, time, ActKind(kind), text, off_ms)


def _dump(seq: int, time: int, records: list[Any], asked_seq: int | None = None) -> Dump:
    """A dump. Older files do not say when it was asked for."""
    return Dump(seq, time, tuple(DumpedRecord(*record) for record in records), seq if asked_seq is None else asked_seq)


def _finding(kind: str, seq: int, text: str) -> Finding:
    return Finding(_KINDS[kind], seq, text)
