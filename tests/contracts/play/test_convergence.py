"""Tests of whether a client and the lots agree."""

from contracts.play.convergence import Convergence
from mock_server import mock_parking
from mock_server.model import Cell, DataType, PassDirection, SyncInfo
from mock_server.project import Project
from mock_server.testing.in_process import MockParking

START, END = 1_652_778_000_000, 1_652_781_600_000
AT = START + 60_000


def ask(project: Project, device_id: str, claimed: int) -> None:
    """Tell a lot a count of the entering passes of the hour."""
    cell = Cell(device_id, DataType.PASS, PassDirection.ENTER, START, END)
    project.sync(device_id, [SyncInfo(cell, claimed)])


def parking() -> MockParking:
    """A parking on a virtual clock."""
    return mock_parking(clock="virtual", now_ms=END)


def acknowledge_all(world: MockParking) -> None:
    """Take everything that waits."""
    world.clock.advance(1_000)
    for message in world.consume():
        message.ack()


def test_an_empty_world_agrees() -> None:
    """Nothing is left to be said."""
    with parking() as world:
        world.add_lot()
        assert Convergence(world.project).reached()


def test_a_record_is_settled_by_an_equal_comparison_after_it() -> None:
    """One that was made before the lot had the record does not count."""
    with parking() as world:
        lot = world.add_lot()
        convergence = Convergence(world.project)
        ask(world.project, lot.device_id, 0)
        lot.enter(at=AT)
        acknowledge_all(world)
        assert not convergence.reached()
        ask(world.project, lot.device_id, 1)
        acknowledge_all(world)
        assert convergence.reached()


def test_an_unequal_comparison_keeps_them_apart_until_an_equal_one() -> None:
    """Only the last comparison of a cell counts; how often it was unequal is counted too."""
    with parking() as world:
        lot = world.add_lot()
        convergence = Convergence(world.project)
        lot.enter(at=AT)
        for claimed in (0, 0):
            ask(world.project, lot.device_id, claimed)
        acknowledge_all(world)
        assert not convergence.reached()
        assert convergence.stalled(2)
        assert not convergence.stalled(3)
        ask(world.project, lot.device_id, 1)
        acknowledge_all(world)
        assert convergence.reached()


def test_nobody_needs_to_ask_a_jieshun_lot() -> None:
    """Its records are settled when they are acknowledged."""
    with parking() as world:
        world.add_lot(supplier_code="jieshun").enter(at=AT)
        convergence = Convergence(world.project)
        assert not convergence.reached()
        acknowledge_all(world)
        assert convergence.reached()
