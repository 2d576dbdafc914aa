"""Keeps the passes that Tuya parking lots report, and asks each lot hour by hour whether any are missing.

`Reconciler.handle` takes the queue's messages. `Reconciler.run`, called every few minutes, tells each lot how many
passes of each closed hour have come; a lot that counts differently reports that hour again.
"""

import hashlib
import hmac
import json
import logging
import sqlite3
import time
from collections.abc import Callable, Iterable
from pathlib import Path
from typing import Any

import requests

API = "https://openapi.tuyacn.com"
HOUR_MS = 3_600_000
DIRECTIONS = ENTER, LEAVE = 0, 1
TIMEOUT_S = 10
ATTEMPTS = 3
PAUSE_S = 2.0
INFOS_IN_A_CALL = 24
ALIKE = 3
TOKEN_INVALID = 1010
BUSY = {500, 1110, 1111, 1199}
NOT_SUPPORTED = {2003, 2008, 2009}

log = logging.getLogger(__name__)


class RefusedError(Exception):
    """The cloud said no: it does so with HTTP 200, a code and a text."""

    def __init__(self, code: int, text: str) -> None:
        super().__init__(f"{code} {text}")
        self.code = code


class Cloud:
    """Signed calls, with a token that is renewed in time and replaced when it dies early."""

    def __init__(self, access_id: str, secret: str, api: str = API, now_ms: Callable[[], int] | None = None) -> None:
        self._access_id, self._secret, self._api = access_id, secret, api
        self.now_ms = now_ms or (lambda: time.time_ns() // 1_000_000)
        self._token, self._renew_at = "", 0

    def call(self, method: str, path: str, body: dict[str, Any] | None = None) -> dict[str, Any]:
        """The result of a call. RefusedError has the cloud's code; requests.RequestException: no usable answer."""
        try:
            return self._send(method, path, body, self._live_token())
        except RefusedError as refused:
            if refused.code != TOKEN_INVALID:
                raise
        self._token = ""
        return self._send(method, path, body, self._live_token())

    def _live_token(self) -> str:
        if not self._token or self.now_ms() >= self._renew_at:
            result = self._send("GET", "/v1.0/token?grant_type=1", None, "")
            self._token = result["access_token"]
            self._renew_at = self.now_ms() + (result["expire_time"] - 60) * 1000
        return self._token

    def _send(self, method: str, path: str, body: dict[str, Any] | None, token: str) -> dict[str, Any]:
        raw = b"" if body is None else json.dumps(body).encode()
        t = str(self.now_ms())
        text = f"{self._access_id}{token}{t}{method}\n{hashlib.sha256(raw).hexdigest()}\n\n{path}"
        sign = hmac.new(self._secret.encode(), text.encode(), hashlib.sha256).hexdigest().upper()
        headers = {"client_id": self._access_id, "t": t, "sign_method": "HMAC-SHA256", "sign": sign}
        headers |= {"access_token": token} if token else {}
        headers |= {"Content-Type": "application/json"} if raw else {}
        answer = requests.request(method, self._api + path, data=raw, headers=headers, timeout=TIMEOUT_S).json()
        if not answer["success"]:
            raise RefusedError(answer["code"], answer["msg"])
        return dict(answer["result"])


class Store:
    """What must outlive a crash: the passes, each once, the hours that are still open, the lots that take no sync."""

    def __init__(self, path: Path | str) -> None:
        self._db = sqlite3.connect(path, isolation_level=None)
        self._db.executescript(
            """
            CREATE TABLE IF NOT EXISTS passes (
                device_id TEXT, record_id TEXT, direction INTEGER, time INTEGER, plate_no TEXT,
                PRIMARY KEY (device_id, record_id)
            );
            CREATE INDEX IF NOT EXISTS passes_by_time ON passes (device_id, direction, time);
            CREATE TABLE IF NOT EXISTS hours (
                device_id TEXT, direction INTEGER, start INTEGER, claimed INTEGER, alike INTEGER DEFAULT 0,
                PRIMARY KEY (device_id, direction, start)
            );
            CREATE TABLE IF NOT EXISTS unsupported (device_id TEXT PRIMARY KEY);
            """
        )

    def close(self) -> None:
        self._db.close()

    def keep(self, device_id: str, value: dict[str, Any]) -> None:
        """Keep a pass. The record id makes it the same pass, however often and by whatever message it comes."""
        row = (device_id, value["recordId"], value["passDirection"], value["passTime"], value["plateNo"])
        self._db.execute("INSERT OR REPLACE INTO passes VALUES (?, ?, ?, ?, ?)", row)

    def count(self, device_id: str, direction: int, start: int) -> int:
        """How many passes happened in an hour, whenever they came."""
        window = (device_id, direction, start, start + HOUR_MS)
        query = "SELECT count(*) FROM passes WHERE device_id = ? AND direction = ? AND time >= ? AND time < ?"
        return int(self._db.execute(query, window).fetchone()[0])

    def record_ids(self) -> list[str]:
        return [record_id for (record_id,) in self._db.execute("SELECT record_id FROM passes")]

    def open(self, device_id: str, starts: Iterable[int]) -> None:
        """These hours are to be asked about, unless they were before."""
        rows = [(device_id, direction, start) for start in starts for direction in DIRECTIONS]
        self._db.executemany("INSERT OR IGNORE INTO hours (device_id, direction, start) VALUES (?, ?, ?)", rows)

    def open_hours(self, device_id: str) -> list[tuple[int, int]]:
        """Direction and start of the hours that are not settled, oldest first."""
        query = "SELECT direction, start FROM hours WHERE device_id = ? AND alike < ? ORDER BY start, direction"
        return list(self._db.execute(query, (device_id, ALIKE)))

    def claimed(self, device_id: str, direction: int, start: int, count: int) -> None:
        """The lot was told this count. An hour is settled when it was told the same several times."""
        query = """
            UPDATE hours SET alike = CASE WHEN claimed = :count THEN alike + 1 ELSE 1 END, claimed = :count
            WHERE device_id = :device_id AND direction = :direction AND start = :start
        """
        self._db.execute(query, {"device_id": device_id, "direction": direction, "start": start, "count": count})

    def takes_sync(self, device_id: str) -> bool:
        query = "SELECT count(*) FROM unsupported WHERE device_id = ?"
        return not self._db.execute(query, (device_id,)).fetchone()[0]

    def takes_no_sync(self, device_id: str) -> None:
        self._db.execute("INSERT OR IGNORE INTO unsupported VALUES (?)", (device_id,))


class Reconciler:
    """Receives, counts and asks."""

    def __init__(
        self,
        cloud: Cloud,
        store: Store,
        lots: Iterable[str],
        look_back_hours: int = 24,
        pause: Callable[[float], None] = time.sleep,
    ) -> None:
        self._cloud, self._store, self.lots = cloud, store, list(lots)
        self._look_back_hours, self._pause = look_back_hours, pause

    def handle(self, report: dict[str, Any]) -> None:
        """Take a message of the queue, decrypted. Acknowledge it after this, not before."""
        for status in report["status"]:
            if status["code"] == "vehicle_pass_record":
                self._store.keep(report["devId"], json.loads(status["value"]))

    def run(self) -> dict[str, str]:
        """Ask every lot about its open hours. What became of it, by lot; one that fails is asked again next time."""
        return {device_id: self._ask_lot(device_id) for device_id in self.lots}

    def _ask_lot(self, device_id: str) -> str:
        if not self._store.takes_sync(device_id):
            return "takes no sync"
        self._store.open(device_id, self._closed_hours())
        hours = self._store.open_hours(device_id)
        try:
            for place in range(0, len(hours), INFOS_IN_A_CALL):
                self._ask(device_id, hours[place : place + INFOS_IN_A_CALL])
        except RefusedError as refused:
            if refused.code in NOT_SUPPORTED:
                self._store.takes_no_sync(device_id)
            log.warning("lot %s: %s", device_id, refused)
            return str(refused)
        except requests.RequestException as error:
            log.warning("lot %s: %s", device_id, error)
            return "no usable answer"
        return "asked"

    def _closed_hours(self) -> range:
        this_hour = self._cloud.now_ms() // HOUR_MS * HOUR_MS
        return range(this_hour - self._look_back_hours * HOUR_MS, this_hour, HOUR_MS)

    def _ask(self, device_id: str, hours: list[tuple[int, int]]) -> None:
        """Tell the lot the counts of some hours, an hour of nothing too: it may be that all of it was lost."""
        counts = [(direction, start, self._store.count(device_id, direction, start)) for direction, start in hours]
        infos = [
            {"totalCount": count, "startTime": start, "endTime": start + HOUR_MS, "passDirection": direction}
            for direction, start, count in counts
        ]
        path = f"/v1.0/parking-control/{device_id}/records/sync"
        self._call_until_not_busy(path, {"dataType": 0, "recordSyncInfos": infos})
        for direction, start, count in counts:
            self._store.claimed(device_id, direction, start, count)

    def _call_until_not_busy(self, path: str, body: dict[str, Any]) -> None:
        for attempt in range(ATTEMPTS):
            try:
                self._cloud.call("POST", path, body)
                return
            except RefusedError as refused:
                if refused.code not in BUSY or attempt == ATTEMPTS - 1:
                    raise
            self._pause(PAUSE_S * 2**attempt)
