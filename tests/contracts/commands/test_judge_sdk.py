"""`judge-sdk`: what is listed, and what is said where a loop cannot run."""

import shutil
from importlib.metadata import PackageNotFoundError
from pathlib import Path

import pytest

from contracts.sdk import building, loops
from contracts.sdk.loops import LOOPS
from tests.command_line import run_here


def test_without_a_name_the_loops_are_listed() -> None:
    """Each with its package, version and origin; exit code 0."""
    done = run_here("judge-sdk")
    lines = done.stdout.splitlines()
    assert (done.returncode, len(lines)) == (0, len(LOOPS))
    assert lines[0] == (
        "python-connector  tuya-connector-python 0.1.2, websocket, as published: PyPI; class TuyaOpenPulsar"
    )


@pytest.mark.parametrize(
    ("name", "said"),
    [
        ("node", "node is not installed: this loop needs Node.js 20 or newer"),
        ("go", "go is not installed: this loop needs Go 1.21 or newer"),
        ("java", "javac is not installed: this loop needs a JDK of version 17 or newer"),
    ],
)
def test_a_missing_tool_is_named_with_what_to_install(name: str, said: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """Exit code 2, nothing is played."""
    monkeypatch.setattr(shutil, "which", lambda _: None)
    done = run_here("judge-sdk", name)
    assert (done.returncode, done.stdout) == (2, ""), done.shown
    assert said in done.stderr


@pytest.mark.parametrize(("found", "said"), [(None, "is not installed"), ("0.1.1", "is here in version 0.1.1")])
def test_a_missing_package_is_named_with_the_command(
    found: str | None, said: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """So is one of another version: exit code 2."""

    def version(package: str) -> str:
        if found is None:
            raise PackageNotFoundError(package)
        return found

    monkeypatch.setattr(loops, "version", version)
    done = run_here("judge-sdk", "python-connector")
    assert done.returncode == 2
    assert f"tuya-connector-python {said}: pip install tuya-connector-python==0.1.2" in done.stderr


def test_a_build_that_fails_says_why(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """With what the tool said; the next attempt builds again."""
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path))
    monkeypatch.setattr(shutil, "which", lambda name: name)
    go = tmp_path / "bin" / "go"
    go.parent.mkdir()
    monkeypatch.setenv("PATH", f"{go.parent}:/usr/bin:/bin")
    for script, code in (("echo no network >&2; exit 1", 2), ("exit 0", None)):
        go.write_text(f"#!/bin/sh\n{script}\n")
        go.chmod(0o755)
        if code:
            done = run_here("judge-sdk", "go")
            assert (done.returncode, "go build -o loop . failed:\nno network" in done.stderr) == (2, True), done.shown
        else:
            assert LOOPS["go"].prepare() == LOOPS["go"].prepare()
    assert len([path for path in building.cache().iterdir() if (path / building.DONE).exists()]) == 1


def test_another_name_is_wrong_usage() -> None:
    """Exit code 2; so is a case that is not in the trial."""
    assert run_here("judge-sdk", "rust").returncode == 2
    done = run_here("judge-sdk", "python-connector", "--case", "windows/month")
    assert (done.returncode, "no case matches windows/month" in done.stderr) == (2, True)
