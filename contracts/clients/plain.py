"""A plain client on real connections: it receives in a thread of its own, keeps each record once, and counts.

The how-to about attaching clients uses it as the product that is to be judged. It keeps its records in memory.
"""

import json
import threading
from collections.abc import Callable, Mapping
from typing import Any

from websockets.exceptions import WebSocketException
from websockets.sync.client import connect

from contracts.client.link import RealLink
from contracts.clients.messages import UnreadableError, password, read_report
from contracts.clients.vendor_api import VendorApi

CODES = {"vehicle_pass_record": (0, "passTime"), "temporary_parking_bill": (1, "payTime")}
LINES: dict[int, tuple[int | None, ...]] = {0: (0, 1), 1: (None,)}
"""What is counted apart: of each data type its directions."""

UNREADABLE_AFTER = 3
RETRY_S = 0.2
START_S = 10


class PlainClient:
    """`exports` is the object of `serve --json`; `now_ms` tells the epoch milliseconds."""

    def __init__(self, exports: Mapping[str, Any], now_ms: Callable[[], int]) -> None:
        self._exports = exports
        self._api = VendorApi(exports, RealLink(), now_ms)
        self.lots = [each["device_id"] for each in exports["devices"] if each.get("kind", "lot") == "lot"]
        self.records: dict[tuple[str, int, str], tuple[int | None, int]] = {}
        self.set_aside: list[dict[str, Any]] = []
        self._lock = threading.Lock()
        self._connected = threading.Event()

    def start(self) -> None:
        """Begin to receive. TimeoutError if there is no connection."""
        threading.Thread(target=self._listen, daemon=True).start()
        if not self._connected.wait(START_S):
            raise TimeoutError("no connection to the queue")

    def sync(self, start_ms: int, end_ms: int) -> None:
        """Tell each lot what has come of a window. CallError if one refuses."""
        for device_id in self.lots:
            for data_type, directions in LINES.items():
                infos = [self._info(device_id, data_type, each, start_ms, end_ms) for each in directions]
                body = {"dataType": data_type, "recordSyncInfos": infos}
                self._api.post(f"/v1.0/parking-control/{device_id}/records/sync", body)

    def _info(
        self, device_id: str, data_type: int, direction: int | None, start_ms: int, end_ms: int
    ) -> dict[str, int]:
        info = {"totalCount": self.count(device_id, data_type, direction, start_ms, end_ms)}
        info |= {"startTime": start_ms, "endTime": end_ms}
        return info if direction is None else info | {"passDirection": direction}

    def count(self, device_id: str, data_type: int, direction: int | None, start_ms: int, end_ms: int) -> int:
        """How many records of a line happened in a window."""
        with self._lock:
            return sum(
                key[:2] == (device_id, data_type) and line == direction and start_ms <= at_ms < end_ms
                for key, (line, at_ms) in self.records.items()
            )

    def keep(self, device_id: str, data_type: int, value: dict[str, Any], at_ms: int) -> None:
        """The record id makes it the same record, whatever message has brought it."""
        with self._lock:
            self.records[device_id, data_type, value["recordId"]] = (value.get("passDirection"), at_ms)

    def _listen(self) -> None:
        """Receive for ever; come back after a lost connection."""
        name, secret = self._exports["access_id"], self._exports["access_secret"]
        url = f"{self._exports['ws']}ws/v2/consumer/persistent/{name}/out/event/{name}-sub?ackTimeoutMillis=30000"
        keys = {"username": name, "password": password(name, secret)}
        while True:
            try:
                with connect(url, additional_headers=keys, proxy=None) as socket:
                    self._connected.set()
                    for text in socket:
                        self._take(socket.send, json.loads(text), secret)
            except (OSError, WebSocketException):
                threading.Event().wait(RETRY_S)

    def _take(self, send: Callable[[str], None], frame: dict[str, Any], secret: str) -> None:
        """Keep first, acknowledge then. What cannot be read is asked for again, and set aside if that does not help."""
        try:
            report = read_report(frame, secret)
        except UnreadableError:
            if frame.get("redeliveryCount", 0) < UNREADABLE_AFTER:
                send(json.dumps({"type": "negativeAcknowledge", "messageId": frame["messageId"]}))
                return
            self.set_aside.append(frame)
            report = {"status": []}
        for status in report["status"]:
            if status["code"] in CODES:
                data_type, time_field = CODES[status["code"]]
                value = json.loads(status["value"])
                self.keep(report["devId"], data_type, value, value[time_field])
        send(json.dumps({"messageId": frame["messageId"]}))
