"""The load generator: wrk, closed loop, keep-alive connections, for a bounded time."""

import json
import os
import shutil
import subprocess
from dataclasses import dataclass
from pathlib import Path

from benchmarks.client import SyncCall
from benchmarks.processes import MissingToolError

_SCRIPT = Path(__file__).with_name("post.lua")


@dataclass(frozen=True)
class Load:
    """What one load came to."""

    requests: int
    per_second: float
    p50_us: int
    p99_us: int


def load(api: str, call: SyncCall, connections: int, seconds: int) -> Load:
    """Repeat a call for some seconds. ValueError if any answer was no HTTP 200."""
    wrk = shutil.which("wrk")
    if wrk is None:
        raise MissingToolError("this needs the load generator wrk (Debian and Ubuntu: apt-get install wrk)")
    headers = "\n".join(f"{name}: {value}" for name, value in call.headers.items())
    command = [wrk, "-t1", f"-c{connections}", f"-d{seconds}s", "--timeout=10s", "-s", str(_SCRIPT), api + call.path]
    environment = os.environ | {"BENCH_BODY": call.body.decode(), "BENCH_HEADERS": headers}
    done = subprocess.run(command, env=environment, capture_output=True, text=True, check=True, timeout=seconds + 30)
    summary = json.loads(done.stdout.splitlines()[-1])
    if summary["failed"]:
        raise ValueError(f"{summary['failed']} of {summary['requests']} requests failed")
    per_second = summary["requests"] / summary["seconds"]
    return Load(summary["requests"], per_second, summary["p50_us"], summary["p99_us"])
