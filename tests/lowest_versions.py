"""Prints the lowest version of each dependency that pyproject.toml allows, as constraints of pip."""

import re
import sys
import tomllib
from pathlib import Path

ROOT = Path(__file__).parent.parent


def lowest_versions() -> list[str]:
    """`name==version` for each runtime dependency, those of extras too. ValueError for one without a lowest version."""
    project = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]
    wanted = [
        *project["dependencies"],
        *(each for extra in project["optional-dependencies"].values() for each in extra),
    ]
    return [_lowest(each) for each in wanted]


def _lowest(requirement: str) -> str:
    found = re.fullmatch(r"([\w-]+)(?:\[\w+\])?>=([\d.]+)(;.*)?", requirement)
    if found is None:
        raise ValueError(f"{requirement} has no lowest version of the form NAME>=VERSION")
    return f"{found[1]}=={found[2]}{found[3] or ''}"


if __name__ == "__main__":
    sys.stdout.write("\n".join(lowest_versions()) + "\n")
