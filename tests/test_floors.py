"""The floors of the house: ARCHITECTURE.md draws them, the imports of every module are held to them."""

import ast
import re
from collections.abc import Iterator
from functools import cache
from pathlib import Path
from typing import NamedTuple

import pytest

ROOT = Path(__file__).parent.parent
PACKAGES = ("contracts", "mock_server", "parking_mock")
DOORS = frozenset((*PACKAGES, "mock_server.web"))
"""The packages themselves: their `__init__` imports what users ask for when they ask, or nothing."""

READ_BY_RULES = ("model", "profile", "problems", "history", "wire", "words", "faults.catalogue")
"""What of the emulator the judge may know to read a history. The emulator's objects are not in it."""

KNOWN_TO = {
    "flask": ("mock_server/web/",),
    "werkzeug": ("mock_server/web/",),
    "uvicorn": ("mock_server/web/",),
    "hypothesis": (
        "contracts/play/strategies.py",
        "contracts/cases/",
        "contracts/check/",
        "contracts/proof/",
        "contracts/commands/check.py",
        "contracts/client_contract.py",
        "parking_mock/profiles.py",
    ),
    "jinja2": ("contracts/report/", "mock_server/web/dashboard/"),
    "click": (
        "mock_server/cli.py",
        "mock_server/store_option.py",
        "mock_server/project_commands.py",
        "mock_server/around_commands.py",
        "mock_server/doctor_command.py",
        "contracts/commands/",
        "contracts/demo/",
        "contracts/agents/",
    ),
    "jsonschema": ("contracts/agents/arguments.py",),
    "mcp": ("contracts/agents/server.py",),
    "mcp_types": ("contracts/agents/server.py",),
    "urllib3": ("mock_server/testing/in_process_http.py",),
}
"""Where each library may be imported."""


PAGES = sorted(path.relative_to(ROOT / "docs").as_posix() for path in (ROOT / "docs").rglob("*.md"))


class Module(NamedTuple):
    """A module of ours: its dotted name, its file, and what it imports at any place."""

    name: str
    path: Path
    imports: frozenset[str]


def dotted(path: Path) -> str:
    """The name of a module."""
    return ".".join(path.relative_to(ROOT).with_suffix("").parts).removesuffix(".__init__")


FILES = {dotted(path): path for package in PACKAGES for path in sorted((ROOT / package).rglob("*.py"))}


def imports_of(path: Path) -> Iterator[str]:
    """What a file imports: the modules, also where they are named as `from package import module`."""
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            module = node.module or ""
            for alias in node.names:
                full = f"{module}.{alias.name}"
                yield full if full in FILES else module


@cache
def modules() -> list[Module]:
    """Every module, read when the first test asks: whoever only collects tests need not."""
    return [Module(name, path, frozenset(imports_of(path))) for name, path in FILES.items()]


def picture() -> list[list[str]]:
    """The rooms of ARCHITECTURE.md by floor, the highest first."""
    floors: list[list[str]] = []
    package = ""
    for line in (ROOT / "ARCHITECTURE.md").read_text(encoding="utf-8").splitlines():
        if found := re.fullmatch(r"    (contracts|mock_server|parking_mock)  +\S.*", line):
            package = found[1]
        elif package and (found := re.fullmatch(r"      (\S.*?)  +\S.*", line)):
            floors.append([f"{package}.{name.strip().replace('/', '.')}" for name in found[1].split(",")])
        elif line and not line.startswith("    "):
            package = ""
    return floors


FLOORS = picture()
LEVEL = {room: len(FLOORS) - place for place, rooms in enumerate(FLOORS) for room in rooms}


def room_of(name: str) -> str | None:
    """The room in which a module lives: the longest name of the picture that its own begins with."""
    rooms = [room for room in LEVEL if name == room or name.startswith(f"{room}.")]
    return max(rooms, key=len, default=None)


def test_the_picture_names_every_room_and_no_other() -> None:
    """Every module lives in a room of the picture, and every room has modules."""
    homeless = [module.name for module in modules() if module.name not in DOORS and room_of(module.name) is None]
    assert not homeless, "not in the picture of ARCHITECTURE.md"
    empty = set(LEVEL) - {room_of(module.name) for module in modules()}
    assert not empty, "in the picture of ARCHITECTURE.md, but not there"


