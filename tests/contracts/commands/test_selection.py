"""Tests of choosing rules and cases, and of what a terminal shows of them."""

import contextlib
import os
import pty
import select
import subprocess
from pathlib import Path

import click
import pytest
from click.testing import CliRunner
from syrupy.assertion import SnapshotAssertion

from contracts.cases import CASES, VARIANTS
from contracts.check.engine import Plan, explore_case
from contracts.check.known_failing import Known
from contracts.clients.reference import ReferenceClient
from contracts.commands.check import check
from contracts.commands.selection import Selection
from contracts.rules import RULES
from mock_server.cli import main
from tests.command_line import DEADLINE_S, command, run_here
from tests.contracts.commands.test_commands import REFERENCE


def test_the_cases_are_listed(snapshot: SnapshotAssertion) -> None:
    """With their variants, what happens in them, and the rules that they are made for; without a client."""
    assert run_here("check", "--list").shown == snapshot


def test_nothing_chosen_is_everything() -> None:
    """Every rule in every case."""
    assert Selection().rule_ids == tuple(RULES)
    assert Selection().case_ids == tuple(CASES)


def test_rules_are_chosen_by_glob_level_and_need() -> None:
    """All that is said of them must hold; their cases are those that are made for them."""
    chosen = Selection(rule_globs=("REC-*", "CNT-*"), only=("should", "must"), needs=("store",))
    assert chosen.rule_ids
    for rule_id in chosen.rule_ids:
        rule = RULES[rule_id]
        assert rule.group in ("REC", "CNT")
        assert rule.level != "info"
        assert set(rule.needs) <= {"traffic", "store"}
    assert all(set(CASES[case_id].aims) & set(chosen.rule_ids) for case_id in chosen.case_ids)
    assert len(chosen.case_ids) < len(CASES)


def test_traffic_is_always_there() -> None:
    """Rules that need a look into the store alone are found without saying that traffic is seen too."""
    by_store = set(Selection(needs=("store",)).rule_ids)
    assert set(Selection(needs=("traffic",)).rule_ids) < by_store


def test_a_choice_of_nothing_is_a_usage_error() -> None:
    """It says so."""
    with pytest.raises(click.UsageError, match="no rule is left"):
        _ = Selection(rule_globs=("SEC-PII",), only=("must",)).rule_ids


def test_a_variant_is_chosen_by_its_id() -> None:
    """A glob that means the whole case plays it once, not its variants again."""
    assert Selection(case_globs=("receive/damage/*",)).case_ids == (
        "receive/damage/default",
        "receive/damage/encryption=aes_gcm",
    )
    assert Selection(case_globs=("receive/damage*",)).case_ids == ("receive/damage",)
    assert VARIANTS
    for variant in VARIANTS.values():
        assert Selection(case_globs=(variant.id,)).case_ids == (variant.id,)


def test_a_variant_plays_its_own_scenarios_only() -> None:
    """Those of its profile, and the whole case has those of all."""
    profiles: list[object] = []

    class Noting(ReferenceClient):
        """Notes in which cloud it is."""

        def start(self, start: object) -> None:
            profiles.append(start.profile["encryption"])  # type: ignore[attr-defined]  # a Start
            super().start(start)  # type: ignore[arg-type]  # the same

    explore_case(Noting, Plan(examples=6, shrink=False), "receive/damage/encryption=aes_gcm")
    assert set(profiles) == {"aes_gcm"}
    explore_case(Noting, Plan(examples=12, shrink=False), "receive/damage")
    assert len(set(profiles)) == 2


def test_what_is_known_of_a_case_is_known_of_its_variants() -> None:
    """And not the other way round."""
    assert Known("REC-NACK", "receive/damage", "why", 1).covers("REC-NACK", "receive/damage/default")
    assert not Known("REC-NACK", "receive/damage/default", "why", 1).covers("REC-NACK", "receive/damage")


