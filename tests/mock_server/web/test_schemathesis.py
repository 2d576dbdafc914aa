"""Schemathesis: the OpenAPI document of both planes against a running server, every check that applies."""

from collections.abc import Iterator
from types import ModuleType
from typing import Any

import pytest

from mock_server.cloud import Cloud
from mock_server.web.lab.openapi_document import openapi
from mock_server.web.server import Server, ThreadedServer
from tests.support import ADDRESSES

DOCUMENT: Any = openapi(ADDRESSES)

QUICK = {"health", "openapi", "asyncapi", "llms", "listProjects", "clearFaults", "getToken"}
"""The operations that `make test` tries too: what they take makes few cases."""


def operations(tag: str) -> list[Any]:
    """The ids of a plane's operations in the document, as parameters of a test."""
    every = (each for item in DOCUMENT["paths"].values() for each in item.values() if isinstance(each, dict))
    ids = [each["operationId"] for each in every if tag in each["tags"]]
    return [pytest.param(each, marks=() if each in QUICK else pytest.mark.slow) for each in ids]


@pytest.fixture(scope="module")
def threaded() -> Iterator[ThreadedServer]:
    """An empty server on free ports, in a thread."""
    with ThreadedServer(Server(Cloud())) as threaded:
        yield threaded


@pytest.fixture(scope="module")
def server(threaded: ThreadedServer) -> Server:
    """Its addresses."""
    return threaded.server


@pytest.fixture(scope="module")
def schemathesis_cases(pytestconfig: pytest.Config) -> Iterator[ModuleType]:
    """The module that makes and judges cases, with Schemathesis' plugin, which wraps its tests.

    `pyproject.toml` leaves the plugin out: it takes a second of each process of pytest and a part of each other test.
    """
    import schemathesis.pytest.plugin  # noqa: PLC0415 here and not where it costs every run

    from tests.mock_server.web import schemathesis_cases  # noqa: PLC0415 it imports Schemathesis too

    plugin = pytestconfig.pluginmanager.register(schemathesis.pytest.plugin, "schemathesis for its tests")
    yield schemathesis_cases
    pytestconfig.pluginmanager.unregister(name=plugin)


@pytest.mark.parametrize("operation", operations("lab plane"))
def test_lab_plane(operation: str, schemathesis_cases: ModuleType, request: pytest.FixtureRequest) -> None:
    """Every lab operation answers as the document says: it takes what is right, and says why it refuses the rest."""
    schemathesis_cases.try_cases(request, operation, schemathesis_cases.judge_lab_call)


@pytest.mark.parametrize("operation", operations("data plane"))
def test_data_plane(operation: str, schemathesis_cases: ModuleType, request: pytest.FixtureRequest) -> None:
    """Every call answers HTTP 200 and an envelope as the document says, whose code tells right from wrong."""
    schemathesis_cases.try_cases(request, operation, schemathesis_cases.judge_call)
