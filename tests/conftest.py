"""Fixtures of every test."""

import os

import pytest
from hypothesis import HealthCheck, settings

from mock_server.project import Project
from tests.support import Api, make_project

settings.register_profile("ci", derandomize=True, deadline=None, suppress_health_check=[HealthCheck.too_slow])
settings.register_profile("dev", deadline=None)
settings.load_profile("ci" if os.environ.get("CI") else "dev")


@pytest.fixture
def project() -> Project:
    """A project with the default devices on a virtual clock."""
    return make_project()


@pytest.fixture
def api(project: Project) -> Api:
    """A client of that project that has a token."""
    return Api(project).connect()
