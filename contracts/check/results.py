"""The results of a check: for each rule and case, and over all of them."""

from collections.abc import Container, Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from functools import reduce
from traceback import format_exception
from typing import NamedTuple

from contracts.cases import CASES, VARIANTS
from contracts.check.known_failing import NOTHING_KNOWN, Known, KnownFailing
from contracts.client.interface import ProcessProblem
from contracts.diagnosis.narrowing import Narrowing
from contracts.play.recording import ActKind
from contracts.play.scenario import Scenario
from contracts.rules import RULES
from contracts.rules.base import LEVELS, Breach, Level, Outcome, Rule
from contracts.rules.situations import Missed, missed
from contracts.rules.verdict import Verdict, verdict_of
from contracts.run.run import Run

SESSION = "observe/"
"""The beginning of the ids of observed sessions, which are no cases."""

LIFELESS_RUNS = 3
"""After so many runs of a case in which the client did not stay alive, and no others, its exploration ends."""


@dataclass(frozen=True, slots=True)
class Failure:
    """The smallest scenario of a case in which a rule was broken, and its run, which was the `number`th of the case.

    The rule is `held` at that level by the check, which may be another than its own.
    """

    rule_id: str
    case: str
    scenario: Scenario
    run: Run
    breaches: tuple[Breach, ...]
    number: int = 0
    held: Level | None = None

    @property
    def level(self) -> Level:
        """The level at which the rule is held."""
        return self.held or RULES[self.rule_id].level


class HarnessFailure(NamedTuple):
    """An exception of the judge's own code, which says nothing about the client, and its traceback."""

    case: str
    text: str
    trace: str

    @classmethod
    def of(cls, case: str, error: BaseException) -> "HarnessFailure":
        """The failure that an exception is, in a case."""
        return cls(case, repr(error), "".join(format_exception(error)))


@dataclass(slots=True)
class RuleResult:
    """One rule: in how many runs it was judged and exercised, and its smallest failure.

    `nearest` is how near the other runs of the cases made for it came to exercising it.
    """

    judged: int = 0
    exercised: int = 0
    failure: Failure | None = None
    nearest: Missed | None = None

    def take(self, failure: Failure | None, *, exercised: int, judged: int = 1, nearest: Missed | None = None) -> None:
        """Add one more run, or the runs of another result."""
        self.judged += judged
        self.exercised += exercised
        if nearest is not None and (self.nearest is None or nearest.steps > self.nearest.steps):
            self.nearest = nearest
        known = self.failure
        if failure is not None and (known is None or failure.scenario.size <= known.scenario.size):
            self.failure = failure  # of two of one size the later: Hypothesis shrinks to simpler ones

    def add(self, other: "RuleResult") -> None:
        """Add the runs of another result."""
        self.take(other.failure, exercised=other.exercised, judged=other.judged, nearest=other.nearest)

    def verdict(self, rule: Rule) -> Verdict:
        """The verdict; a rule that was never judged needs a capability that the client lacks."""
        breaches = self.failure.breaches if self.failure else ()
        return verdict_of(rule, [Outcome(bool(self.exercised), breaches)] if self.judged else [])


