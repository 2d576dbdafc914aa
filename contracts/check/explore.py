"""Draws the scenarios of a case with hypothesis, plays them, and shrinks what broke a rule."""

import re
from collections.abc import Callable, Iterable
from dataclasses import dataclass, replace
from itertools import count
from typing import TypeAlias

import hypothesis
from hypothesis import HealthCheck, Phase, given
from hypothesis.database import ExampleDatabase
from hypothesis.errors import Flaky

from contracts.cases.base import Case
from contracts.client.interface import MakeClient
from contracts.play.attachment import ClientMaker
from contracts.play.scenario import Scenario
from contracts.rules.base import Outcome, Rule
from contracts.rules.verdict import judge
from contracts.run.run import Run, run_of

DEFAULT_EXAMPLES = 25
"""How many scenarios of each case are played unless somebody asks for more."""

SHRINKS = 100
"""How many more scenarios of a case may be played to make failures smaller."""

SHRINKS_ELSEWHERE = 15
"""The same for a client in a process of its own."""

Watch: TypeAlias = Callable[[Scenario, Run, dict[str, Outcome]], bool]
"""Is told of every run; True means that it has seen enough."""


class _EnoughError(BaseException):
    """Nobody wants to see more. No Exception, which hypothesis would take for a failure and play again."""


@dataclass(frozen=True, slots=True)
class Exploration:
    """How cases are explored. With `shrink` a scenario that breaks a rule is made smaller."""

    make_client: MakeClient
    rules: tuple[Rule, ...]
    examples: int = DEFAULT_EXAMPLES
    seed: int | None = None
    shrink: bool = True
    database: ExampleDatabase | None = None

    def of(self, case: Case, watch: Watch) -> None:
        """Play scenarios of a case until there have been enough."""
        played = count(1)
        most = self.examples + (SHRINKS_ELSEWHERE if self._is_elsewhere else SHRINKS)

        def body(scenario: Scenario) -> None:
            run = run_of(scenario, self.make_client)
            outcomes = judge(run, self.rules)
            if watch(scenario, run, outcomes) or next(played) >= most:
                raise _EnoughError
            if self.shrink:
                _raise_first(self.rules, outcomes)

        try:
            self._test(case, body)()
        except Flaky:
            if not self._is_elsewhere:
                raise
        except (_EnoughError, BrokenError, ExceptionGroup) as error:
            _only_ours(error)

    @property
    def _is_elsewhere(self) -> bool:
        """A client in a process of its own need not do the same again."""
        return isinstance(self.make_client, ClientMaker)

    def _test(self, case: Case, body: Callable[[Scenario], None]) -> Callable[[], None]:
        phases = [Phase.explicit, Phase.reuse, Phase.generate, *([Phase.shrink] if self.shrink else [])]
        body.__qualname__ = body.__name__ = re.sub(r"\W", "_", case.id)  # what hypothesis files failures under
        test: Callable[[], None] = given(case.scenarios)(body)
        if self.seed is not None:
            test = hypothesis.seed(f"{self.seed} {case.id}")(test)
        return hypothesis.settings(
            max_examples=self.examples,
            database=self.database,
            deadline=None,
            phases=phases,
            report_multiple_bugs=True,
            suppress_health_check=list(HealthCheck),
            print_blob=False,
            verbosity=hypothesis.Verbosity.quiet,
        )(test)


def minimise(scenario: Scenario, breaks: Callable[[Scenario], bool], most: int = SHRINKS) -> Scenario:
    """A smaller scenario that still breaks: steps are left out one by one, for as long as that helps."""
    tries = count(1)
    smaller = True
    while smaller:
        smaller = False
        for place in reversed(range(len(scenario.steps))):
            without = replace(scenario, steps=scenario.steps[:place] + scenario.steps[place + 1 :])
            if next(tries) > most:
                return scenario
            if breaks(without):
                scenario, smaller = without, True
    return scenario


class BrokenError(Exception):
    """A rule is broken. Each rule has a class of its own, so that hypothesis shrinks one at a time."""


_BROKEN: dict[str, type[BrokenError]] = {}


def _raise_first(rules: Iterable[Rule], outcomes: dict[str, Outcome]) -> None:
    broken = [rule for rule in rules if rule.id in outcomes and outcomes[rule.id].breaches]
    if broken:
        rule = min(broken, key=lambda each: ("must", "should", "info").index(each.level))
        raise _BROKEN.setdefault(rule.id, type(rule.id, (BrokenError,), {}))(outcomes[rule.id].breaches[0].message)


def _only_ours(error: BaseException) -> None:
    """Let through what is not about a broken rule."""
    if isinstance(error, BaseExceptionGroup):
        for each in error.exceptions:
            _only_ours(each)
    elif not isinstance(error, _EnoughError | BrokenError):
        raise error
