"""Tests of the committer: who waits for a commit hears how it ended, whatever has happened."""

import asyncio
from collections.abc import Callable
from typing import Any, cast

import pytest

from mock_server.ledger import Ledger
from mock_server.state.store import StoreError
from mock_server.web.serving.committer import Committer


class FakeLedger:
    """A ledger that commits as it is told to. `on_change` is the committer's."""

    on_change: Callable[[], None]

    def __init__(self, *failures: Exception | None) -> None:
        self._failures = list(failures)
        self.commits = 0

    def check(self) -> None:
        """Nobody else has anything of it."""

    def commit(self) -> None:
        """Fail, if the next one is to fail."""
        if self._failures and (failure := self._failures.pop(0)):
            raise failure
        self.commits += 1


def committer_of(ledger: FakeLedger) -> Committer:
    """A committer that has not begun."""
    return Committer(cast("Ledger", ledger))


def test_a_defect_is_told_to_all_who_wait_and_may_pass() -> None:
    """Nobody waits for ever, nobody takes for kept what is not; the loop hears of it; the next commit counts."""

    async def wait() -> tuple[list[Any], list[Any], int]:
        heard: list[Any] = []
        asyncio.get_running_loop().set_exception_handler(lambda _, context: heard.append(context["exception"]))
        ledger = FakeLedger(TypeError("no row holds that"))
        committer = committer_of(ledger)
        found = await asyncio.gather(*[committer.settled() for _ in range(3)], return_exceptions=True)
        committer.check()
        await committer.settled()
        return found, heard, ledger.commits

    found, heard, commits = asyncio.run(wait())
    assert {type(each) for each in found} == {StoreError}
    assert "no row holds that" in str(found[0])
    assert [type(each) for each in heard] == [TypeError]
    assert commits == 2


def test_what_waits_for_one_turn_has_one_commit() -> None:
    """However many there are."""

    async def wait() -> int:
        ledger = FakeLedger()
        committer = committer_of(ledger)
        await asyncio.gather(*[committer.settled() for _ in range(5)])
        return ledger.commits

    assert asyncio.run(wait()) == 1


def test_nothing_is_changed_further_while_the_store_fails() -> None:
    """Whoever asks has it tried again first."""

    async def wait() -> None:
        committer = committer_of(FakeLedger(StoreError("full"), StoreError("still full")))
        with pytest.raises(StoreError, match="full"):
            await committer.settled()
        with pytest.raises(StoreError, match="still full"):
            committer.check()
        committer.check()

    asyncio.run(wait())
