"""The lowest versions that pyproject.toml allows: `make floors` tries them all; here they are complete and possible."""

import ast
import sys
import tomllib
from importlib.metadata import version
from pathlib import Path

import pytest
from packaging.requirements import Requirement

from tests.lowest_versions import ROOT, _lowest, lowest_versions

OURS = {"contracts", "mock_server", "parking_mock"}
OPTIONAL = {"_typeshed", "jsonschema", "mcp", "mcp_types", "pluggy", "psycopg", "pulsar", "pytest", "tuya_connector"}
"""Imported only by the type checker, or only where it is used: extras, and the SDKs on trial."""


def test_every_dependency_has_a_lowest_version() -> None:
    """As a constraint of pip, which the installed version is not below."""
    for line in lowest_versions():
        requirement = Requirement(line.replace("==", ">="))
        assert requirement.specifier.contains(version(requirement.name)), line
    with pytest.raises(ValueError, match=r"click<9 has no lowest version"):
        _lowest("click<9")


def imported(path: Path) -> set[str]:
    """The packages that a module imports at any place."""
    found = set()
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if isinstance(node, ast.Import):
            found |= {alias.name.partition(".")[0] for alias in node.names}
        elif isinstance(node, ast.ImportFrom):
            found.add((node.module or "").partition(".")[0])
    return found


def test_what_is_imported_is_declared() -> None:
    """A library that only another one brings may go, or be too old, without anybody's noticing."""
    project = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]
    declared = {Requirement(each).name.replace("-", "_") for each in project["dependencies"]}
    used = set().union(*(imported(path) for package in OURS for path in (ROOT / package).rglob("*.py")))
    assert used - OURS - OPTIONAL - sys.stdlib_module_names <= declared
