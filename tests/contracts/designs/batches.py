"""A correct client on asyncio: it gathers messages for a while, and acknowledges them once their batch is stored."""

import asyncio
import json
from typing import Any

from websockets.asyncio.client import ClientConnection, connect
from websockets.exceptions import ConnectionClosed, WebSocketException

from contracts.client.interface import Capability
from contracts.clients.messages import password
from tests.contracts.designs.concurrent import ConcurrentClient

LINGER_S, BATCH = 0.1, 20
"""How long messages are gathered, in real time, and how many at most."""


class BatchingClient(ConcurrentClient):
    """It has no `quiet`: its batches end when they are due."""

    @property
    def can(self) -> frozenset[Capability]:
        """All but `quiet`."""
        return super().can - {Capability.QUIET}

    def listen(self) -> None:
        """Run the loop."""
        asyncio.run(self._listen())

    async def _listen(self) -> None:
        name, secret = self._exports["access_id"], self._exports["access_secret"]
        url = f"{self._exports['ws']}ws/v2/consumer/persistent/{name}/out/event/{self.subscription()}"
        keys = {"username": name, "password": password(name, secret)}
        lost = 0
        while not self.ended.is_set():
            try:
                async with connect(f"{url}?ackTimeoutMillis=30000", additional_headers=keys, proxy=None) as connection:
                    self.connected.set()
                    lost = 0 if await self._batches(connection) else lost
            except (WebSocketException, OSError):
                pass
            await asyncio.sleep(self.pauses(lost))
            lost += 1

    async def _batches(self, connection: ClientConnection) -> int:
        """Take batches until the connection ends; how many there were."""
        taken = 0
        while frames := await self._gather(connection):
            with self.lock:
                if self.ended.is_set():
                    return taken
                with self._store.transaction():
                    done = [self.take(frame) for frame in frames]
            for frame, is_done in zip(frames, done, strict=True):
                kind = "ack" if is_done else "negativeAcknowledge"
                await connection.send(json.dumps({"type": kind, "messageId": frame["messageId"]}))
            taken += 1
        return taken

    async def _gather(self, connection: ClientConnection) -> list[dict[str, Any]]:
        """The messages of one batch, none at the end of the connection."""
        frames: list[dict[str, Any]] = []
        try:
            frames.append(json.loads(await connection.recv()))
            until = asyncio.get_running_loop().time() + LINGER_S
            while len(frames) < BATCH:
                async with asyncio.timeout_at(until):
                    frames.append(json.loads(await connection.recv()))
        except (TimeoutError, ConnectionClosed):
            return frames
        return frames
