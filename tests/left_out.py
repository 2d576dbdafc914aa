"""A plugin of pytest: which tests are slow, and lines that say how many were left out, and what runs them.

xdist counts what its workers left out nowhere, so each worker hands its number to the process that prints.
"""

from collections import Counter
from typing import Any

import pytest

SLOW_OF = pytest.StashKey[dict[str, list[bool]]]()
"""For each collected module, by its path from the root: whether each of its tests is slow. Before any selection."""

LEFT_OUT = pytest.StashKey[Counter[str]]()
"""How many tests of each marker were left out."""

WHERE = {
    "slow": "{} slow tests were left out, and properties drew few examples: `make test-all` runs all",
    "sdks": "{} tests of SDKs in Go and Java were left out: `make test-sdks` runs them",
}
"""What is said of each marker whose tests `-m` leaves out."""


def is_slow(item: pytest.Item) -> bool:
    """Whether it has the marker."""
    return item.get_closest_marker("slow") is not None


@pytest.hookimpl(tryfirst=True)
def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    """Look at every test before `-m` and `-k` choose."""
    modules = config.stash.setdefault(SLOW_OF, {})
    for item in items:
        modules.setdefault(item.nodeid.partition("::")[0], []).append(is_slow(item))


def pytest_deselected(items: list[pytest.Item]) -> None:
    """Count those with a marker that `-m` names, if it is `-m` that leaves them out."""
    if items:
        config = items[0].config
        named = [marker for marker in WHERE if marker in config.option.markexpr]
        left_out = Counter(marker for item in items for marker in named if item.get_closest_marker(marker))
        config.stash.setdefault(LEFT_OUT, Counter()).update(left_out)


def pytest_sessionfinish(session: pytest.Session) -> None:
    """In a worker of xdist: hand on how many."""
    if hasattr(session.config, "workeroutput"):
        session.config.workeroutput["left_out"] = dict(session.config.stash.get(LEFT_OUT, {}))


@pytest.hookimpl(optionalhook=True)
def pytest_testnodedown(node: Any) -> None:
    """A worker has ended: each has collected, and left out, the same tests. One that has crashed has said nothing."""
    told = Counter(getattr(node, "workeroutput", {}).get("left_out", {}))
    node.config.stash[LEFT_OUT] = node.config.stash.get(LEFT_OUT, Counter()) | told


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter, config: pytest.Config) -> None:
    """Nothing is left out without a word."""
    for marker, number in sorted(config.stash.get(LEFT_OUT, {}).items()):
        terminalreporter.write_line(WHERE[marker].format(number))
