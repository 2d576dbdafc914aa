"""The whole client: the official SDK for the API and for the queue, a store, a plan."""

import json
import threading
import time
from collections.abc import Callable
from typing import Any

from tuya_connector import TuyaCloudPulsarTopic, TuyaOpenPulsar

from cloud import Cloud
from reconciler import Reconciler, Settings
from store import Store

CONNECT_S = 5


def system_ms() -> int:
    return time.time_ns() // 1_000_000


class Client:
    """`exports`: api, ws, access_id, access_secret and devices, as `parking-mock serve --json` prints them."""

    def __init__(
        self,
        exports: dict[str, Any],
        store: Store,
        now_ms: Callable[[], int] = system_ms,
        settings: Settings | None = None,
    ) -> None:
        lots = [each["device_id"] for each in exports["devices"] if each["kind"] == "lot"]
        self._lock = threading.Lock()  # messages come in the SDK's thread
        self.store = store
        self._reconciler = Reconciler(Cloud(exports), store, lots, now_ms, settings or Settings())
        keys = exports["access_id"], exports["access_secret"]
        self.pulsar = TuyaOpenPulsar(*keys, exports["ws"], TuyaCloudPulsarTopic.PROD)
        self.pulsar.daemon = True  # it looks only every 3 seconds whether it is to stop
        self.pulsar.add_message_listener(self.take)
        self._opened = threading.Event()
        self.pulsar.ws_app.on_open = lambda _: self._opened.set()

    def start(self) -> None:
        """Receive: before the first question, whose answer would go to a subscription that is not there yet."""
        self.pulsar.start()
        self._opened.wait(CONNECT_S)

    def tick(self) -> int:
        """Ask what is due; how many counts were told."""
        with self._lock:
            return self._reconciler.run()

    def wakes_at(self) -> int:
        with self._lock:
            return self._reconciler.wakes_at()

    def take(self, text: str) -> None:
        """The SDK acknowledges the message when this returns: it is stored by then."""
        with self._lock:
            self._reconciler.take(json.loads(text))