@dataclass(slots=True)
class CaseResult:
    """The results of one case. `deaths` are the errors at which the client failed by itself, in its first such run.

    `died`, `silent`, `unimplemented` and `lifeless` are the numbers of runs in which it failed by itself, never called
    or connected, implemented nothing that could drive it, and was given up because of either.
    `never_appeared` is an observed client that never sent anything, `never_asked` one that asked about no window.
    `narrowing` has the wrong counters that explain every wrong claim of the case, `seconds` how long it was played.
    With a `harness_failure` it was not played to its end.
    """

    case: str
    runs: int = 0
    by_rule: dict[str, RuleResult] = field(default_factory=dict)
    deaths: tuple[str, ...] = ()
    died: int = 0
    silent: int = 0
    unimplemented: int = 0
    lifeless: int = 0
    never_appeared: bool = False
    never_asked: bool = False
    seconds: float = field(default=0, compare=False)
    narrowing: Narrowing = field(default_factory=Narrowing)
    harness_failure: HarnessFailure | None = None

    def watch(self, scenario: Scenario, run: Run, outcomes: Mapping[str, Outcome]) -> bool:
        """Add one run. True once further runs would show no more.

        That is when the client has hung, as each would wait as long again, or when it did not stay alive in any.
        """
        self.runs += 1
        self.died += bool(run.deaths)
        self.silent += run.is_silent
        self.unimplemented += run.unimplemented
        self.lifeless += run.is_lifeless
        for rule_id, outcome in outcomes.items():
            broken = outcome.breaches
            failure = Failure(rule_id, self.case, scenario, run, broken, self.runs) if broken else None
            result = self.by_rule.setdefault(rule_id, RuleResult())
            is_missed = not outcome.exercised and not result.exercised and _is_made_for(self.case, rule_id)
            nearest = missed(RULES[rule_id], run) if is_missed else None
            result.take(failure, exercised=outcome.exercised, nearest=nearest)
        self.narrowing = self.narrowing if run.has_replicas else self.narrowing.after(run)
        if not self.deaths:
            self.deaths = tuple(act.text for act in run.acts_of(ActKind.DIED))
        return bool(run.findings_of(ProcessProblem.HUNG)) or self.lifeless == self.runs >= LIFELESS_RUNS

    def joined(self, other: "CaseResult") -> "CaseResult":
        """The results of this case and of a later exploration of it."""
        results = {rule_id: RuleResult() for rule_id in (*self.by_rule, *other.by_rule)}
        for rule_id, whole in results.items():
            for each in (self, other):
                if result := each.by_rule.get(rule_id):
                    whole.add(result)
        return CaseResult(
            self.case,
            self.runs + other.runs,
            results,
            self.deaths or other.deaths,
            self.died + other.died,
            self.silent + other.silent,
            self.unimplemented + other.unimplemented,
            self.lifeless + other.lifeless,
            self.never_appeared or other.never_appeared,
            self.never_asked or other.never_asked,
            self.seconds + other.seconds,
            self.narrowing.joined(other.narrowing),
            self.harness_failure or other.harness_failure,
        )


