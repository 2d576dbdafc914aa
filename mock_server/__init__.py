"""A fake Tuya parking cloud: the API, the parking lots and the message queue behind it."""

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from mock_server.doubts import DoubtfulValueWarning
    from mock_server.testing.in_process import MockParking, mock_parking
    from mock_server.testing.lot import Lot
    from mock_server.testing.parking import Parking
    from mock_server.testing.served import ServedParking
    from mock_server.testing.vendor_hosts import RealVendorError

from mock_server.version import __version__

__all__ = [
    "DoubtfulValueWarning",
    "Lot",
    "MockParking",
    "Parking",
    "RealVendorError",
    "ServedParking",
    "__version__",
    "mock_parking",
]

_MODULES = {
    "DoubtfulValueWarning": "doubts",
    "Lot": "testing.lot",
    "MockParking": "testing.in_process",
    "Parking": "testing.parking",
    "RealVendorError": "testing.vendor_hosts",
    "ServedParking": "testing.served",
    "mock_parking": "testing.in_process",
}


def __getattr__(name: str) -> Any:
    """Import what is asked for only then: a suite that does not use it pays nothing."""
    if name not in _MODULES:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    from importlib import import_module  # noqa: PLC0415 that is the point

    return getattr(import_module(f"{__name__}.{_MODULES[name]}"), name)
