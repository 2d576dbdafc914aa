"""The one plugin that pytest loads by itself: in old versions, by other names, and in other people's projects."""

from pathlib import Path

import pytest

from parking_mock.plugin import is_too_old
from tests.support import AS_A_USER

pytest_plugins = ["pytester"]


@pytest.mark.parametrize(
    ("pytest_version", "pluggy_version", "too_old"),
    [
        ("6.2.5", "1.0.0", True),
        ("7.4.4", "1.5.0", True),
        ("8.0.0", "1.1.0", True),
        ("8.0.0rc1", "1.2.0", False),
        ("8.0.0", "1.3.0", False),
        ("10.1", "2.0", False),
        ("8.4.dev3+g12ab", "1.6", False),
    ],
)
def test_versions(pytest_version: str, pluggy_version: str, too_old: bool) -> None:  # noqa: FBT001 a parameter
    """The fixtures need pytest 8 and pluggy 1.2."""
    assert is_too_old(pytest_version, pluggy_version) is too_old


def test_an_old_pytest_is_told_what_is_needed(pytester: pytest.Pytester) -> None:
    """Every other test runs; one that asks for a fixture fails with the versions. Here we only play old."""
    pytester.makepyfile("""
        import pytest

        def test_other(): pass

        @pytest.mark.parking_mock(chaos="off")
        @pytest.mark.parametrize("name", ["parking_mock", "parking_server", "parking_session_server"])
        def test_it(request, name): request.getfixturevalue(name)
    """)
    old = ("-p", "no:parking_mock", "-p", "parking_mock.too_old")
    result = pytester.runpytest_inprocess(*old, "--strict-markers", "-p", "no:randomly")
    result.assert_outcomes(passed=1, failed=3)
    result.stdout.fnmatch_lines(
        ["parking-mock's fixtures need pytest 8 and pluggy 1.2 or newer, and here are pytest *"]
    )


@pytest.mark.parametrize("autoload", [True, False])
def test_the_plugins_by_name(pytester: pytest.Pytester, autoload: bool, monkeypatch: pytest.MonkeyPatch) -> None:  # noqa: FBT001 a parameter
    """`-p` takes the names of the packages, whether or not pytest has loaded the plugin by itself."""
    if not autoload:
        monkeypatch.setenv("PYTEST_DISABLE_PLUGIN_AUTOLOAD", "1")
    pytester.makepyfile("def test_it(parking_mock): assert parking_mock.add_lot()")
    result = pytester.runpytest_inprocess("-p", "mock_server.pytest_plugin", "-p", "contracts.pytest_plugin")
    result.assert_outcomes(passed=1)


THEIRS = {
    "contracts/__init__.py": "",
    "contracts/models.py": "LEASE = 'a contract'",
    "mock_server/__init__.py": "NAME = 'theirs'",
    "pyproject.toml": """
        [tool.pytest.ini_options]
        pythonpath = ["."]
        addopts = ["--strict-markers", "-n1", "-W", "error"]
    """,
    "tests/test_theirs.py": """
        import datetime
        import unittest

        import pytest
        from freezegun import freeze_time

        import mock_server
        from contracts.models import LEASE

        @freeze_time("2024-05-01")
        class Frozen(unittest.TestCase):
            def setUp(self):
                self.today = datetime.date.today()

            def test_today(self):
                self.assertEqual((self.today.year, LEASE, mock_server.NAME), (2024, "a contract", "theirs"))

        @pytest.mark.parametrize("name", ["parking_mock", "parking_server"])
        def test_ours(request, name):
            with pytest.raises(pytest.fail.Exception, match="needs its own package `mock_server`"):
                request.getfixturevalue(name)
    """,
}
"""A project with packages of both names on its path, with freezegun, xdist and unittest."""

BESIDE = {
    "tests/contracts/__init__.py": "",
    "tests/contracts/conftest.py": "import pytest\n@pytest.fixture\ndef lease(): return 'a contract'",
    "tests/contracts/test_lease.py": "def test_lease(lease): assert lease == 'a contract'",
    "tests/contracts/test_ours.py": """
        import unittest

        import requests
        from freezegun import freeze_time

        from mock_server import mock_parking

        VENDOR = "https://openapi.tuyacn.com/v1.0/token?grant_type=1"

        def call(url):
            with requests.Session() as session:
                session.trust_env = False
                return session.get(url, timeout=60).json()["code"]

        @freeze_time("2024-05-01")
        def test_served(parking_server):
            assert call(f"{parking_server.exports['api']}/v1.0/token?grant_type=1") == 1105

        @freeze_time("2024-05-01")
        def test_frozen_after_the_server():
            assert sum(range(1000))

        def test_in_process(parking_mock):
            assert call(VENDOR) == 1105

        @mock_parking(elsewhere="refuse")
        class Decorated(unittest.TestCase):
            def setUp(self):
                self.code = call(VENDOR)

            def test_it(self):
                self.assertEqual(self.code, 1105)
    """,
}
"""A project whose tests lie in packages that have our names: pytest imports them as `contracts...`."""


@pytest.mark.parametrize(
    ("files", "passed"), [(THEIRS, 3), pytest.param(BESIDE, 5, marks=pytest.mark.slow)], ids=["theirs", "beside"]
)
def test_a_project_of_a_stranger(files: dict[str, str], passed: int, pytester: pytest.Pytester) -> None:
    """Green, and at an end, as if parking-mock were not installed; its fixtures work where its name is free."""
    for name, text in files.items():
        path = Path(pytester.path, name)
        path.parent.mkdir(parents=True, exist_ok=True)
        lines = text.splitlines()
        path.write_text("\n".join(line.removeprefix("        ") for line in lines), encoding="utf-8")
    options = (*AS_A_USER, "-p", "no:randomly", "-p", "no:hypothesispytest")
    pytester.runpytest_subprocess(*options, timeout=300).assert_outcomes(passed=passed)
