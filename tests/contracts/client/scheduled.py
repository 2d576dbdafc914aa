"""A program on its own schedule: its environment tells it addresses and keys, and it asks about windows for ever.

`python -m tests.contracts.client.scheduled [doubles|prints|quits]` is wrong in a way.
"""

import os
import sys
import threading
from typing import Any

from contracts.clients.plain import PlainClient
from contracts.clients.vendor_api import CallError
from mock_server.clock import wall_clock_ms

WIDTH = int(os.environ["PARKING_MOCK_WINDOW_MS"])


class Doubles(PlainClient):
    """Counts deliveries."""

    def keep(self, device_id: str, data_type: int, value: dict[str, Any], at_ms: int) -> None:
        """Each is another one."""
        super().keep(device_id, data_type, value | {"recordId": f"{value['recordId']}-{len(self.records)}"}, at_ms)


class Prints(PlainClient):
    """Logs what comes."""

    def keep(self, device_id: str, data_type: int, value: dict[str, Any], at_ms: int) -> None:
        """Say so."""
        print(value, file=sys.stderr, flush=True)  # noqa: T201 the defect
        super().keep(device_id, data_type, value, at_ms)


def main(kind: str) -> None:
    """Ask about every closed window again and again."""
    if kind == "quits":
        sys.exit(7)
    told: dict[str, Any] = {
        name: os.environ[f"PARKING_MOCK_{name.upper()}"] for name in ("api", "ws", "access_id", "access_secret")
    }
    told["devices"] = [{"device_id": each} for each in os.environ["PARKING_MOCK_DEVICES"].split(",")]
    client = {"doubles": Doubles, "prints": Prints}.get(kind, PlainClient)(told, wall_clock_ms)
    client.start()
    first = wall_clock_ms() // WIDTH * WIDTH
    while True:
        for start in range(first, wall_clock_ms() - WIDTH - WIDTH // 4, WIDTH):
            try:
                client.sync(start, start + WIDTH)
            except CallError as error:
                print(f"later: {error.kind.name}", file=sys.stderr, flush=True)  # noqa: T201 its log
        threading.Event().wait(WIDTH / 2000)


if __name__ == "__main__":
    main(sys.argv[-1])