@pytest.mark.slow
def test_a_terminal_shows_which_case_is_being_played() -> None:
    """On standard error only, which is what the bar is drawn on."""
    here, there = pty.openpty()
    chosen = ["--case", "form/lanes", "--case", "count/copies", "--examples", "4", "--jobs", "1"]
    with subprocess.Popen(  # noqa: S603 our own command
        command("check", "--client", REFERENCE, *chosen),
        stdout=subprocess.PIPE,
        stderr=there,
        env=os.environ | {"TERM": "xterm", "COLUMNS": "100"},
    ) as process:
        os.close(there)
        drawn = _read_all(here)
        out = process.communicate(timeout=DEADLINE_S)[0].decode()
    os.close(here)
    assert process.returncode == 0
    first, second = drawn.index("form/lanes"), drawn.index("count/copies")
    assert "cases" in drawn[:first]
    assert "50%" in drawn[first:second] or "50%" in drawn[second - 60 :]
    assert "form/lanes" not in out
    assert "\x1b" not in out


def _read_all(terminal: int) -> str:
    content = b""
    while select.select([terminal], [], [], DEADLINE_S)[0]:
        try:
            more = os.read(terminal, 4096)
        except OSError:  # the other end is closed
            break
        if not more:
            break
        content += more
    return content.decode()


def test_a_flag_beats_the_variables_of_all_ways_to_a_client() -> None:
    """Who names a client on the command line means it; two variables remain one too many."""
    variables = {"PARKING_MOCK_EXEC": "some-client", "PARKING_MOCK_HTTP": "http://127.0.0.1:1"}
    done = CliRunner().invoke(check, ["--client", "nothing"], env=variables)
    assert (done.exit_code, done.output) == (
        2,
        "Error: 'nothing': a client is named MODULE:NAME, as in my_package.client:MyClient\n",
    )
    assert "not --exec and --http" in CliRunner().invoke(check, [], env=variables).output


def test_a_report_that_cannot_be_written_is_said_before_anything_is_played(tmp_path: Path) -> None:
    """Exit code 2, no traceback."""
    (tmp_path / "report").touch()
    done = run_here("check", "--client", REFERENCE, "--report", "report", cwd=tmp_path)
    assert (done.returncode, done.stdout) == (2, "")
    assert done.stderr == "Error: cannot write the report report: File exists\n"


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (
            "check --exec node adapter.mjs",
            "unexpected extra argument (adapter.mjs). Quote the command: --exec 'node ada",
        ),
        ("check --exec a --exec b", "--exec is given 2 times, as a and b: give it once"),
        ("check --client a:b --window-ms 2000", "--window-ms has no effect without --observe"),
        ("check --client a:b --patience 3", "--patience has no effect with --client: it is for a client elsewhere"),
        ("check --observe --exec a --jobs 2", "--jobs has no effect with --observe"),
        ("check --http http://a --jobs 2", "--http plays one scenario at a time to a URL, so --jobs can be 1 at most"),
        ("check --http http://a --http http://a", "http://a is named twice: one scenario at a time is played to a URL"),
        ("check --http http://a --http b", "'b' is no URL"),
        ("replay --show a --exec b", "--exec has no effect with --show: nothing is played"),
        ("exhaust --records 1 --records 2", "--records is given 2 times, as 1 and 2"),
        ("serve --port 1 --port 2", "--port is given 2 times, as 1 and 2"),
        ("chek", "there is no command 'chek'; did you mean check or schema?"),
        (
            "bake",
            "there is no command 'bake'; there are check, demo, doctor, env, exec, exhaust, export, import, init,",
        ),
    ],
)
def test_what_would_be_ignored_in_silence_is_refused(arguments: str, words: str, tmp_path: Path) -> None:
    """A second value, a flag without effect here, words behind a command that is not quoted: exit code 2."""
    with contextlib.chdir(tmp_path):
        done = CliRunner().invoke(main, arguments.split())
    assert (done.exit_code, words in done.output) == (2, True), done.output
