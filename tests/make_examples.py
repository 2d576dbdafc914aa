"""Writes `contracts/proof/examples.json`: an example of each rule.

`python -m tests.make_examples RULE...` looks for the examples of some rules (seconds each), without arguments of all.
"""

import json
import sys
from collections.abc import Mapping

from contracts.cases import CASES
from contracts.check.engine import aimed_at
from contracts.check.explore import DEFAULT_EXAMPLES, Exploration, minimise
from contracts.clients.zoo import ZOO, KnownBadClient
from contracts.play.scenario import Scenario
from contracts.proof.examples import FILE, Example
from contracts.proof.matrix import make_client_of
from contracts.rules import RULES
from contracts.rules.base import Outcome, Rule
from contracts.run.run import Run
from tests.json_lines import one_line_each

SEED = 0
ENOUGH = 3
"""How many scenarios that show a defect are compared."""

TRIES = 15
"""How many smaller scenarios are tried."""


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


def main(rule_ids: list[str]) -> None:
    """Look for the examples of these rules, or of all, and write what was found among the others."""
    unknown = [rule_id for rule_id in rule_ids if rule_id not in RULES]
    if unknown:
        sys.exit(f"there is no rule {', '.join(unknown)}: `parking-mock rules` lists them")
    examples = json.loads(FILE.read_text(encoding="utf-8"))
    for rule_id in rule_ids or RULES:
        example = find_example(rule_id)
        examples[rule_id] = example and example.to_json()
    found = {rule_id: examples[rule_id] for rule_id in RULES if examples.get(rule_id)}
    FILE.write_text(one_line_each(found), encoding="utf-8", newline="\n")


if __name__ == "__main__":
    main(sys.argv[1:])
