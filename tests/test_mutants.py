"""Mutants of the judge: what they are, how they are tried, and that their page is true."""

from types import FunctionType

import pytest

from contracts.rules import RULES
from contracts.rules.base import Outcome
from contracts.run.run import Run
from tests.make_mutants import read_results, tried
from tests.mutation import corpus
from tests.mutation.mutants import bounds_moved, mutants_of
from tests.mutation.survivors import SURVIVORS
from tests.mutation.trial import Fate, Trial, bounds, module_of, modules, mutants_at, places


def in_bounds(low: int, value: int, *, strict: bool = True) -> bool:
    """A function to be changed."""
    return low < value if strict else any(value == each for each in (low, low + 1) if each)


FUNCTION = next(each for each in [in_bounds] if isinstance(each, FunctionType))


def caller(low: int, value: int) -> bool:
    """A caller that knows the function by its name."""
    return in_bounds(low, value)


def test_each_mutant_has_one_change() -> None:
    """Bounds move, conditions are left out or negated, sums become differences; texts and defaults stay."""
    assert [(each.before.strip(), each.after.strip()) for each in mutants_of(FUNCTION)][:3] == [
        ("low < value if strict else any((value == each for each in (low, low + 1) if each))",
         "low < value if not strict else any((value == each for each in (low, low + 1) if each))"),
        ("low < value", "low <= value"),
        ("any((value == each for each in (low, low + 1) if each))",
         "all((value == each for each in (low, low + 1) if each))"),
    ]  # fmt: skip
    assert len({each.change for each in mutants_of(FUNCTION)}) == 7


def test_a_mutant_acts_for_every_caller_and_is_taken_back() -> None:
    """The code of the function is exchanged, not its name."""
    bound = next(each for each in mutants_of(FUNCTION) if each.after == "low <= value")
    assert not caller(1, 1)
    with bound.in_place():
        assert caller(1, 1)
    assert not caller(1, 1)


def test_a_bound_moves_in_every_module_that_imports_it() -> None:
    """It is doubled and halved, for whoever reads it by its name, and is then as it was."""
    there = bounds()["errors_passing.FREE"]
    free = [modules()[name] for name in ("errors_passing", "errors_lasting")]
    assert there == free
    values = []
    for mutant in bounds_moved(there, "FREE"):
        with mutant.in_place():
            values.append([vars(module)["FREE"] for module in free])
    assert values == [[12, 12], [3, 3]]
    assert [vars(module)["FREE"] for module in free] == [6, 6]


@pytest.fixture(scope="module")
def run() -> Run:
    """A run of the reference client."""
    return corpus.runs_of_correct("ReferenceClient", ["form/spelling"])[0].run


@pytest.fixture(scope="module")
def trial(run: Run) -> Trial:
    """A trial with a run of one known-bad client, and of the reference client in the case for its rule."""
    known_bad = {"AlwaysSendsDirection": corpus.runs_of_known_bad("AlwaysSendsDirection", 1)}
    correct = [corpus.Played("ReferenceClient", "form/spelling", run)]
    return Trial(corpus.Corpus(known_bad, correct, [corpus.Asked("FORM-PATH", run)]))


def test_a_blind_rule_lets_its_known_bad_client_escape(trial: Trial) -> None:
    """Of the mutants of a rule one is told by an escape; those of a function that acts in no run survive."""
    fates = {mutant.change: fate for mutant, fate in trial.fates("form.no_direction")}
    assert Fate.ESCAPE in fates.values(), fates
    found = tried(trial, "receiving_storage._is_lost")
    assert found == {
        "survives": len(list(mutants_at("receiving_storage._is_lost"))),
        "survivors": [mutant.change for mutant in mutants_at("receiving_storage._is_lost")],
    }


def test_a_trial_leaves_the_judge_as_it_was(trial: Trial, run: Run) -> None:
    """After a trial every rule reads a run as before."""
    vars(run).pop("_done", None)
    before: dict[str, Outcome] = {rule_id: rule.check(run) for rule_id, rule in RULES.items()}
    vars(run).pop("_done", None)
    list(trial.fates("form.no_direction"))
    assert {rule_id: rule.check(run) for rule_id, rule in RULES.items()} == before


@pytest.mark.slow
def test_results_are_of_what_there_is() -> None:
    """A place that is gone, or a survivor that is no mutant any more, is measured again."""
    results = read_results()
    assert results.keys() <= set(places()), "run `make mutants`"
    for place, result in ((place, result) for place, result in results.items() if result["survivors"]):
        changes = {mutant.change for mutant in mutants_at(place)}
        assert changes >= set(result["survivors"]), f"run `make mutants ARGS={module_of(place)}`"


def test_only_survivors_are_explained() -> None:
    """A sentence about a place without survivors is one that is not true any more."""
    assert {place for place, result in read_results().items() if result["survivors"]} >= set(SURVIVORS)
