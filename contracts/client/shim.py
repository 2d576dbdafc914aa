"""Runs a client of this language as a process of its own: `python -m contracts.client.shim [--native] MODULE:NAME`.

It speaks the client protocol on standard input and output, and gives the client real connections. With `--native` what
the client takes for WebSockets to the queue are consumers over its native port.
"""

import json
import os
import sys
from collections.abc import Callable
from pathlib import Path
from typing import IO, Any

from contracts.client.interface import VERBS, Client, MakeClient, Start, UnimplementedError, Window
from contracts.client.link import RealLink
from contracts.client.protocol import PROTOCOL, dump_json, effects_json
from contracts.client.spec import load_client
from mock_server.model import JsonObject
from mock_server.version import __version__

NATIVE = "--native"
USAGE = f"usage: python -m contracts.client.shim [{NATIVE}] MODULE:NAME"


class Shim:
    """Answers calls with one client, of this name and version."""

    def __init__(self, name: str, make_client: MakeClient, version: str = __version__) -> None:
        self._name, self._version = name, version
        self._make_client = make_client
        self._client: Client | None = None
        self._link = RealLink()
        self._verbs: dict[str, Callable[[dict[str, Any]], JsonObject]] = {
            "hello": self._hello,
            "start": self._start,
            "sync": self._sync,
            "advance": self._advance,
            "quiet": self._quiet,
            "dump": lambda _: dump_json(self._started.dump()),
            "effects": lambda _: effects_json(self._started.effects()),
            "crash": lambda _: os._exit(137),
            "stop": self._stop,
        }

    def answer(self, call: dict[str, Any]) -> JsonObject:
        """The answer to a call."""
        verb = self._verbs.get(call.get("verb", ""), _unknown)
        try:
            return {"id": call.get("id"), "result": verb(call)}
        except UnimplementedError as error:
            return {"id": call.get("id"), "error": {"code": "unimplemented", "message": str(error)}}
        except Exception as error:  # noqa: BLE001 any error becomes an answer, and the process goes on
            print(f"{call.get('verb')} failed: {error!r}", file=sys.stderr, flush=True)  # noqa: T201 standard error is the log
            return {"id": call.get("id"), "error": {"code": "failed", "message": repr(error)}}

    @property
    def _started(self) -> Client:
        if self._client is None:
            raise UnimplementedError("start comes first")
        return self._client

    def _hello(self, _call: dict[str, Any]) -> JsonObject:
        self._client = self._make_client({})
        can = sorted(self._client.can.intersection(VERBS))
        named = {"agent": self._name, "version": self._version, "protocol": PROTOCOL}
        alone = {} if self._client.instances is None else {"instances": self._client.instances}
        return {**named, "can": can, "clock": self._client.clock, **alone}

    def _start(self, call: dict[str, Any]) -> JsonObject:
        self._client = self._make_client(call["exports"])
        start = Start(
            call["exports"],
            call["now_ms"],
            Path(call.get("folder", ".")),
            self._link,
            call.get("tz", "UTC"),
            call.get("profile", {}),
        )
        self._client.start(start)
        return {}

    def _sync(self, call: dict[str, Any]) -> JsonObject:
        window = call.get("window")
        self._started.sync(call["now_ms"], Window(window["start_ms"], window["end_ms"]) if window else None)
        return {}

    def _advance(self, call: dict[str, Any]) -> JsonObject:
        self._started.advance(call["now_ms"])
        return self._wake()

    def _quiet(self, _call: dict[str, Any]) -> JsonObject:
        self._started.quiet()
        return self._wake()

    def _wake(self) -> JsonObject:
        wake_ms = self._started.wakes_at()
        return {} if wake_ms is None else {"wake_ms": wake_ms}

    def _stop(self, _call: dict[str, Any]) -> JsonObject:
        self._started.stop()
        self._link.close()
        return {}


def _unknown(call: dict[str, Any]) -> JsonObject:
    raise UnimplementedError(str(call.get("verb")))


def serve(name: str, make_client: MakeClient, lines: IO[str], answers: IO[str], version: str = __version__) -> None:
    """Answer calls, line by line, until `stop` or the end."""
    shim = Shim(name, make_client, version)
    for line in lines:
        call = json.loads(line)
        answers.write(json.dumps(shim.answer(call), ensure_ascii=False) + "\n")
        answers.flush()
        if call.get("verb") == "stop":
            return


def main() -> None:
    """Run the client that is named on the command line."""
    *options, name = sys.argv[1:] or [""]
    if options not in ([], [NATIVE]) or not name:
        sys.exit(USAGE)
    sys.path.insert(0, str(Path.cwd()))
    make_client = load_client(name)
    if options:
        from contracts.client.over_native import over_native  # noqa: PLC0415 a tenth of the start, and rarely needed

        make_client = over_native(make_client)
    serve(name.rpartition(":")[2], make_client, sys.stdin, sys.stdout)


if __name__ == "__main__":
    main()
