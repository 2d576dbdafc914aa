"""Fixtures of the tests that need a running server and its lab plane."""

import os
from collections.abc import Iterator

import pytest

from mock_server.cloud import Cloud
from mock_server.lab_client import LabClient, LabProject
from mock_server.state.database import Database
from mock_server.web.server import Server, ThreadedServer
from tests.postgresql import Cluster, shared_cluster
from tests.support import NOON


@pytest.fixture(scope="session")
def cluster(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Cluster]:
    """A PostgreSQL cluster, which all processes of the run share."""
    folder = tmp_path_factory.getbasetemp()
    run = folder.parent if "PYTEST_XDIST_WORKER" in os.environ else folder
    with shared_cluster(f"{os.getuid()}-{run.name}") as shared:
        yield shared


@pytest.fixture
def database(cluster: Cluster) -> Database:
    """An empty database."""
    return cluster.database()


@pytest.fixture
def lab_server() -> Iterator[Server]:
    """A server without projects, on free ports."""
    with ThreadedServer(Server(Cloud())) as threaded:
        yield threaded.server


@pytest.fixture
def lab(lab_server: Server) -> Iterator[LabClient]:
    """Its lab plane."""
    with LabClient(lab_server.lab, timeout_s=60) as client:
        yield client


@pytest.fixture
def world(lab: LabClient) -> LabProject:
    """A project on that server, with the default devices and a virtual clock that starts at noon."""
    return lab.create_project(clock="virtual", now_ms=NOON)