@dataclass(frozen=True, slots=True)
class Check:
    """The verdicts on one client. One that was `interrupted`, or has a `harness_failure`, has what was played so far.

    One that was `given_up` ended early, after cases in whose runs the client never stayed alive; one that was `stopped`
    ended at its first failure, as it was told to.
    """

    rules: tuple[Rule, ...]
    cases: tuple[CaseResult, ...]
    interrupted: bool = False
    given_up: bool = False
    stopped: bool = False

    @property
    def harness_failure(self) -> HarnessFailure | None:
        """The first failure of the judge's own code, at which the check ended."""
        return next((case.harness_failure for case in self.cases if case.harness_failure), None)

    @property
    def runs(self) -> int:
        """How many scenarios were played."""
        return sum(case.runs for case in self.cases)

    @property
    def died(self) -> int:
        """In how many of them the client failed by itself."""
        return sum(case.died for case in self.cases)

    @property
    def silent(self) -> int:
        """In how many of them it never called and never connected."""
        return sum(case.silent for case in self.cases)

    @property
    def unimplemented(self) -> int:
        """In how many of them it implemented nothing that could drive it."""
        return sum(case.unimplemented for case in self.cases)

    def result(self, rule: Rule) -> RuleResult:
        """The result of a rule over all cases."""
        whole = RuleResult()
        for case in self.cases:
            result = case.by_rule.get(rule.id)
            if result is not None:
                whole.add(result)
        return whole

    def failures(self, rule: Rule) -> list[Failure]:
        """The smallest failure of each case in which a rule was broken, the smallest first."""
        results = (case.by_rule.get(rule.id) for case in self.cases)
        found = [replace(each.failure, held=rule.level) for each in results if each is not None and each.failure]
        return sorted(found, key=lambda failure: failure.scenario.size)

    def verdict(self, rule: Rule) -> Verdict:
        """The verdict on a rule. What a check that did not come to its end never judged was not exercised."""
        result = self.result(rule)
        is_cut_short = self.interrupted or self.stopped or self.harness_failure is not None
        return Verdict.NOT_EXERCISED if is_cut_short and not result.judged else result.verdict(rule)

    def unseen(self, required: Container[str]) -> list[Rule]:
        """The rules of these ids that nothing is known of: not exercised, or unimplemented."""
        unknown = (Verdict.NOT_EXERCISED, Verdict.UNIMPLEMENTED)
        return [rule for rule in self.rules if rule.id in required and self.verdict(rule) in unknown]

    def reason(self, rule: Rule) -> str:
        """Why nothing is known of a rule, in a sentence with times in UTC: not exercised, or unimplemented.

        Empty for a rule that holds or is broken.
        """
        verdict = self.verdict(rule)
        if verdict is Verdict.UNIMPLEMENTED:
            return _lack(rule)
        return self._miss(rule) if verdict is Verdict.NOT_EXERCISED else ""

    def _miss(self, rule: Rule) -> str:
        near = self.nearest(rule)
        if near is not None:
            return near
        made = " and ".join(case.id for case in CASES.values() if rule.id in case.aims)
        left = (
            "the check ended before any of them"
            if self.interrupted or self.given_up or self.stopped
            else "none of them was played"
        )
        return f"the cases made for it are {made}: {left}"

    def nearest(self, rule: Rule) -> str | None:
        """How near the runs of the cases made for a rule came to exercising it; None if there were none."""
        results = [(case.case, case.by_rule[rule.id].nearest) for case in self.cases if rule.id in case.by_rule]
        near = [(each, case_id) for case_id, each in results if each is not None]
        if not near:
            return None
        best, case_id = max(near, key=lambda each: each[0].steps)
        return f"{best.text}, in {case_id}"

    def after(self, earlier: Sequence[CaseResult]) -> "Check":
        """This check with the results of what was played before it."""
        cases = {case.case: case for case in earlier}
        for case in self.cases:
            cases[case.case] = cases[case.case].joined(case) if case.case in cases else case
        return replace(self, cases=tuple(cases.values()))

    def in_order(self, case_ids: Sequence[str]) -> "Check":
        """This check with its cases in this order, in which reports tell them; others come last."""
        place = {case_id: number for number, case_id in enumerate(case_ids)}
        return replace(self, cases=tuple(sorted(self.cases, key=lambda each: place.get(each.case, len(place)))))

    def with_more(self, results: Iterable[CaseResult]) -> "Check":
        """This check with the results of what was played of its cases after it."""
        cases = {case.case: case for case in self.cases}
        for result in results:
            cases[result.case] = cases[result.case].joined(result)
        return replace(self, cases=tuple(cases.values()))

    def narrowing(self, case_id: str) -> Narrowing:
        """The wrong counters that explain every wrong claim of the check, or of this case if none explains all."""
        whole = reduce(Narrowing.joined, (case.narrowing for case in self.cases), Narrowing())
        return whole if whole.left else self._narrowing_of(case_id)

    def _narrowing_of(self, case_id: str) -> Narrowing:
        return next(case.narrowing for case in self.cases if case.case == case_id)

    def broken(self, level: Level = "must", known: KnownFailing = NOTHING_KNOWN) -> list[Rule]:
        """The rules of at least this level with a failure that is not known."""
        held = LEVELS[: LEVELS.index(level) + 1]
        return [rule for rule in self.rules if rule.level in held and self.unknown(rule, known)]

    def unknown(self, rule: Rule, known: KnownFailing) -> list[Failure]:
        """The failures of a rule that are not known."""
        return [failure for failure in self.failures(rule) if not known.covers(rule.id, failure.case)]

    def surprises(self, known: KnownFailing) -> list[Known]:
        """The lines that do not hold: the rule was exercised in the line's cases, and never broken."""
        return [line for rule in self.rules for line in known.of(rule.id) if self._holds(line)]

    def _holds(self, line: Known) -> bool:
        results = [
            result
            for case in self.cases
            if line.covers(line.rule_id, case.case) and (result := case.by_rule.get(line.rule_id))
        ]
        return any(result.exercised for result in results) and not any(result.failure for result in results)


def _is_made_for(case_id: str, rule_id: str) -> bool:
    """Whether a case is made for a rule. An observed session, which is no case, is made for every rule."""
    case = CASES.get(case_id) or VARIANTS.get(case_id)
    return rule_id in case.aims if case is not None else case_id.startswith(SESSION)


def _lack(rule: Rule) -> str:
    needed = " and ".join(each.label for each in (*rule.missing(()), *rule.missing_in_part(())))
    return f"this rule needs {needed}, which the client lacks" if needed else "no run could be judged"
