"""Commits what has changed once a turn of the loop, and lets nothing out before.

Whatever is answered or delivered in a turn waits for one commit at its end. Without a ledger nothing waits.
"""

import asyncio
from collections.abc import Callable, Iterator
from contextlib import contextmanager

from mock_server.ledger import Ledger
from mock_server.state.store import StoreError


class Committer:
    """The commits of one server. `failure` is why the latest one failed, None if it did not."""

    def __init__(self, ledger: Ledger | None = None) -> None:
        self._ledger = ledger
        self._waiting: list[Callable[[StoreError | None], None]] = []
        self._is_due = False
        self.failure: StoreError | None = None

    def start(self, url: str = "") -> None:
        """Commit what changes from now on, on the running loop, whatever the reason. `url` is the lab plane's."""
        if self._ledger is not None:
            self._ledger.start(url)
            self._ledger.on_change = self._soon
            self._soon()

    def check(self) -> None:
        """Try again what has failed. StoreError if it still does: then nothing is to be changed further."""
        if self._ledger is not None:
            self._ledger.check()
        if self.failure is not None:
            self._commit()
            if self.failure is not None:
                raise self.failure

    async def settled(self) -> None:
        """Wait until all that has changed so far is kept. StoreError if it cannot be."""
        if self._ledger is None:
            return
        kept: asyncio.Future[None] = asyncio.get_running_loop().create_future()

        def tell(failure: StoreError | None) -> None:
            if kept.done():  # cancelled: nobody waits any more
                return
            if failure is None:
                kept.set_result(None)
            else:
                kept.set_exception(failure)

        self.then(tell)
        await kept

    def then(self, work: Callable[[StoreError | None], None]) -> None:
        """Call `work` when all that has changed so far is kept, or with the reason why it cannot be."""
        if self._ledger is None:
            work(None)
            return
        self._waiting.append(work)
        self._soon()

    @contextmanager
    def in_the_middle(self) -> Iterator[None]:
        """Let no project go to another server: a piece of work on one is not at its end."""
        if self._ledger is None:
            yield
            return
        self._ledger.unfinished += 1
        try:
            yield
        finally:
            self._ledger.unfinished -= 1

    def close(self) -> None:
        """Commit what is left, and close the ledger."""
        if self._ledger is not None:
            self._ledger.close()

    def _soon(self) -> None:
        if not self._is_due:
            self._is_due = True
            asyncio.get_running_loop().call_soon(self._commit)

    def _commit(self) -> None:
        self._is_due = False
        try:
            if self._ledger is not None:
                self._ledger.commit()
            self.failure = None
        except StoreError as error:
            self.failure = error
        except Exception as error:  # noqa: BLE001 a defect of ours: nobody may wait for ever, or be told that it is kept
            self.failure = StoreError(f"cannot use the store: {error!r} (a defect of parking-mock)")
            asyncio.get_running_loop().call_exception_handler({"message": "commit", "exception": error})
        waiting, self._waiting = self._waiting, []
        for work in waiting:
            work(self.failure)
