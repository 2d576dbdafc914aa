"""A cloud on a store, served as a server serves it but for the sockets: its applications are called on the loop."""

import asyncio
import json
from collections.abc import Callable, Iterator
from functools import partial
from pathlib import Path
from typing import Any, cast

from mock_server.carriers.native import NativeConnections
from mock_server.cloud import Cloud
from mock_server.ledger import Ledger
from mock_server.project import Project
from mock_server.state.sqlite import SqliteStore
from mock_server.state.store import StoreError, Sync
from mock_server.web.data_plane import api
from mock_server.web.lab.plane import LabPlane
from mock_server.web.pulsar.transport import PulsarTransport
from mock_server.web.queue.websocket import MessageSocket
from mock_server.web.serving.committer import Committer
from mock_server.web.serving.driver import ClockDriver
from mock_server.web.serving.inline import InlineWsgi
from mock_server.wire.encryption import queue_password
from tests.support import ACCESS_ID, ADDRESSES, NOON, make_project, sign

TURNS, TURNS_AFTER = 40, 12
"""How many turns of the loop a request gets before it is left to wait, and what follows from it."""


class TurnLoop(asyncio.SelectorEventLoop):
    """A loop whose time goes by as it is looked at: the same work then has the same turns on any machine."""

    _looks = 0

    def time(self) -> float:
        """Seconds, a millisecond more at each look."""
        self._looks += 1
        return self._looks / 1000


Tell = Callable[..., None]
"""Called with what is seen outside of the process."""


class NotedStore(SqliteStore):
    """Tells of each commit that begins, and how it ended."""

    def __init__(self, path: Path, sync: Sync, tell: Tell) -> None:
        self.tell = tell
        self.commits = 0
        self.on_kept: Callable[[int], object] = lambda _: None
        self.on_failure: Callable[[], object] = lambda: None
        super().__init__(path, sync)
        self.checkpoint_after = 30  # so that a little work meets checkpoints too

    def write(self, changed: Any, removed: Any = ()) -> None:
        """Keep all of these changes or none."""
        self.commits += 1
        number = self.commits
        self.tell("commit", number)
        try:
            super().write(changed, removed)
        except StoreError as error:
            self.tell("failed", number, str(error))
            self.on_failure()
            raise
        self.tell("kept", number)
        self.on_kept(number)


class Served:
    """The cloud, and its planes. Made on the running loop. StoreError if the store cannot be used."""

    def __init__(self, cloud: Cloud, store: SqliteStore, tell: Tell, committer: type[Committer] = Committer) -> None:
        self.tell = tell
        self.cloud = cloud
        self.ledger = Ledger(self.cloud, store)
        self.ledger.open(ACCESS_ID, partial(make_project, random_seed=7))
        self.committer = committer(self.ledger)
        self._drivers: dict[str, ClockDriver] = {}
        failed = partial(api.store_failed, self.cloud.clock)
        self.api = InlineWsgi(api.create_api(self.cloud), api.MAX_BODY, self.committer, failed)
        self.lab = LabPlane(self.cloud, lambda: ADDRESSES, None, None, self.committer)
        self.messages = MessageSocket(self.cloud, self.committer)
        self.native = NativeConnections(self.cloud)
        self._tasks: set[asyncio.Task[Any]] = set()
        self.committer.start()
        self.cloud.listen(self._drive, self._abandon)

    def _drive(self, project: Project) -> None:
        self._drivers[project.access_id] = ClockDriver(project, asyncio.get_running_loop())

    def _abandon(self, project: Project) -> None:
        self._drivers.pop(project.access_id).stop()
        project.queue.close()
        self.native.abort_of(project)

    async def soon(self, work: Any) -> Any:
        """What a coroutine returns; None if it waits for more than turns of the loop: then it goes on beside."""
        task = asyncio.ensure_future(work)
        self._tasks.add(task)
        for _ in range(TURNS):
            if task.done():
                break
            await asyncio.sleep(0)
        for _ in range(TURNS_AFTER):
            await asyncio.sleep(0)
        return task.result() if task.done() else None

    async def call(self, plane: Any, request: tuple[str, str, dict[str, str], bytes], access_id: str) -> Any:
        """The JSON, or the text, that a request for a project is answered with; None if there is no answer soon."""
        return await self.soon(self._request(plane, request, access_id))

    async def _request(self, plane: Any, request: tuple[str, str, dict[str, str], bytes], access_id: str) -> Any:
        method, target, headers, body = request
        path, _, query = target.partition("?")
        raw = [(name.lower().encode(), value.encode()) for name, value in headers.items()]
        scope = {"type": "http", "method": method, "path": path, "raw_path": path.encode(), "headers": raw}
        events = [{"type": "http.request", "body": body, "more_body": False}]
        content = bytearray()
        answers: list[Any] = []

        async def receive() -> Any:
            return events.pop() if events else await asyncio.get_running_loop().create_future()

        async def send(event: Any) -> None:
            content.extend(event.get("body", b""))
            if event["type"] == "http.response.body" and not event["more_body"]:
                answers.append(_read(bytes(content)))
                for promise in _promises(answers[0]):
                    self.tell("promised", access_id, promise)

        await plane(scope | {"query_string": query.encode(), "extensions": {}}, receive, send)
        return answers[0] if answers else None


