"""The fixtures of parking-mock where pytest is too old for them: a test that asks for one gets a message."""

from typing import Any, NoReturn

import pluggy
import pytest

MESSAGE = (
    "parking-mock's fixtures need pytest 8 and pluggy 1.2 or newer, and here are pytest"
    f" {pytest.__version__} and pluggy {pluggy.__version__}: pip install 'pytest>=8'"
)


def pytest_configure(config: Any) -> None:
    """Register the marker: only the tests that use it are to fail."""
    config.addinivalue_line("markers", "parking_mock: needs pytest 8 or newer")


@pytest.fixture
def parking_mock() -> NoReturn:
    """Fail with the message."""
    pytest.fail(MESSAGE, pytrace=False)


@pytest.fixture
def parking_server() -> NoReturn:
    """Fail with the message."""
    pytest.fail(MESSAGE, pytrace=False)


@pytest.fixture(scope="session")
def parking_session_server() -> NoReturn:
    """Fail with the message."""
    pytest.fail(MESSAGE, pytrace=False)
