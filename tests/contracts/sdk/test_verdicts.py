"""The committed verdicts on the vendor's loops: they are those of the loops, the cases and the judge as they are."""

import copy

from contracts.rules import RULES
from contracts.sdk.causes import CAUSES
from contracts.sdk.loops import LOOPS
from tests.make_sdk_verdicts import problems, read_results


def test_the_verdicts_are_not_stale() -> None:
    """Versions, adapters, cases and rules are those of the measurement, and each broken rule has its cause in words."""
    assert list(problems(read_results())) == []
    assert list(read_results()) == [*LOOPS] == [*CAUSES]


def test_every_loop_was_found_to_break_something() -> None:
    """A rule that there is, in a case of the trial; none breaks a rule of what is the reference client's."""
    for name, result in read_results().items():
        assert result["broken"], name
        groups = {rule_id.partition("-")[0] for rule_id in result["broken"]}
        assert groups <= {"REC", "SEC", "CNT", "PROC"}, name
        assert result["broken"].keys() <= RULES.keys(), name


def test_what_is_stale_is_named_with_the_command_that_measures_it() -> None:
    """Another version, a rule that was found and has no cause, a loop that was never measured."""
    results = copy.deepcopy(read_results())
    results["go"]["package"] = "tuya-pulsar-sdk-go 0.8.0"
    results["java"]["broken"]["CNT-TRUTH"] = {"runs": 1, "cases": []}
    del results["node"]
    assert list(problems(results)) == [
        "node was not measured as it is now: run `make sdk-verdicts ARGS=node`",
        "go was not measured as it is now: run `make sdk-verdicts ARGS=go`",
        "java: found broken or told of in contracts/sdk/causes.py, and not both: CNT-TRUTH",
    ]
