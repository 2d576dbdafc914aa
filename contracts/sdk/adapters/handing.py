"""How an adapter in Python hands messages on (`contracts.sdk.loop` has the other side).

One JSON object a line. In: the settings first; then {"id": n, "ok": true or false} for a message, and {"ping": n}. Out:
{"ready": true} once it consumes; {"id": n, "message": {...}}; {"pong": n}. The end of the input is its end.
"""

import json
import os
import sys
import threading
from itertools import count
from typing import Any


class HandlerError(Exception):
    """The application's handler has failed."""


class Hand:
    """Hands messages on, from any thread, and waits for what becomes of each.

    `settings` has `ws`, `pulsar`, `access_id` and `access_secret`. A loop's own output goes to standard error.
    """

    def __init__(self) -> None:
        self._answers = os.fdopen(os.dup(1), "w")
        os.dup2(2, 1)
        self._numbers = count(1)
        self._lock = threading.Lock()
        self._waiting: dict[int, threading.Event] = {}
        self._failed: set[int] = set()
        self.settings: dict[str, Any] = json.loads(sys.stdin.readline())

    def ready(self) -> None:
        """Tell that it consumes."""
        self._write({"ready": True})

    def __call__(self, message: dict[str, Any]) -> None:
        """Be the application's handler: return once the message is stored. HandlerError if that has failed."""
        number, done = next(self._numbers), threading.Event()
        self._waiting[number] = done
        self._write({"id": number, "message": message})
        done.wait()
        if number in self._failed:
            self._failed.discard(number)
            raise HandlerError

    def serve(self) -> None:
        """Pass answers on until the end of the input, then end the process, whatever its threads do."""
        for line in sys.stdin:
            told = json.loads(line)
            if "ping" in told:
                self._write({"pong": told["ping"]})
                continue
            if not told["ok"]:
                self._failed.add(told["id"])
            self._waiting.pop(told["id"]).set()
        os._exit(0)

    def _write(self, told: dict[str, Any]) -> None:
        with self._lock:
            self._answers.write(json.dumps(told) + "\n")
            self._answers.flush()
