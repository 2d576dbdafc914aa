"""A request of a run as a `curl` command, without secrets."""

import re
import shlex

from contracts.run.run import Run
from mock_server.history.index import Call

HOST = "http://127.0.0.1:8280"
"""The default address of `parking-mock serve`."""

MASK = "***"
_SECRET = ("sign", "access_token")
_FINGERPRINT = re.compile("#[0-9a-f]{10}")


def request_at(run: Run, seq: int) -> Call | None:
    """The request of entry `seq` of the history, or else the last sync before it; None if there was none."""
    at = next((call for call in run.calls if call.seq == seq), None)
    return at or next((sync.call for sync in reversed(run.syncs) if sync.seq < seq), None)


def curl(call: Call) -> str:
    """The command. Signature and token are masked, so it must be signed again before it can be sent."""
    request = call.request
    url = _FINGERPRINT.sub(MASK, f"{HOST}{request.path}" + (f"?{request.query}" if request.query else ""))
    headers = {name: MASK if name.lower() in _SECRET else value for name, value in request.headers.items()}
    parts = [f"curl -X {shlex.quote(request.method)} {shlex.quote(url)}"]
    parts += [f"-H {shlex.quote(f'{name}: {value}')}" for name, value in headers.items()]
    if request.body:
        parts += ["-H 'Content-Type: application/json'", f"--data-raw {shlex.quote(request.body)}"]
    return " \\\n  ".join(parts)
