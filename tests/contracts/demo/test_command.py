import json
import re
import signal
from collections.abc import Callable, Iterator
from random import Random

import pytest
import requests
from click.testing import CliRunner, Result
from syrupy.assertion import SnapshotAssertion

from contracts.demo import command
from contracts.demo.stage import TRAFFIC_SEED, VISITS, DemoError, demo_project
from mock_server.cli import main
from mock_server.faults.catalogue import FaultKind
from mock_server.lots.traffic import day
from mock_server.model import HOUR
from mock_server.profile import Profile
from mock_server.project import Project
from tests.demo_page import TIMEOUT_S, DemoPage


@pytest.fixture(scope="module")
def told() -> Result:
    """What `parking-mock demo --headless` says."""
    return CliRunner().invoke(main, ["demo", "--headless"])


def test_story(told: Result, snapshot: SnapshotAssertion) -> None:
    """The whole story, word for word."""
    assert told.exit_code == 0, told.output
    assert told.output == snapshot


def test_numbers(told: Result) -> None:
    """Ten cars and three lost records; a good client counts 7, then 10; one that counts deliveries 7, 17, 27."""
    assert "10 cars enter. 3 of the records get lost" in told.output
    assert re.findall(r"total_count (\d+) ->", told.output) == ["7", "10", "7", "17", "27", "7"]
    assert "10, not 7. A mismatch" in told.output
    assert "counts 10 too, and says nothing" in told.output
    assert "it never stops" in told.output
    assert "code 2003, function not support" in told.output


def test_plates_are_masked(told: Result) -> None:
    """No plate is shown in full."""
    project = demo_project()
    start, lot = project.clock.now_ms() // 86_400_000 * 86_400_000, next(iter(project.devices))
    plates = {record.plate_no for record in day(Random(TRAFFIC_SEED), lot, start, VISITS)} - {""}
    assert plates
    assert not [plate for plate in plates if plate in told.output]


def test_nothing_of_this_run_is_told(told: Result) -> None:
    """Addresses, ports and times vary from run to run and do not appear."""
    assert "127.0.0.1" not in told.output
    assert not re.search(r"\b1\d{12}\b", told.output)


def test_lines_fit_a_terminal(told: Result) -> None:
    """No line is longer than 120 signs."""
    assert max(map(len, told.output.splitlines())) <= 120


def project_with(profile: Profile) -> Callable[[], Project]:
    """What the demo may be given in place of its project."""

    def make() -> Project:
        usual = demo_project()
        return Project(usual.access_id, usual.access_secret, usual.seed, usual.clock, profile=profile)

    return make


