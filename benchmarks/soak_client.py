"""One customer of the soak: a project, its client, and for every second one a consumer of its queue.

Record ids begin with the customer's number, device ids end with it: whatever turns up elsewhere is seen at once.
"""

import asyncio
import json
import time
from collections import Counter
from random import Random
from typing import Any

from benchmarks.connection import Connection, NoAnswerError
from benchmarks.soak_consumer import Inbox, NativeSoakConsumer, WebSocketSoakConsumer
from mock_server.wire.signature import SignedRequest, sign_v2

START_MS = 1_652_777_782_808
BATCH = 10
SYSTEM_CLOCKS = 10
"""One project in so many has the machine's clock."""

NATIVE = 4
"""Of one project in so many the consumer, if there is one, is native."""

_LATE_MS = 2_000
_SETTLE_MS = 400_000
_SETTLINGS = 100
_MOMENT_S = 0.05
_BRIEF = 5
"""So many thirds of a second let the short delays of the machine's clock pass."""

_TRIES = 4
_PATIENCE_S = 0.3
_MINUTE_MS = 60_000
_TOKEN_INVALID = 1010
_JSON = {"Content-Type": "application/json"}
_KINDS: tuple[tuple[int, int | None], ...] = ((0, 0), (0, 1), (1, None))

Line = tuple[str, int, int | None]
"""Device, data type, pass direction: what is counted together."""


