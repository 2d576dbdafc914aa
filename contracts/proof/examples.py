"""A bad and a good example of each rule: the smallest scenario found in which a known-bad client breaks it.

The scenarios are in `examples.json`, which `make fixtures` writes. Each is played when it is shown: to the known-bad
client, and to the reference client, which keeps the rule there.
"""

import json
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any

from contracts.clients.reference import ReferenceClient
from contracts.clients.zoo import ZOO, KnownBadClient
from contracts.play.scenario import Scenario
from contracts.proof.matrix import make_client_of
from contracts.rules import RULES
from contracts.rules.base import Rule
from contracts.run.run import Run, run_of
from mock_server.model import JsonObject

FILE = Path(__file__).with_name("examples.json")


@dataclass(frozen=True, slots=True)
class Example:
    """A scenario of a case in which a known-bad client breaks a rule, and the reference client keeps it."""

    rule: Rule
    known_bad: KnownBadClient
    case: str
    scenario: Scenario

    def bad(self) -> Run:
        """The run of the scenario with the known-bad client."""
        return run_of(self.scenario, make_client_of(self.known_bad))

    def good(self) -> Run:
        """The run of the scenario with the reference client."""
        return run_of(self.scenario, make_client_of(KnownBadClient(self.known_bad.rule_id, ReferenceClient)))

    def shows(self) -> bool:
        """Whether the known-bad client breaks the rule, and the reference client exercises and keeps it."""
        good = self.rule.check(self.good())
        return good.exercised and not good.breaches and bool(self.rule.check(self.bad()).breaches)

    def to_json(self) -> JsonObject:
        """The example's object in the file, without the scenario's default values."""
        usual = Scenario().to_json()
        scenario = {
            name: value for name, value in self.scenario.to_json().items() if name == "steps" or value != usual[name]
        }
        return {"client": self.known_bad.name, "case": self.case, "scenario": scenario}


def example_of(rule_id: str) -> Example | None:
    """The example of a rule, None if no known-bad client breaks it."""
    data = _file().get(rule_id)
    if data is None:
        return None
    return Example(RULES[rule_id], ZOO[data["client"]], data["case"], Scenario.from_json(data["scenario"]))


@cache
def _file() -> Mapping[str, Any]:
    data: Mapping[str, Any] = json.loads(FILE.read_text(encoding="utf-8"))
    return data
