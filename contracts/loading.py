"""Finds a client by `MODULE:NAME`."""

import importlib
from typing import Any

from contracts.client import Client, MakeClient


class ClientNotFoundError(Exception):
    """There is no client of that name, or it is none."""


def load_client(spec: str) -> MakeClient:
    """What makes a client: a subclass of `contracts.Client`, or a callable that is given the exports.

    ClientNotFoundError says what is wrong with `spec`.
    """
    module_name, _, name = spec.partition(":")
    if not module_name or not name:
        raise ClientNotFoundError(f"{spec!r}: a client is named MODULE:NAME, as in my_package.client:MyClient")
    try:
        found: Any = importlib.import_module(module_name)
        for part in name.split("."):
            found = getattr(found, part)
    except ImportError as error:
        raise ClientNotFoundError(f"{spec!r} cannot be imported: {error}") from error
    except AttributeError:
        raise ClientNotFoundError(f"{spec!r}: there is no {name} in {module_name}") from None
    if isinstance(found, type) and issubclass(found, Client):
        return _maker(found)
    if isinstance(found, type) or not callable(found):
        raise ClientNotFoundError(f"{spec!r} is neither a contracts.Client nor a function that makes one")
    make_client: MakeClient = found
    return make_client


def _maker(client: Any) -> MakeClient:
    """A class is called with the exports if it takes them, else without."""
    if client.__init__ is object.__init__:
        return lambda _: client()
    return client  # type: ignore[no-any-return]  # the same
