"""The judge of clients. It reads what the emulator writes, never the other way round."""

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from contracts.client.interface import Client, DumpedRecord, Effect, Link, Socket, Start, UnimplementedError, Window
    from contracts.client_contract import ClientContract

__all__ = [
    "Client",
    "ClientContract",
    "DumpedRecord",
    "Effect",
    "Link",
    "Socket",
    "Start",
    "UnimplementedError",
    "Window",
]


def __getattr__(name: str) -> Any:
    """Imported when it is used: the pytest plugin beside it must cost nothing, and only contracts need pytest."""
    if name in __all__:
        return getattr(
            import_module("contracts.client_contract" if name == "ClientContract" else "contracts.client.interface"),
            name,
        )
    raise AttributeError(name)
