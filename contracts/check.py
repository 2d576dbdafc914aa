"""Checks one client: explores every case, keeps the smallest failure of each rule, and sums up."""

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field

from contracts.case import Case
from contracts.explore import DEFAULT_EXAMPLES, Exploration
from contracts.rule import LEVELS, Breach, Level, Outcome, Rule
from contracts.run import Run
from contracts.scenario import Scenario
from contracts.session import MakeClient
from contracts.verdict import Verdict, verdict_of


@dataclass(frozen=True, slots=True)
class Failure:
    """The smallest scenario of a case in which a rule was broken, and its run."""

    case: str
    scenario: Scenario
    run: Run
    breaches: tuple[Breach, ...]


@dataclass(slots=True)
class Result:
    """What is known of one rule. `cases` counts the runs in which it was exercised."""

    rule: Rule
    runs: int = 0
    cases: int = 0
    failures: dict[str, Failure] = field(default_factory=dict)
    seen: bool = False

    @property
    def verdict(self) -> Verdict:
        """The verdict over all runs."""
        if not self.seen:
            return Verdict.UNIMPLEMENTED
        breaches = tuple(breach for failure in self.failures.values() for breach in failure.breaches)
        return verdict_of(self.rule, [Outcome(bool(self.cases), breaches)])

    def take(self, case: str, scenario: Scenario, run: Run, outcome: Outcome) -> None:
        """One more run."""
        self.seen = True
        self.runs += 1
        self.cases += outcome.exercised
        known = self.failures.get(case)
        if outcome.breaches and (known is None or scenario.size < known.scenario.size):
            self.failures[case] = Failure(case, scenario, run, outcome.breaches)

    @property
    def smallest(self) -> Failure | None:
        """The failure to look at first."""
        return min(self.failures.values(), key=lambda failure: failure.scenario.size, default=None)


@dataclass(slots=True)
class Check:
    """The verdicts on one client."""

    results: dict[str, Result]
    runs: int = 0

    def fails(self, level: Level = "must") -> list[Result]:
        """The rules of at least this level that are broken."""
        held = LEVELS[: LEVELS.index(level) + 1]
        return [each for each in self.results.values() if each.failures and each.rule.level in held]


OnCase = Callable[[Case, int], None]


def check(
    make_client: MakeClient,
    rules: Iterable[Rule],
    cases: Sequence[Case],
    *,
    examples: int = DEFAULT_EXAMPLES,
    seed: int | None = None,
    shrink: bool = True,
    on_case: OnCase = lambda _case, _place: None,
) -> Check:
    """Explore the cases with one client. `on_case` is told before each."""
    judged = tuple(rules)
    found = Check({rule.id: Result(rule) for rule in judged})
    exploration = Exploration(make_client, judged, examples, seed, shrink)
    for place, case in enumerate(cases):
        on_case(case, place)
        exploration.of(case, _watch(found, case))
    return found


def _watch(found: Check, case: Case) -> Callable[[Scenario, Run, dict[str, Outcome]], bool]:
    def watch(scenario: Scenario, run: Run, outcomes: dict[str, Outcome]) -> bool:
        found.runs += 1
        for rule_id, outcome in outcomes.items():
            found.results[rule_id].take(case.id, scenario, run, outcome)
        return False

    return watch
