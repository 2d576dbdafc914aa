"""`parking-mock check --observe`: judges a client without an adapter, by its traffic alone."""

import json
import shlex
from collections.abc import Iterable
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack

import click

from contracts.check.observed_rules import JUDGED
from contracts.check.results import SESSION, CaseResult, Check
from contracts.client.interface import ProcessError
from contracts.client.spec import ClientNotFoundError, command_words
from contracts.play.observation import Observation, OnState, SessionState, plan
from contracts.rules.base import Rule
from contracts.rules.verdict import judge
from contracts.run.observed import ObservedRun
from contracts.run.run import Run
from mock_server.cli import ConfigurationError


def observe(command: str | None, rules: Iterable[Rule], window_ms: int, waits_s: float) -> Check:
    """Run a client in several sessions at the same time, a process in each, and judge its traffic.

    Without a command there is one session, whose addresses are printed; it waits for a client started by others.
    """
    judged = tuple(rule for rule in rules if rule in JUDGED)
    steps = plan(window_ms) if command is not None else {"stormy": plan(window_ms)["stormy"]}
    with ExitStack() as opened:
        sessions = [
            opened.enter_context(Observation(name, each, window_ms, waits_s, _state_printer(command)))
            for name, each in steps.items()
        ]
        for session in sessions:
            _begin(session, command)
        with ThreadPoolExecutor(len(sessions)) as pool:
            results = list(pool.map(lambda session: _result(session, ObservedRun.of(session.run()), judged), sessions))
    return Check(judged, tuple(results))


def _state_printer(command: str | None) -> OnState:
    def show(name: str, state: SessionState) -> None:
        click.echo(f"session {name}: {state}", err=command is not None)

    return show


def _begin(session: Observation, command: str | None) -> None:
    """Start the client, or print what is needed to start one."""
    if command is None:
        click.echo(json.dumps(session.exports | {"window_ms": session.window_ms}))
        for name, value in session.variables.items():
            click.echo(f"export {name}={shlex.quote(value)}")
        return
    try:
        session.launch(command_words(command))
    except (ClientNotFoundError, ProcessError) as error:
        raise ConfigurationError(str(error)) from None


def _result(session: Observation, run: Run, rules: tuple[Rule, ...]) -> CaseResult:
    result = CaseResult(f"{SESSION}{session.name}")
    result.watch(run.scenario, run, judge(run, rules))
    result.seconds = (run.ended_at - run.entries[0].time) / 1000 if run.entries else 0
    result.never_appeared = not session.has_appeared
    result.never_asked = session.has_appeared and not run.syncs
    if result.never_appeared:
        click.echo(f"session {session.name}: no sign of life")
    return result
