"""`python -m benchmarks [--quick] [NAME ...]`: run the measurements named, or all of them."""

import argparse
import platform
import sys
import time
from os import cpu_count

from benchmarks import growth, inprocess, judge, kept, kills, messages, requests, soak, start, store, takeover
from benchmarks.processes import MissingToolError

BENCHMARKS = {
    "requests": requests.run,
    "kept": kept.run,
    "kills": kills.run,
    "takeover": takeover.run,
    "store": store.run,
    "messages": messages.run,
    "start": start.run,
    "growth": growth.run,
    "inprocess": inprocess.run,
    "judge": judge.run,
    "soak": soak.run,
}


def name(text: str) -> str:
    """A benchmark's name, or an error that tells them all."""
    if text not in BENCHMARKS:
        raise argparse.ArgumentTypeError(f"{text!r} is none of {', '.join(BENCHMARKS)}")
    return text


def main() -> int:
    """Run what is asked for; 1 if what must hold does not, 2 if a tool is missing."""
    exit_code = 0
    parser = argparse.ArgumentParser(prog="python -m benchmarks", description=__doc__)
    parser.add_argument("names", nargs="*", type=name, metavar="NAME", help=", ".join(BENCHMARKS))
    parser.add_argument("--quick", action="store_true", help="fewer and shorter rounds, smaller data")
    asked = parser.parse_args()
    print(f"{cpu_count()} cores, Python {platform.python_version()}; trust the ratios, not the raw figures")
    for each in asked.names or BENCHMARKS:
        began = time.perf_counter()
        try:
            if BENCHMARKS[each](quick=asked.quick) is False:
                exit_code = 1
        except MissingToolError as error:
            print(f"\n{each}: {error}", file=sys.stderr)
            return 2
        print(f"({each}: {time.perf_counter() - began:.0f} s)", flush=True)
    return exit_code


sys.exit(main())