class Customer:
    """Makes its project, and then works, settles and begins again, round by round."""

    def __init__(self, number: int, lab: str) -> None:
        self.number = number
        self.virtual = number % SYSTEM_CLOCKS != SYSTEM_CLOCKS - 1
        self.devices = tuple(f"lot{place}-{number:04d}" for place in "ab")
        self.kept: dict[str, tuple[Line, int]] = {}
        self.tally: Counter[str] = Counter()
        self.inbox: Inbox | None = None
        self._random = Random(number)
        self._lab = Connection(lab)

    async def open(self, *, consuming: bool) -> None:
        """Make the project, and connect the consumer."""
        body: dict[str, Any] = {"devices": [{"device_id": each} for each in self.devices], "seed": self.number}
        body |= {"clock": "virtual", "now_ms": START_MS} if self.virtual else {}
        self._now_ms, self._token = START_MS, ""
        self._exports = await self.lab("POST", "", body)
        self.path = f"/{self._exports['access_id']}"
        self._api = Connection(self._exports["api"])
        if consuming:
            self.inbox = Inbox()
            is_native = self.number % NATIVE == 0
            self._consumer = (NativeSoakConsumer if is_native else WebSocketSoakConsumer)(self._exports, self.inbox)

    async def close(self) -> None:
        """Delete the project."""
        if self.inbox is not None:
            await self._consumer.stop()
        await self.lab("DELETE", self.path)
        self._api.close()
        self._lab.close()

    async def begin(self, round_number: int) -> None:
        """A rough day begins."""
        self._prefix = f"{self.number}-{round_number}-"
        self._began_ms = self._time_ms()
        self.kept.clear()
        if self.inbox is not None:
            self.inbox.clear()
        await self.lab("PUT", f"{self.path}/chaos", {"preset": "rough", "seed": 1_000 * round_number + self.number})

    async def work(self) -> None:
        """Some records, a minute, a claim."""
        device = self._random.choice(self.devices)
        records = [self._new_record(device) for _ in range(BATCH)]
        await self.lab("POST", f"{self.path}/devices/{device}/records", records)
        await self._advance(_MINUTE_MS)
        await self._sync([(device, *self._random.choice(_KINDS))])

    async def calm(self) -> None:
        """No more faults."""
        await self.lab("DELETE", f"{self.path}/faults")

    async def settle(self) -> None:
        """Let pass what is under way: a consumer may have to come back; on the machine's clock long delays stay."""
        for number in range(_SETTLINGS):
            idle = await self._advance(_SETTLE_MS)
            nobody_comes = self.inbox is None and not idle["pending"]["timers"]
            delays_stay = not self.virtual and not (self.inbox and idle["pending"]["messages"]) and number >= _BRIEF
            if idle["idle"] or nobody_comes or delays_stay:
                return
            await asyncio.sleep(_MOMENT_S)

    async def reconcile(self) -> None:
        """Claim every line: what has arrived, or the truth where nobody consumes."""
        for device in self.devices:
            await self._sync([(device, 0, 0), (device, 0, 1)])
            await self._sync([(device, 1, None)])

    async def reset(self) -> None:
        """Back to the beginning; the consumer stays."""
        await self.lab("POST", f"{self.path}/reset")
        self._token = ""

    async def lab(self, method: str, path: str, body: object = None) -> Any:
        """One call of the lab plane, which must succeed; its JSON."""
        content = await self.lab_text(method, path, body)
        return json.loads(content) if content else None

    async def lab_text(self, method: str, path: str, body: object = None) -> bytes:
        """One call of the lab plane, which must succeed; its body."""
        raw = b"" if body is None else json.dumps(body).encode()
        reply = await self._lab.send(method, f"/_lab/projects{path}", _JSON, raw)
        if not reply.is_success:
            raise ValueError(f"{method} {path}: {reply}")
        return reply.content

    def _time_ms(self) -> int:
        return self._now_ms if self.virtual else time.time_ns() // 1_000_000

    async def _advance(self, by_ms: int) -> Any:
        """Move the project's clock, or give the machine's a moment."""
        if not self.virtual:
            return await self.lab("GET", f"{self.path}/idle?timeout_ms={min(by_ms // _MINUTE_MS, 6) * 50}")
        idle = await self.lab("POST", f"{self.path}/clock", {"advance_ms": by_ms})
        self._now_ms = idle["now_ms"]
        return idle

    def _new_record(self, device: str) -> dict[str, Any]:
        record_id = f"{self._prefix}{len(self.kept)}"
        kind, direction = self._random.choice(_KINDS)
        at = self._time_ms() - self._random.randrange(1000)
        self.kept[record_id] = (device, kind, direction), at
        record = {"record_id": record_id, "data_type": kind, "event_time": at, "plate_no": f"A{self.number:05d}"}
        return record if direction is None else record | {"pass_direction": direction}

    async def _sync(self, lines: list[Line]) -> None:
        """Claim, and try again as long as there is no good answer."""
        for _ in range(_TRIES):
            answer = await self._call("POST", *self._claim(lines))
            if answer is not None and answer.get("success") and answer.get("result"):
                self.tally["answered"] += 1
                return
            if answer is not None and answer.get("code") == _TOKEN_INVALID:
                self._token = ""
        self.tally["given up"] += 1

    def _claim(self, lines: list[Line]) -> tuple[str, bytes]:
        start, end = self._began_ms - 1000, self._time_ms() + 1
        counts = Counter(self.kept[each][0] for each in self._have() if each in self.kept)
        infos = [
            {"totalCount": counts[line], "startTime": start, "endTime": end}
            | ({} if line[2] is None else {"passDirection": line[2]})
            for line in lines
        ]
        body = json.dumps({"dataType": lines[0][1], "recordSyncInfos": infos}).encode()
        return f"/v1.0/parking-control/{lines[0][0]}/records/sync", body

    def _have(self) -> set[str]:
        return set(self.kept) if self.inbox is None else self.inbox.records

    async def _call(self, method: str, target: str, body: bytes) -> Any:
        """A signed call; None if there was no answer or none that can be read."""
        self.tally["sent"] += 1
        try:
            if not self._token:
                self._token = (await self._send("GET", "/v1.0/token", "grant_type=1", b""))["result"]["access_token"]
            return await self._send(method, target, "", body)
        except NoAnswerError:
            self.tally["no answer"] += 1
        except ValueError:
            self.tally["garbled"] += 1
        return None

    async def _send(self, method: str, path: str, query: str, body: bytes) -> Any:
        """Send; a late answer comes when the project's clock goes on."""
        headers = self._signed(method, path, query, body)
        target = f"{path}?{query}" if query else path
        sending = asyncio.create_task(self._api.send(method, target, headers, body))
        while self.virtual and not (await asyncio.wait((sending,), timeout=_PATIENCE_S))[0]:
            await self._advance(_LATE_MS)
        return json.loads((await sending).content)

    def _signed(self, method: str, path: str, query: str, body: bytes) -> dict[str, str]:
        access_id, t, token = self._exports["access_id"], str(self._time_ms()), self._token
        request = SignedRequest(method, path, query, body, access_id, token, t)
        sign = sign_v2(self._exports["access_secret"], request)
        headers = {"client_id": access_id, "t": t, "sign_method": "HMAC-SHA256", "sign": sign}
        return headers | ({"access_token": token} if token else {}) | _JSON
