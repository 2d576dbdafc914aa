"""The pytest plugin, run by pytest in pytest: fixtures, marker, options, the failure section, other plugins."""

import subprocess
import sys
from typing import Any

import pytest

import mock_server.testing.served  # a run inside of ours must find what ours has loaded
from mock_server.history.story import THINGS, TITLE
from tests.support import AS_A_USER, LOT

pytest_plugins = ["pytester"]

CLIENT = '''
import hashlib, hmac, json, time
import requests

def call(parking, method, path, body=None, token=""):
    """One signed call."""
    exports = parking.exports
    raw = json.dumps(body).encode() if body is not None else b""
    t = str(parking.clock.now_ms)
    text = f"{method}\\n{hashlib.sha256(raw).hexdigest()}\\n\\n{path}"
    key, said = exports["access_secret"].encode(), (exports["access_id"] + token + t + text).encode()
    headers = {"client_id": exports["access_id"], "t": t, "sign_method": "HMAC-SHA256", "access_token": token}
    headers["sign"] = hmac.new(key, said, hashlib.sha256).hexdigest().upper()
    headers["Content-Type"] = "application/json"
    with requests.Session() as session:
        session.trust_env = False
        return session.request(method, exports["api"] + path, data=raw, headers=headers, timeout=300).json()

def connect(parking):
    """A token."""
    return call(parking, "GET", "/v1.0/token?grant_type=1")["result"]["access_token"]
'''
BOTH = ("parking_mock", "parking_server")


def run(pytester: pytest.Pytester, tests: str, *args: str, conftest: str = "") -> pytest.RunResult:
    """Run a suite in this process, warnings as errors, in its own order."""
    pytester.makeconftest(conftest)
    pytester.makepyfile(client=CLIENT, test_it=f"import pytest, threading\nfrom client import *\n{tests}")
    return pytester.runpytest_inprocess("-W", "error", "-p", "no:randomly", "-p", "no:cacheprovider", *args)


def sections(result: pytest.RunResult) -> list[list[str]]:
    """The story sections of a run, line by line."""
    found: list[list[str]] = []
    inside = False
    for line in result.outlines:
        if TITLE in line:
            found.append([])
        elif inside and not line.startswith(("---", "===", "___")):
            found[-1].append(line)
        inside = TITLE in line or (inside and not line.startswith(("---", "===", "___")))
    return found


def test_fixtures(pytester: pytest.Pytester) -> None:
    """Both fixtures give a parking that a client can call, without devices, with chaos off."""
    result = run(
        pytester,
        """
@pytest.mark.parametrize("name", ["parking_mock", "parking_server"])
def test(name, request):
    parking = request.getfixturevalue(name)
    assert connect(parking)
    assert parking.exports["devices"] == []
    assert parking.project.chaos.preset == "off"
""",
    )
    result.assert_outcomes(passed=2)
    assert sections(result) == []


def test_projects_of_one_session_server(pytester: pytest.Pytester) -> None:
    """All tests share a server, each has a project of its own, which is gone afterwards."""
    result = run(
        pytester,
        """
SEEN = []

@pytest.mark.parametrize("number", range(3))
def test(number, parking_server, parking_session_server):
    assert parking_server.records == []
    parking_server.add_lot().enter()
    connect(parking_server)
    assert len(parking_server.requests) == 1
    assert [each.access_id for each in parking_session_server.server.cloud] == [parking_server.access_id]
    SEEN.append((parking_server.access_id, parking_server.exports["api"]))

def test_shared():
    assert len({api for _, api in SEEN}) == 1
    assert len({access_id for access_id, _ in SEEN}) == 3
    assert "parking-mock" in [thread.name for thread in threading.enumerate()]
""",
    )
    result.assert_outcomes(passed=4)


@pytest.mark.parametrize("fixture", BOTH)
def test_the_nearest_marker_wins(pytester: pytest.Pytester, fixture: str) -> None:
    """A test's marker beats its class's, which beats its module's; settings that only one names are kept."""
    result = run(
        pytester,
        """
pytestmark = pytest.mark.parking_mock(clock="virtual", now_ms=1, seed=1)

@pytest.mark.parking_mock(now_ms=2, seed=2)
class TestClass:
    @pytest.mark.parking_mock(now_ms=3)
    def test_nearest(self, FIXTURE):
        assert (FIXTURE.clock.now_ms, FIXTURE.project.random_seed) == (3, 2)

    def test_of_the_class(self, FIXTURE):
        assert FIXTURE.clock.now_ms == 2

def test_of_the_module(FIXTURE):
    assert (FIXTURE.clock.now_ms, FIXTURE.project.random_seed) == (1, 1)

@pytest.mark.parking_mock(chaos="rough", profile="gcm", devices=[{"device_id": "d"}], elsewhere="refuse")
def test_every_setting(FIXTURE):
    assert FIXTURE.project.chaos.preset == "rough"
    assert FIXTURE.project.profile.encryption == "aes_gcm"
    assert FIXTURE.lot("d")
""".replace("FIXTURE", fixture),
        "--strict-markers",
    )
    result.assert_outcomes(passed=4)


