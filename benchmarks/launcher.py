"""`python -m benchmarks.launcher`: starts servers without the second that imports take, again and again.

Each line of standard input is a JSON list, the arguments of `parking-mock`. A fork of this process says its id as a
line of JSON, and then is that command. Ended servers are reaped at once.
"""

import json
import os
import signal
import sys

from mock_server.cli import main


def launch() -> None:
    """Obey each line."""
    signal.signal(signal.SIGCHLD, signal.SIG_IGN)
    while line := sys.stdin.readline():
        if not os.fork():
            signal.signal(signal.SIGCHLD, signal.SIG_DFL)
            print(json.dumps(os.getpid()), flush=True)
            sys.argv = ["parking-mock", *json.loads(line)]
            try:
                main(prog_name="parking-mock")
            finally:
                print("{}", flush=True)  # whoever waits for it to serve waits no more


if __name__ == "__main__":
    launch()
