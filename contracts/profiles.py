"""Settings of hypothesis for contracts: one for CI, repeatable, and one for a long night."""

from hypothesis import settings

CI, NIGHT = "parking-mock-ci", "parking-mock-night"


def register() -> None:
    """Let `--hypothesis-profile` know them."""
    settings.register_profile(CI, max_examples=25, stateful_step_count=15, deadline=None, derandomize=True)
    settings.register_profile(NIGHT, max_examples=1_000, stateful_step_count=60, deadline=None)
