"""`parking-mock doctor`: what it finds, on machines that lack something."""

import json
import socket
import sqlite3
import sys
import webbrowser
from collections.abc import Callable
from importlib.metadata import PackageNotFoundError
from pathlib import Path
from typing import Any

import pytest

from mock_server import needs
from mock_server.needs import Prerequisite, Requirement
from mock_server.state.database import Database
from mock_server.state.sqlite import SqliteStore
from mock_server.testing.served import ServedParking
from tests.command_line import run_here

NO_PORTS = ("--port", "0")


def examine(*arguments: str, **variables: str) -> tuple[int, dict[str, Prerequisite]]:
    """Exit code and findings, by their names, on free ports."""
    plain = dict.fromkeys(("http_proxy", "HTTP_PROXY", "https_proxy", "HTTPS_PROXY"), "")
    done = run_here("doctor", *NO_PORTS, *arguments, "--json", cwd=None, **plain | variables)
    told: dict[str, Any] = json.loads(done.stdout)
    findings = [Prerequisite(**each) for each in told["findings"]]
    assert told["well"] == (done.returncode == 0) == all(each.state != "wrong" for each in findings)
    return done.returncode, {each.name: each for each in findings}


def test_this_machine_is_well() -> None:
    """Where the tests run nothing is wrong: exit code 0, and each finding that is not ok says what to do."""
    code, found = examine()
    assert code == 0
    assert [found[name].state for name in ("python", "packages", "clock", "ports", "store")] == ["ok"] * 5
    assert all(each.remedy for each in found.values() if each.state != "ok")


def test_a_machine_that_lacks_everything(monkeypatch: pytest.MonkeyPatch) -> None:
    """An old Python, old and absent packages, no tools, no browser: each with what to do; exit code 2."""
    versions = {"click": "8.1", "psycopg": "3.2.9"}

    def version(name: str) -> str:
        if name not in versions:
            raise PackageNotFoundError(name)
        return versions[name]

    def no_browser() -> None:
        raise webbrowser.Error

    wanted = [
        Requirement("click", "8.4", ""),
        Requirement("flask", "3.0", ""),
        Requirement("psycopg", "3.3", "postgresql"),
    ]
    monkeypatch.setattr(needs, "requirements", lambda: [*wanted, Requirement("pytest", "8", "pytest")])
    monkeypatch.setattr(needs, "version", version)
    monkeypatch.setattr("platform.python_version", lambda: "3.10.14")
    monkeypatch.setattr("shutil.which", lambda _: None)
    monkeypatch.setattr(needs, "_ELSEWHERE", {})
    monkeypatch.setattr("webbrowser.get", no_browser)
    code, found = examine()
    assert code == 2
    assert found["python"] == Prerequisite(
        "python", "wrong", "3.10.14 is older than 3.11", "install Python 3.11 or newer"
    )
    assert (found["click"].state, found["click"].found) == ("wrong", "click 8.1 is older than 8.4")
    assert (found["flask"].state, found["flask"].found) == ("wrong", "flask is not installed")
    assert found["extra postgresql"].found == "psycopg 3.2.9 is older than 3.3"
    assert found["extra pytest"].remedy == "pip install 'parking-mock[pytest]'"
    assert {found[name].state for name in (*needs.TOOLS, "browser", "extra pytest")} == {"missing"}
    assert found["node"].remedy == "apt-get install nodejs npm"


def test_the_requirements_are_those_of_pyproject() -> None:
    """Each with its lowest version and its extra; what another platform needs is left out by its marker."""
    found = list(needs.requirements())
    assert Requirement("psycopg", "3.3", "postgresql") in found
    assert {"click", "flask", "uvicorn"} <= {each.name for each in found if not each.extra}
    assert all(needs.release(each.lowest) for each in found)


@pytest.mark.parametrize(
    ("text", "numbers"), [("3.10.0rc1", (3, 10)), ("8", (8,)), ("0.0", ()), ("2024.1", (2024, 1)), ("x", ())]
)
def test_versions_are_compared_by_numbers(text: str, numbers: tuple[int, ...]) -> None:
    """3.10 is newer than 3.9; zeros at the end say nothing."""
    assert needs.release(text) == numbers


def test_it_runs_from_a_folder_only(monkeypatch: pytest.MonkeyPatch) -> None:
    """Without metadata there are no versions to compare: that alone is told."""

    def no_metadata(name: str) -> None:
        raise PackageNotFoundError(name)

    monkeypatch.setattr(needs, "metadata", no_metadata)
    code, found = examine()
    assert (code, list(found)) == (2, ["parking-mock"])


def bound() -> socket.socket:
    """A socket that has a port, and refuses whoever calls."""
    taken = socket.socket()
    taken.bind(("127.0.0.1", 0))
    return taken


def test_a_port_that_is_taken() -> None:
    """It is named with its flag; the address of another machine with --host."""
    with bound() as taken:
        port = str(taken.getsockname()[1])
        code, found = examine("--ws-port", port)
    assert (code, found["ws-port"].state) == (2, "wrong")
    assert f"127.0.0.1:{port}" in found["ws-port"].found
    assert "--ws-port" in found["ws-port"].remedy
    assert "--host" in examine("--host", "no-such-host.invalid")[1]["port"].remedy


