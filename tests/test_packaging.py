"""What is shipped: the content of the wheel."""

import re
import subprocess
import sys
import zipfile
from pathlib import Path

import pytest

from contracts.commands.init import ADAPTERS, files_of
from tests.support import network_variables

ROOT = Path(__file__).parent.parent
PACKAGES = ("mock_server", "contracts", "parking_mock")


PAGE = (ROOT / "docs" / "installing.md").read_text(encoding="utf-8")
LINES = {line.split()[0]: line for line in reversed(re.findall(r"^(?:uvx|pipx) .*$", PAGE, re.MULTILINE))}
"""The first line of the page for each way to run a wheel that is not installed."""

DEADLINE_S = 300


@pytest.fixture(scope="module")
def wheel(built_wheel: Path) -> zipfile.ZipFile:
    """What is in it."""
    return zipfile.ZipFile(built_wheel)


@pytest.fixture(scope="module")
def empty_home(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The home of a user who has uvx and pipx, and nothing else."""
    home = tmp_path_factory.mktemp("home")
    (home / "bin").mkdir()
    for name in ("uv", "uvx"):
        (home / "bin" / name).symlink_to(Path(sys.executable).with_name(name))
    pipx = home / "bin" / "pipx"
    pipx.write_text('#!/bin/sh\nexec uvx pipx "$@"\n', encoding="utf-8")
    pipx.chmod(0o755)
    return home


def test_wheel_holds_the_packages_and_nothing_else(wheel: zipfile.ZipFile) -> None:
    """Beside its metadata the wheel has the packages, typed, without tests or fixtures."""
    tops = {name.split("/")[0] for name in wheel.namelist()}
    assert {top for top in tops if not top.endswith(".dist-info")} == set(PACKAGES)
    assert {f"{package}/py.typed" for package in PACKAGES} <= set(wheel.namelist())


def test_wheel_has_every_module(wheel: zipfile.ZipFile) -> None:
    """No module of the packages is left behind, and no template."""
    files = (path for package in PACKAGES for path in (ROOT / package).rglob("*") if path.is_file())
    shipped = {path.relative_to(ROOT).as_posix() for path in files if "__pycache__" not in path.parts}
    assert "contracts/report/templates/index.html" in shipped
    assert shipped <= set(wheel.namelist())


@pytest.mark.parametrize("language", ADAPTERS)
def test_wheel_has_the_clients_to_copy(wheel: zipfile.ZipFile, language: str) -> None:
    """The files of a clone, and nothing that was installed for them."""
    inside = f"contracts/examples/{ADAPTERS[language]}/"
    shipped = {name.removeprefix(inside) for name in wheel.namelist() if name.startswith(inside)}
    assert shipped == {path.name for path in files_of(language)}


def test_wheel_has_the_dashboard(wheel: zipfile.ZipFile) -> None:
    """Templates, scripts and styles are shipped with the modules."""
    pages = [path for path in (ROOT / "mock_server" / "web" / "dashboard" / "pages").rglob("*") if path.is_file()]
    assert {path.suffix for path in pages} == {".html", ".js", ".css", ".svg"}
    assert {path.relative_to(ROOT).as_posix() for path in pages} <= set(wheel.namelist())


def test_the_description_has_no_dead_links(wheel: zipfile.ZipFile) -> None:
    """The metadata's README is the README, whose links and images that an index does not have became words."""
    name = next(each for each in wheel.namelist() if each.endswith(".dist-info/METADATA"))
    text = wheel.read(name).decode("utf-8").partition("\n\n")[2]
    assert text.startswith("# parking-mock\n")
    assert [target for target in re.findall(r"\]\(([^)]*)\)", text) if not target.startswith("https://")] == []
    assert "The same page, the dashboard, watches your own client" in text


@pytest.mark.slow
def test_it_runs_without_being_installed(built_wheel: Path, empty_home: Path) -> None:
    """The wheel and a runner are enough: the page's lines run in a home that has no package of Python."""
    own = {"HOME": str(empty_home), "PATH": f"{empty_home / 'bin'}:/usr/bin:/bin", "WHEEL": str(built_wheel)}
    runner = {"UV_PYTHON": getattr(sys, "_base_executable", sys.executable), "PIPX_DEFAULT_BACKEND": "uv"}
    for way, says in (("uvx", "Silence means: equal."), ("pipx", "Nothing wrong; ")):
        done = subprocess.run(  # noqa: S603 our own documentation
            ["/bin/bash", "-c", LINES[way]],
            env=network_variables() | own | runner,
            cwd=empty_home,
            capture_output=True,
            text=True,
            timeout=DEADLINE_S,
            check=False,
        )
        assert done.returncode == 0, done.stderr
        assert says in done.stdout, way
