"""A fake Tuya parking cloud: the API, the parking lots and the message queue behind it."""

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from mock_server.inprocess import MockParking, mock_parking

__version__ = "0.1.0"

__all__ = ["MockParking", "__version__", "mock_parking"]


def __getattr__(name: str) -> Any:
    """Import what is asked for only then: a suite that does not use it pays nothing."""
    if name not in __all__:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    from mock_server import inprocess  # noqa: PLC0415 that is the point

    return getattr(inprocess, name)
