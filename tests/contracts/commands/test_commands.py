"""`check`, `rules`, `matrix` and `replay` as a user meets them: whole outputs, exit codes."""

import json
import signal
from importlib.metadata import entry_points
from pathlib import Path

import click
import pytest
from syrupy.assertion import SnapshotAssertion

from contracts.check import workers
from contracts.clients.zoo import ZOO
from contracts.rules import RULES
from mock_server.cli import COMMANDS, main
from tests.command_line import run, run_here

REFERENCE = "contracts.clients.reference:ReferenceClient"
DELIVERIES = "contracts.clients.zoo.counting:CountsDeliveries"
REFERENCE_OPTIONS = ("--client", REFERENCE)
REPLAYED = next(iter(sorted((Path(__file__).parents[1] / "check" / "files").glob("*.json"))))
SMALL = ("--rule", "CNT-*", "--case", "count/copies", "--examples", "8", "--jobs", "1")


@pytest.mark.slow
def test_a_wrong_client_gets_a_story(snapshot: SnapshotAssertion) -> None:
    """Verdicts, sum, diagnosis, shortest history, records, reasons, and how to repeat it; exit code 1."""
    assert run_here("check", "--client", DELIVERIES, *SMALL).shown == snapshot


def test_a_right_client_gets_a_summary(snapshot: SnapshotAssertion) -> None:
    """What passed is counted, what was not exercised is named; exit code 0."""
    assert run_here("check", "--client", REFERENCE, *SMALL).shown == snapshot


@pytest.mark.parametrize(
    "arguments",
    [
        (),
        ("--client", "nothing"),
        ("--client", "no_such_module:Client"),
        ("--client", "contracts.clients.reference:Nothing"),
        ("--client", "contracts.clients.reference:HOUR"),
        ("--client", REFERENCE, "--rule", "NO-*"),
        ("--client", REFERENCE, "--case", "nothing/*"),
        ("--client", REFERENCE, "--examples", "0"),
        ("--client", REFERENCE, "--level", "may"),
    ],
    ids=" ".join,
)
def test_wrong_usage_is_said_in_words(arguments: tuple[str, ...], snapshot: SnapshotAssertion) -> None:
    """Exit code 2, no traceback."""
    assert run_here("check", *arguments).shown == snapshot


@pytest.mark.parametrize(
    "name", sorted(each.name for each in entry_points(group=COMMANDS) if "contracts" in each.value)
)
def test_help(name: str, snapshot: SnapshotAssertion, monkeypatch: pytest.MonkeyPatch) -> None:
    """What each command of the judge says of itself."""
    command = main.get_command(click.Context(main), name)
    monkeypatch.setattr(command, "_help_option", None)  # of a command that was called without the group it has no -h
    assert run_here(name, "--help").stdout == snapshot


@pytest.mark.parametrize("missing", [("os", "killpg"), ("select", "poll")], ids=".".join)
@pytest.mark.parametrize(
    "arguments",
    [
        ("check", "--exec", "echo", "--jobs", "1"),
        ("check", "--observe", "--exec", "echo"),
        ("replay", str(REPLAYED), "--exec", "echo"),
        ("matrix", "--exec"),
    ],
    ids=lambda words: " ".join(words[:2]),
)
def test_a_system_without_process_groups(
    missing: tuple[str, str], arguments: tuple[str, ...], monkeypatch: pytest.MonkeyPatch
) -> None:
    """As Windows: a client as a process is refused in a sentence, before anything is played; exit code 2."""
    monkeypatch.delattr(".".join(missing))
    done = run_here(*arguments)
    assert (done.returncode, done.stdout) == (2, ""), done.shown
    assert "this system does not have (Windows): run the judge in WSL" in done.stderr


def test_a_system_that_cannot_block_signals(monkeypatch: pytest.MonkeyPatch) -> None:
    """As Windows: workers are started without a signal mask, and none is set in them."""
    monkeypatch.setattr(workers, "CAN_BLOCK", False)
    monkeypatch.delattr("signal.pthread_sigmask")
    before = {number: signal.getsignal(number) for number in workers.SIGNALS}
    try:
        with workers.signals_blocked():
            workers.begin_worker()
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)


def test_a_window_without_effect_is_told_before_its_range() -> None:
    """`--window-ms` is for `--observe` only, whatever its value is; with it the value has a range."""
    assert (
        "--window-ms has no effect without --observe"
        in run_here("check", *REFERENCE_OPTIONS, "--window-ms", "5").stderr
    )
    assert "5 is not in the range" in run_here("check", "--observe", "--window-ms", "5").stderr


@pytest.mark.usefixtures("few_shrinks")
@pytest.mark.slow
def test_a_report_has_every_verdict_and_failures_that_can_be_replayed(
    tmp_path: Path, snapshot: SnapshotAssertion
) -> None:
    """`report.json` names each rule once; each failure's file says FAILED for the client, FIXED for a right one."""
    done = run_here("check", "--client", DELIVERIES, *SMALL, "--report", str(tmp_path / "report"))
    assert done.returncode == 1
    report = json.loads((tmp_path / "report" / "report.json").read_text(encoding="utf-8"))
    assert {"agent", "seed", "version", "rules"} <= set(report)
    assert [each["rule"] for each in report["rules"]] == [name for name in RULES if name.startswith("CNT-")]
    failed = next(each for each in report["rules"] if each["rule"] == "CNT-RECORD-ID")
    assert (failed["level"], failed["verdict"]) == ("must", "fail")
    (failure,) = failed["failures"]
    assert failure["case"] == "count/copies"
    assert failure["diagnosis"]
    path = f"report/{failure['history']}"
    assert run_here("replay", path, cwd=tmp_path).returncode == 1
    assert run_here("replay", path, "--client", REFERENCE, cwd=tmp_path).shown == snapshot


@pytest.mark.parametrize("content", [None, "", '{"format": "other"}'], ids=["missing", "empty", "other"])
def test_a_file_that_cannot_be_replayed_is_said_in_words(
    content: str | None, tmp_path: Path, snapshot: SnapshotAssertion
) -> None:
    """Exit code 2, no traceback."""
    if content is not None:
        (tmp_path / "file.json").write_text(content, encoding="utf-8")
    assert run_here("replay", "file.json", cwd=tmp_path).shown == snapshot


def test_rules_are_listed(snapshot: SnapshotAssertion) -> None:
    """In groups, with level and statement."""
    assert run_here("rules").shown == snapshot


def test_rules_are_listed_for_machines() -> None:
    """One JSON object a rule, with its cases and the clients that break it."""
    told = [json.loads(line) for line in run_here("rules", "--json").stdout.splitlines()]
    assert [each["rule"] for each in told] == list(RULES)
    assert {name for each in told for name in each["broken_by"]} == set(ZOO)


@pytest.mark.slow
def test_a_client_lies_where_the_command_is_given(tmp_path: Path) -> None:
    """A module in the present folder is found, as with `python -m`."""
    (tmp_path / "mine.py").write_text("from contracts.clients.reference import ReferenceClient as Mine\n", "utf-8")
    done = run("check", "--client", "mine:Mine", "--rule", "CNT-TRUTH", *SMALL[2:4], "--examples", "1", cwd=tmp_path)
    assert done.returncode == 0, done.stdout + done.stderr
