"""Runs the client: `python main.py FOLDER [--once]`, with addresses, keys and lots from the environment."""

import os
import sys
import time
from pathlib import Path

from client import Client
from store import Store

LOOK_EVERY_S = 1
NAMES = ("PARKING_API", "PARKING_WS", "PARKING_ACCESS_ID", "PARKING_ACCESS_SECRET", "PARKING_LOTS")


def main() -> None:
    folder, *options = sys.argv[1:] or [""]
    if not folder or any(not os.environ.get(name) for name in NAMES):
        sys.exit(f"usage: python main.py FOLDER [--once], with {', '.join(NAMES)} (ids with commas between)")
    api, ws, access_id, secret, lots = (os.environ[name] for name in NAMES)
    devices = [{"device_id": device_id, "kind": "lot"} for device_id in lots.split(",")]
    exports = {"api": api, "ws": ws, "access_id": access_id, "access_secret": secret, "devices": devices}
    Path(folder).mkdir(exist_ok=True)
    client = Client(exports, Store(Path(folder) / "parking.sqlite"))
    if options == ["--once"]:
        print(f"{client.tick()} counts told")
        return
    client.start()
    while True:
        client.tick()
        time.sleep(LOOK_EVERY_S)


if __name__ == "__main__":
    main()
