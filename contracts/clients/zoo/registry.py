"""The registry of known-bad clients, and the decorator that adds to it."""

from collections.abc import Callable
from typing import NamedTuple, TypeVar

from contracts.clients.reference import ReferenceClient

AClient = TypeVar("AClient", bound=type[ReferenceClient])


class KnownBadClient(NamedTuple):
    """A known-bad client and the rule that it breaks."""

    rule_id: str
    client: type[ReferenceClient]

    @property
    def name(self) -> str:
        """The name of its class."""
        return self.client.__name__

    @property
    def defect(self) -> str:
        """Its defect in a sentence: the first line of the class's docstring."""
        return (self.client.__doc__ or "").strip().splitlines()[0]


ZOO: dict[str, KnownBadClient] = {}
"""Every known-bad client by its name."""


def breaks(rule_id: str) -> Callable[[AClient], AClient]:
    """Enter a client that breaks this rule, and as few others as its defect allows. ValueError for a name in use."""

    def enter(client: AClient) -> AClient:
        if client.__name__ in ZOO:
            raise ValueError(f"there is a {client.__name__} already")
        ZOO[client.__name__] = KnownBadClient(rule_id, client)
        return client

    return enter
