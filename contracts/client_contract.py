"""`ClientContract`: a pytest class with one test for each case, and one test that explores freely.

from contracts import Client, ClientContract

class TestMyClient(ClientContract):
def make_client(self, exports) -> Client:
return MyClient(exports)
"""

from collections.abc import Iterable, Iterator
from dataclasses import replace
from typing import ClassVar

import pytest
from hypothesis import settings

from contracts.cases import CASES
from contracts.cases.base import Case
from contracts.check.edition import find_edition
from contracts.check.engine import Plan, explore_case
from contracts.check.free_exploration import explore_freely
from contracts.check.known_failing import KnownFailing
from contracts.check.results import CaseResult, Check, Failure
from contracts.check.vitals import Ailment, vitals_of
from contracts.client.interface import Client
from contracts.report.story import by_history, story
from contracts.rules import RULES
from contracts.rules.base import LEVELS, Level
from mock_server.model import JsonObject


class ClientContract:
    """Subclass it in a test module, define `make_client`, and run pytest.

    `level`: rules from this level on must hold. `examples` is the number for each case; None takes hypothesis' setting,
    so that `--hypothesis-profile parking-mock-night` plays a thousand. With `seed` None hypothesis chooses, and keeps
    failures in its database. Only the rules in `rules` are judged; with an `edition` ("2026.1") what came after it
    fails no test.
    """

    level: ClassVar[Level] = "must"
    edition: ClassVar[str | None] = None
    examples: ClassVar[int | None] = None
    seed: ClassVar[int | None] = None
    rules: ClassVar[tuple[str, ...]] = tuple(RULES)

    def make_client(self, exports: JsonObject) -> Client:
        """A new client; `exports` is the object of `serve --json`."""
        raise NotImplementedError("a contract needs make_client(self, exports)")

    @pytest.mark.parametrize("case", [pytest.param(case, id=case.id) for case in CASES.values()])
    def test_case(self, case: Case) -> None:
        """The client breaks no rule in any scenario of the case, and lives in most of them."""
        __tracebackhide__ = True
        plan = self._plan()
        _pass_or_fail(explore_case(self.make_client, plan, case.id), plan)

    def test_free_exploration(self) -> None:
        """The client breaks no rule in any sequence of events that hypothesis tries, and lives in most of them."""
        __tracebackhide__ = True
        plan = self._plan()
        found = explore_freely(self.make_client, plan.rule_ids, examples=plan.examples, seed=self.seed)
        _pass_or_fail(found, plan)

    def _plan(self) -> Plan:
        own = settings()
        known = KnownFailing(edition=None if self.edition is None else find_edition(self.edition))
        plan = Plan(self.rules, tuple(CASES), self.examples or own.max_examples, self.seed, database=own.database)
        return _held(replace(plan, known=known), self.level)


def _held(plan: Plan, level: Level) -> Plan:
    """A plan with those of its rules that are of this level or above it."""
    levels = LEVELS[: LEVELS.index(level) + 1]
    return replace(plan, rule_ids=tuple(rule.id for rule in plan.rules if rule.level in levels))


def _pass_or_fail(result: CaseResult, plan: Plan) -> None:
    """Fail the test of a case in which a rule was broken, or the client was dead or silent."""
    __tracebackhide__ = True
    found = Check((), (result,))
    failures = [each.failure for each in result.by_rule.values() if each.failure is not None]
    decisive = [each for each in failures if not plan.known.covers(each.rule_id, each.case)]
    for line in _story_lines(found, (each for each in failures if each not in decisive)):
        print(line)  # noqa: T201 pytest shows it on request; it fails nothing
    lines = list(_story_lines(found, decisive))
    vitals = vitals_of(found)
    if vitals is not None and vitals.ailment is not Ailment.NOT_JUDGED:
        lines += ["", f"FAIL  {vitals.text}"]
    if lines:
        pytest.fail("\n".join(lines), pytrace=False)


def _story_lines(found: Check, broken: Iterable[Failure]) -> Iterator[str]:
    for failures in by_history(broken, found):
        yield ""
        yield from story(failures, "run this test again")
