"""A trial: a process works, its disk fails at one operation, and the books are looked at.

The process is a fork of one that has everything imported: some tens of milliseconds each.
"""

import asyncio
import json
import math
import os
import shutil
from collections.abc import Callable, Iterator
from pathlib import Path
from random import Random
from typing import Any, NamedTuple

from mock_server import advance
from mock_server.clock import VirtualClock
from mock_server.cloud import Cloud
from mock_server.state.store import StoreError, Sync
from mock_server.web.data_plane.api import create_api
from mock_server.web.lab.app import create_lab
from mock_server.web.serving import delivery_turn, driver, turns
from mock_server.web.serving.committer import Committer
from tests.crashes.books import Books, Line, Told, digest, digest_of
from tests.crashes.disk import Disk, Failure
from tests.crashes.served import NotedStore, Served, TurnLoop
from tests.crashes.work import work
from tests.support import ADDRESSES, NOON

_TRIES = 100
"""How often a start is tried again, and a last commit: more often than any disk fails here."""


class HastyCommitter(Committer):
    """Answers before it has committed: what the trials must find."""

    def then(self, work: Callable[[StoreError | None], None]) -> None:
        """Call `work` now."""
        super().then(lambda _: None)
        work(None)


def work_without_haste() -> None:
    """Let a turn of the loop last until its work is done: the same work then has the same commits."""
    for module in (advance, delivery_turn, turns):
        module.TURN_S = math.inf  # type: ignore[attr-defined]  # read at each turn
    driver._TURN_S = math.inf


class Trial(NamedTuple):
    """What is tried: the operation, from 1, at which the disk fails, and for how many."""

    sync: Sync
    failure: Failure
    at: int
    span: int = 1


class Whole(NamedTuple):
    """A life in which nothing fails: how many operations and commits it has, and what later ones are held against."""

    operations: int
    commits: int
    books: Books


class Trials:
    """Runs trials in a folder, each in a new file."""

    def __init__(self, folder: Path, committer: type[Committer] = Committer) -> None:
        self._folder = folder
        self._committer = committer
        self._disk = Disk()
        work_without_haste()
        create_lab(Cloud(), lambda: ADDRESSES)  # compiles the routes once for all processes
        create_api(Cloud())

    def whole(self, sync: Sync) -> Whole:
        """Live without a failure."""
        path = self._path()
        told = self._live(path, Trial(sync, Failure.NOTHING, 0))
        ((operations,),) = told.of("operations")
        digests = {0: digest(())} | {int(number): str(text) for number, text in told.of("digest")}
        return Whole(operations, len(digests) - 1, Books(digests))

    def run(self, trial: Trial, whole: Whole) -> list[str]:
        """What is wrong behind a trial."""
        path = self._path()
        told = self._live(path, trial)
        found = list(_checked(path, trial, told, whole))
        copy = path.parent / "copy" / path.name
        if copy.exists():
            found += whole.books.half_done(copy, told.of("failed")[0][0])
        return [f"{trial.sync} {trial.failure.name} at {trial.at} for {trial.span}: {each}" for each in found]

    def _path(self) -> Path:
        shutil.rmtree(self._folder, ignore_errors=True)
        self._folder.mkdir(parents=True)
        return self._folder / "world.db"

    def _live(self, path: Path, trial: Trial) -> Told:
        """What a process tells that does the work."""
        reader, writer = os.pipe()
        child = os.fork()
        if not child:
            os.close(reader)
            try:
                self._disk.arm(path, trial.failure, trial.at, trial.span, Random(repr(trial)).getrandbits(30))
                with asyncio.Runner(loop_factory=TurnLoop) as runner:
                    runner.run(_Life(path, trial, writer, self._disk, self._committer).run())
            finally:
                os._exit(0)
        os.close(writer)
        with os.fdopen(reader, encoding="utf-8") as told:
            lines: list[Line] = [json.loads(line) for line in told]
        os.waitpid(child, 0)
        return Told(lines)


class _Life:
    """A process from its start to its end."""

    def __init__(self, path: Path, trial: Trial, writer: int, disk: Disk, committer: type[Committer]) -> None:
        self._path = path
        self._trial = trial
        self._writer = writer
        self._disk = disk
        self._committer = committer

    def _tell(self, *words: Any) -> None:
        os.write(self._writer, json.dumps(words).encode() + b"\n")

    async def run(self) -> None:
        """Start, work, end."""
        served = self._start()
        await work(served)
        if self._trial.failure.is_the_end or self._trial.failure is Failure.NOTHING:
            served.ledger.close()
        else:
            self._commit_at_last(served)
            self._tell("end", digest_of(served.cloud))
        self._tell("operations", self._disk.operations)
        self._tell("struck", self._disk.struck)
        os._exit(0)  # nothing is said any more, whatever still runs

    def _start(self) -> Served:
        """A server: started again, as by a person, until the store lets it."""
        for _ in range(_TRIES):
            cloud = Cloud(VirtualClock(NOON))
            try:
                store = NotedStore(self._path, self._trial.sync, self._tell)
            except StoreError as error:
                self._tell("refused", str(error))
                continue
            store.on_failure = self._copy
            if self._trial.failure is Failure.NOTHING:
                store.on_kept = lambda number, cloud=cloud: self._tell("digest", number, digest_of(cloud))  # type: ignore[misc]  # mypy knows no default of a lambda
            try:
                return Served(cloud, store, self._tell, self._committer)
            except StoreError as error:
                self._tell("refused", str(error))
                store.close()
        raise AssertionError("it does not start")

    def _commit_at_last(self, served: Served) -> None:
        for _ in range(_TRIES):
            try:
                for project in served.cloud:
                    served.ledger.touch(project)
                served.ledger.commit()
            except StoreError:
                continue
            return

    def _copy(self) -> None:
        """Keep what is on the disk while it fails for the first time."""
        target = self._path.parent / "copy"
        if not target.exists():
            target.mkdir()
            for each in self._path.parent.glob(f"{self._path.name}*"):
                shutil.copy(each, target)


def _checked(path: Path, trial: Trial, told: Told, whole: Whole) -> Iterator[str]:
    try:
        yield from whole.books.problems(path, trial.sync, trial.failure, told)
    except StoreError as error:
        yield f"it cannot be opened: {error}"
    said = [line[-1] for word in ("failed", "refused") for line in told.of(word)]
    if mute := [each for each in said if "(SQLITE" in each]:
        yield f"nobody is told what to do: {mute}"
    ended = bool(told.of("operations"))
    if ended == (trial.failure.is_the_end and trial.at <= whole.operations):
        yield "the process ended at another place" if ended else "the process ended before its time"
