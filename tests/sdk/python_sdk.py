"""The official Python SDK, unmodified, made fit for tests: sessions that close, threads that nobody waits for."""

import contextlib
import json
import queue
import socket
from collections.abc import Callable, Iterator
from typing import Any

from tuya_connector import TuyaCloudPulsarTopic, TuyaOpenAPI, TuyaOpenPulsar

from tests.sdk.world import DEADLINE_S, World, wait_until


@contextlib.contextmanager
def api_client(world: World, access_id: str = "", access_secret: str = "", address: str = "") -> Iterator[Any]:
    """The API client, not yet connected, with the project's keys unless others are given."""
    keys = access_id or world.access_id, access_secret or world.access_secret
    client = TuyaOpenAPI(address or world.api, *keys)
    yield client
    client.session.close()


@contextlib.contextmanager
def connected_client(world: World) -> Iterator[Any]:
    """The API client with a token."""
    with api_client(world) as client:
        assert client.connect()["success"]
        yield client


class Heard:
    """A message listener: keeps what the SDK decrypted, and calls `also` with it first."""

    def __init__(self, also: Callable[[str], None] | None = None) -> None:
        self._texts: queue.Queue[str] = queue.Queue()
        self._also = also

    def __call__(self, text: str) -> None:
        """Take a message, in the SDK's thread."""
        try:
            if self._also is not None:
                self._also(text)
        finally:
            self._texts.put(text)

    def next(self) -> dict[str, Any]:
        """The next message."""
        try:
            text = self._texts.get(timeout=DEADLINE_S)
        except queue.Empty:
            raise AssertionError(f"no message came for {DEADLINE_S:.0f} s") from None
        report: dict[str, Any] = json.loads(text)
        return report

    def next_record_ids(self, count: int) -> list[str]:
        """The record ids of the next messages."""
        return [value_of(self.next())["recordId"] for _ in range(count)]

    def nothing(self) -> bool:
        """Whether no message is left unread."""
        return self._texts.empty()


def value_of(report: dict[str, Any]) -> dict[str, Any]:
    """The inner object of a status report, which is JSON text within JSON."""
    value: dict[str, Any] = json.loads(report["status"][0]["value"])
    return value


@contextlib.contextmanager
def pulsar(
    world: World, *listeners: Callable[[str], None], address: str = "", secret: str = "", topic: str = ""
) -> Iterator[Any]:
    """A running message client.

    Its thread looks at its stop flag only every 3 seconds, so it is made a daemon, told to stop and left alone.
    """
    client = TuyaOpenPulsar(
        world.access_id,
        secret or world.access_secret,
        address or world.ws,
        topic or TuyaCloudPulsarTopic.PROD,
    )
    client.daemon = True
    for listener in listeners:
        client.add_message_listener(listener)
    client.start()
    yield client
    client._stop_event.set()
    cut(client)


def cut(client: Any) -> None:
    """Break a message client's connection without a goodbye, as a network does."""
    connection = client.ws_app.sock if client.ws_app else None
    if connection is not None and connection.sock is not None:
        with contextlib.suppress(OSError):  # it may be gone already
            connection.sock.shutdown(socket.SHUT_RDWR)


def wait_until_connected(client: Any) -> None:
    """Wait until a message client's handshake is done."""
    wait_until(lambda: client.ws_app.sock and client.ws_app.sock.connected, "the SDK is connected")
