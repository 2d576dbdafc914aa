"""What tests of the judge share."""

from collections.abc import Iterable, Mapping

from contracts.cases import CASES
from contracts.cases.base import Case
from contracts.check.explore import Exploration
from contracts.client.interface import MakeClient
from contracts.clients.reference import ReferenceClient
from contracts.clients.zoo import KnownBadClient
from contracts.play.scenario import Scenario
from contracts.proof.matrix import make_client_of
from contracts.rules import RULES
from contracts.rules.base import Outcome
from contracts.run.run import Run, run_of

KEPT = 100
"""How many runs are kept, each of some hundred KB. The same scenario gives the same run to the same client."""

_PLAYED: dict[tuple[str, MakeClient], Run] = {}


def outcome(rule_id: str, run: Run) -> Outcome:
    """What one rule says of a run."""
    return RULES[rule_id].check(run)


def played(scenario: Scenario, make_client: MakeClient = ReferenceClient) -> Run:
    """The run of a scenario, which is played once for the tests that ask for it one soon after another."""
    key = repr(scenario), make_client
    if key not in _PLAYED:
        if len(_PLAYED) == KEPT:
            del _PLAYED[next(iter(_PLAYED))]
        _PLAYED[key] = run_of(scenario, make_client)
    return _PLAYED[key]


def broken(rule_id: str, scenario: Scenario, make_client: MakeClient = ReferenceClient) -> bool:
    """Whether a client breaks a rule in a scenario."""
    return bool(outcome(rule_id, played(scenario, make_client)).breaches)


def kept(rule_id: str, scenario: Scenario, make_client: MakeClient = ReferenceClient) -> bool:
    """Whether a rule is exercised in a scenario, and the client keeps it."""
    found = outcome(rule_id, played(scenario, make_client))
    return found.exercised and not found.breaches


def killed(animal: KnownBadClient, seed: int) -> bool:
    """Whether some case that is aimed at its rule shows an animal to break it, at the usual number of examples."""
    return killed_in([case for case in CASES.values() if animal.rule_id in case.aims], animal, seed)


def killed_in(cases: Iterable[Case], animal: KnownBadClient, seed: int) -> bool:
    """Whether some of these cases does so."""
    found: list[bool] = []

    def is_broken(_scenario: Scenario, _run: Run, outcomes: Mapping[str, Outcome]) -> bool:
        found.append(bool(outcomes[animal.rule_id].breaches))
        return found[-1]

    exploration = Exploration(make_client_of(animal), (RULES[animal.rule_id],), seed=seed, shrink=False)
    for case in cases:
        if True not in found:
            exploration.of(case, is_broken)
    return True in found
