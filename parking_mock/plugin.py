"""The one plugin that pytest loads by itself, in every project of an environment in which parking-mock is installed.

It must not fail anywhere. So it imports neither `mock_server` nor `contracts`: a project with packages of these names
could not import its own any more, or would break the import. An old pytest gets fixtures that say what is needed.
"""

import re

import pluggy
import pytest

PYTEST, PLUGGY = (8, 0), (1, 2)
"""The oldest versions with what the fixtures use: `pytest.StashKey`, and wrappers of hooks in today's form."""


def is_too_old(pytest_version: str, pluggy_version: str) -> bool:
    """Whether the fixtures cannot work with these versions."""
    return _numbers(pytest_version) < PYTEST or _numbers(pluggy_version) < PLUGGY


def _numbers(version: str) -> tuple[int, ...]:
    return tuple(int(number) for number in re.findall(r"\d+", version)[:2])


pytest_plugins = (
    ("parking_mock.too_old",)
    if is_too_old(pytest.__version__, pluggy.__version__)
    else ("parking_mock.fixtures", "parking_mock.profiles")
)
