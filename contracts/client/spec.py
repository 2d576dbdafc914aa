"""A client's specification: `MODULE:NAME`, a command or a URL; and loading the class or function of the first."""

import importlib
import re
import shlex
from typing import Any, Literal, NamedTuple, TypeAlias

from contracts.client.interface import Client, MakeClient


class ClientNotFoundError(Exception):
    """No client was found where its specification says, or what was found is no client."""


def load_client(spec: str) -> MakeClient:
    """Import a client class, or a function that makes a client from the exports.

    ClientNotFoundError if nothing of that name can be imported, or it is neither of them.
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
    """A function that makes the client, passing the exports only to a class whose constructor takes them."""
    if client.__init__ is object.__init__:
        return lambda _: client()
    return client  # type: ignore[no-any-return]  # the same


SHELL_SIGNS = frozenset({"&&", "||", "|", "&", ";", ">", ">>", "<", "2>", "2>&1"})
SHELL_COMMANDS = frozenset({"cd", "export", "source", ".", "alias", "set", "ulimit"})
"""What only a shell understands: signs between words, and commands that are no programs."""

_ASSIGNMENT = re.compile(r"[A-Za-z_][A-Za-z0-9_]*=")


def command_words(command: str) -> list[str]:
    """The program and its arguments. ClientNotFoundError if there is none, or if only a shell could run it."""
    try:
        words = shlex.split(command)
    except ValueError as error:
        raise ClientNotFoundError(f"{command!r} is no command line: {error}") from None
    if not words:
        raise ClientNotFoundError("the command is empty")
    odd = next((word for word in words if word in SHELL_SIGNS), words[0])
    if odd in SHELL_SIGNS | SHELL_COMMANDS or _ASSIGNMENT.match(odd):
        quoted = f'sh -c "{command}"' if not set('"$`\\') & set(command) else f"sh -c {shlex.quote(command)}"
        raise ClientNotFoundError(f"{odd!r} is for a shell, and this is none: name one, --exec {shlex.quote(quoted)}")
    return words


SpecKind: TypeAlias = Literal["client", "exec", "http"]


SPEC_KINDS: tuple[SpecKind, ...] = ("client", "exec", "http")


OBSERVED = "observe "
"""The prefix of the text of a client that is observed only."""


class ClientSpec(NamedTuple):
    """Where a client is and how it is attached. As text it is `MODULE:NAME`, `exec CMD` or `http URL`."""

    kind: SpecKind
    target: str

    def __str__(self) -> str:
        return self.target if self.kind == "client" else f"{self.kind} {self.target}"

    @property
    def option(self) -> str:
        """The option of the command line that names it."""
        targets = self.urls or [self.target]
        return " ".join(f"--{self.kind} {shlex.quote(target)}" for target in targets)

    @property
    def urls(self) -> list[str]:
        """The URLs of a client behind some: as many scenarios can be played at a time."""
        return self.target.split() if self.kind == "http" else []

    @property
    def is_elsewhere(self) -> bool:
        """Whether the client runs outside the processes of the judge."""
        return self.kind != "client"


def read_spec(text: str) -> ClientSpec:
    """Read what `str` of a spec has written."""
    kind, _, target = text.partition(" ")
    if kind == "exec":
        return ClientSpec("exec", target)
    return ClientSpec("http", target) if kind == "http" else ClientSpec("client", text)
