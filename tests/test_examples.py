"""The example project, copied as a user would copy it: its tests pass, and fail for a client that is wrong."""

import os
import shutil
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path

import pytest

from tests.support import AS_A_USER, sampled

EXAMPLE = Path(__file__).parent.parent / "examples" / "reconciler"
CLIENT = "reconciler.py"


@pytest.fixture
def project(tmp_path: Path) -> Path:
    """A copy of the example."""
    left = shutil.ignore_patterns("__pycache__", ".*")
    return shutil.copytree(EXAMPLE, tmp_path / "reconciler", ignore=left)


def run_tests(project: Path, *arguments: str) -> subprocess.CompletedProcess[str]:
    """Run the project's tests with this environment."""
    command = [sys.executable, "-m", "pytest", "-q", "--tb=short", *AS_A_USER, "-p", "no:randomly", *arguments]
    variables = {name: value for name, value in os.environ.items() if not name.startswith("PYTEST_")}
    return subprocess.run(  # noqa: S603 our own example
        command, cwd=project, env=variables, capture_output=True, text=True, timeout=60, check=False
    )


@pytest.mark.slow
def test_the_example_passes(project: Path) -> None:
    """All twelve tests pass, with warnings as errors."""
    done = run_tests(project)
    assert done.returncode == 0, done.stdout + done.stderr
    assert "12 passed" in done.stdout


def test_the_client_knows_nothing_of_us(project: Path) -> None:
    """The client under test never names parking-mock: it is what a user has already."""
    assert "mock" not in (project / CLIENT).read_text(encoding="utf-8")


@dataclass(frozen=True)
class Break:
    """A place of the client made wrong, the test that notices, and what that test says."""

    name: str
    right: str
    wrong: str
    noticed_by: str
    said: str


BREAKS = [
    Break(
        "counts deliveries",
        "plate_no TEXT,\n                PRIMARY KEY (device_id, record_id)",
        "plate_no TEXT",
        "test_a_doubled_message_is_one_pass",
        "claimed 2, the lot has 1: counted twice",
    ),
    Break(
        "counts when it comes",
        'value["passTime"]',
        "time.time_ns() // 1_000_000",
        "test_a_late_pass_belongs_to_its_own_hour",
        "claimed 0, the lot has 1: lost, not stored yet, or not counted",
    ),
    Break(
        "skips empty hours",
        "for direction, start, count in counts\n        ]",
        "for direction, start, count in counts\n            if count\n        ]",
        "test_an_hour_of_nothing_is_asked_about",
        "missing  pass-000001: lost on the way (uplink); no sync has asked for it again",
    ),
    Break(
        "gives up on a dead token",
        "if refused.code != TOKEN_INVALID:",
        "if refused:",
        "test_a_dead_token_is_replaced",
        "records/sync -> 1010 token invalid",
    ),
    Break(
        "stops at the first lot that refuses",
        "return str(refused)",
        "raise",
        "test_a_jieshun_lot_is_left_alone_and_only_that",
        "records/sync -> 2003 function not support",
    ),
]


@pytest.mark.slow
@pytest.mark.parametrize("broken", sampled(BREAKS, every=len(BREAKS)), ids=lambda broken: broken.name.replace(" ", "-"))
def test_a_broken_client_fails(project: Path, broken: Break) -> None:
    """A client that is wrong in one place fails the test that is about it, which says why and tells the story."""
    client = project / CLIENT
    text = client.read_text(encoding="utf-8")
    assert text.count(broken.right) == 1
    client.write_text(text.replace(broken.right, broken.wrong), encoding="utf-8")

    done = run_tests(project, "-k", broken.noticed_by)

    assert done.returncode == 1, done.stdout + done.stderr
    for words in (
        f"FAILED tests/test_reconciler.py::{broken.noticed_by}",
        "parking-mock: the story so far",
        broken.said,
    ):
        assert words in done.stdout
