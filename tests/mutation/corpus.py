"""The runs by which mutants of the judge are judged: of known-bad clients, of correct ones, and of tests of the rules.

They are played once, and kept in a file of the folder for temporary files: a second module does not play them again.
"""

import hashlib
import pickle
import tempfile
from collections.abc import Callable, Iterable, Mapping
from functools import partial
from itertools import chain
from pathlib import Path
from typing import NamedTuple, TypeVar

import pytest

from contracts.cases import CASES
from contracts.check.engine import aimed_at
from contracts.check.explore import DEFAULT_EXAMPLES, Exploration
from contracts.client.interface import MakeClient
from contracts.clients.correct import CORRECT
from contracts.clients.reference import ReferenceClient
from contracts.clients.zoo import ZOO
from contracts.play.scenario import Scenario
from contracts.proof.matrix import make_client_of
from contracts.rules import RULES
from contracts.rules.base import Outcome
from contracts.run.run import Run
from tests.contracts import support
from tests.contracts.rules import written

CATCHES = 3
"""So many runs of a known-bad client are kept, each of which its own rule catches."""

SEED = 0
KEPT = Path(tempfile.gettempdir())
"""The folder of the kept runs, asked for before the tests of the rules are run: they have a temporary one."""

ROOT = Path(__file__).parents[2]
PLAYING = ("contracts/cases", "contracts/client", "contracts/clients", "contracts/play", "contracts/run", "mock_server")
"""The folders on which a recorded run depends."""

TESTS = tuple(
    str(test.relative_to(ROOT))
    for test in (*sorted((ROOT / "tests/contracts/rules").glob("test_*.py")), ROOT / "tests/contracts/test_fairness.py")
    if any(each.__name__ in test.read_text(encoding="utf-8") for each in (support, written))
)
"""The tests that ask what a rule says."""

WRITTEN = str(Path(written.__file__).relative_to(ROOT))

OPTIONS = ("-q", "--assert=plain", "-p", "no:cacheprovider", "-p", "no:randomly", "-m", "not slow")

T = TypeVar("T")


class Played(NamedTuple):
    """A run of a correct client, and its case."""

    client: str
    case: str
    run: Run


class Asked(NamedTuple):
    """A run of which a test asks what a rule says."""

    rule_id: str
    run: Run


class Corpus(NamedTuple):
    """The runs of each known-bad client by its name, those of correct ones, and those of the tests of the rules."""

    known_bad: Mapping[str, list[Run]]
    correct: list[Played]
    asked: list[Asked]


def runs_of_known_bad(name: str, catches: int = CATCHES) -> list[Run]:
    """The first runs of the default budget in which its own rule catches a known-bad client."""
    known_bad, caught = ZOO[name], list[Run]()
    rule = RULES[known_bad.rule_id]

    def keep(_scenario: Scenario, run: Run, outcomes: Mapping[str, Outcome]) -> bool:
        if rule.id in outcomes and outcomes[rule.id].breaches:
            caught.append(run)
        return len(caught) >= catches

    for case_id in aimed_at([rule.id]):
        if len(caught) < catches:
            Exploration(make_client_of(known_bad), (rule,), DEFAULT_EXAMPLES, SEED, shrink=False).of(
                CASES[case_id], keep
            )
    return caught


def runs_of_correct(name: str, cases: Iterable[str] = tuple(CASES)) -> list[Played]:
    """A drawn run of a correct client in each case; of the reference client three, the simplest first."""
    is_reference = name == ReferenceClient.__name__
    return [
        Played(name, case_id, run)
        for case_id in cases
        for run in _runs(CORRECT[name], case_id, 3 if is_reference else 2, skipped=0 if is_reference else 1)
    ]


def _runs(make_client: MakeClient, case_id: str, examples: int, skipped: int) -> list[Run]:
    runs: list[Run] = []

    def keep(_scenario: Scenario, run: Run, _outcomes: Mapping[str, Outcome]) -> bool:
        runs.append(run)
        return False

    Exploration(make_client, (), examples, SEED, shrink=False, skipped=skipped).of(CASES[case_id], keep)
    return runs


def corpus() -> Corpus:
    """All of them, played now or at an earlier call with the same emulator, scenarios, clients and tests."""
    known_bad, correct = _kept("runs", PLAYING, _play)
    return tests_alone()._replace(known_bad=known_bad, correct=correct)


def tests_alone() -> Corpus:
    """The runs of the tests of the rules, without those of clients: seconds to read, a minute to play."""
    asked = (_kept(Path(test).stem, (*PLAYING, WRITTEN, test), partial(asked_by_tests, test)) for test in TESTS)
    return Corpus({}, [], list(chain.from_iterable(asked)))


def _play() -> tuple[dict[str, list[Run]], list[Played]]:
    known_bad = {name: runs_of_known_bad(name) for name in ZOO}
    for run in (run for runs in known_bad.values() for run in runs):
        vars(run).pop("_done", None)  # what the rules have found out
    return known_bad, [played for name in CORRECT for played in runs_of_correct(name)]


def asked_by_tests(test: str) -> list[Asked]:
    """The runs of which a file of tests asks what one rule says, each with the rule. It is run for that."""
    asked: list[Asked] = []

    def outcome(rule_id: str, run: Run) -> Outcome:
        found = RULES[rule_id].check(run)
        vars(run).pop("_done", None)
        asked.append(Asked(rule_id, pickle.loads(pickle.dumps(run))))  # noqa: S301 a test may change its run
        return found

    class Recorder:
        def pytest_collection(self) -> None:
            vars(support).update(outcome=outcome, killed=lambda *_: True, killed_in=lambda *_: True)

    before = dict(vars(support))
    try:
        pytest.main([*OPTIONS, test], [Recorder()])
    finally:
        vars(support).update(before)
    return asked


def _kept(name: str, sources: Iterable[str], make: Callable[[], T]) -> T:
    """What `make` returns, from a file that an earlier call has written if the sources were the same."""
    file = KEPT / f"parking-mock-{name}-{_version(sources)}.pickle"
    if not file.exists():
        made = pickle.dumps(make())
        file.with_suffix(".new").write_bytes(made)
        file.with_suffix(".new").replace(file)
    found: T = pickle.loads(file.read_bytes())  # noqa: S301 a file that this function wrote
    return found


def _version(sources: Iterable[str]) -> str:
    """What the sources are from which runs come."""
    text = hashlib.sha256(f"{CATCHES} {SEED}".encode())
    for each in sources:
        for source in sorted((ROOT / each).rglob("*.py")) or [ROOT / each]:
            text.update(source.read_bytes())
    return text.hexdigest()[:16]
