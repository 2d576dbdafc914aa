"""Clients with a defect as a process, or beside another of their kind."""

import sys
from pathlib import Path
from typing import Any

from contracts.clients.record_store import SCHEMA, RecordStore
from contracts.clients.reference import ReferenceClient
from contracts.clients.zoo.registry import breaks


@breaks("PROC-ANSWER")
class PrintsWhatItStores(ReferenceClient):
    """Prints on its standard output, between the answers, that it has received something."""

    def read(self, frame: dict[str, Any]) -> dict[str, Any]:
        print("received a message", file=sys.stdout, flush=True)  # noqa: T201 the defect
        return super().read(frame)


class _OwnPlan(RecordStore):
    def __init__(self, path: Path) -> None:
        super().__init__(path)
        for statement in SCHEMA.split(";"):
            if "TABLE IF NOT EXISTS cells" in statement or "TABLE IF NOT EXISTS lots" in statement:
                self._db.execute(statement.replace("CREATE TABLE", "CREATE TEMP TABLE"))


@breaks("CONV-SINGLE")
class KeepsItsOwnSchedule(ReferenceClient):
    """Shares its records with other instances, but has a schedule of its own in memory."""

    store_kind = _OwnPlan
