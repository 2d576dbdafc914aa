"""A correct client with a thread that receives and a pool of threads that store: it acknowledges out of order."""

import json
import queue
import threading
import time
from typing import Any

from websockets.exceptions import ConnectionClosed, WebSocketException
from websockets.sync.client import ClientConnection, connect

from contracts.client.interface import Capability
from contracts.clients.messages import password
from mock_server.model import JsonObject
from tests.contracts.designs.concurrent import ConcurrentClient

SLOW_S = 0.05
"""What one of the threads needs for a message, in real time: others behind it are acknowledged before it."""


class ThreadedClient(ConcurrentClient):
    """It has no `quiet`: nobody can know when its threads are through. It reconnects by itself, with a sleep."""

    def __init__(self, exports: JsonObject | None = None) -> None:
        super().__init__(exports)
        self._todo: queue.Queue[tuple[ClientConnection, dict[str, Any]]] = queue.Queue()

    @property
    def can(self) -> frozenset[Capability]:
        """All but `quiet`."""
        return super().can - {Capability.QUIET}

    def connect(self) -> None:
        """Begin to receive and to store."""
        super().connect()
        for pause_s in (SLOW_S, 0):
            threading.Thread(target=self._work, args=(pause_s,), daemon=True).start()

    def listen(self) -> None:
        """Receive over one connection after the other, with a pause in real time between them."""
        lost = 0
        while not self.ended.is_set():
            try:
                with self._open() as connection:
                    self.connected.set()
                    for text in connection:
                        self._todo.put((connection, json.loads(text)))
                        lost = 0
            except (WebSocketException, OSError):
                pass
            time.sleep(self.pauses(lost))
            lost += 1

    def _open(self) -> ClientConnection:
        name, secret = self._exports["access_id"], self._exports["access_secret"]
        url = f"{self._exports['ws']}ws/v2/consumer/persistent/{name}/out/event/{self.subscription()}"
        keys = {"username": name, "password": password(name, secret)}
        return connect(f"{url}?subscriptionType=Failover&ackTimeoutMillis=30000", additional_headers=keys, proxy=None)

    def _work(self, pause_s: float) -> None:
        while True:
            connection, frame = self._todo.get()
            time.sleep(pause_s)
            with self.lock:
                if self.ended.is_set():
                    return
                with self._store.transaction():
                    is_done = self.take(frame)
            kind = "ack" if is_done else "negativeAcknowledge"
            try:
                connection.send(json.dumps({"type": kind, "messageId": frame["messageId"]}))
            except (ConnectionClosed, OSError):
                continue
