"""Registers our hypothesis profiles before hypothesis looks for the one that the command line names."""

import pytest


@pytest.hookimpl(tryfirst=True)
def pytest_configure(config: pytest.Config) -> None:
    """Only where one of them is asked for: importing hypothesis takes a while."""
    asked = config.getoption("--hypothesis-profile", default=None)
    if str(asked).startswith("parking-mock"):
        from contracts.profiles import register  # noqa: PLC0415 only then

        register()
