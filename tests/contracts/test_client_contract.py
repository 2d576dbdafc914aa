"""Tests of `ClientContract`, run by pytest in pytest."""

import pytest

import contracts.client_contract  # noqa: F401 a run inside of ours must find what ours has loaded
from tests.make_edition import edition_text

pytest_plugins = ["pytester"]

SUITE = """
from contracts import Client, ClientContract
from contracts.clients.reference import ReferenceClient
from contracts.clients.zoo.counting import CountsDeliveries

class TestRight(ClientContract):
    examples = 3
    seed = 1

    def make_client(self, exports) -> Client:
        return ReferenceClient(exports)

class TestWrong(TestRight):
    examples = 10

    def make_client(self, exports) -> Client:
        return CountsDeliveries(exports)

class TestLenient(TestWrong):
    rules = ("FORM-TYPES",)

class TestByAnEdition(TestWrong):
    edition = "own.toml"
    examples = 3

class TestNothing(ClientContract):
    examples = 1

class Dead(Client):
    def start(self, start):
        raise RuntimeError("no database")

    def sync(self, now_ms, window=None):
        pass

class TestDead(ClientContract):
    examples = 2

    def make_client(self, exports) -> Client:
        return Dead()
"""


def run(pytester: pytest.Pytester, *args: str) -> pytest.RunResult:
    """Run the suite in this process."""
    pytester.makepyfile(test_contract_of_mine=SUITE)
    return pytester.runpytest_inprocess("-W", "error", "-p", "no:randomly", "-p", "no:cacheprovider", *args)


def test_a_right_client_passes(pytester: pytest.Pytester) -> None:
    """One test a case, and the free exploration."""
    run(pytester, "-k", "TestRight and (copies or free)").assert_outcomes(passed=2)


@pytest.mark.slow
@pytest.mark.usefixtures("few_shrinks")
def test_what_came_after_an_edition_fails_nothing(pytester: pytest.Pytester) -> None:
    """It is told where pytest shows what tests print."""
    lines = edition_text("own").splitlines(keepends=True)
    cut = lines.index("[levels]\n") + 1
    (pytester.path / "own.toml").write_text("".join(lines[:cut]) + 'FORM-TYPES = "must"\n')
    result = run(pytester, "-k", "TestByAnEdition and copies", "-rP")
    result.assert_outcomes(passed=1)
    result.stdout.fnmatch_lines(["FAIL  CNT-RECORD-ID (must)   case count/copies"])


@pytest.mark.usefixtures("few_shrinks")
@pytest.mark.slow
def test_a_wrong_client_fails_with_the_story(pytester: pytest.Pytester) -> None:
    """The failing test shows the verdict, the sum and the history, and no traceback of ours."""
    result = run(pytester, "-k", "TestWrong and copies")
    result.assert_outcomes(failed=1)
    result.stdout.fnmatch_lines(
        ["*FAIL  CNT-*", "*Which wrong counter explains every claim of this run?*", "*counts every delivery*: YES*"]
    )
    assert "explore.py" not in result.stdout.str()


@pytest.mark.slow
def test_free_exploration_finds_it_as_well(pytester: pytest.Pytester) -> None:
    """With enough examples; what broke is made smaller and told like any other failure."""
    result = run(pytester, "-k", "TestWrong and free")
    result.assert_outcomes(failed=1)
    result.stdout.fnmatch_lines(["*FAIL  CNT-*case free exploration*", "*Shortest history found (* record*"])


@pytest.mark.slow
def test_rules_can_be_left_out(pytester: pytest.Pytester) -> None:
    """Only the chosen ones are held against the client."""
    run(pytester, "-k", "TestLenient and copies").assert_outcomes(passed=1)


def test_a_contract_without_a_client_says_what_it_needs(pytester: pytest.Pytester) -> None:
    """Instead of failing somewhere inside."""
    result = run(pytester, "-k", "TestNothing and copies")
    result.assert_outcomes(failed=1)
    result.stdout.fnmatch_lines(["*a contract needs make_client(self, exports)*"])


@pytest.mark.slow
def test_a_dead_client_fails_every_test(pytester: pytest.Pytester) -> None:
    """Though it breaks no rule: what it died of is named."""
    result = run(pytester, "-k", "TestDead and (copies or lanes or free)")
    result.assert_outcomes(failed=3)
    result.stdout.fnmatch_lines(
        ["*FAIL  the client died of itself in 2 of 2 runs, *in start: RuntimeError('no database')"]
    )


@pytest.mark.slow
@pytest.mark.parametrize(("profile", "examples"), [("parking-mock-ci", 25), ("parking-mock-night", 1000)])
def test_profiles_can_be_named_on_the_command_line(pytester: pytest.Pytester, profile: str, examples: int) -> None:
    """Hypothesis finds them, though it looks before any test module is imported."""
    pytester.makepyfile(f"from hypothesis import settings\ndef test_it(): assert settings().max_examples == {examples}")
    pytester.runpytest_subprocess("--hypothesis-profile", profile).assert_outcomes(passed=1)
