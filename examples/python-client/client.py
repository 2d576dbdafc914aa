"""The whole client: the official SDK for the API and for the queue, a store, a plan."""

import base64
import json
import threading
import time
from collections import Counter
from collections.abc import Callable
from typing import Any

from Crypto.Cipher import AES  # of pycryptodome, as the SDK has it
from Crypto.Util.Padding import unpad
from tuya_connector import TuyaCloudPulsarTopic, TuyaOpenPulsar

from cloud import Cloud
from reconciler import Reconciler, Settings
from store import Store

CONNECT_S = 20
NONCE, TAG = 12, 16  # bytes of an AES-GCM message
UNREADABLE_AFTER = 3  # redeliveries of a message that cannot be read, until it is set aside


def system_ms() -> int:
    return time.time_ns() // 1_000_000


class Pulsar(TuyaOpenPulsar):
    """The SDK's reader of the queue, with three mistakes mended.

    It checks certificates. It reads both ciphers of the queue. And it acknowledges what was taken: the SDK also
    acknowledges what it could not read, or what a listener failed at, and that does not come again.
    """

    def __init__(self, *parts: Any, set_aside: Callable[[dict[str, Any]], None]) -> None:
        super().__init__(*parts)
        self._set_aside = set_aside
        self._tries: Counter[str] = Counter()
        self._key = parts[1][8:24].encode()
        run_forever = self.ws_app.run_forever
        self.ws_app.run_forever = lambda **options: run_forever(**{**options, "sslopt": {}})  # else: CERT_NONE

    def _on_message(self, _app: object, message: str) -> None:
        frame = json.loads(message)
        answer = {"messageId": frame["messageId"], "type": "ack"}
        try:
            text = self._decrypted(frame)
            for listener in self.message_listeners:
                listener(text)
        except Exception:
            self._tries[frame["messageId"]] += 1  # a broker's redeliveryCount is 0 on this kind of subscription
            if self._tries[frame["messageId"]] <= UNREADABLE_AFTER:
                answer["type"] = "negativeAcknowledge"
            else:
                self._set_aside(frame)
        if answer["type"] == "ack":
            self._tries.pop(frame["messageId"], None)
        self.ws_app.send(json.dumps(answer))

    def _decrypted(self, frame: dict[str, Any]) -> str:
        data = base64.b64decode(json.loads(base64.b64decode(frame["payload"]))["data"])
        if frame.get("properties", {}).get("em") == "aes_gcm":
            nonce, text, tag = data[:NONCE], data[NONCE:-TAG], data[-TAG:]
            return str(AES.new(self._key, AES.MODE_GCM, nonce=nonce).decrypt_and_verify(text, tag), "utf-8")
        return str(unpad(AES.new(self._key, AES.MODE_ECB).decrypt(data), AES.block_size), "utf-8")


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
        self.pulsar = Pulsar(*keys, exports["ws"], TuyaCloudPulsarTopic.PROD, set_aside=self._set_aside)
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

    def _set_aside(self, frame: dict[str, Any]) -> None:
        """For a person to look at: it came often enough, and was never readable."""
        with self._lock:
            self.store.set_aside(frame["messageId"], frame["payload"])

    def take(self, text: str) -> None:
        """The message is acknowledged when this returns: it is stored by then."""
        with self._lock:
            self._reconciler.take(json.loads(text))
