"""The recipes of CONTRIBUTING.md: followed in a copy of the tree, they lead to green tests.

All of them are followed in one copy: each program that their commands name is started once, as a start costs seconds.
"""

import os
import re
import shlex
import shutil
import subprocess
import sys
from itertools import chain
from pathlib import Path
from typing import NamedTuple

import pytest

from tests.recipes import RECIPES
from tests.support import AS_A_USER

ROOT = Path(__file__).parent.parent
PACKAGES = ("contracts", "mock_server", "parking_mock")
OPTIONS = " ".join(("-m 'not slow'", *AS_A_USER))
"""Of pytest in the copy: slow tests and plugins that no recipe needs cost more than they would find."""

COPIED = (
    *(*PACKAGES, "tests", "fixtures", "docs", "examples", "scripts"),
    *("pyproject.toml", "constraints.txt", "CONTRIBUTING.md", "README.md"),
)
BUILT = shutil.ignore_patterns("node_modules", "build", "logs")
"""What is built and no recipe needs; bytecode is."""


class Recipe(NamedTuple):
    """A recipe as CONTRIBUTING.md has it: the places that are changed by hand, and the commands that follow."""

    places: list[str]
    commands: list[str]


def recipes() -> dict[str, Recipe]:
    """The recipes by heading."""
    page = (ROOT / "CONTRIBUTING.md").read_text(encoding="utf-8").partition("\n## Recipes\n")[2].partition("\n## ")[0]
    found = {}
    for section in page.split("\n### ")[1:]:
        heading, _, text = section.partition("\n")
        places = re.findall(r"^\d+\. `([^`]+)`", text, re.MULTILINE)
        found[heading] = Recipe(places, re.findall(r"^    (.+)$", text, re.MULTILINE))
    return found


def test_every_recipe_is_followed() -> None:
    """The page and the changes have the same recipes."""
    assert set(recipes()) == set(RECIPES)


@pytest.mark.parametrize("heading", RECIPES)
def test_a_recipe_names_the_places_that_are_changed(heading: str) -> None:
    """Each file once, in the order in which one goes through them."""
    assert recipes()[heading].places == list(dict.fromkeys(edit.path for edit in RECIPES[heading]))


def commands() -> list[list[str]]:
    """The words of the commands of all recipes, those of one program as one; the longest recipe has their order."""
    named: dict[tuple[str, ...], list[str]] = {}
    for recipe in sorted(recipes().values(), key=lambda each: len(each.commands), reverse=True):
        for words in map(shlex.split, recipe.commands):
            length = len(("python", "-m", "MODULE") if words[0] == "python" else ("pytest", "-q"))
            named.setdefault(tuple(words[:length]), []).extend(words[length:])
    return [[*program, *dict.fromkeys(names)] for program, names in named.items()]


@pytest.mark.slow
def test_the_recipes_lead_to_green_tests(tmp_path: Path) -> None:
    """Whoever changes the places and gives the commands has a change that the tests accept."""
    for name in COPIED:
        source = ROOT / name
        if source.is_dir():
            shutil.copytree(source, tmp_path / name, ignore=BUILT)
        else:
            shutil.copy(source, tmp_path / name)
    for edit in chain.from_iterable(RECIPES.values()):
        edit.make(tmp_path)
    for words in commands():
        run(words, tmp_path)


def run(words: list[str], folder: Path) -> None:
    """One command of recipes, on the tree in `folder`. Its output is shown if it fails."""
    module = words if words[0] == "python" else ["python", "-m", *words]
    done = subprocess.run(  # noqa: S603 a command of our own page
        [sys.executable, *module[1:]],
        cwd=folder,
        env=os.environ | {"PYTEST_ADDOPTS": OPTIONS},
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, f"{words}\n{done.stdout[-6000:]}\n{done.stderr[-3000:]}"
