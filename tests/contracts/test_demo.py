import re
from collections.abc import Callable

import pytest
from click.testing import CliRunner, Result
from syrupy.assertion import SnapshotAssertion

from contracts.demo import PLATES, demo
from mock_server.cli import main
from mock_server.clock import SystemClock
from mock_server.profile import Profile
from mock_server.project import Project
from mock_server.seed import default_seed
from tests.support import ACCESS_ID, ACCESS_SECRET


@pytest.fixture(scope="module")
def told() -> Result:
    """What `parking-mock demo --headless` says."""
    return CliRunner().invoke(main, ["demo", "--headless"])


def test_story(told: Result, snapshot: SnapshotAssertion) -> None:
    """The whole story, word for word."""
    assert told.exit_code == 0
    assert told.output == snapshot


def test_numbers(told: Result) -> None:
    """Ten cars and three lost records; the client counts seven, then ten, and no bill, then one."""
    assert "10 cars enter" in told.output
    assert "3 records get lost" in told.output
    assert re.findall(r"totalCount (\d+) ->", told.output) == ["7", "10", "0", "0"]
    assert "Counts 10, not 7: reports all 10 again" in told.output
    assert "Counts 10 too, and says nothing" in told.output
    assert "Counts 1, not 0: reports it again" in told.output
    assert "code 2003, function not support" in told.output


def test_plates_are_masked(told: Result) -> None:
    """No plate is shown in full."""
    assert not [plate for plate in PLATES if plate and plate in told.output]


def test_nothing_of_this_run_is_told(told: Result) -> None:
    """Addresses, ports and times vary from run to run and do not appear."""
    assert "127.0.0.1" not in told.output
    assert not re.search(r"\b1\d{12}\b", told.output)


def test_lines_fit_a_terminal(told: Result) -> None:
    """No line is longer than 120 signs."""
    assert max(map(len, told.output.splitlines())) <= 120


def test_page_is_not_there_yet() -> None:
    """Without `--headless` the command says what is missing and ends with code 2."""
    result = CliRunner().invoke(demo, [])
    assert result.exit_code == 2
    assert "use --headless" in result.output


def project_with(profile: Profile) -> Callable[[], Project]:
    """What the demo may be given in place of the default project."""
    return lambda: Project(ACCESS_ID, ACCESS_SECRET, default_seed(), SystemClock(), profile=profile)


@pytest.mark.parametrize(
    ("profile", "complaint"),
    [
        (Profile(jieshun="accept-then-fail"), "the Jieshun lot should have refused"),
        (Profile(window_time="created"), "the lot 0"),
    ],
)
def test_another_story_is_no_success(profile: Profile, complaint: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """A world in which the story goes otherwise ends the demo with code 3 and says what was otherwise."""
    monkeypatch.setattr("contracts.demo.default_project", project_with(profile))
    result = CliRunner().invoke(demo, ["--headless"])
    assert (result.exit_code, complaint in result.output) == (3, True)
