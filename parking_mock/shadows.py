"""Finds a package of somebody else that Python would import in place of parking-mock's `mock_server` or `contracts`."""

import sys
from collections.abc import Iterator
from importlib.util import find_spec
from pathlib import Path

PACKAGES = ("mock_server", "contracts")

HOME = Path(__file__).resolve().parent.parent
"""The folder in which the packages of parking-mock lie side by side, installed or in a checkout."""


def shadow(name: str) -> str | None:
    """A message that names who shadows the package `name`, and what to do. None if nobody does.

    A package that is loaded already counts as it is; else what an import would find now. None for names that are not
    in PACKAGES.
    """
    if name not in PACKAGES:
        return None
    found = list(_places(name))
    if not found or any(_is_within(place, HOME / name) for place in found):
        return None
    return (
        f"parking-mock needs its own package `{name}` ({HOME / name}), but `{name}` is {found[0]}. Rename that one, or"
        " keep the folder that it lies in off the import path. It comes there by PYTHONPATH, by pytest's `pythonpath`,"
        " `rootdir` or a conftest.py, or as the folder in which `python -m` runs (`python -P -m parking_mock` leaves"
        " that out)."
    )


def namesake_in(folder: Path) -> Path | None:
    """A package or module of that folder that would shadow one of ours if the folder were put on the import path."""
    if folder.resolve() == HOME:
        return None
    files = (folder / file for name in PACKAGES for file in (f"{name}/__init__.py", f"{name}.py"))
    return next(filter(Path.exists, files), None)


def _places(name: str) -> Iterator[str]:
    """The file and the folders of a package: of the loaded one, or of the one that would be imported."""
    module = sys.modules.get(name)
    if module is not None:
        places = [getattr(module, "__file__", None), *getattr(module, "__path__", ())]
        yield from filter(None, places or ())
        yield "a module without a file"
    elif (spec := find_spec(name)) is not None:
        yield from filter(None, (spec.origin, *(spec.submodule_search_locations or ())))


def _is_within(place: str, folder: Path) -> bool:
    path = Path(place).resolve()
    return folder in (path, *path.parents)
