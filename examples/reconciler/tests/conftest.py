"""The client under test beside a fake cloud whose time stands still until a test moves it."""

from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from mock_server import MockParking
from mock_server.testing.parking import Lot

from reconciler import Cloud, Reconciler, Store


@pytest.fixture
def lot(parking_mock: MockParking) -> Lot:
    """An ordinary lot."""
    return parking_mock.add_lot()


@pytest.fixture
def store(tmp_path: Path) -> Iterator[Store]:
    """An empty store on the disk."""
    store = Store(tmp_path / "passes.sqlite")
    yield store
    store.close()


@pytest.fixture
def pauses() -> list[float]:
    """How long the client has paused, in seconds: it only says so, and nothing sleeps."""
    return []


@pytest.fixture
def reconciler(parking_mock: MockParking, lot: Lot, store: Store, pauses: list[float]) -> Reconciler:
    """The client under test, with the fake project's keys and time. It believes that it talks to the vendor."""
    cloud = Cloud(parking_mock.access_id, parking_mock.access_secret, now_ms=lambda: parking_mock.clock.now_ms)
    return Reconciler(cloud, store, [lot.device_id], look_back_hours=3, pause=pauses.append)


@pytest.fixture
def receive(parking_mock: MockParking, reconciler: Reconciler) -> Callable[[], None]:
    """Gives the client everything that is on the queue."""

    def receive() -> None:
        for message in parking_mock.consume():
            reconciler.handle(message.report)
            message.ack()

    return receive
