"""A WebSocket consumer of the soak: it comes back when it is thrown out, and refuses what it cannot decrypt.

`max_queue=None`: with a bounded one the client's library may need 10 s to see that a server has closed a connection.
"""

import asyncio
import base64
import json
from collections import Counter
from contextlib import suppress
from dataclasses import dataclass, field
from typing import Any

from websockets.asyncio.client import connect
from websockets.exceptions import WebSocketException

from contracts.clients.messages import decrypt
from mock_server.wire.encryption import message_sign, queue_password

_AGAIN_S = 0.02
_REFUSED_ONE_IN = 40


@dataclass
class Inbox:
    """What a consumer has got: record ids, and the ids of the messages that it acknowledged."""

    records: set[str] = field(default_factory=set)
    acknowledged: set[str] = field(default_factory=set)
    tally: Counter[str] = field(default_factory=Counter)

    def clear(self) -> None:
        """A new day."""
        self.records.clear()
        self.acknowledged.clear()


class SoakConsumer:
    """Consumes from its making on, until it is stopped."""

    def __init__(self, exports: dict[str, Any], inbox: Inbox) -> None:
        self._secret: str = exports["access_secret"]
        self._inbox = inbox
        access_id = exports["access_id"]
        self._url = (
            f"{exports['ws']}ws/v2/consumer/persistent/{access_id}/out/event/{access_id}-sub"
            "?subscriptionType=Failover&negativeAckRedeliveryDelay=500"
        )
        self._headers = {"username": access_id, "password": queue_password(access_id, self._secret)}
        self._task = asyncio.create_task(self._consume())

    async def stop(self) -> None:
        """Go away."""
        self._task.cancel()
        with suppress(asyncio.CancelledError):
            await self._task

    async def _consume(self) -> None:
        while True:
            with suppress(OSError, WebSocketException):
                async with connect(self._url, additional_headers=self._headers, max_queue=None) as socket:
                    async for text in socket:
                        await socket.send(json.dumps(self._reply(json.loads(text))))
            self._inbox.tally["connections lost"] += 1
            await asyncio.sleep(_AGAIN_S)

    def _reply(self, frame: dict[str, Any]) -> dict[str, str]:
        """Acknowledge, or refuse what is damaged, and now and then what is not."""
        self._inbox.tally["deliveries"] += 1
        message_id: str = frame["messageId"]
        record_id = self._record_id(frame["payload"])
        on_a_whim = self._inbox.tally["deliveries"] % _REFUSED_ONE_IN == 0
        if record_id is None or on_a_whim:
            self._inbox.tally["refused"] += 1
            return {"type": "negativeAcknowledge", "messageId": message_id}
        self._inbox.records |= {record_id} if record_id else set()
        self._inbox.acknowledged.add(message_id)
        return {"messageId": message_id}

    def _record_id(self, payload: str) -> str | None:
        """The record of a message, empty if it is about something else; None if it is damaged."""
        outer = json.loads(base64.b64decode(payload))
        if message_sign(outer, self._secret) != outer["sign"]:
            return None
        report = json.loads(decrypt(outer["data"], self._secret, "aes_ecb"))
        record_id: str = json.loads(report["status"][0]["value"]).get("recordId", "")
        return record_id
