"""Tests of a store whose disk fails: at any operation of its files, in any manner, the conservation law holds.

`python -m tests.crashes` tries every operation (an hour); this is a sample.
"""

from pathlib import Path

import pytest

from tests.crashes.disk import run_with_disk


def tried(folder: Path, *arguments: str) -> tuple[int, str]:
    """The exit code and the output of the trials."""
    done = run_with_disk("tests.crashes", [*arguments, "--within", str(folder)], folder)
    assert not done.stderr
    return done.returncode, done.stdout


def test_whatever_happens_to_the_disk_nothing_promised_is_lost(tmp_path: Path) -> None:
    """Killed, torn, without power, full, failing: what was answered is there, nothing is half done, it goes on."""
    code, said = tried(tmp_path, "--sync", "normal", "--every", "1100")
    assert (code, " 0 problems" in said) == (0, True), said


@pytest.mark.slow
def test_an_answer_before_its_commit_is_found(tmp_path: Path) -> None:
    """The trials can fail: a server that answers too soon has promised what is not there."""
    code, said = tried(tmp_path, "--sync", "off", "--failure", "KILL", "--every", "33", "--hasty")
    assert (code, "promised, and not there" in said) == (1, True), said
