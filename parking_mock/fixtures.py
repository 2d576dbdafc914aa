"""The pytest plugin: the fixtures `parking_mock` (in process) and `parking_server`, and the story of a failing test.

Loading it imports nothing of the emulator, so it does not slow down suites that do not use it.
"""

import os
from collections.abc import Iterator
from typing import TYPE_CHECKING, Any

import pytest

from parking_mock.shadows import shadow

if TYPE_CHECKING:
    from mock_server.testing.in_process import MockParking
    from mock_server.testing.served import ServedParking
    from mock_server.web.server import ThreadedServer

SETTINGS = ("profile", "chaos", "clock", "now_ms", "seed", "devices", "project", "elsewhere", "real_vendor")
MARKER = f"parking_mock({', '.join(SETTINGS)}): settings of the test's fake parking cloud, the nearest first"
SERVER_OPTIONS = ("host", "port", "ws_port", "pulsar_port", "lab_port")

_PARKINGS = pytest.StashKey[list[Any]]()


def pytest_configure(config: pytest.Config) -> None:
    """Register the marker."""
    config.addinivalue_line("markers", MARKER)


@pytest.hookimpl(wrapper=True)
def pytest_runtest_makereport(item: pytest.Item) -> Any:
    """Add the story of a failing test's projects to its report."""
    report = yield
    if report.failed and report.when != "teardown":  # the fixture has closed the project by then
        report.sections += [_section(parking) for parking in item.stash.get(_PARKINGS, [])]
    return report


def _section(parking: Any) -> tuple[str, str]:
    from mock_server.history.story import TITLE, told_beside_a_failure  # noqa: PLC0415 only for a suite that uses it

    return TITLE, told_beside_a_failure(parking.story)


@pytest.fixture
def parking_mock(request: pytest.FixtureRequest) -> "Iterator[MockParking]":
    """A fake cloud in this process: `requests` to the vendor's hosts are answered by it. New for each test."""
    _refuse_a_shadow()
    from mock_server.testing.in_process import mock_parking  # noqa: PLC0415 only for a suite that uses it

    with mock_parking(**_settings(request)) as parking:
        request.node.stash.setdefault(_PARKINGS, []).append(parking)
        yield parking


@pytest.fixture(scope="session")
def parking_server_options() -> dict[str, Any]:
    """Override it, for the session, to choose host or ports of the session's server: `SERVER_OPTIONS`."""
    return {}


@pytest.fixture(scope="session")
def parking_session_server(parking_server_options: dict[str, Any]) -> "Iterator[ThreadedServer]":
    """The session's one server, started by the first test that needs it."""
    _refuse_a_shadow()
    from mock_server.cloud import Cloud  # noqa: PLC0415 only for a suite that uses it
    from mock_server.web.server import Server, ThreadedServer, silence_uvicorn  # noqa: PLC0415 the same

    _refuse_others("parking_server_options", parking_server_options, SERVER_OPTIONS)
    silence_uvicorn()
    with ThreadedServer(Server(Cloud(), **parking_server_options)) as threaded:
        yield threaded


@pytest.fixture
def parking_server(
    request: pytest.FixtureRequest, parking_session_server: "ThreadedServer"
) -> "Iterator[ServedParking]":
    """A project of its own on a real server, for clients of any kind; thrown away after the test."""
    from mock_server.no_proxy import past_proxies  # noqa: PLC0415 only for a suite that uses it
    from mock_server.testing.served import serve_project  # noqa: PLC0415 the same

    with (
        pytest.MonkeyPatch.context() as environment,
        serve_project(parking_session_server, **_settings(request)) as parking,
    ):
        for name, value in past_proxies(os.environ).items():
            environment.setenv(name, value)
        request.node.stash.setdefault(_PARKINGS, []).append(parking)
        yield parking


def _refuse_a_shadow() -> None:
    """Fail the test if somebody else's `mock_server` is imported in place of parking-mock's."""
    message = shadow("mock_server")
    if message is not None:
        pytest.fail(message, pytrace=False)


def _settings(request: pytest.FixtureRequest) -> dict[str, Any]:
    """The settings of the test's markers. Those of a nearer marker override others. UsageError for unknown ones."""
    settings: dict[str, Any] = {}
    for marker in request.node.iter_markers("parking_mock"):
        if marker.args:
            raise pytest.UsageError("parking_mock takes keywords only, such as parking_mock(chaos='rough')")
        _refuse_others("parking_mock", marker.kwargs, SETTINGS)
        settings = marker.kwargs | settings
    return settings


def _refuse_others(where: str, given: dict[str, Any], known: tuple[str, ...]) -> None:
    unknown = [name for name in given if name not in known]
    if unknown:
        raise pytest.UsageError(f"{where} does not know {', '.join(unknown)}; it knows {', '.join(known)}")