def _read(content: bytes) -> Any:
    try:
        return json.loads(content)
    except ValueError:
        return content.decode(errors="replace")


def _promises(answer: Any) -> Iterator[str]:
    """The ids that an answer promises to be there from now on: of records and of commands."""
    answer = answer.get("result", answer) if isinstance(answer, dict) else answer
    for each in answer if isinstance(answer, list) else [answer]:
        for name in ("record_id", "sn"):
            if isinstance(each, dict) and isinstance(each.get(name), str):
                yield each[name]


class Caller:
    """A client of a project's planes, which signs with its token."""

    def __init__(self, served: Served, access_id: str, secret: str, device_id: str) -> None:
        self._served = served
        self.access_id, self.secret, self.device_id = access_id, secret, device_id
        self.token = ""

    async def lab(self, method: str, path: str, body: object = None) -> Any:
        """A call of the lab plane, below the project."""
        raw = b"" if body is None else json.dumps(body).encode()
        target = f"/_lab/projects{path and '/' + self.access_id + path.rstrip('.')}"
        headers = {"host": "127.0.0.1", "content-type": "application/json"}
        return await self._served.call(self._served.lab, (method, target, headers, raw), self.access_id)

    async def api(self, method: str, target: str, body: object = None) -> Any:
        """A signed call of the vendor's API."""
        raw = b"" if body is None else json.dumps(body).encode()
        project = self._served.cloud.get(self.access_id)
        t = str(project.clock.now_ms() if project else NOON)
        token = "" if target.startswith("/v1.0/token") else self.token
        signed = sign(self.secret, method, target, raw, self.access_id + token + t)
        headers = {"client_id": self.access_id, "t": t, "sign_method": "HMAC-SHA256", "sign": signed}
        headers |= {"access_token": token} if token else {}
        headers |= {"content-type": "application/json"} if raw else {}
        answer = await self._served.call(self._served.api, (method, target, headers, raw), self.access_id)
        result = answer.get("result") if isinstance(answer, dict) else None
        return result if isinstance(result, dict) else {}


class Consumer:
    """A consumer over the WebSocket: it acknowledges every other message, and tells what it has got."""

    def __init__(self, served: Served, caller: Caller, *, keeps: int = 2) -> None:
        self._served = served
        self._caller = caller
        self._keeps = keeps
        self._said: asyncio.Queue[Any] = asyncio.Queue()
        self.got: list[str] = []

    async def connect(self) -> None:
        """Connect, and take what comes at once."""
        own = self._caller.access_id
        headers = {"username": own, "password": queue_password(own, self._caller.secret)}
        scope = {"type": "websocket", "path": f"/ws/v2/consumer/persistent/{own}/out/event/{own}-sub"}
        scope |= {"query_string": b"ackTimeoutMillis=3000", "extensions": {}}  # type: ignore[dict-item]  # a scope
        raw = [(name.encode(), value.encode()) for name, value in headers.items()]
        self._said.put_nowait({"type": "websocket.connect"})
        await self._served.soon(
            self._served.messages(cast("Any", scope | {"headers": raw}), self._said.get, self._take)
        )

    async def _take(self, event: Any) -> None:
        if event["type"] != "websocket.send":
            return
        message_id = json.loads(event["text"])["messageId"]
        self.got.append(message_id)
        self._served.tell("delivered", self._caller.access_id, message_id)
        if len(self.got) % self._keeps == 0:
            self._served.tell("acknowledged", self._caller.access_id, message_id)
            self._said.put_nowait({"type": "websocket.receive", "text": json.dumps({"messageId": message_id})})

    def close(self) -> None:
        """Go away."""
        self._said.put_nowait({"type": "websocket.disconnect", "code": 1000})


class FakeSocket(asyncio.Transport):
    """The transport of a native client: keeps what is written, of which `on_write` is told at once."""

    def __init__(self) -> None:
        super().__init__()
        self.written = bytearray()
        self.on_write: Callable[[bytes], None] = lambda _: None
        self._closed = False

    def write(self, data: Any) -> None:
        """Keep bytes."""
        self.written += data
        self.on_write(bytes(data))

    def set_write_buffer_limits(self, high: int | None = None, low: int | None = None) -> None:
        """There is room."""

    def is_closing(self) -> bool:
        """Whether it was closed."""
        return self._closed

    def close(self) -> None:
        """Close it."""
        self._closed = True

    def abort(self) -> None:
        """Close it."""
        self._closed = True

    def pause_reading(self) -> None:
        """Nothing is read that was not fed."""

    def resume_reading(self) -> None:
        """The same."""


def native(served: Served) -> tuple[PulsarTransport, FakeSocket]:
    """An accepted native connection."""
    socket = FakeSocket()
    transport = PulsarTransport(served.native, served.committer)
    transport.connection_made(socket)
    return transport, socket
