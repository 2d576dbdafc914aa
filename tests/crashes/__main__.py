"""`python -m tests.crashes [--sync MODE ...] [--every N]`: a disk that fails at each operation of a store's files.

The conservation law at each: what was promised is there, nothing is half done, it goes on. Exit 1 if it does not hold.
"""

import argparse
import sys
import time
from collections import Counter
from collections.abc import Sequence
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import get_args

from mock_server.state.store import Sync
from mock_server.web.serving.committer import Committer
from tests.crashes.disk import Failure, run_with_disk
from tests.crashes.trials import HastyCommitter, Trial, Trials

FAILURES = [each for each in Failure if each is not Failure.NOTHING]
_SHOWN = 50
SPANS = (1, 2, 5, 12, 40)
"""For how many operations a disk fails that comes back: in turns."""


def main() -> int:
    """Run what is asked for, in a process with the layer."""
    parser = argparse.ArgumentParser(prog="python -m tests.crashes", description=__doc__)
    parser.add_argument("--sync", action="append", choices=get_args(Sync))
    parser.add_argument("--failure", action="append", choices=[each.name for each in FAILURES])
    parser.add_argument("--every", type=int, default=1, help="only each Nth operation, others for each failure")
    parser.add_argument("--hasty", action="store_true", help="answer before the commit, until it is found")
    parser.add_argument("--within", type=Path, help=argparse.SUPPRESS)
    asked = parser.parse_args()
    if asked.within is not None:
        failures = [each for each in FAILURES if each.name in (asked.failure or Failure.__members__)]
        return _try_all(asked.within, asked.sync or list(get_args(Sync)), failures, asked.every, hasty=asked.hasty)
    with TemporaryDirectory() as folder:
        return run_with_disk("tests.crashes", [*sys.argv[1:], "--within", folder], Path(folder), shown=True).returncode


def _try_all(folder: Path, syncs: list[Sync], failures: Sequence[Failure], every: int, *, hasty: bool) -> int:
    trials = Trials(folder / "files", HastyCommitter if hasty else Committer)
    began = time.perf_counter()
    counts: Counter[str] = Counter()
    found: list[str] = []
    for sync in syncs:
        whole = trials.whole(sync)
        for place, failure in enumerate(failures):
            for at in range(1 + place * every // len(failures), whole.operations + 1, every):
                found += trials.run(Trial(sync, failure, at, SPANS[at // every % len(SPANS)]), whole)
                counts[f"{sync} {failure.name}"] += 1
                if hasty and found:
                    _say(f"found at the trial {counts.total()}: {found[0]}\n")
                    return 1
        _say(f"{sync}: {whole.operations} operations, {whole.commits} commits\n")
    head = f"{counts.total()} trials, {time.perf_counter() - began:.0f} s, {len(found)} problems"
    _say("\n  ".join([head, *found[:_SHOWN]]) + "\n")
    return 1 if found else 0


def _say(text: str) -> None:
    sys.stdout.write(text)
    sys.stdout.flush()


if __name__ == "__main__":
    sys.exit(main())