@pytest.mark.parametrize("fixture", BOTH)
@pytest.mark.parametrize(
    ("marker", "words"),
    [
        ("'rough'", "*parking_mock takes keywords only, such as parking_mock(chaos='rough')*"),
        ("caos='rough'", "*parking_mock does not know caos; it knows profile, chaos, clock, *"),
        ("chaos='wild'", "*chaos.preset must be one of off, gentle, default, rough*"),
        ("now_ms=5", "*now_ms needs a virtual clock*"),
    ],
)
def test_a_wrong_marker_is_explained(pytester: pytest.Pytester, fixture: str, marker: str, words: str) -> None:
    """A marker that cannot be used is an error of its test, with a message that helps."""
    tests = f"@pytest.mark.parking_mock({marker})\ndef test({fixture}): pass"
    result = run(pytester, tests)
    result.assert_outcomes(errors=1)
    result.stdout.fnmatch_lines([words])


def test_the_marker_is_known(pytester: pytest.Pytester) -> None:
    """`pytest --markers` tells what the marker takes."""
    run(pytester, "", "--markers").stdout.fnmatch_lines(["@pytest.mark.parking_mock(profile, chaos, clock, now_ms, *"])


def test_options_of_the_server(pytester: pytest.Pytester) -> None:
    """A suite that overrides parking_server_options chooses where its server listens."""
    conftest = (
        "import pytest\n@pytest.fixture(scope='session')\ndef parking_server_options(): return {'host': 'localhost'}"
    )
    tests = "def test(parking_server):\n    assert connect(parking_server)"
    run(pytester, tests, conftest=conftest).assert_outcomes(passed=1)


def test_wrong_options_are_explained(pytester: pytest.Pytester) -> None:
    """An option that there is not is an error that names those there are."""
    conftest = "import pytest\n@pytest.fixture(scope='session')\ndef parking_server_options(): return {'hots': ''}"
    result = run(pytester, "def test(parking_server): pass", conftest=conftest)
    result.assert_outcomes(errors=1)
    result.stdout.fnmatch_lines(
        ["*parking_server_options does not know hots; it knows host, port, ws_port, pulsar_port, lab_port*"]
    )


FAILING = """
def test(FIXTURE):
    lot = FIXTURE.add_lot("LOT")
    for number in range(30):
        lot.enter("京A12345", uplink="lose")
    token = connect(FIXTURE)
    now = FIXTURE.clock.now_ms + 1
    for total in range(12):
        info = {"totalCount": total, "startTime": now - 3600000, "endTime": now, "passDirection": 0}
        body = {"dataType": 0, "recordSyncInfos": [info], "plateNo": "京A12345", "token": token}
        assert call(FIXTURE, "POST", f"/v1.0/parking-control/LOT/records/sync", body, token)["success"]
    refresh = call(FIXTURE, "GET", "/v1.0/token?grant_type=1")["result"]["refresh_token"]
    FIXTURE.add_fault("answer.busy", path="/v1.0/token")
    call(FIXTURE, "GET", f"/v1.0/token/{refresh}")
    with open("secrets.txt", "w") as file:
        file.write(" ".join(["京A12345", token, refresh, FIXTURE.access_secret]))
    raise SystemError
"""


@pytest.mark.parametrize("fixture", BOTH)
def test_the_story_of_a_failing_test(pytester: pytest.Pytester, fixture: str) -> None:
    """A failing test has one section of at most ten lines: losses, calls, faults, and no plate, token or secret."""
    tests = FAILING.replace("FIXTURE", fixture).replace("LOT", LOT)
    result = run(pytester, tests)
    result.assert_outcomes(failed=1)
    (lines,) = sections(result)
    assert len(lines) <= THINGS
    assert lines[0].startswith("30 records at the lots, 30 lost on the way at least once")
    told = "\n".join(lines)
    assert all(words in told for words in ("京A***5 (uplink)", "claimed 11, the lot has 30", "fault  answer.busy"))
    secrets = (pytester.path / "secrets.txt").read_text(encoding="utf-8").split()
    assert [secret for secret in secrets if secret in told] == []


def test_both_fixtures_have_a_story(pytester: pytest.Pytester) -> None:
    """A test with two parkings has two sections."""
    tests = "def test(parking_mock, parking_server):\n    parking_mock.add_lot().enter()\n    assert False"
    first, second = sections(run(pytester, tests))
    assert (first[0][:8], second[0][:9]) == ("1 record", "0 records")


def test_a_fixture_that_fails_on_top_of_ours(pytester: pytest.Pytester) -> None:
    """A set-up that fails, such as a client that cannot log in, has the story too; a tear-down has none."""
    tests = """
@pytest.fixture
def client(parking_mock):
    connect(parking_mock)
    raise SystemError

@pytest.fixture
def bad_end(parking_mock):
    yield
    raise SystemError

def test_set_up(client): pass

def test_tear_down(bad_end): pass
"""
    result = run(pytester, tests)
    result.assert_outcomes(passed=1, errors=2)
    (lines,) = sections(result)
    assert lines[-1] == "call   GET /v1.0/token -> success"


