"""A keep-alive HTTP/1.1 connection on an event loop: as much of the protocol as the fake cloud speaks."""

import asyncio
from typing import NamedTuple
from urllib.parse import urlsplit

_END = b"\r\n"
_TIMEOUT_S = 60.0
_IDLE_S = 30.0
"""Silence after which a connection is made anew: the server closes it after 75 s, at worst while a request is sent."""


class NoAnswerError(Exception):
    """The connection closed without a whole answer."""


class Reply(NamedTuple):
    """Status and body."""

    status: int
    content: bytes

    @property
    def is_success(self) -> bool:
        """Whether the status is 2xx."""
        return self.status // 100 == 2


class Connection:
    """Opens when it is needed, and again after it was closed. One request at a time."""

    def __init__(self, url: str) -> None:
        address = urlsplit(url)
        self._host, self._port = address.hostname or "", address.port or 80
        self._used_at = 0.0
        self._streams: tuple[asyncio.StreamReader, asyncio.StreamWriter] | None = None

    async def send(self, method: str, target: str, headers: dict[str, str], body: bytes = b"") -> Reply:
        """One request and its reply."""
        now = asyncio.get_running_loop().time()
        if now - self._used_at > _IDLE_S:
            self.close()
        self._used_at = now
        if self._streams is None:
            self._streams = await asyncio.open_connection(self._host, self._port)
        reader, writer = self._streams
        own = {"Host": f"{self._host}:{self._port}", "Content-Length": str(len(body))}
        lines = [f"{name}: {value}" for name, value in (own | headers).items()]
        try:
            async with asyncio.timeout(_TIMEOUT_S):
                writer.write("\r\n".join((f"{method} {target} HTTP/1.1", *lines, "", "")).encode() + body)
                return await _read(reader)
        except (asyncio.IncompleteReadError, ConnectionError) as error:
            self.close()
            raise NoAnswerError from error

    def close(self) -> None:
        """Close it."""
        if self._streams is not None:
            self._streams[1].close()
            self._streams = None


async def _read(reader: asyncio.StreamReader) -> Reply:
    head = (await reader.readuntil(_END * 2)).decode("latin-1").split("\r\n")
    headers = {name.lower(): value.strip() for name, _, value in (line.partition(":") for line in head[1:])}
    if headers.get("transfer-encoding") == "chunked":
        return Reply(_status(head), await _read_chunks(reader))
    return Reply(_status(head), await reader.readexactly(int(headers.get("content-length", "0"))))


def _status(head: list[str]) -> int:
    return int(head[0].split(" ", 2)[1])


async def _read_chunks(reader: asyncio.StreamReader) -> bytes:
    chunks = []
    while size := int(await reader.readuntil(_END), 16):
        chunks.append(await reader.readexactly(size))
        await reader.readexactly(len(_END))
    await reader.readexactly(len(_END))
    return b"".join(chunks)
