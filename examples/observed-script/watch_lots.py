"""Keeps what parking lots report and asks them, window by window, whether anything is missing. For ever, in one file.

It knows its cloud by environment variables only, runs on its own schedule, and has no interface of any kind: who wants
to know whether it is right must look at its traffic.
"""

import base64
import hashlib
import hmac
import json
import os
import sys
import threading
import time
from collections import Counter
from typing import Any

import requests
from cryptography.hazmat.primitives.ciphers import Cipher, algorithms, modes
from cryptography.hazmat.primitives.padding import PKCS7
from websockets.exceptions import WebSocketException
from websockets.sync.client import connect

NAMES = ("API", "WS", "ACCESS_ID", "ACCESS_SECRET", "DEVICES")
API, WS, ACCESS_ID, SECRET, DEVICES = (os.environ.get(f"PARKING_MOCK_{name}", "") for name in NAMES)
WINDOW_MS = int(os.environ.get("PARKING_MOCK_WINDOW_MS", "3600000"))

TIMEOUT_S = 5
ALIKE = 3  # a window is settled when its count was told so often without a change: one silence may be a lost command
TOKEN_CODES = (1010, 1011)
CODES = {"vehicle_pass_record": (0, "passTime"), "temporary_parking_bill": (1, "payTime")}
LINES = ((0, 0), (0, 1), (1, None))  # entering, leaving, bills

TRIES: Counter[str] = Counter()  # how often each message came that could not be read

Line = tuple[str, int, int | None]


class RefusedError(Exception):
    """The cloud said no, or nothing that can be used."""


