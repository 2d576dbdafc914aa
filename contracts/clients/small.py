"""A small client of the parking cloud, whole in one file: what a client needs, and nothing of parking-mock.

It reads the queue in a thread, keeps each record once however often it comes, acknowledges what it has kept, counts
a window and tells the lot. It keeps records in memory; one that must survive a crash keeps them on a disk.
"""

import base64
import hashlib
import hmac
import json
import threading
from collections.abc import Callable
from typing import Any, NamedTuple, Self

import requests
from cryptography.hazmat.primitives.ciphers import Cipher, algorithms, modes
from cryptography.hazmat.primitives.padding import PKCS7
from websockets.exceptions import WebSocketException
from websockets.sync.client import ClientConnection, connect

PASSES, BILLS = 0, 1
TOKEN_INVALID = 1010
TIMEOUT_S = 10
RETRY_S = 1
RENEW_BEFORE_S = 60

KINDS = {"vehicle_pass_record": (PASSES, "passTime"), "temporary_parking_bill": (BILLS, "payTime")}
"""What the queue calls a record: its data type, and the field whose time puts it into a window."""


class RefusedError(Exception):
    """The cloud said no: it does so with HTTP 200, a code and a text."""

    def __init__(self, code: int, msg: str) -> None:
        super().__init__(f"{code} {msg}")
        self.code = code
        self.msg = msg


class Window(NamedTuple):
    """What is counted together: start <= time < end in epoch milliseconds; `direction` is None for bills."""

    device_id: str
    data_type: int
    direction: int | None
    start: int
    end: int


class Stored(NamedTuple):
    """A record as it is kept, found by device, data type and record id."""

    direction: int | None
    time: int
    value: dict[str, Any]


