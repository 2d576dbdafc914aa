"""A bad and a good example of each rule: the smallest scenario found in which a known-bad client breaks it.

The scenarios are in `examples.json`, which `make fixtures` writes; what is told of them is played whenever it is asked
for: to the known-bad client, and to the reference client, which keeps the rule there.
"""

import json
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any

from contracts.cases import CASES
from contracts.check.engine import aimed_at
from contracts.check.explore import DEFAULT_EXAMPLES, Exploration, minimise
from contracts.clients.reference import ReferenceClient
from contracts.clients.zoo import ZOO, KnownBadClient
from contracts.play.scenario import Scenario
from contracts.proof.matrix import make_client_of
from contracts.rules import RULES
from contracts.rules.base import Outcome, Rule
from contracts.run.run import Run, run_of
from mock_server.model import JsonObject

FILE = Path(__file__).with_name("examples.json")

SEED = 0
ENOUGH = 3
TRIES = 15
"""So many scenarios that show a defect are compared, and so many smaller ones tried."""


@dataclass(frozen=True, slots=True)
class Example:
    """A scenario of a case in which a known-bad client breaks a rule, and the reference client keeps it."""

    rule: Rule
    animal: KnownBadClient
    case: str
    scenario: Scenario

    def bad(self) -> Run:
        """Played to the known-bad client."""
        return run_of(self.scenario, make_client_of(self.animal))

    def good(self) -> Run:
        """Played to the reference client."""
        return run_of(self.scenario, make_client_of(KnownBadClient(self.animal.rule_id, ReferenceClient)))

    def shows(self) -> bool:
        """Whether it is an example: the one client breaks the rule, the other keeps it, where it could be broken."""
        good = self.rule.check(self.good())
        return good.exercised and not good.breaches and bool(self.rule.check(self.bad()).breaches)

    def to_json(self) -> JsonObject:
        """As the file has it."""
        return {"client": self.animal.name, "case": self.case, "scenario": self.scenario.to_json()}


def example_of(rule_id: str) -> Example | None:
    """The example of a rule, None if no known-bad client breaks it."""
    told = _file().get(rule_id)
    if told is None:
        return None
    return Example(RULES[rule_id], ZOO[told["client"]], told["case"], Scenario.from_json(told["scenario"]))


@cache
def _file() -> Mapping[str, Any]:
    data: Mapping[str, Any] = json.loads(FILE.read_text(encoding="utf-8"))
    return data


def find_example(rule_id: str) -> Example | None:
    """Look for an example: the first known-bad client of the rule, in the first case that shows it.

    Where there is none, another of the same group may break this rule beside its own.
    """
    rule = RULES[rule_id]
    own = [animal for animal in ZOO.values() if animal.rule_id == rule_id]
    others = [animal for animal in ZOO.values() if RULES[animal.rule_id].group == rule.group]
    for animal in own or others:
        for case_id in aimed_at([animal.rule_id]):
            found = _smallest(rule, animal, case_id)
            if found is not None:
                return found
    return None


def _smallest(rule: Rule, animal: KnownBadClient, case_id: str) -> Example | None:
    """The smallest of the first few that show it, made smaller; with a record if that can be: there is more to see."""
    showing: list[Scenario] = []

    def shows(scenario: Scenario) -> bool:
        return Example(rule, animal, case_id, scenario).shows()

    def watch(scenario: Scenario, _run: Run, outcomes: Mapping[str, Outcome]) -> bool:
        if outcomes[rule.id].breaches and shows(scenario):
            showing.append(scenario)
        return len(showing) >= ENOUGH

    Exploration(make_client_of(animal), (rule,), DEFAULT_EXAMPLES, SEED, shrink=False).of(CASES[case_id], watch)
    if not showing:
        return None
    smallest = min(showing, key=lambda scenario: (not scenario.size[0], scenario.size, len(scenario.steps)))
    return Example(rule, animal, case_id, minimise(smallest, lambda each: each.size[0] > 0 and shows(each), TRIES))
