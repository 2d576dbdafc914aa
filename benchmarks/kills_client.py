"""One client of the server that is killed: the vendor's SDKs at work, and what they have seen."""

import json
import os
import threading
import time
from abc import ABC, abstractmethod
from collections import Counter
from collections.abc import Callable
from contextlib import suppress
from random import Random
from typing import Any
from urllib.parse import urlsplit

import requests
from tuya_connector import TuyaCloudPulsarTopic, TuyaOpenAPI, TuyaOpenPulsar

from contracts.clients.messages import decrypt
from mock_server.lab_client import LabApiError, LabProject
from mock_server.wire.encryption import queue_password
from mock_server.wire.message_id import message_id_text

BATCH = 3
_PAUSE_S, _AGAIN_S, _SETTLE_S = 0.1, 0.05, 120
_HOURS_AGO_MS = 6 * 3_600_000
_STEP_MS = 1_000
_TOKEN_INVALID = 1010


class Consumer(ABC):
    """Consumes from `start` to `stop`. `heard` has the ids of messages, where the SDK tells them, and of records."""

    def __init__(self, exports: Any) -> None:
        self.exports = exports
        self.heard: list[tuple[str | None, str]] = []

    @abstractmethod
    def start(self) -> None:
        """Connect."""

    @abstractmethod
    def stop(self) -> None:
        """Go away."""

    def take(self, message_id: str | None, report: str) -> None:
        """Keep a message."""
        value = json.loads(json.loads(report)["status"][0]["value"])
        self.heard.append((message_id, str(value.get("recordId", ""))))


class SdkConsumer(Consumer):
    """The vendor's Python SDK over the WebSocket: it comes back by itself, within three seconds."""

    def start(self) -> None:
        """Connect."""
        keys = self.exports["access_id"], self.exports["access_secret"]
        self._client = TuyaOpenPulsar(*keys, self.exports["ws"], TuyaCloudPulsarTopic.PROD)
        self._client.daemon = True
        self._client.add_message_listener(lambda report: self.take(None, report))
        self._client.start()

    def stop(self) -> None:
        """Go away: its thread looks only now and then, and is left alone."""
        self._client._stop_event.set()  # noqa: SLF001 its own `stop` lets its thread fail


class NativeConsumer(Consumer):
    """`pulsar-client`, the library of the vendor's native SDK: it comes back by itself."""

    def start(self) -> None:
        """Connect."""
        import pulsar  # noqa: PLC0415 a library in C++ that only this benchmark needs

        access_id, secret = self.exports["access_id"], self.exports["access_secret"]
        password = f'"{queue_password(access_id, secret)}"}}'
        keys = pulsar.AuthenticationBasic(f'{{"username": "{access_id}","password"', password, "auth1")
        address = f"pulsar://{urlsplit(self.exports['pulsar']).netloc}"
        quiet = pulsar.FileLogger(pulsar.LoggerLevel.Error, os.devnull)  # it tells of each attempt
        self._client = pulsar.Client(address, authentication=keys, logger=quiet)
        self._client.subscribe(
            f"{access_id}/out/event",
            f"{access_id}-sub",
            consumer_type=pulsar.ConsumerType.Failover,
            message_listener=self._take,
        )

    def _take(self, consumer: Any, message: Any) -> None:
        place = message.message_id()
        outer = json.loads(message.data())
        report = decrypt(outer["data"], self.exports["access_secret"], message.properties()["em"])
        self.take(message_id_text(place.ledger_id(), place.entry_id()), report.decode())
        consumer.acknowledge(message)

    def stop(self) -> None:
        """Go away."""
        self._client.close()


