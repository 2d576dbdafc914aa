"""Draws the scenarios of a case with Hypothesis, plays them, and shrinks those that break a rule."""

import re
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field, replace
from itertools import count
from typing import TypeAlias

import hypothesis
from hypothesis import HealthCheck, Phase, given
from hypothesis.database import ExampleDatabase
from hypothesis.errors import Flaky

from contracts.cases.base import Case
from contracts.client.interface import MakeClient
from contracts.play.attachment import ClientMaker
from contracts.play.own_cloud import in_own_cloud
from contracts.play.scenario import Scenario
from contracts.rules.base import Outcome, Rule
from contracts.rules.verdict import judge
from contracts.run.run import Run, run_of
from mock_server.model import JsonObject

DEFAULT_EXAMPLES = 25
"""Scenarios that are played of each case by default."""

SHRINKS = 100
"""Further scenarios of a case that may be played to shrink failures."""

SHRINKS_ELSEWHERE = 15
"""The same for a client in a process of its own, which takes longer to play."""

Watch: TypeAlias = Callable[[Scenario, Run, dict[str, Outcome]], bool]
"""Called with every run; True ends the exploration of the case."""


class _EnoughError(BaseException):
    """Ends an exploration. It is no Exception: Hypothesis would take one for a failure, and play the scenario again."""


@dataclass(frozen=True, slots=True)
class Exploration:
    """How cases are explored: `shrink` scenarios that break a rule or not, from a `seed` or, with None, at random.

    With a `target` only that rule's failure is shrunk, and the first `skipped` scenarios, which were played before with
    the same seed, are drawn and not played. Nor are those that contradict what is `stated` of the client's own cloud.
    """

    make_client: MakeClient
    rules: tuple[Rule, ...]
    examples: int = DEFAULT_EXAMPLES
    seed: int | None = None
    shrink: bool = True
    database: ExampleDatabase | None = None
    target: str | None = None
    skipped: int = 0
    stated: JsonObject = field(default_factory=dict)

    def of(self, case: Case, watch: Watch) -> None:
        """Play scenarios of a case until `watch` returns True or the examples and shrinks are used up."""
        drawn = count(1)
        shrinks = SHRINKS_ELSEWHERE if self._has_own_process else SHRINKS
        most = shrinks + (self.examples if self.target is None else self.skipped + 1)

        def body(scenario: Scenario) -> None:
            number = next(drawn)
            own = in_own_cloud(scenario, self.stated)
            if number <= self.skipped or own is None:
                return
            scenario = own
            run = run_of(scenario, self.make_client)
            outcomes = judge(run, self.rules)
            if watch(scenario, run, outcomes) or number >= most:
                raise _EnoughError
            if self.shrink:
                _raise_first([rule for rule in self.rules if self.target in (None, rule.id)], outcomes)

        try:
            self._test(case, body)()
        except (_EnoughError, BrokenError, BaseExceptionGroup) as error:
            _reraise_unexpected(error)
        except Flaky:  # a scenario broke a rule and did not when played again
            if not self._has_own_process:
                raise

    @property
    def _has_own_process(self) -> bool:
        """Whether the client runs in a process of its own: such a client need not be deterministic."""
        return isinstance(self.make_client, ClientMaker)

    def _test(self, case: Case, body: Callable[[Scenario], None]) -> Callable[[], None]:
        phases = [Phase.explicit, Phase.reuse, Phase.generate, *([Phase.shrink] if self.shrink else [])]
        body.__qualname__ = body.__name__ = re.sub(r"\W", "_", case.id)  # the key of the failure database
        test: Callable[[], None] = given(case.scenarios)(body)
        if self.seed is not None:
            test = hypothesis.seed(f"{self.seed} {case.id}")(test)
        return hypothesis.settings(
            max_examples=self.examples,
            database=self.database,
            deadline=None,
            phases=phases,
            report_multiple_bugs=self.target is None,
            suppress_health_check=list(HealthCheck),
            print_blob=False,
            verbosity=hypothesis.Verbosity.quiet,
        )(test)


def minimise(scenario: Scenario, breaks: Callable[[Scenario], bool], most: int = SHRINKS) -> Scenario:
    """Leave out steps while the scenario still `breaks`, in `most` tries; the smallest scenario found.

    Halves of them first, then quarters, at last one by one: few of the many steps of a random scenario matter, and a
    long one takes long to play.
    """
    tries = count(1)
    length, smaller = len(scenario.steps), True
    while length > 1 or smaller:
        length, smaller = max(1, min(length, len(scenario.steps)) // 2), False
        for place in reversed(range(0, len(scenario.steps), length)):
            without = replace(scenario, steps=scenario.steps[:place] + scenario.steps[place + length :])
            if next(tries) > most:
                return scenario
            if breaks(without):
                scenario, smaller = without, True
    return scenario


class BrokenError(Exception):
    """A rule is broken. Each rule has a subclass of its own, because Hypothesis tells failures apart by their class."""


_BROKEN: dict[str, type[BrokenError]] = {}


def _raise_first(rules: Iterable[Rule], outcomes: dict[str, Outcome]) -> None:
    broken = [rule for rule in rules if rule.id in outcomes and outcomes[rule.id].breaches]
    if broken:
        rule = min(broken, key=lambda each: ("must", "should", "info").index(each.level))
        raise _BROKEN.setdefault(rule.id, type(rule.id, (BrokenError,), {}))(outcomes[rule.id].breaches[0].message)


def _reraise_unexpected(error: BaseException) -> None:
    """Raise an error again, or a part of a group, unless it is a broken rule or the end of an exploration."""
    if isinstance(error, BaseExceptionGroup):
        for each in error.exceptions:
            _reraise_unexpected(each)
    elif not isinstance(error, _EnoughError | BrokenError):
        raise error
