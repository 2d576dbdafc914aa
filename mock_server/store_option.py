"""`--store` and `--store-sync` of `serve`: where the state of the projects is kept."""

import gc
from collections.abc import Callable
from pathlib import Path
from typing import Any, TypeAlias, get_args

import click

from mock_server.cloud import DEFAULT_ACCESS_ID, Cloud
from mock_server.ledger import Ledger
from mock_server.project import Project
from mock_server.state.database import PREFIX, Database
from mock_server.state.sqlite import SqliteStore
from mock_server.state.store import StoreError, Sync

MEMORY = "memory"
SQLITE = "sqlite:///"

_STORE_HELP = (
    f"Where the projects are kept: {MEMORY}, or {SQLITE}FILE to find them again after a restart, or "
    f"{PREFIX}USER@HOST/NAME, which several servers may share."
)
_SYNC_HELP = (
    "What an answer waits for with a file or a database: off (whatever happens to the machine may damage a file, and "
    "lose the last changes of a database), normal (the end of the machine may lose the last changes of a file), full "
    "(nothing)."
)

StorePlace: TypeAlias = Path | Database | None
"""The file or the database of a store, None for the memory."""


class StoreType(click.ParamType[StorePlace]):
    """Where a store is, by its URL."""

    name = "store"

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> StorePlace:
        """The place, or a usage error."""
        text = str(value)
        if text == MEMORY:
            return None
        if text.startswith(PREFIX):
            return Database(text)
        if not text.startswith(SQLITE) or not text.removeprefix(SQLITE):
            shown = Database(text).shown
            self.fail(f"{shown!r} is no store: use {MEMORY}, {SQLITE}FILE, or {PREFIX}USER@HOST/NAME", param, ctx)
        return Path(text.removeprefix(SQLITE))


STORE: dict[str, Any] = {
    "type": StoreType(),
    "default": MEMORY,
    "show_default": True,
    "metavar": "URL",
    "help": _STORE_HELP,
}
STORE_SYNC: dict[str, Any] = {
    "type": click.Choice(get_args(Sync)),
    "default": "normal",
    "show_default": True,
    "help": _SYNC_HELP,
}
"""The settings of the two flags."""


def open_ledger(cloud: Cloud, make: Callable[[], Project], place: StorePlace, sync: Sync) -> Ledger | None:
    """The ledger of a store, whose projects are added to the cloud; None for the memory.

    The default project is made if it is not kept. StoreError if the store cannot be used.
    """
    if place is None:
        cloud.add(make())
        return None
    ledger = _shared(cloud, place, sync) if isinstance(place, Database) else Ledger(cloud, SqliteStore(place, sync))
    gc.disable()  # what is read stays: to look through it again and again takes a tenth of the start
    try:
        ledger.open(DEFAULT_ACCESS_ID, make)
    finally:
        gc.enable()
    return ledger


def _shared(cloud: Cloud, place: Database, sync: Sync) -> Ledger:
    try:
        from mock_server.shared_ledger import SharedLedger  # noqa: PLC0415 only who has a database needs its driver
        from mock_server.state.postgresql import PostgresStore  # noqa: PLC0415 the same
    except ImportError as error:
        raise StoreError(
            f"a store in PostgreSQL needs psycopg: pip install 'parking-mock[postgresql]' ({error})"
        ) from None
    return SharedLedger(cloud, PostgresStore(place, sync))


def first_project(cloud: Cloud, ledger: Ledger | None) -> Project:
    """The default project; a copy of it, if another server has it."""
    project = cloud.get(DEFAULT_ACCESS_ID)
    return ledger.look_at(DEFAULT_ACCESS_ID) if project is None and ledger is not None else next(iter(cloud))


def store_note(place: StorePlace, sync: Sync) -> str:
    """What `serve` says of the store, nothing of the memory."""
    if place is None:
        return ""
    shown = place.shown if isinstance(place, Database) else place
    return (
        f"  store          {shown} ({sync}; a project that is kept there has the seed, profile and chaos it began with)"
    )
