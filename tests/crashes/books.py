"""What must hold of a store after its process has ended: all that was promised is there, and nothing half done."""

import asyncio
import hashlib
import json
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from mock_server.clock import VirtualClock
from mock_server.cloud import Cloud
from mock_server.ledger import _Kept
from mock_server.state.sqlite import SqliteStore
from mock_server.state.store import StoredProject, Sync
from tests.crashes.disk import Failure
from tests.crashes.served import Caller, Consumer, Served
from tests.crashes.work import a_pass
from tests.support import ACCESS_ID, ACCESS_SECRET, LOT, NOON

Line = list[Any]
"""A line of what was told outside of the process: a word, and what belongs to it."""


def digest(projects: Iterable[StoredProject]) -> str:
    """A digest of all that is kept of some projects."""
    parts = [
        [each.access_id, each.about, each.moment, sorted(each.rows), each.lines, each.checkpoints] for each in projects
    ]
    return hashlib.sha256(json.dumps(sorted(parts)).encode()).hexdigest()[:16]


def digest_of(cloud: Cloud) -> str:
    """The same of the projects in the memory."""
    return digest(map(_as_kept, cloud))


def _as_kept(project: Any) -> StoredProject:
    kept = _Kept(project)
    whole = kept._with_checkpoints(kept._all(kept._moment()))
    lines = tuple(line for _, line in whole.lines)
    about = whole.about or ""
    return StoredProject(project.access_id, about, whole.moment, tuple(whole.put), lines, tuple(whole.checkpoints))


class Told:
    """What was told outside of a process."""

    def __init__(self, lines: list[Line]) -> None:
        self._lines = lines

    def of(self, word: str) -> list[Line]:
        """What belongs to each line of that word."""
        return [line[1:] for line in self._lines if line[0] == word]

    def while_failing(self) -> list[Line]:
        """What was promised, delivered or taken after a commit that failed and before one that was kept."""
        found, fails = [], False
        for line in self._lines:
            fails = line[0] == "failed" or (fails and line[0] != "kept")
            if fails and line[0] in {"promised", "delivered", "delivered natively", "acknowledged for sure"}:
                found.append(line)
        return found

    def ids(self, word: str) -> list[str]:
        """The second thing of each line of that word about the first project: an id."""
        return [str(line[1]) for line in self.of(word) if line[0] == ACCESS_ID]

    @property
    def commits(self) -> tuple[int, int]:
        """The number of the last commit that was kept, and of the last one that was begun."""
        return max((line[0] for line in self.of("kept")), default=0), len(self.of("commit"))


@dataclass(frozen=True)
class SecondLife:
    """What a server on a store that was left behind has delivered, until it was idle.

    `waiting` has the messages of the native consumer, `new` that of a record that was added.
    """

    waiting: frozenset[str]
    delivered: frozenset[str]
    new: frozenset[str]


class Books:
    """What is looked at behind a failure. `digests` has those of each commit of a life without one."""

    def __init__(self, digests: dict[int, str]) -> None:
        self._digests = digests
        self._lives: dict[str, SecondLife] = {}

    def half_done(self, path: Path, number: int) -> Iterator[str]:
        """Whether a commit that failed was kept in part, in files of which a copy was taken then."""
        store = SqliteStore(path, "off")
        if digest(store.projects()) not in (self._digests[number - 1], self._digests[number]):
            yield f"the failed commit {number} is half done"
        store.close()

    def problems(self, path: Path, sync: Sync, failure: Failure, told: Told) -> Iterator[str]:
        """Whatever is wrong with the store that a process has left."""
        if failure is Failure.POWER and sync == "off":
            return  # anything may be lost or damaged
        if early := told.while_failing():
            yield f"told while the store fails: {early}"
        may_lose = failure is Failure.POWER and sync == "normal"
        store = SqliteStore(path, "off")
        stored = list(store.projects())
        found = digest(stored)
        if failure.is_the_end:
            kept, begun = told.commits
            if found not in [self._digests[number] for number in range(0 if may_lose else kept, begun + 1)]:
                yield f"it is not as it was after commit {kept} or {begun}"
        elif told.of("end") != [[found]]:
            yield "it is not what was in the memory at the end"
        if found in self._lives:
            store.close()
        else:  # what happens then follows from what is kept
            self._lives[found] = asyncio.run(_second_life(store))
        if not may_lose:
            yield from _broken_promises(told, "\n".join(_texts(stored)), self._lives[found])


def _broken_promises(told: Told, text: str, later: SecondLife) -> Iterator[str]:
    """What was told outside and is not so later. `text` has all that is kept of the first project."""
    for what in ("promised", "delivered", "delivered natively"):
        if missing := [each for each in told.ids(what) if json.dumps(each) not in text]:
            yield f"{what}, and not there: {missing}"
    delivered = set(told.ids("delivered"))
    if comes_again := later.waiting & set(told.ids("acknowledged for sure")):
        yield f"acknowledged, and comes again: {comes_again}"
    if lost := delivered - set(told.ids("acknowledged")) - later.delivered:
        yield f"not acknowledged, and does not come again: {lost}"
    if twice := later.new & {*delivered, *told.ids("delivered natively")}:
        yield f"an id for two messages: {twice}"


def _texts(stored: list[StoredProject]) -> Iterator[str]:
    for project in stored:
        if project.access_id == ACCESS_ID:
            yield from (row.key + row.value for row in project.rows)
            yield from project.lines


async def _second_life(store: SqliteStore) -> SecondLife:
    """Serve from the store, with a consumer that acknowledges everything, and a new record."""
    served = Served(Cloud(VirtualClock(NOON)), store, lambda *_: None)
    main = Caller(served, ACCESS_ID, ACCESS_SECRET, LOT)
    waiting = frozenset(_waiting(served, "-second"))
    await main.lab("DELETE", "/faults")
    consumer = Consumer(served, main, keeps=1)
    await consumer.connect()
    before = len(consumer.got)
    await main.lab("POST", f"/devices/{LOT}/records", a_pass(99))
    new = frozenset(consumer.got[before:])
    await main.lab("POST", "/clock", {"advance_ms": 10_000})
    consumer.close()
    served.ledger.close()
    assert new, "a new record has a message"
    return SecondLife(waiting, frozenset(consumer.got), new)


def _waiting(served: Served, suffix: str) -> Iterator[str]:
    """The messages of a subscription of the first project that nobody has acknowledged."""
    project = served.cloud.get(ACCESS_ID)
    for part in project.queue.subscriptions() if project else ():
        if part.name.endswith(suffix):
            yield from (each.message_id for each in part.pending_messages())
