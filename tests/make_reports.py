"""Stores reports of ten clients in `fixtures/reports`, by which the tests hold editions.

`python -m tests.make_reports` plays clients of which there is no report yet. A stored report is not written again: it
stands for what users have.
"""

import shutil
import tempfile
from pathlib import Path

from contracts.clients.reference import ReferenceClient
from contracts.clients.zoo import ZOO
from tests.command_line import run_here

REPORTS = Path(__file__).parent.parent / "fixtures" / "reports"

CLIENTS = (
    "CountsDeliveries",
    "KeysByIdOverTypes",
    "TakesUnknownCodeForSuccess",
    "OneCallForEachCell",
    "KeepsItsSpelling",
    "ListsEachLane",
    "ReadsOneEncryption",
    "AcksTheUnreadable",
    "RevisitsFullWindowsOnly",
)
"""Known-bad clients, of must-rules and of others; the tenth is the reference client."""


def main() -> None:
    """Play the clients; the name of a report begins with the exit code."""
    bad = ((ZOO[name].client, f"{ZOO[name].rule_id.partition('-')[0]}-*") for name in CLIENTS)
    clients: tuple[tuple[type, str], ...] = ((ReferenceClient, "CNT-*"), *bad)
    for client, rules in clients:
        name = client.__name__
        if not list(REPORTS.glob(f"*-{name}.json")):
            with tempfile.TemporaryDirectory() as folder:
                options = ("--client", f"{client.__module__}:{name}", "--rule", rules, "--examples", "5")
                done = run_here("check", *options, "--report", folder)
                shutil.copy(Path(folder) / "report.json", REPORTS / f"{done.returncode}-{name}.json")


if __name__ == "__main__":
    main()