def test_a_parking_mock_that_runs_already(parking_server: ServedParking) -> None:
    """Its lab plane's port is taken by one of ours: what it can be reached by is said too."""
    exports: Any = parking_server.exports
    found = examine("--lab-port", exports["lab"].rpartition(":")[2])[1]["lab-port"]
    assert (found.state, found.remedy.partition(":")[0]) == ("wrong", "a parking-mock serves there")


def damage_nothing(path: Path) -> None:
    """No file."""


def make_store(path: Path) -> None:
    """A store of ours."""
    SqliteStore(path).close()


def make_other_database(path: Path) -> None:
    """A database that another program made."""
    with sqlite3.connect(path) as other:
        other.execute("PRAGMA application_id = 7")
        other.execute("CREATE TABLE t (x)")
    other.close()


def make_text(path: Path) -> None:
    """No database at all."""
    path.write_text("notes")


def make_folder(path: Path) -> None:
    """A folder in its place."""
    path.mkdir()


@pytest.mark.parametrize(
    ("make", "state", "words"),
    [
        (damage_nothing, "ok", "can be written"),
        (make_store, "ok", "can be written"),
        (make_other_database, "wrong", "another program's file"),
        (make_text, "wrong", "another program's file"),
        (make_folder, "wrong", "cannot be written"),
    ],
)
def test_a_store_in_a_file(make: Callable[[Path], None], state: str, words: str, tmp_path: Path) -> None:
    """It can be written, and is ours or new. Looking leaves the folder as it was."""
    path = tmp_path / "lots.db"
    make(path)
    before = sorted(tmp_path.iterdir())
    _, found = examine("--store", f"sqlite:///{path}")
    assert (found["store"].state, words in found["store"].found) == (state, True), found["store"]
    assert sorted(tmp_path.iterdir()) == before


def test_a_store_without_room(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A disk that is nearly full, and a folder that is not there."""
    monkeypatch.setattr(needs, "LOW_DISK", 1 << 80)
    assert "MiB are free there" in examine("--store", f"sqlite:///{tmp_path}/x.db")[1]["store"].found
    assert "cannot be written" in examine("--store", f"sqlite:///{tmp_path}/no/x.db")[1]["store"].found


def test_a_database_that_does_not_answer(monkeypatch: pytest.MonkeyPatch) -> None:
    """The driver's words without the password; or that there is no driver."""
    (found,) = needs.store(Database("postgresql://me:hidden@127.0.0.1:1/lots"))
    assert found.state == "wrong"
    assert "hidden" not in "".join(found)
    monkeypatch.setitem(sys.modules, "psycopg", None)
    (found,) = needs.store(Database("postgresql://127.0.0.1:1/lots"))
    assert found.remedy == "pip install 'parking-mock[postgresql]'"


def test_a_database_that_answers(database: Database) -> None:
    """It is connected to."""
    assert [each.state for each in needs.store(database)] == ["ok"]


def test_a_clock_that_is_wrong(monkeypatch: pytest.MonkeyPatch) -> None:
    """1970, and a machine without time zones."""
    monkeypatch.setattr(needs, "wall_clock_ms", lambda: 0)
    monkeypatch.setattr(needs, "BEIJING", "Asia/Nowhere")
    _, found = examine()
    assert found["clock"].found.startswith("1970-01-01 00:00:00 UTC")
    assert found["time zones"].remedy == "pip install tzdata"


def test_surroundings_that_lead_astray(monkeypatch: pytest.MonkeyPatch) -> None:
    """A proxy that loopback is not exempt from, few open files, and a namesake of a package of ours."""
    monkeypatch.setattr(needs, "connection_limit", lambda: 28)
    monkeypatch.setattr(needs, "shadow", lambda name: "somebody else's" if name == "contracts" else None)
    _, found = examine(http_proxy="http://proxy:1", no_proxy="", NO_PROXY="")
    assert "127.0.0.1" in found["proxy"].remedy
    assert found["open files"].found.startswith("28 connections")
    assert found["packages of ours"].state == "wrong"
    assert "proxy" not in examine(http_proxy="http://proxy:1", no_proxy="127.0.0.1")[1]


def test_what_people_read() -> None:
    """A line for each finding, what to do below it, and how many are wrong."""
    with bound() as taken:
        port = str(taken.getsockname()[1])
        done = run_here("doctor", *NO_PORTS, "--lab-port", port)
    lines = done.stdout.splitlines()
    assert done.returncode == 2
    (place,) = [place for place, line in enumerate(lines) if line.split()[:2] == ["wrong", "lab-port"]]
    assert lines[place + 1].strip() == "choose another with --lab-port, or end what has it"
    assert lines[place].index("cannot") == lines[place + 1].index("choose")
    assert lines[-1].startswith("1 wrong; ")
