"""`parking-mock exhaust`."""

import json
from dataclasses import asdict
from pathlib import Path

from click.testing import CliRunner

from contracts.commands import exhaust as exhaust_cli
from contracts.commands.exhaust import ExhaustiveProgress, exhaust, read_progress, run
from contracts.proof.exhaustive.histories import Scope
from contracts.proof.exhaustive.odometer import Odometer
from contracts.proof.exhaustive.totals import ExhaustiveTotals

SMALL = ("--records", "1", "--faults", "1")


def test_models_are_told_with_their_smallest_histories() -> None:
    """What is wrong with a model is counted and shown; a wrong model is no failure of the run."""
    done = CliRunner().invoke(
        exhaust, [*SMALL, "--client", "correct", "--client", "one shot", "--client", "closed end"]
    )
    assert done.exit_code == 0
    assert "correct: 44 histories, nothing wrong in any" in done.stdout
    assert "smallest: r1 enters at the end" in done.stdout


def test_json_has_one_line_for_each_client() -> None:
    """Each line has the client, the scope and the sums."""
    done = CliRunner().invoke(exhaust, [*SMALL, "--inside", "--json", "--client", "correct", "--client", "closed end"])
    lines = [json.loads(line) for line in done.stdout.splitlines()]
    assert [line["client"] for line in lines] == ["correct", "closed end"]
    assert lines[0]["scope"] == asdict(Scope(1, 1, at_end=False))
    assert lines[0]["histories"] == [[1, 0, 2], [1, 1, 20]]


def test_an_unknown_model_is_wrong_usage() -> None:
    """A model that does not exist ends with 2, and the message names those that do."""
    done = CliRunner().invoke(exhaust, ["--client", "corect"])
    assert done.exit_code == 2
    assert "'correct', 'counts deliveries'" in done.stderr


def test_a_run_goes_on_where_it_was_interrupted(tmp_path: Path) -> None:
    """Whatever checkpoint is taken up, the sums in the end are those of a run that was never interrupted."""
    scope, clients, path = Scope(records=2, faults=1), ("correct", "closed end"), tmp_path / "checkpoint.json"
    whole = ExhaustiveProgress(scope, clients, [], Odometer(), ExhaustiveTotals())
    checkpoints = []
    for _ in run(whole):
        exhaust_cli.save(whole, path)
        checkpoints.append(path.read_text())
    assert len(checkpoints) == 3
    for text in checkpoints:
        path.write_text(text)
        resumed = read_progress(path, scope, clients)
        for _ in run(resumed):
            pass
        assert [each.to_json() for each in resumed.done] == [each.to_json() for each in whole.done]


def test_a_checkpoint_of_another_run_is_refused(tmp_path: Path) -> None:
    """A checkpoint belongs to its scope and clients; a broken one is named."""
    path = tmp_path / "checkpoint.json"
    first = ["--client", "correct", "--resume", str(path)]
    assert CliRunner().invoke(exhaust, [*SMALL, *first]).exit_code == 0
    other = CliRunner().invoke(exhaust, ["--records", "2", "--faults", "0", *first])
    assert other.exit_code == 2
    assert "is the checkpoint of another run" in other.stderr
    path.write_text("{}")
    broken = CliRunner().invoke(exhaust, [*SMALL, *first])
    assert broken.exit_code == 2
    assert "cannot use the checkpoint" in broken.stderr