class SmallClient:
    """Use it as a context manager: it listens to the queue inside the `with` block.

    `now_ms` tells the epoch milliseconds: `lambda: time.time_ns() // 1_000_000`, or a test's own time.
    """

    def __init__(self, api: str, ws: str, access_id: str, access_secret: str, now_ms: Callable[[], int]) -> None:
        self._api, self._ws = api, ws
        self._access_id, self._secret = access_id, access_secret
        self._token, self._renew_at = "", 0
        self._now_ms = now_ms
        self._http = requests.Session()
        self._http.trust_env = False  # straight to the address given, whatever proxy the environment names
        self._records: dict[tuple[str, int, str], Stored] = {}
        self._lock = threading.Lock()
        self._closing = threading.Event()
        self._ready = threading.Event()
        self._failure: Exception | None = None
        self._socket: ClientConnection | None = None
        self._thread = threading.Thread(target=self._consume, name="queue consumer", daemon=True)

    def __enter__(self) -> Self:
        self._thread.start()
        self._ready.wait()
        if self._failure is not None:
            raise self._failure
        return self

    def __exit__(self, *_: object) -> None:
        self._closing.set()
        if self._socket is not None:
            self._socket.close()
        self._thread.join()
        self._http.close()

    def count(self, window: Window) -> int:
        """How many records of the window were received."""
        with self._lock:
            return sum(_is_in(window, key, stored) for key, stored in self._records.items())

    def sync(self, window: Window) -> str:
        """Tell the lot the count of a window; it reports the window again if its own differs. Returns the `sn`."""
        info = {"totalCount": self.count(window), "startTime": window.start, "endTime": window.end}
        if window.direction is not None:
            info["passDirection"] = window.direction
        body = json.dumps({"dataType": window.data_type, "recordSyncInfos": [info]}).encode()
        return str(self._call("POST", f"/v1.0/parking-control/{window.device_id}/records/sync", body)["sn"])

    def _call(self, method: str, target: str, body: bytes = b"") -> dict[str, Any]:
        """A business call. A token that died early, by another's refresh, is replaced once."""
        try:
            return self._send(method, target, body, self._live_token())
        except RefusedError as refused:
            if refused.code != TOKEN_INVALID:
                raise
        self._token = ""
        return self._send(method, target, body, self._live_token())

    def _live_token(self) -> str:
        if not self._token or self._now_ms() >= self._renew_at:
            result = self._send("GET", "/v1.0/token?grant_type=1", b"", "")
            self._token = result["access_token"]
            self._renew_at = self._now_ms() + (result["expire_time"] - RENEW_BEFORE_S) * 1000
        return self._token

    def _send(self, method: str, target: str, body: bytes, token: str) -> dict[str, Any]:
        """Sign the very bytes that are sent. `target` has its query in the order of its keys, not percent-encoded."""
        t = str(self._now_ms())
        headers = {"client_id": self._access_id, "t": t, "sign_method": "HMAC-SHA256"}
        headers["sign"] = self._sign(token + t, method, target, body)
        if token:
            headers["access_token"] = token
        if body:
            headers["Content-Type"] = "application/json"
        answer = self._http.request(method, self._api + target, data=body, headers=headers, timeout=TIMEOUT_S)
        envelope = answer.json()
        if not envelope["success"]:
            raise RefusedError(envelope["code"], envelope["msg"])
        return dict(envelope["result"])

    def _sign(self, token_and_t: str, method: str, target: str, body: bytes) -> str:
        """Signature v2 without nonce and signed headers."""
        text = f"{self._access_id}{token_and_t}{method}\n{hashlib.sha256(body).hexdigest()}\n\n{target}"
        return hmac.new(self._secret.encode(), text.encode(), hashlib.sha256).hexdigest().upper()

    def _connect(self) -> ClientConnection:
        name = self._access_id
        query = "subscriptionType=Failover&ackTimeoutMillis=30000"
        url = f"{self._ws}ws/v2/consumer/persistent/{name}/out/event/{name}-sub?{query}"
        keys = {"username": name, "password": _md5(name + _md5(self._secret))[8:24]}
        return connect(url, additional_headers=keys, proxy=None, open_timeout=TIMEOUT_S)

    def _consume(self) -> None:
        """Read until closed; come back after a lost connection. What was not acknowledged comes again."""
        while not self._closing.is_set():
            try:
                with self._connect() as self._socket:
                    self._ready.set()
                    self._read(self._socket)
            except (WebSocketException, OSError) as error:
                if not self._ready.is_set():
                    self._failure = error
                    self._ready.set()
                    return
            self._closing.wait(RETRY_S)

    def _read(self, socket: ClientConnection) -> None:
        if not self._closing.is_set():
            for frame in socket:
                self._take(socket, frame)

    def _take(self, socket: ClientConnection, frame: str | bytes) -> None:
        """Store first, acknowledge then; a known record too, or the queue sends it for ever."""
        message = json.loads(frame)
        outer = json.loads(base64.b64decode(message["payload"]))
        report = json.loads(self._decrypt(outer["data"]))
        for status in report["status"]:
            if status["code"] in KINDS:
                self._store(report["devId"], *KINDS[status["code"]], json.loads(status["value"]))
        socket.send(json.dumps({"messageId": message["messageId"]}))

    def _store(self, device_id: str, data_type: int, time_field: str, value: dict[str, Any]) -> None:
        """The record id makes it the same record, whatever message brought it."""
        with self._lock:
            stored = Stored(value.get("passDirection"), value[time_field], value)
            self._records[device_id, data_type, value["recordId"]] = stored

    def _decrypt(self, text: str) -> bytes:
        """AES-128-ECB, the vendor's default."""
        cipher = Cipher(algorithms.AES(self._secret[8:24].encode()), modes.ECB())  # noqa: S305 the vendor's choice
        decryptor, unpadder = cipher.decryptor(), PKCS7(128).unpadder()
        padded = decryptor.update(base64.b64decode(text)) + decryptor.finalize()
        return unpadder.update(padded) + unpadder.finalize()


def _is_in(window: Window, key: tuple[str, int, str], stored: Stored) -> bool:
    same_line = (*key[:2], stored.direction) == (window.device_id, window.data_type, window.direction)
    return same_line and window.start <= stored.time < window.end


def _md5(text: str) -> str:
    return hashlib.md5(text.encode(), usedforsecurity=False).hexdigest()