class Client:
    """Works on threads of its own until it is told to finish; then what it has seen is all there."""

    def __init__(self, project: LabProject, consumer: Consumer) -> None:
        self.project = project
        self.consumer = consumer
        self.tally: Counter[str] = Counter()
        self.records: dict[str, int] = {}
        self.commands: dict[str, bool] = {}
        self.told: dict[int, Any] = {}
        self.wrong: list[str] = []
        self._random = Random(project.access_id)
        self._begin_ms = time.time_ns() // 1_000_000 - _HOURS_AGO_MS
        self._api = TuyaOpenAPI(
            consumer.exports["api"], consumer.exports["access_id"], consumer.exports["access_secret"]
        )
        self._api.connect()
        self._lot = consumer.exports["devices"][0]["device_id"]
        self._ends = threading.Event()
        consumer.start()
        self._worker = threading.Thread(target=self._work)
        threading.Thread(target=self._follow, daemon=True).start()
        self._worker.start()

    def close(self) -> None:
        """Stop working, and consuming."""
        self._ends.set()
        self._worker.join()
        self.consumer.stop()

    def finish(self) -> None:
        """Stop working; then wait until nothing is pending, and until the follower has the whole history."""
        self._ends.set()
        self._worker.join()
        until = time.monotonic() + _SETTLE_S
        while not self._is_settled():
            if time.monotonic() > until:
                self.wrong.append(f"not settled: {self.project.show()['pending']}")
                return
            time.sleep(_AGAIN_S)

    def _is_settled(self) -> bool:
        return bool(self.project.idle()["idle"]) and max(self.told, default=0) == self.project.show()["history"]

    def _work(self) -> None:
        while not self._ends.is_set():
            self._carry_out(self._add_records)
            self._carry_out(self._claim)
            self._carry_out(self._ask)
            time.sleep(_PAUSE_S)

    def _carry_out(self, work: Callable[[], object]) -> None:
        """Do something, and again as long as nobody answers."""
        while True:
            try:
                work()
            except (requests.RequestException, LabApiError, ValueError):
                self.tally["no answer"] += 1
                time.sleep(_AGAIN_S)
            else:
                self.tally["calls"] += 1
                return

    def _add_records(self) -> None:
        """Add some; those of a call that was not answered once more, with the same ids."""
        first = len(self.records)
        records = {f"r{number:06d}": self._begin_ms + number * _STEP_MS for number in range(first, first + BATCH)}
        body = [
            {"record_id": name, "data_type": 0, "pass_direction": 0, "event_time": at, "uplink": "deliver"}
            for name, at in records.items()
        ]
        self.project.add_records(self._lot, body)
        self.records |= records
        self.tally["records"] += BATCH

    def _claim(self) -> None:
        """Tell how many the last ones are, at times wrongly."""
        last = list(self.records.values())[-2 * BATCH :]
        is_wrong = self._random.random() < 0.2
        info = {"totalCount": len(last) - is_wrong, "startTime": last[0], "endTime": last[-1] + 1, "passDirection": 0}
        path = f"/v1.0/parking-control/{self._lot}/records/sync"
        answer = self._checked(self._api.post(path, {"dataType": 0, "recordSyncInfos": [info]}))
        self.commands[answer["result"]["sn"]] = is_wrong
        self.tally["rereports"] += is_wrong

    def _ask(self) -> None:
        """Ask for the status of a command."""
        self._checked(self._api.get(f"/v1.0/expand/cmds/{self._random.choice(list(self.commands)[-20:])}"))

    def _checked(self, answer: Any) -> Any:
        """An answer. What the client has been granted or given may not be gone."""
        if answer is None:  # the SDK makes this of an HTTP status that is none of the vendor's, such as a front's 502
            raise ValueError("no answer of the server")
        if answer["success"]:
            return answer
        if answer["code"] == _TOKEN_INVALID or answer["code"] < 500:
            self.wrong.append(f"refused: {answer}")
        raise ValueError(answer)

    def _follow(self) -> None:
        """Follow the history, also over the end of a server."""
        while True:
            with suppress(requests.RequestException, LabApiError):
                for line in self.project.follow(max(self.told, default=0)):
                    if line["kind"].startswith("history."):
                        self.wrong.append(f"the history began again: {line}")
                    self.told[line["seq"]] = line
            time.sleep(_AGAIN_S)
