"""Lets `parking-mock check --exec` drive the client: one JSON object a line in, one a line out."""

import json
import sys
import threading
from collections.abc import Callable
from pathlib import Path
from types import SimpleNamespace
from typing import Any

from tuya_connector import openapi

from broken import KeylessStore
from client import Client
from reconciler import Settings
from store import BILL, Record, Store

CAN = ["sync", "advance", "quiet", "dump", "stop"]
WAITS_S = 20


class Told(Client):
    """Takes messages only once the time is told at which they came: with virtual time they overtake it."""

    def __init__(self, gate: threading.Lock, *parts: Any) -> None:
        self._gate = gate
        super().__init__(*parts)

    def take(self, text: str) -> None:
        with self._gate:
            super().take(text)


class Adapter:
    """The judge's time is virtual: a day takes a second. The client is told it, and the SDK, which signs by it."""

    def __init__(self, agent: str, make_store: Callable[[Path], Store]) -> None:
        self._agent, self._make_store = agent, make_store
        self._now_ms = 0
        openapi.time = SimpleNamespace(time=lambda: self._now_ms / 1000)
        self._ponged = threading.Event()
        self._gate = threading.Lock()
        self._gate.acquire()

    def answer(self, call: dict[str, Any]) -> dict[str, Any]:
        self._now_ms = call.get("now_ms", self._now_ms)
        if call["verb"] not in ("hello", "start", *CAN):
            return {"error": {"code": "unimplemented", "message": call["verb"]}}
        try:
            return {"result": getattr(self, call["verb"])(call)}
        except Exception as error:
            return {"error": {"code": "failed", "message": repr(error)}}

    def hello(self, _call: dict[str, Any]) -> dict[str, Any]:
        return {"agent": self._agent, "version": "0.1.0", "protocol": 1, "can": CAN}

    def start(self, call: dict[str, Any]) -> dict[str, Any]:
        profile = call["profile"]
        spelling = "camel" if profile["key_spelling"] == "camel" else "snake"
        settings = Settings(spelling, profile["window_bounds"], profile["record_time"], profile["max_sync_infos"])
        store = self._make_store(Path(call["folder"]) / "parking.sqlite")
        self._client = Told(self._gate, call["exports"], store, lambda: self._now_ms, settings)
        self._client.pulsar.ws_app.on_pong = lambda *_: self._ponged.set()
        self._client.start()
        return {}

    def sync(self, _call: dict[str, Any]) -> dict[str, Any]:
        self.quiet({})
        self._client.tick()
        return {}

    def advance(self, call: dict[str, Any]) -> dict[str, Any]:
        self.sync(call)
        return {"wake_ms": self._client.wakes_at()}

    def quiet(self, _call: dict[str, Any]) -> dict[str, Any]:
        """A pong does not overtake messages: with it, all that was sent before is stored and acknowledged."""
        self._ponged.clear()
        connection = self._client.pulsar.ws_app.sock
        if connection is not None and connection.connected:
            self._gate.release()
            connection.ping()
            self._ponged.wait(WAITS_S)
            self._gate.acquire()
        return {"wake_ms": self._client.wakes_at()}

    def dump(self, _call: dict[str, Any]) -> dict[str, Any]:
        return {"records": [told(record) for record in self._client.store.all_records()]}

    def stop(self, _call: dict[str, Any]) -> dict[str, Any]:
        return {}


def told(record: Record) -> dict[str, Any]:
    return {
        "record_id": record.record_id,
        "device_id": record.device_id,
        "data_type": record.type,
        "pass_direction": None if record.type == BILL else record.direction,
        "event_ms": record.at,
        "content_hash": record.content,
    }


def main() -> None:
    broken = "--broken" in sys.argv[1:]
    adapter = Adapter("python-client, broken" if broken else "python-client", KeylessStore if broken else Store)
    for line in sys.stdin:
        call = json.loads(line)
        print(json.dumps({"id": call["id"], **adapter.answer(call)}), flush=True)
        if call["verb"] == "stop":
            return


if __name__ == "__main__":
    main()
