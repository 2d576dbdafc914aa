"""What is shipped: the wheel's content and the floors of the house."""

import ast
import subprocess
import sys
import zipfile
from pathlib import Path

import pytest

ROOT = Path(__file__).parent.parent
PACKAGES = ("mock_server", "contracts")


@pytest.fixture(scope="module")
def wheel(tmp_path_factory: pytest.TempPathFactory) -> zipfile.ZipFile:
    """The wheel, built from this tree."""
    folder = tmp_path_factory.mktemp("wheel")
    build = [sys.executable, "-m", "build", "--wheel", "--no-isolation", "--outdir", str(folder), str(ROOT)]
    subprocess.run(build, check=True, capture_output=True)  # noqa: S603 our own command
    return zipfile.ZipFile(next(folder.glob("*.whl")))


def test_wheel_holds_the_two_packages_and_nothing_else(wheel: zipfile.ZipFile) -> None:
    """Beside its metadata the wheel has `mock_server` and `contracts`, typed, without tests or fixtures."""
    tops = {name.split("/")[0] for name in wheel.namelist()}
    assert {top for top in tops if not top.endswith(".dist-info")} == set(PACKAGES)
    assert {f"{package}/py.typed" for package in PACKAGES} <= set(wheel.namelist())


def test_wheel_has_every_module(wheel: zipfile.ZipFile) -> None:
    """No module of the packages is left behind, and no template."""
    files = (path for package in PACKAGES for path in (ROOT / package).rglob("*") if path.is_file())
    shipped = {path.relative_to(ROOT).as_posix() for path in files if "__pycache__" not in path.parts}
    assert "contracts/report/templates/index.html" in shipped
    assert shipped <= set(wheel.namelist())


def test_wheel_has_the_dashboard(wheel: zipfile.ZipFile) -> None:
    """Templates, scripts and styles are shipped with the modules."""
    pages = [path for path in (ROOT / "mock_server" / "web" / "dashboard" / "pages").rglob("*") if path.is_file()]
    assert {path.suffix for path in pages} == {".html", ".js", ".css", ".svg"}
    assert {path.relative_to(ROOT).as_posix() for path in pages} <= set(wheel.namelist())


def imports_of(path: Path) -> set[str]:
    """The modules that a file imports."""
    names = set()
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if isinstance(node, ast.Import):
            names |= {alias.name for alias in node.names}
        elif isinstance(node, ast.ImportFrom):
            names.add(node.module or "")
    return names


def modules_below(folder: str) -> list[Path]:
    """The modules of a folder of the repository."""
    return sorted((ROOT / folder).rglob("*.py"))


def test_the_emulator_knows_no_rules() -> None:
    """`mock_server` never imports `contracts`."""
    for path in modules_below("mock_server"):
        assert not any(name.split(".")[0] == "contracts" for name in imports_of(path)), path


def test_only_the_web_knows_flask() -> None:
    """Flask and uvicorn are imported below `mock_server/web` only."""
    for path in modules_below("mock_server"):
        if "web" not in path.parts:
            assert not {name.split(".")[0] for name in imports_of(path)} & {"flask", "werkzeug", "uvicorn"}, path


@pytest.mark.parametrize("name", ["model", "clock"])
def test_the_ground_floor_imports_nothing_of_ours(name: str) -> None:
    """`model` and `clock` stand on their own."""
    assert not any(each.startswith(PACKAGES) for each in imports_of(ROOT / "mock_server" / f"{name}.py"))


def test_nothing_reads_the_wall_clock_or_unseeded_randomness() -> None:
    """`time` is imported by the clock only, and nobody calls the functions of `random` or `datetime.now`."""
    for path in (path for package in PACKAGES for path in modules_below(package)):
        text = path.read_text(encoding="utf-8")
        if path.name != "clock.py":
            assert "time" not in imports_of(path), path
        assert "secrets" not in imports_of(path), path
        assert "import random" not in text, path
        assert ".now()" not in text.replace("get_running_loop().time()", ""), path
        assert "uuid" not in imports_of(path), path


def test_modules_stay_readable() -> None:
    """No module of the packages has more than 500 lines."""
    for path in (path for package in PACKAGES for path in modules_below(package)):
        assert len(path.read_text(encoding="utf-8").splitlines()) <= 500, path
