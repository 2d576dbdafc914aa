"""A plugin of pytest: which tests are slow, and a line that says how many of them were left out.

xdist counts what its workers left out nowhere, so each worker hands its number to the process that prints.
"""

from typing import Any

import pytest

SLOW_OF = pytest.StashKey[dict[str, list[bool]]]()
"""For each collected module, by its path from the root: whether each of its tests is slow. Before any selection."""

LEFT_OUT = pytest.StashKey[int]()


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
    """Count the slow ones, if it is `-m` that leaves them out."""
    if items and "slow" in items[0].config.option.markexpr:
        stash = items[0].config.stash
        stash[LEFT_OUT] = stash.get(LEFT_OUT, 0) + sum(map(is_slow, items))


def pytest_sessionfinish(session: pytest.Session) -> None:
    """In a worker of xdist: hand on how many."""
    if hasattr(session.config, "workeroutput"):
        session.config.workeroutput["left_out"] = session.config.stash.get(LEFT_OUT, 0)


@pytest.hookimpl(optionalhook=True)
def pytest_testnodedown(node: Any) -> None:
    """A worker has ended: each has collected, and left out, the same tests. One that has crashed has said nothing."""
    stash = node.config.stash
    stash[LEFT_OUT] = max(stash.get(LEFT_OUT, 0), getattr(node, "workeroutput", {}).get("left_out", 0))


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter, config: pytest.Config) -> None:
    """Nothing is left out without a word."""
    if number := config.stash.get(LEFT_OUT, 0):
        said = f"{number} slow tests were left out, and properties drew few examples"
        terminalreporter.write_line(f"{said}: `make test-all` runs all")
