from collections.abc import Callable

import pytest
from hypothesis import settings
from msgspec import structs

from mock_server.lots import time_index
from mock_server.lots.memory import MemoryStore
from mock_server.lots.store import Store
from mock_server.model import DataType, Line, PassDirection, Record
from tests.mock_server.lots.store_machine import StoreMachine
from tests.support import examples

LINE = Line("lot", DataType.PASS, PassDirection.ENTER)
RECORD = Record("r1", "lot", DataType.PASS, PassDirection.ENTER, event_time=100, created_time=900)


class MemoryStoreMachine(StoreMachine):
    """The memory store."""

    def make_store(self, time_of: Callable[[Record], int]) -> Store:
        """An empty one."""
        return MemoryStore(time_of)


class TinyBlocksMachine(MemoryStoreMachine):
    """The memory store with blocks so small that they split and vanish all the time."""

    def make_store(self, time_of: Callable[[Record], int]) -> Store:
        """An empty one, with blocks of two."""
        self.patch = pytest.MonkeyPatch()
        self.patch.setattr(time_index, "_BLOCK", 2)
        return super().make_store(time_of)

    def teardown(self) -> None:
        """Put the block size back."""
        if hasattr(self, "patch"):
            self.patch.undo()


TestMemoryStore = MemoryStoreMachine.TestCase
TestMemoryStore.settings = settings(max_examples=examples(40), stateful_step_count=30)
TestTinyBlocks = TinyBlocksMachine.TestCase
TestTinyBlocks.settings = settings(max_examples=examples(60), stateful_step_count=30)


def test_a_newer_version_counts_where_it_is_now() -> None:
    """The same record id at another time or in the other direction leaves its old place."""
    store = MemoryStore()
    store.put(RECORD)
    assert store.put(structs.replace(RECORD, event_time=200, pass_direction=PassDirection.LEAVE)) == RECORD
    assert store.count(LINE, 0, 1000) == 0
    assert store.count(LINE._replace(pass_direction=PassDirection.LEAVE), 200, 201) == 1
    assert len(store) == 1


def test_the_default_time_is_the_event_time() -> None:
    """Without a choice a record belongs to the window of its own time."""
    store = MemoryStore()
    store.put(RECORD)
    assert (store.count(LINE, 100, 101), store.count(LINE, 900, 901)) == (1, 0)


def test_one_record_id_in_two_data_types_is_two_records() -> None:
    """A pass and a bill with one id do not replace each other."""
    store = MemoryStore()
    store.put(RECORD)
    assert store.put(structs.replace(RECORD, data_type=DataType.BILL, pass_direction=None)) is None
    assert len(store) == 2


def test_a_removed_record_comes_back_as_the_newest() -> None:
    """Removal forgets the first arrival too."""
    store = MemoryStore()
    store.put(RECORD)
    store.put(structs.replace(RECORD, record_id="r2"))
    store.remove(RECORD.key)
    store.put(RECORD)
    assert [record.record_id for record in store.records()] == ["r2", "r1"]
