"""The judge of clients. It reads what the emulator writes, never the other way round."""

from typing import TYPE_CHECKING, Any

from contracts.client import Client, DumpedRecord, Effect, Link, Socket, Start, UnimplementedError, Window

if TYPE_CHECKING:
    from contracts.contract import ClientContract

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
    """`ClientContract` needs pytest, which who only runs the commands need not have."""
    if name == "ClientContract":
        from contracts.contract import ClientContract  # noqa: PLC0415 imported by who uses it

        return ClientContract
    raise AttributeError(name)
