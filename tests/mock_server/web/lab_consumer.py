"""A consumer of the message queue that the lab's tests connect."""

import contextlib
import json
import threading
from collections.abc import Iterator
from dataclasses import dataclass, field

from websockets.exceptions import ConnectionClosed
from websockets.sync.client import ClientConnection, connect

from mock_server.lab_client import Exports
from tests.fixtures.independent import queue_password


@dataclass
class LabConsumer:
    """What a consumer has got, and whether it was disconnected."""

    acknowledges: bool
    message_ids: list[str] = field(default_factory=list)
    gone: threading.Event = field(default_factory=threading.Event)

    def consume(self, connection: ClientConnection) -> None:
        """Take what comes until the connection ends."""
        with contextlib.suppress(ConnectionClosed):
            for frame in connection:
                message_id = json.loads(frame)["messageId"]
                self.message_ids.append(message_id)
                if self.acknowledges:
                    connection.send(json.dumps({"messageId": message_id}))
        self.gone.set()


@contextlib.contextmanager
def consuming(exports: Exports, *, acknowledges: bool = True) -> Iterator[LabConsumer]:
    """A connected consumer on a thread of its own."""
    access_id = exports["access_id"]
    url = f"{exports['ws']}ws/v2/consumer/persistent/{access_id}/out/event/{access_id}-sub"
    headers = {"username": access_id, "password": queue_password(access_id, exports["access_secret"])}
    consumer = LabConsumer(acknowledges)
    with connect(url, additional_headers=headers, compression=None) as connection:
        thread = threading.Thread(target=consumer.consume, args=(connection,))
        thread.start()
        try:
            yield consumer
        finally:
            connection.close()
            thread.join()
