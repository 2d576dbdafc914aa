from mock_server.carriers.acknowledging import acknowledge_up_to
from mock_server.clock import VirtualClock
from mock_server.faults.catalogue import FaultKind
from mock_server.faults.faults import Fault
from mock_server.history.events import FaultInjected, MessageAcknowledged
from mock_server.model import MINUTE
from mock_server.queue.consumer import Consumer, Permits
from tests.support import NOON, keep_passes, make_project


def test_a_lost_cumulative_acknowledgement_loses_all_of_it() -> None:
    """The history names each message; the next one that is kept covers them, or they come again in their order."""
    project = make_project()
    main = project.queue.main
    got: list[str] = []
    consumer = Consumer("one", lambda message, _: got.append(message.message_id), Permits(100))
    main.connect(consumer)
    keep_passes(project, NOON, NOON, NOON, NOON, fate="deliver")
    project.arm(Fault(FaultKind.ACK_LOSE, MINUTE, times=2))
    assert acknowledge_up_to(project, main, consumer, got[1]) == 0
    assert acknowledge_up_to(project, main, consumer, got[2]) == 0
    struck = [each.event for each in project.history.after() if isinstance(each.event, FaultInjected)]
    assert {each.message_id for each in struck} == {*got[:3]}
    assert main.pending == 4
    assert isinstance(project.clock, VirtualClock)
    first = list(got)
    project.clock.advance(MINUTE)
    assert got[4:] == first[:3]
    assert acknowledge_up_to(project, main, consumer, first[3]) == 4
    told = [each.event for each in project.history.after() if isinstance(each.event, MessageAcknowledged)]
    assert [(each.message_id, each.cumulative) for each in told] == [(each, True) for each in first]
