"""`--store` and `--store-sync` of `serve`: where the state of the projects is kept."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import click

from mock_server.cloud import DEFAULT_ACCESS_ID, Cloud
from mock_server.ledger import Ledger
from mock_server.project import Project
from mock_server.state.sqlite import SqliteStore
from mock_server.state.store import Sync

MEMORY = "memory"
SQLITE = "sqlite:///"

STORE_HELP = f"Where the projects are kept: {MEMORY}, or {SQLITE}FILE to find them again after a restart."
SYNC_HELP = (
    "What an answer waits for with a file: off (whatever happens to the machine may damage it), normal (the end of the "
    "machine may lose the last changes), full (nothing)."
)


class StorePlace(click.ParamType[Path | None]):
    """The file of a store, None for the memory."""

    name = "store"

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> Path | None:
        """The file, or a usage error."""
        text = str(value)
        if text == MEMORY:
            return None
        if not text.startswith(SQLITE) or not text.removeprefix(SQLITE):
            self.fail(f"{text!r} is no store: use {MEMORY}, or {SQLITE}FILE", param, ctx)
        return Path(text.removeprefix(SQLITE))


def open_ledger(cloud: Cloud, make: Callable[[], Project], place: Path | None, sync: Sync) -> Ledger | None:
    """The ledger of a store, whose projects are added to the cloud; None for the memory.

    The default project is made if it is not kept. StoreError if the store cannot be used.
    """
    if place is None:
        cloud.add(make())
        return None
    ledger = Ledger(cloud, SqliteStore(place, sync))
    ledger.open(DEFAULT_ACCESS_ID, make)
    return ledger


def store_note(place: Path | None, sync: Sync) -> str:
    """What `serve` says of the store, nothing of the memory."""
    if place is None:
        return ""
    return (
        f"  store          {place} ({sync}; a project that is kept there has the seed, profile and chaos it began with)"
    )