def test_a_story_that_cannot_be_told(pytester: pytest.Pytester) -> None:
    """A failure of ours neither hides the test's nor ends the run."""
    tests = """
def broken(): raise KeyError("ours")

def test_fixture(parking_mock):
    parking_mock.story = broken
    raise SystemError("theirs")

def test_block():
    from mock_server import mock_parking
    with mock_parking() as parking:
        parking.story = broken
        raise SystemError("theirs")

def test_next(): pass
"""
    result = run(pytester, tests)
    result.assert_outcomes(passed=1, failed=2)
    result.stdout.fnmatch_lines(
        ["E *SystemError: theirs", "it cannot be told: KeyError('ours')", "E *SystemError: theirs"]
    )


def test_no_story_without_a_failure(pytester: pytest.Pytester) -> None:
    """Passing, skipped and expectedly failing tests have no section, nor have failing tests without a parking."""
    tests = """
def test_passes(parking_mock): connect(parking_mock)

def test_skips(parking_mock): pytest.skip("not today")

def test_fails_alone(): assert False

@pytest.mark.xfail(raises=SystemError)
def test_fails_as_expected(parking_mock): raise SystemError
"""
    result = run(pytester, tests, "-rA")
    result.assert_outcomes(passed=1, skipped=1, failed=1, xfailed=1)
    assert sections(result) == []


def test_a_decorated_test_tells_its_story_too(pytester: pytest.Pytester) -> None:
    """A test that uses the decorator has the story with its error."""
    tests = """
from mock_server import mock_parking

@mock_parking()
def test(parking):
    connect(parking)
    assert False
"""
    run(pytester, tests).stdout.fnmatch_lines([f"*{TITLE}", "*call   GET /v1.0/token -> success"])


def test_the_patch_ends_with_the_test(pytester: pytest.Pytester) -> None:
    """Nothing is autouse, and nothing is left behind."""
    tests = """
from requests.adapters import HTTPAdapter
BEFORE = HTTPAdapter.send

def test_with(parking_mock): assert HTTPAdapter.send is not BEFORE

def test_without(): assert HTTPAdapter.send is BEFORE
"""
    run(pytester, tests).assert_outcomes(passed=2)


MANY = """
@pytest.mark.parametrize("number", range(8))
@pytest.mark.parametrize("name", ["parking_mock", "parking_server"])
def test(name, number, request):
    parking = request.getfixturevalue(name)
    parking.add_lot().enter("京A12345", uplink="lose")
    connect(parking)
    assert (len(parking.records), len(parking.requests)) == (1, 1)
    assert number != 5
"""


@pytest.mark.slow
@pytest.mark.parametrize("args", [("-n2", "-p", "no:randomly"), ("-p", "no:xdist"), ("-n2",)])
def test_in_parallel_and_in_any_order(pytester: pytest.Pytester, args: tuple[str, ...]) -> None:
    """Under xdist, in random order, and under both: the same outcomes, and the stories of the tests that failed."""
    pytester.makepyfile(client=CLIENT, test_it=f"import pytest\nfrom client import *\n{MANY}")
    result = pytester.runpytest_subprocess("-W", "error", *AS_A_USER, *args, timeout=300)
    result.assert_outcomes(passed=14, failed=2)
    assert [lines[0][:8] for lines in sections(result)] == ["1 record"] * 2


LIGHT = ["parking_mock", *(f"parking_mock.{name}" for name in ("fixtures", "plugin", "profiles", "shadows"))]
"""What every run of pytest loads, in every project of the environment."""


def test_a_suite_that_does_not_use_it() -> None:
    """The plugin imports no web framework, no server, and neither `mock_server` nor `contracts`."""
    program = "import sys, pytest, parking_mock.fixtures, parking_mock.profiles; print(*sorted(sys.modules))"
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, check=True, text=True, timeout=300)  # noqa: S603 our own program
    loaded = done.stdout.split()
    heavy = {"flask", "werkzeug", "uvicorn", "requests", "responses", "websockets", "cryptography", "asyncio"}
    assert heavy & set(loaded) == set()
    assert not [each for each in loaded if each.startswith(("mock_server", "contracts"))]


def test_a_run_that_does_not_use_it(pytester: pytest.Pytester) -> None:
    """A whole run without the fixtures, failures and all, loads nothing of ours but the plugin."""
    pytester.makepyfile(
        "import sys\n"
        "def test_fails(): assert False\n"
        "def test_what_is_loaded():\n"
        "    ours = [each for each in sys.modules if each.startswith(('mock_server', 'contracts', 'parking_mock'))]\n"
        f"    assert sorted(ours) == {LIGHT}\n"
    )
    result = pytester.runpytest_subprocess(*AS_A_USER, "-p", "no:randomly", timeout=300)
    result.assert_outcomes(passed=1, failed=1)


def test_the_package_names_what_it_lends() -> None:
    """The names that the package lends are imported when they are asked for; others are no attributes."""
    package: Any = mock_server
    assert all(getattr(package, name) for name in package.__all__)
    with pytest.raises(AttributeError, match="no attribute 'mock_tuya'"):
        _ = package.mock_tuya