def test_a_module_imports_from_lower_floors_only() -> None:
    """Its own room and every lower one; so no two rooms import one another, however long the way round."""
    wrong = []
    for module in modules():
        own = room_of(module.name)
        for name in module.imports:
            other = room_of(name)
            if own and other and own != other and LEVEL[other] >= LEVEL[own]:
                wrong.append(f"{module.name} must not import {name}: {other} is not below {own}")
    assert wrong == []


def test_a_module_does_not_come_in_by_the_front_door() -> None:
    """`from mock_server import ...` is for users: inside it would lead round in a circle."""
    assert [module.name for module in modules() if module.name not in DOORS and module.imports & DOORS] == []


def test_the_emulator_knows_no_rules() -> None:
    """`mock_server` never imports `contracts`."""
    for module in modules():
        if module.name.startswith("mock_server"):
            assert not any(name.split(".")[0] == "contracts" for name in module.imports), module.name


@pytest.mark.parametrize("room", ["run", "diagnosis", "rules"])
def test_the_judge_reads_the_history_and_not_the_emulators_objects(room: str) -> None:
    """What judges a run knows the vocabulary, the events and the wire of the emulator, and nothing that acts."""
    for module in modules():
        if module.name.startswith(f"contracts.{room}."):
            parts = [name.removeprefix("mock_server.") for name in module.imports if name.startswith("mock_server.")]
            assert not [name for name in parts if not name.startswith(READ_BY_RULES)], module.name


@pytest.mark.parametrize("library", KNOWN_TO)
def test_a_library_is_known_where_it_belongs(library: str) -> None:
    """Only the modules that are about it import it, at the top or inside a function."""
    homes = KNOWN_TO[library]
    for module in modules():
        path = module.path.relative_to(ROOT).as_posix()
        if any(name.split(".")[0] == library for name in module.imports):
            assert path.startswith(homes), f"{path} imports {library}"


@pytest.mark.parametrize("name", ["mock_server.model", "mock_server.clock"])
def test_the_ground_floor_imports_nothing_of_ours(name: str) -> None:
    """`model` and `clock` stand on their own."""
    assert not any(each.startswith(PACKAGES) for each in imports_of(FILES[name]))


def test_nothing_reads_the_wall_clock_or_unseeded_randomness() -> None:
    """`time` is imported by the clock only, and nobody calls the functions of `random` or `datetime.now`."""
    for module in modules():
        text = module.path.read_text(encoding="utf-8")
        if module.name != "mock_server.clock":
            assert "time" not in module.imports, module.name
        assert not module.imports & {"secrets", "uuid"}, module.name
        assert "import random" not in text, module.name
        assert ".now()" not in text.replace("get_running_loop().time()", ""), module.name


def test_no_class_name_means_two_things() -> None:
    """A class or type alias of a module has a name of its own in both packages."""
    homes: dict[str, set[str]] = {}
    for module in modules():
        for node in ast.parse(module.path.read_text(encoding="utf-8")).body:
            if isinstance(node, ast.ClassDef):
                homes.setdefault(node.name, set()).add(module.name)
            elif isinstance(node, ast.AnnAssign) and ast.unparse(node.annotation) == "TypeAlias":
                homes.setdefault(ast.unparse(node.target), set()).add(module.name)
    twice = {name: sorted(modules) for name, modules in homes.items() if len(modules) > 1}
    assert not {name: modules for name, modules in twice.items() if not name.startswith("_")}


def test_modules_stay_readable() -> None:
    """No module of the packages has more than 500 lines."""
    for module in modules():
        assert len(module.path.read_text(encoding="utf-8").splitlines()) <= 500, module.name


@pytest.mark.parametrize(
    "page", ["ARCHITECTURE.md", "CONTRIBUTING.md", "README.md", *(f"docs/{name}" for name in PAGES)]
)
def test_files_named_in_prose_exist(page: str) -> None:
    """A path in a page, as `lots/lots.py` or from the root of the repository, is there."""
    for name in re.findall(r"`([\w./-]+/[\w.-]+\.(?:py|md|json|jsonl))`", (ROOT / page).read_text(encoding="utf-8")):
        assert any((ROOT / folder / name).exists() for folder in ("", *PACKAGES, Path(page).parent)), name