@pytest.mark.parametrize(
    ("profile", "complaint"),
    [
        (Profile(jieshun="accept-then-fail"), "the Jieshun lot should have refused"),
        (Profile(over_count="ignore"), "the lot should report the hour again"),
    ],
)
def test_another_story_is_no_success(profile: Profile, complaint: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """A world in which the story goes otherwise ends the demo with code 3 and says what was otherwise."""
    monkeypatch.setattr("contracts.demo.command.demo_project", project_with(profile))
    result = CliRunner().invoke(command.demo, ["--headless"])
    assert (result.exit_code, complaint in result.output) == (3, True), result.output


def test_a_port_in_use_is_told(served_page: DemoPage) -> None:
    """A port that somebody has is a wrong configuration, told with the flag that helps."""
    port = served_page.url.rpartition(":")[2].rstrip("/")
    result = CliRunner().invoke(command.demo, ["--lab-port", port])
    assert result.exit_code == 2
    assert "--lab-port" in result.output


@pytest.fixture(scope="module")
def served_page() -> Iterator[DemoPage]:
    """A running demo, whatever its tests have made of it."""
    page = DemoPage()
    yield page
    assert page.end(signal.SIGTERM) == 0


def test_the_page_is_steered(served_page: DemoPage) -> None:
    """Pause holds a caption, step shows the next one and holds again, an act is shown from its beginning."""
    assert served_page.guide({"order": "pause"})["paused"]
    served_page.guide({"act": 1, "speed": "fast"})
    first = served_page.until(lambda told: told["act"] == 1 and told["step"] == 1)
    served_page.guide({"order": "step"})
    second = served_page.until(lambda told: told["step"] == 2)
    assert (second["act"], second["paused"], second["speed"]) == (1, True, "fast")
    assert second["caption"] != first["caption"]
    served_page.guide({"order": "repeat"})
    again = served_page.until(lambda told: told["step"] == 1)
    assert again["caption"] == first["caption"]


def test_the_page_tells_it_to_the_end(served_page: DemoPage) -> None:
    """All acts follow one another; then the world is the watcher's."""
    served_page.guide({"order": "pause"})
    served_page.guide({"act": 0})
    acts = []
    while not (told := served_page.until(lambda told: told["step"] > 0))["ended"]:
        acts.append(told["act"])
        served_page.step()
    assert sorted(set(acts)) == [0, 1, 2]
    assert told["act"] == len(told["acts"]) - 1


def test_windows_are_whole_hours(served_page: DemoPage) -> None:
    """Every window that the page shows begins at a full hour and is one hour long."""
    told = served_page.go_to(0, 5)
    history = requests.get(f"{served_page.url}_lab/projects/{told['project']}/history", timeout=TIMEOUT_S)
    lines = [json.loads(line) for line in history.text.splitlines()]
    cells = [entry["cell"] for line in lines if line["kind"] == "sync.asked" for entry in line["entries"]]
    assert {(cell["start_time"] % HOUR, cell["end_time"] - cell["start_time"]) for cell in cells} == {(0, HOUR)}


def test_orders_that_cannot_be_followed(served_page: DemoPage) -> None:
    """What is no order is refused with what would be one."""
    bad = [{"order": "stop"}, {"speed": 2}, {"act": 9}, {"act": -1}, {"what": 1}, [], "play", {"order": None}]
    for order in bad:
        answer = requests.post(f"{served_page.url}_lab/guide", json=order, timeout=TIMEOUT_S)
        assert (answer.status_code, order) == (400, order)
        assert answer.json()["error"]["message"]


def test_a_story_that_was_disturbed_says_so(served_page: DemoPage) -> None:
    """Whoever moves the world from under the story is told, and may have the act again."""
    served_page.guide({"order": "pause"})
    served_page.guide({"act": 0})
    first = served_page.until(lambda told: told["step"] == 1)
    project = f"{served_page.url}_lab/projects/{first['project']}"
    gone = {"online": False, "supplier_code": "jieshun"}
    assert requests.patch(f"{project}/devices/6ce0000000000001", json=gone, timeout=TIMEOUT_S).ok
    while not (told := served_page.until(lambda told: told["step"] > 0))["ended"]:
        assert told["step"] < 9
        served_page.step()
    assert "Repeat" in told["caption"]
    served_page.guide({"order": "repeat"})
    assert not served_page.until(lambda told: told["step"] == 1)["ended"]


@pytest.mark.slow
@pytest.mark.parametrize(
    "fault",
    [
        FaultKind.ANSWER_LOSE,
        FaultKind.ANSWER_BUSY,
        FaultKind.ANSWER_NOT_JSON,
        FaultKind.TOKEN_REVOKE,
        FaultKind.SOCKET_CLOSE,
        FaultKind.UPLINK_DUPLICATE,
    ],
)
def test_faults_in_the_story_do_not_end_it(served_page: DemoPage, fault: str) -> None:
    """Whatever somebody makes go wrong meanwhile, the story goes on or says that it cannot."""
    told = served_page.go_to(0, 1)
    url = f"{served_page.url}_lab/projects/{told['project']}/faults"
    assert requests.post(url, json={"kind": fault, "times": 2}, timeout=TIMEOUT_S).ok
    while not told["ended"] and told["act"] == 0:
        told = served_page.step()
    assert served_page.go_to(0, 2)["act"] == 0


def test_ctrl_c_is_a_success() -> None:
    """Whoever has seen enough ends the demo with code 0."""
    page = DemoPage()
    assert page.end(signal.SIGINT) == 0


def test_errors_of_the_story_end_with_three() -> None:
    """A story that does not hold is a failure of the harness."""
    assert DemoError("x").exit_code == 3