class Records:
    """Each record once, by its id. Messages come in one thread, questions are asked in another."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._records: dict[tuple[str, int, str], tuple[Line, int]] = {}

    def keep(self, device_id: str, code: str, value: dict[str, Any]) -> None:
        kind, time_field = CODES[code]
        line = (device_id, kind, None if kind else value["passDirection"])
        with self._lock:
            self._records[device_id, kind, value["recordId"]] = (line, value[time_field])

    def count(self, line: Line, start: int) -> int:
        with self._lock:
            return sum(line == its and start <= at < start + WINDOW_MS for its, at in self._records.values())


def now_ms() -> int:
    return time.time_ns() // 1_000_000


def md5(text: str) -> str:
    return hashlib.md5(text.encode(), usedforsecurity=False).hexdigest()


class Cloud:
    """Signed calls. A token is used until it is refused."""

    def __init__(self) -> None:
        self._token = ""

    def sync(self, device_id: str, kind: int, infos: list[dict[str, int]]) -> None:
        body = json.dumps({"dataType": kind, "recordSyncInfos": infos}).encode()
        path = f"/v1.0/parking-control/{device_id}/records/sync"
        answer = self._call("POST", path, body)
        if answer.get("code") in TOKEN_CODES:
            self._token = ""
            answer = self._call("POST", path, body)
        if answer.get("success") is not True:
            raise RefusedError(f"{answer.get('code')} {answer.get('msg')}")

    def _call(self, method: str, path: str, body: bytes = b"") -> dict[str, Any]:
        if not self._token:
            token = self._send("GET", "/v1.0/token?grant_type=1", b"")
            if token.get("success") is not True:
                raise RefusedError(f"no token: {token.get('code')}")
            self._token = token["result"]["access_token"]
        return self._send(method, path, body)

    def _send(self, method: str, path: str, body: bytes) -> dict[str, Any]:
        t = str(now_ms())
        text = f"{ACCESS_ID}{self._token}{t}{method}\n{hashlib.sha256(body).hexdigest()}\n\n{path}"
        sign = hmac.new(SECRET.encode(), text.encode(), hashlib.sha256).hexdigest().upper()
        headers = {"client_id": ACCESS_ID, "t": t, "sign_method": "HMAC-SHA256", "sign": sign}
        headers |= {"access_token": self._token} if self._token else {}
        headers |= {"Content-Type": "application/json"} if body else {}
        try:
            answer: Any = requests.request(
                method, API + path, data=body, headers=headers, timeout=TIMEOUT_S, allow_redirects=False
            ).json()
        except requests.RequestException as error:
            raise RefusedError(f"no usable answer: {type(error).__name__}") from None
        if not isinstance(answer, dict):
            raise RefusedError("the answer is no object")
        return answer


def listen(records: Records) -> None:
    """Receive for ever; come back after a lost connection, to the same subscription."""
    url = f"{WS}ws/v2/consumer/persistent/{ACCESS_ID}/out/event/{ACCESS_ID}-sub?subscriptionType=Failover"
    headers = {"username": ACCESS_ID, "password": md5(ACCESS_ID + md5(SECRET))[8:24]}
    pause_s = 1
    while True:
        try:
            with connect(url, additional_headers=headers) as socket:
                for text in socket:
                    frame = json.loads(text)
                    socket.send(json.dumps({"type": take(records, frame), "messageId": frame["messageId"]}))
                    pause_s = 1
        except (OSError, WebSocketException) as error:
            print(f"connection lost: {type(error).__name__}", file=sys.stderr, flush=True)
        time.sleep(pause_s)
        pause_s = min(60, pause_s * 2)


def take(records: Records, frame: dict[str, Any]) -> str:
    """Keep what a message says, and how to answer it: one that cannot be read may come whole the next time."""
    try:
        report = read(frame)
        for status in report["status"]:
            if status["code"] in CODES:
                records.keep(report["devId"], status["code"], json.loads(status["value"]))
    except (ValueError, KeyError, TypeError) as error:
        print(f"a message cannot be read: {type(error).__name__}", file=sys.stderr, flush=True)
        TRIES[frame["messageId"]] += 1  # a broker's redeliveryCount is 0 on this kind of subscription
        if TRIES[frame["messageId"]] <= ALIKE:
            return "negativeAcknowledge"
    TRIES.pop(frame["messageId"], None)
    return "ack"


def read(frame: dict[str, Any]) -> dict[str, Any]:
    outer = json.loads(base64.b64decode(frame["payload"]))
    parts = [f"{name}={outer[name]}" for name in sorted(outer) if name != "sign" and outer[name] not in ("", None)]
    if md5("||".join([*parts, SECRET])) != outer["sign"]:
        raise ValueError("the signature is wrong")
    decryptor = Cipher(algorithms.AES(SECRET[8:24].encode()), modes.ECB()).decryptor()
    unpadder = PKCS7(128).unpadder()
    padded = decryptor.update(base64.b64decode(outer["data"])) + decryptor.finalize()
    report: dict[str, Any] = json.loads(unpadder.update(padded) + unpadder.finalize())
    return report


class Questions:
    """Which windows are still to be asked about, and what was told of them."""

    def __init__(self, records: Records) -> None:
        self._records, self._cloud = records, Cloud()
        self._planned = now_ms() // WINDOW_MS * WINDOW_MS
        self._told: dict[tuple[Line, int], tuple[int, int]] = {}

    def ask(self) -> None:
        """Ask every lot about its open windows. One that fails is asked again the next time, the others now."""
        grace_ms = WINDOW_MS // 4
        while self._planned + WINDOW_MS + grace_ms <= now_ms():
            lines = [(device_id, *line) for device_id in DEVICES.split(",") for line in LINES]
            self._told |= {(line, self._planned): (-1, 0) for line in lines}
            self._planned += WINDOW_MS
        for device_id in DEVICES.split(","):
            try:
                for kind in (0, 1):
                    self._ask_lot(device_id, kind)
            except RefusedError as refused:
                print(f"lot {device_id}: {refused}", file=sys.stderr, flush=True)

    def _ask_lot(self, device_id: str, kind: int) -> None:
        cells = [(line, start) for line, start in self._told if line[:2] == (device_id, kind)]
        counts = {cell: self._records.count(*cell) for cell in cells}
        infos = [
            {"totalCount": count, "startTime": start, "endTime": start + WINDOW_MS}
            | ({} if line[2] is None else {"passDirection": line[2]})
            for (line, start), count in counts.items()
        ]
        if infos:
            self._cloud.sync(device_id, kind, infos)
        for cell, count in counts.items():
            told, alike = self._told.pop(cell)
            alike = alike + 1 if told == count else 1
            if alike < ALIKE:
                self._told[cell] = (count, alike)


def main() -> None:
    if not all((API, WS, ACCESS_ID, SECRET, DEVICES)):
        sys.exit(f"these must be set: {', '.join(f'PARKING_MOCK_{name}' for name in NAMES)}")
    records = Records()
    threading.Thread(target=listen, args=[records], daemon=True).start()
    questions = Questions(records)
    while True:
        questions.ask()
        time.sleep(WINDOW_MS / 2000)


if __name__ == "__main__":
    main()
