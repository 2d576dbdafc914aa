"""Finds a client by `MODULE:NAME`."""

import importlib
import shlex
from typing import Any, Literal, NamedTuple, TypeAlias

from contracts.client.interface import Client, MakeClient


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


SpecKind: TypeAlias = Literal["client", "exec", "http"]


SPEC_KINDS: tuple[SpecKind, ...] = ("client", "exec", "http")


OBSERVED = "observe "
"""What the text of a client that is only observed begins with."""


class ClientSpec(NamedTuple):
    """A way to a client. As text it is `MODULE:NAME`, `exec CMD` or `http URL`."""

    how: SpecKind
    what: str

    def __str__(self) -> str:
        return self.what if self.how == "client" else f"{self.how} {self.what}"

    @property
    def option(self) -> str:
        """The option of the command line that names it."""
        return f"--{self.how} {shlex.quote(self.what)}"

    @property
    def is_elsewhere(self) -> bool:
        """Whether the client is in no process of the judge."""
        return self.how != "client"


def read_spec(text: str) -> ClientSpec:
    """The reverse of `str`."""
    how, _, what = text.partition(" ")
    if how == "exec":
        return ClientSpec("exec", what)
    return ClientSpec("http", what) if how == "http" else ClientSpec("client", text)
