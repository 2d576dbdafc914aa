"""The committed measurements of the kill matrix: they are those of the zoo as it is."""

import copy
from pathlib import Path
from typing import Any

import pytest

from contracts.clients.zoo import ZOO
from tests import make_matrix
from tests.make_matrix import REFERENCE, SEEDS, matrix_page, problems, read_results

NAME = "AsksAnotherPath"
"""A known-bad client that is caught soon."""


def test_the_matrix_names_exactly_the_zoo() -> None:
    """Every known-bad client has been measured, with the rule that it breaks, and no other."""
    results = read_results()
    assert not list(problems(results))
    assert list(results) == [REFERENCE, *ZOO]
    assert all(1 < len(results[name]["killed_after"]) <= SEEDS for name in ZOO)


def test_every_known_bad_client_was_caught_over_both_carriers() -> None:
    """By its own rule. `parking-mock matrix --carrier native` compares all the rules that it breaks over each."""
    results = read_results()
    caught = {name: (results[name]["killed_after"][0], results[name]["killed_over_native_after"]) for name in ZOO}
    assert not [name for name, after in caught.items() if None in after]


def changed(name: str, **fields: Any) -> dict[str, Any]:
    """The committed measurements with some fields of one of them changed."""
    results = copy.deepcopy(read_results())
    results.setdefault(name, results[NAME]).update(fields)
    return results


def test_a_client_that_nobody_measured_is_named_with_the_command_that_measures_it() -> None:
    """So is one whose rule is another now, and one that breaks a rule that is not there any more."""
    missing = read_results()
    del missing[NAME]
    assert list(problems(missing)) == [f"{NAME} has not been measured: run `make matrix ARGS={NAME}`"]
    again = f"{NAME} was measured with other rules than there are now: run `make matrix ARGS={NAME}`"
    assert list(problems(changed(NAME, rule="FORM-CASE"))) == [again]
    assert list(problems(changed(NAME, also_breaks=["FORM-NEVER"]))) == [again]


def test_a_client_that_is_gone_is_named() -> None:
    """Measurements of a client that is not in the zoo any more do not stay unnoticed."""
    gone = ["WasDeleted is not in the zoo any more: delete its line from matrix.json"]
    assert list(problems(changed("WasDeleted"))) == gone


@pytest.mark.slow
def test_one_client_is_measured_alone(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Measuring one client writes its line anew, and leaves every other byte of the file as it was."""
    committed = make_matrix.RESULTS.read_text("utf-8")
    own_file = tmp_path / "matrix.json"
    own_file.write_text("\n".join(line for line in committed.splitlines() if f'"{NAME}"' not in line) + "\n", "utf-8")
    monkeypatch.setattr(make_matrix, "RESULTS", own_file)
    with pytest.raises(ValueError, match=f"make matrix ARGS={NAME}"):
        matrix_page("")
    make_matrix.main([NAME])
    assert own_file.read_text("utf-8") == committed


def test_a_client_that_there_is_not() -> None:
    """A mistyped name ends the command before anything is measured."""
    with pytest.raises(SystemExit, match="there is no known-bad client CountsEverything"):
        make_matrix.main(["CountsEverything"])
