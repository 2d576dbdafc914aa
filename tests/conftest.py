"""Fixtures of every test."""

import gc
import os
import shutil
import subprocess
import sys
import tempfile
from pathlib import Path

import pytest
from hypothesis import HealthCheck, settings

from mock_server.project import Project
from tests.support import EXAMPLES, QUARTER, STORAGE, Api, make_project

pytest_plugins = ["tests.left_out"]

# An image that keeps bytecode from being written would have each of the hundreds of processes that are started here
# compile all modules again: a quarter of what the suite costs.
os.environ.pop("PYTHONDONTWRITEBYTECODE", None)
sys.dont_write_bytecode = False

GC_AFTER = 100_000
"""So many new objects start a garbage collection: at the usual 700 a seventh of what tests cost is spent on looking for
cycles among objects that live on."""

gc.disable()  # until all tests are collected: nothing of that is garbage

MEMORY = "/dev/shm"  # noqa: S108 each run makes a folder of its own there, as in /tmp
ENOUGH = 2 * 1024**3
"""The room in bytes that temporary files are given before they are kept in memory; a run needs some hundred MB."""

if "TMPDIR" not in os.environ and os.access(MEMORY, os.W_OK) and shutil.disk_usage(MEMORY).free > ENOUGH:
    # Each client under test keeps a database, and waits for the disk at each commit: seconds a test on a slow one.
    os.environ["TMPDIR"] = tempfile.tempdir = MEMORY

# Hypothesis reads the constants of all modules that it takes for the user's own, ours where they are installed
# editable: seconds in each process that judges a client, unless it finds here what an earlier one has read.
os.environ.setdefault("HYPOTHESIS_STORAGE_DIRECTORY", str(STORAGE))

PATIENT = settings(max_examples=EXAMPLES, deadline=None, suppress_health_check=[HealthCheck.too_slow])
settings.register_profile("ci", PATIENT, derandomize=True)
settings.register_profile("dev", PATIENT)
settings.register_profile("quick", PATIENT, max_examples=EXAMPLES // QUARTER)


def pytest_configure(config: pytest.Config) -> None:
    """Draw fewer examples where slow tests are left out too. The first lines of a run name the profile."""
    settings.load_profile("quick" if "not slow" in config.option.markexpr else "ci" if os.environ.get("CI") else "dev")


@pytest.fixture(scope="session")
def built_wheel(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The file of the wheel, built from this tree."""
    folder, root = tmp_path_factory.mktemp("wheel"), Path(__file__).parent.parent
    build = [sys.executable, "-m", "build", "--wheel", "--no-isolation", "--outdir", str(folder), str(root)]
    subprocess.run(build, check=True, capture_output=True)  # noqa: S603 our own command
    return next(folder.glob("*.whl"))


LONG = (
    "test_recipes.py",
    "test_example_clients.py",
    "test_schemathesis.py",
    "test_docs.py",
    "test_earlier_failures.py",
    "test_free_exploration.py",
    "test_histories.py",
)
"""Modules with tests that take tens of seconds each: begun first, so that none is left for one worker at the end."""


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Put the tests of `LONG` modules first, then those that share a browser, and leave the others in their order."""
    items.sort(key=lambda item: (item.path.name not in LONG, item.path.parent.name != "browser"))


def pytest_collection_finish() -> None:
    """Collect garbage again, but never look through the modules and tests, which stay to the end."""
    gc.freeze()
    gc.set_threshold(GC_AFTER)
    gc.enable()


@pytest.fixture
def project() -> Project:
    """A project with the default devices on a virtual clock."""
    return make_project()


@pytest.fixture
def api(project: Project) -> Api:
    """A client of that project that has a token."""
    return Api(project).connect()


@pytest.fixture
def few_shrinks(monkeypatch: pytest.MonkeyPatch) -> None:
    """Failures are made a little smaller, not as small as can be: each try is a run, a hundred of them take seconds."""
    monkeypatch.setattr("contracts.check.explore.SHRINKS", 10)
