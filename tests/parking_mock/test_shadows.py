"""Packages of other projects that have our names: who is imported, and what is said of it."""

import os
import subprocess
import sys
from importlib.metadata import EntryPoint
from pathlib import Path
from types import ModuleType

import pytest
from click.testing import CliRunner

import contracts
import mock_server
from contracts.commands.options import load_here
from mock_server.cli import COMMANDS, ConfigurationError, main
from parking_mock.shadows import HOME, PACKAGES, shadow

PYTHON = {"mock_server": mock_server, "contracts": contracts}


@pytest.fixture(params=PACKAGES)
def name(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> str:
    """The name of one of our packages, which nothing in this process has imported yet."""
    monkeypatch.delitem(sys.modules, request.param)
    return str(request.param)


def test_nobody_shadows_us(name: str) -> None:
    """Neither before an import nor after it."""
    assert shadow(name) is None
    sys.modules[name] = PYTHON[name]
    assert shadow(name) is None


@pytest.mark.parametrize("kind", ["package", "module"])
def test_a_package_or_module_that_comes_first(
    kind: str, name: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The message names both places, and ways out."""
    theirs = tmp_path / (f"{name}/__init__.py" if kind == "package" else f"{name}.py")
    theirs.parent.mkdir(exist_ok=True)
    theirs.touch()
    monkeypatch.syspath_prepend(tmp_path)
    message = shadow(name) or ""
    assert f"needs its own package `{name}` ({HOME / name}), but `{name}` is {theirs}. Rename that" in message
    assert "PYTHONPATH" in message
    assert "python -P -m parking_mock" in message


def test_a_folder_without_an_init_does_not_shadow(name: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Python prefers a package wherever it is to a folder that has only the name."""
    (tmp_path / name).mkdir()
    monkeypatch.syspath_prepend(tmp_path)
    assert shadow(name) is None


def test_what_is_loaded_counts(name: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A suite has imported its own before, by another way than the import path, or has made one up."""
    module = ModuleType(name)
    monkeypatch.setitem(sys.modules, name, module)
    assert "is a module without a file." in (shadow(name) or "")
    module.__path__ = [str(tmp_path / name)]
    assert f"is {tmp_path / name}." in (shadow(name) or "")
    module.__file__ = str(HOME / name / "__init__.py")
    assert shadow(name) is None


def test_other_names_are_no_business_of_ours() -> None:
    """Commands of other packages may be called what they like."""
    assert shadow("json") is None


def run(arguments: list[str], cwd: Path, **variables: str) -> tuple[int, str, str]:
    """Exit code and output of a program."""
    done = subprocess.run(  # noqa: S603 our own command
        arguments, cwd=cwd, env=os.environ | variables, capture_output=True, text=True, timeout=60, check=False
    )
    return done.returncode, done.stdout, done.stderr


SCRIPT = str(Path(sys.executable).with_name("parking-mock"))
MODULE = [sys.executable, "-m", "parking_mock"]
SAFE = [sys.executable, "-P", "-m", "parking_mock"]


@pytest.mark.slow
@pytest.mark.parametrize(
    ("theirs", "command", "path"),
    [
        ("mock_server", [SCRIPT, "--version"], "."),
        ("mock_server", [*MODULE, "--version"], ""),
        ("contracts", [SCRIPT, "--help"], "."),
        ("contracts", [sys.executable, "-m", "mock_server", "rules"], ""),
    ],
)
def test_a_command_of_a_shadowed_package(theirs: str, command: list[str], path: str, tmp_path: Path) -> None:
    """Exit code 2 and the message, no traceback."""
    (tmp_path / theirs).mkdir()
    (tmp_path / theirs / "__init__.py").touch()
    code, out, errors = run(command, tmp_path, PYTHONPATH=path)
    assert (code, out) == (2, "")
    assert errors.startswith(f"Error: parking-mock needs its own package `{theirs}`")
    assert str(tmp_path / theirs / "__init__.py") in errors
    assert "Traceback" not in errors


@pytest.mark.slow
@pytest.mark.parametrize("command", [SAFE, [SCRIPT]])
def test_a_folder_that_is_not_on_the_path(command: list[str], tmp_path: Path) -> None:
    """The script, and `python -P`, look at no folder of the project."""
    for name in PACKAGES:
        (tmp_path / name).mkdir()
        (tmp_path / name / "__init__.py").touch()
    code, out, _ = run([*command, "--version"], tmp_path)
    assert (code, out[:12]) == (0, "parking-mock")


@pytest.mark.slow
def test_commands_that_need_only_what_is_ours(tmp_path: Path) -> None:
    """`serve` does not need `contracts`."""
    (tmp_path / "contracts.py").touch()
    code, _, errors = run([*MODULE, "serve", "--port", "no"], tmp_path)
    assert (code, "is not a port" in errors) == (2, True)


@pytest.mark.parametrize("file", ["contracts/__init__.py", "mock_server.py"])
def test_a_client_of_a_folder_with_a_namesake(file: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Client and judge cannot share a process there: exit code 2, and what to do; other ways of attaching can."""
    (tmp_path / file).parent.mkdir(exist_ok=True)
    (tmp_path / file).touch()
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(sys, "path", [*sys.path])
    with pytest.raises(ConfigurationError, match=rf"{file} has the name of a package .* \(--exec\)"):
        load_here("acme:Client")
    load_here("exec true")
    assert str(tmp_path) not in sys.path


def test_a_client_of_this_repository(monkeypatch: pytest.MonkeyPatch) -> None:
    """Our own folders are nobody's namesakes."""
    monkeypatch.chdir(HOME)
    monkeypatch.setattr(sys, "path", [*sys.path])
    load_here("contracts.clients.reference:ReferenceClient")


def test_a_command_that_cannot_be_loaded(monkeypatch: pytest.MonkeyPatch) -> None:
    """Another distribution's command that is broken is named; exit code 2."""
    broken = EntryPoint("broken", "no_such_module:command", COMMANDS)
    monkeypatch.setattr("mock_server.cli.entry_points", lambda **_: [broken])
    done = CliRunner().invoke(main, ["broken"])
    assert (done.exit_code, done.output) == (
        2,
        "Error: cannot load the command broken (no_such_module:command): No module named 'no_such_module'\n",
    )
