"""The floor: an empty Flask view and a bare WebSocket, on the very server that the fake cloud runs on.

Same sockets, same loop, same uvicorn settings, same inline adapter: what stands above this floor is ours. The view
takes the same request and answers fixed bytes of the same length. The WebSocket sends `window` frames of
`length` characters, then one for each frame that it gets, `count` in all. Run as a program it prints its addresses.
"""

import asyncio
import json
import signal
from collections.abc import Iterator
from typing import TYPE_CHECKING, Any
from urllib.parse import parse_qs

from flask import Flask, Response

from mock_server.cloud import Cloud
from mock_server.web.queue.websocket import MessageSocket
from mock_server.web.server import Server, silence_uvicorn
from mock_server.web.serving.http_protocol import BoundedHttpProtocol, VendorHttpProtocol
from mock_server.web.serving.inline import InlineWsgi
from mock_server.web.serving.loop import new_event_loop

if TYPE_CHECKING:
    from uvicorn._types import ASGIReceiveCallable, ASGISendCallable, Scope

ANSWER = b'{"result":{"sn":"1350000000000001"},"success":true,"t":1652788800000,"tid":"%032x"}' % 0


def empty_app() -> Flask:
    """A Flask application with one view that does nothing."""
    app = Flask("floor", static_folder=None)

    @app.post("/v1.0/parking-control/<name>/records/sync")
    def sync(name: str) -> Response:  # noqa: ARG001 the rule has it
        return Response(ANSWER, content_type="application/json;charset=UTF-8")

    return app


class BareSocket(MessageSocket):
    """Sends prepared frames, each but the first few on receipt of one."""

    async def __call__(self, scope: "Scope", receive: "ASGIReceiveCallable", send: "ASGISendCallable") -> None:
        """Serve one WebSocket."""
        if scope["type"] != "websocket":
            return
        asked = {name: int(values[0]) for name, values in parse_qs(scope["query_string"].decode()).items()}
        text = "x" * asked["length"]
        await receive()
        await send({"type": "websocket.accept", "subprotocol": None, "headers": []})
        for _ in range(min(asked["window"], asked["count"])):
            await send({"type": "websocket.send", "bytes": None, "text": text})
        for _ in range(asked["count"] - asked["window"]):
            if (await receive())["type"] != "websocket.receive":
                return
            await send({"type": "websocket.send", "bytes": None, "text": text})
        while (await receive())["type"] == "websocket.receive":
            pass


class FloorServer(Server):
    """The fake cloud's server with nothing behind it."""

    def _applications(self) -> Iterator[tuple[Any, Any]]:
        self._messages = BareSocket(self.cloud)
        yield InlineWsgi(empty_app(), 1024 * 1024), VendorHttpProtocol
        yield self._messages, BoundedHttpProtocol
        yield InlineWsgi(empty_app(), 1024 * 1024), BoundedHttpProtocol


async def _serve() -> None:
    stopping = asyncio.Event()
    asyncio.get_running_loop().add_signal_handler(signal.SIGTERM, stopping.set)
    server = FloorServer(Cloud())
    await server.start()
    print(json.dumps({"api": server.api, "ws": server.ws}), flush=True)
    await stopping.wait()
    await server.stop()


if __name__ == "__main__":
    silence_uvicorn()
    with asyncio.Runner(loop_factory=new_event_loop) as runner:
        runner.run(_serve())
