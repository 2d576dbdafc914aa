"""Registers our hypothesis profiles for `--hypothesis-profile`: a repeatable one for CI, a long one for the night."""

import pytest

CI, NIGHT = "parking-mock-ci", "parking-mock-night"


@pytest.hookimpl(tryfirst=True)  # before hypothesis looks for the profile that the command line names
def pytest_configure(config: pytest.Config) -> None:
    """Register the profiles only if the command line names one: importing hypothesis is slow."""
    if config.getoption("--hypothesis-profile", default=None) in (CI, NIGHT):
        from hypothesis import settings  # noqa: PLC0415 only then

        settings.register_profile(CI, max_examples=25, stateful_step_count=15, deadline=None, derandomize=True)
        settings.register_profile(NIGHT, max_examples=1_000, stateful_step_count=60, deadline=None)
