"""`ClientContract`: a pytest class with one test for each case, and one test that explores freely.

from contracts import Client, ClientContract

class TestMyClient(ClientContract):
def make_client(self, exports) -> Client:
return MyClient(exports)
"""

from collections.abc import Iterable, Iterator
from typing import ClassVar

import pytest
from hypothesis import settings

from contracts.cases import CASES
from contracts.cases.base import Case
from contracts.check.engine import Plan, explore_case
from contracts.check.free_exploration import explore_freely
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
    failures in its database. Only the rules in `rules` are judged.
    """

    level: ClassVar[Level] = "must"
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
        _pass_or_fail(explore_case(self.make_client, self._plan(), case.id))

    def test_free_exploration(self) -> None:
        """The client breaks no rule in any sequence of events that hypothesis tries, and lives in most of them."""
        __tracebackhide__ = True
        examples = self.examples or settings().max_examples
        _pass_or_fail(explore_freely(self.make_client, self._held(), examples=examples, seed=self.seed))

    def _plan(self) -> Plan:
        own = settings()
        return Plan(self._held(), tuple(CASES), self.examples or own.max_examples, self.seed, database=own.database)

    def _held(self) -> tuple[str, ...]:
        held = LEVELS[: LEVELS.index(self.level) + 1]
        return tuple(rule_id for rule_id in self.rules if RULES[rule_id].level in held)


def _pass_or_fail(result: CaseResult) -> None:
    """Fail the test of a case in which a rule was broken, or the client was dead or silent."""
    __tracebackhide__ = True
    found = Check((), (result,))
    lines = list(_story_lines(found, (each.failure for each in result.by_rule.values() if each.failure is not None)))
    vitals = vitals_of(found)
    if vitals is not None and vitals.ailment is not Ailment.NOT_JUDGED:
        lines += ["", f"FAIL  {vitals.text}"]
    if lines:
        pytest.fail("\n".join(lines), pytrace=False)


def _story_lines(found: Check, broken: Iterable[Failure]) -> Iterator[str]:
    for failures in by_history(broken, found):
        yield ""
        yield from story(failures, "run this test again")
