"""The ledger of a server that shares its store with others: each project belongs to one of them at a time.

A project is taken when it is asked for, if nobody has it or if its server is dead; so whoever is asked for it has it. A
server that is asked for a project which another one holds says where it is, and that it is wanted: the holder then lets
it go, unless it has taken it just now. Consumers and the dashboard want nothing: they do not come where the front sends
a project to, and would take it from the client's calls.
"""

import asyncio
from collections.abc import Callable, Iterable, Sequence
from contextlib import suppress

from mock_server.clock import monotonic_s
from mock_server.cloud import Cloud
from mock_server.ledger import Ledger, made_again
from mock_server.project import Project
from mock_server.state.postgresql import PostgresStore
from mock_server.state.store import HeldElsewhereError, ProjectsLostError, StoreError

HOLD_S = 3
"""How long a project stays at least with a server that has taken it, in seconds (our choice).

Two servers that are asked for the same project in turns do not take it from each other with each request.
"""


class SharedLedger(Ledger):
    """Keeps the projects of a cloud that are this server's. The cloud finds those that are nobody's by it."""

    def __init__(self, cloud: Cloud, store: PostgresStore) -> None:
        super().__init__(cloud, store)
        self._shared = store
        self._taken: dict[str, float] = {}
        self._lost: str | None = None

    def open(self, first: str, make_first: Callable[[], Project]) -> None:
        """Watch the cloud, and have the project with the access id `first` unless another server does.

        It is made if it is not kept. A project in the making is written once it is made: others could take a part over.
        """
        self._cloud.listen(self._add, self._remove)
        self._cloud.elsewhere = self
        with suppress(HeldElsewhereError):
            if self._take(first, wants=False) is None:
                self._cloud.add(make_first())
            self.commit()

    def start(self, url: str) -> None:
        """Begin to live for the other servers, and to let go of what they want."""
        loop = asyncio.get_running_loop()

        def hand_over(wanted: list[str]) -> None:
            with suppress(RuntimeError):  # the loop is closed: the server has stopped
                loop.call_soon_threadsafe(self._hand_over, wanted)

        self._shared.lease.start(url, hand_over)

    def access_ids(self) -> list[str]:
        """The access ids of every project, whosever it is."""
        return sorted({*self._shared.access_ids(), *self._kept} - set(self._removed))

    def find(self, access_id: str, *, wants: bool = True) -> Project | None:
        """A project that is taken for this server; None if there is none. HeldElsewhereError if another has it."""
        if access_id in self._removed:
            return None
        self.check()
        return self._take(access_id, wants=wants)

    def _take(self, access_id: str, *, wants: bool) -> Project | None:
        stored = self._shared.take(access_id, wants=wants)
        if stored is None:
            return None
        try:
            project = self._make_again(stored)
        except StoreError:
            self._shared.free([access_id])
            raise
        self._taken[access_id] = monotonic_s()
        return self._cloud.add(project)

    def look_at(self, access_id: str) -> Project:
        """A copy of a project, whosever it is. StoreError if there is none any more."""
        stored = self._shared.project(access_id)
        if stored is None:
            raise StoreError(f"the project {access_id} is deleted: start again")
        return made_again(stored)[0]

    def check(self) -> None:
        """HeldElsewhereError if the lease was over and others have taken projects over, which are let go of."""
        lost = self._look()
        if lost:
            raise HeldElsewhereError(lost[0])

    def commit(self) -> None:
        """Keep what has changed. HeldElsewhereError if some of it is another server's by now, and is not kept."""
        self._keep()
        lost, self._lost = self._lost, None
        if lost is not None:
            raise HeldElsewhereError(lost)

    def _keep(self) -> None:
        """Keep what has changed of the projects that are this server's, and let go of the others."""
        self._look()
        try:
            super().commit()
        except ProjectsLostError as lost:
            self._lose(lost.access_ids)
            super().commit()

    def _look(self) -> list[str]:
        """After the end of the lease: the projects that others have taken over, which are let go of."""
        if not self._shared.lease.is_over:
            return []
        held = self._shared.held()
        lost = [access_id for access_id, kept in self._kept.items() if kept.is_kept and access_id not in held]
        self._lose(lost)
        return lost

    def _lose(self, access_ids: Sequence[str]) -> None:
        """Let go of what is another server's. Whoever waits for what was not kept of it is told by the next commit."""
        self._lost = next((access_id for access_id in access_ids if access_id in self._touched), self._lost)
        self._let_go(access_ids)

    def close(self) -> None:
        """Keep what has changed, and let other servers have the projects. What is another's by now is left to it."""
        with suppress(HeldElsewhereError):
            super().close()

    def _let_go(self, access_ids: Iterable[str]) -> None:
        """Have projects no more, which stay in the store."""
        for access_id in access_ids:
            self._taken.pop(access_id, None)
            self._touched.pop(access_id, None)
            self._kept.pop(access_id, None)
            project = self._cloud.get(access_id)
            if project is not None:
                self._cloud.remove(project)

    def _hand_over(self, wanted: Iterable[str]) -> None:
        """Let others have what they want, once it is kept. Later, where that fails or where work is unfinished."""
        if self.unfinished:
            return
        now = monotonic_s()
        due = [each for each in wanted if each in self._kept and now >= self._taken.get(each, -HOLD_S) + HOLD_S]
        with suppress(StoreError):
            self._keep()
            self._let_go(due)
            unused = (each for each in wanted if each not in self._kept)  # what has come here, and nobody has asked for
            self._shared.free(list(unused))
