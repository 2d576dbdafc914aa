"""Tests of clients that are written for the WebSocket and run over the native port."""

import json

import pytest

from contracts.client.over_native import PulsarLink, PulsarSocket, over_native
from contracts.clients.messages import password
from contracts.clients.reference import ReferenceClient
from contracts.clients.zoo import ZOO
from contracts.play.in_process_world import InProcessWorld
from contracts.play.scenario import BEGIN, Happens, Scenario, Strikes
from contracts.proof.matrix import Way, differences, rows
from contracts.run.run import run_of
from mock_server.faults.catalogue import FaultKind
from mock_server.history.events import ConsumerChanged, MessageRefused, RedeliveryRequested
from mock_server.model import MINUTE

AT = BEGIN + 10 * MINUTE


class Driven:
    """A socket in a world, and the client's time, which a test sets."""

    def __init__(self, world: InProcessWorld) -> None:
        self.now_ms = 0
        self.link = PulsarLink(world.link, str(world.exports["pulsar"]), lambda: self.now_ms)
        access_id = world.parking.access_id
        url = f"ws://any/ws/v2/consumer/persistent/{access_id}/out/event/{access_id}-sub?subscriptionType=Failover"
        keys = {"username": access_id, "password": password(access_id, world.parking.access_secret)}
        self.socket: PulsarSocket = self.link.consume(url, keys)

    def take(self) -> list[str]:
        """The ids of the frames that have come."""
        return [json.loads(text)["messageId"] for text in iter(self.socket.receive, None)]

    def say(self, kind: str, message_id: str) -> None:
        """Send a frame."""
        self.socket.send(json.dumps({"type": kind, "messageId": message_id}))


def test_what_is_refused_comes_again_later_and_its_neighbours_with_it() -> None:
    """After the client's own delay, all that is not acknowledged; until then nothing may be acknowledged up to."""
    with InProcessWorld(Scenario()) as world:
        driven = Driven(world)
        for name in ("r1", "r2", "r3"):
            world.happens(Happens(BEGIN, name))
        first, second, third = driven.take()
        driven.say("ack", second)
        driven.say("negativeAcknowledge", first)
        assert driven.socket.due_at == 60_000
        assert not driven.socket.may_acknowledge_up_to(third)
        assert driven.take() == []
        driven.now_ms = 60_000
        assert driven.take() == [first, third]
        assert driven.socket.may_acknowledge_up_to(third)
        driven.socket.acknowledge_up_to(third)
        assert not world.parking.project.queue.main.pending


DAMAGED = Scenario(
    steps=(Strikes(AT, FaultKind.MESSAGE_FLIP_BIT), Happens(AT, "r1"), Happens(AT, "r2")),
    settles=False,
    runs_ms=5 * MINUTE,
)


def test_a_client_for_the_websocket_runs_over_the_native_port() -> None:
    """It wakes for what it has refused, which its library asks for again; it need know nothing of that."""
    run = run_of(DAMAGED, over_native(ReferenceClient))
    events = [each.event for each in run.entries]
    assert {each.carrier for each in events if isinstance(each, ConsumerChanged)} == {"native"}
    assert [each.messages for each in events if isinstance(each, RedeliveryRequested)] == [1]
    assert not [each for each in events if isinstance(each, MessageRefused)]
    assert sorted(each.record_id for each in run.dumps[-1].records) == ["r1", "r2"]
    assert run.can == run_of(DAMAGED, ReferenceClient).can


SOME = ("AcksBeforeStoring", "RefusesNewFields", "StaysCut", "SkipsWhatItKnows")


@pytest.mark.parametrize("name", SOME)
def test_known_bad_clients_break_the_same_rules_over_both_carriers(name: str) -> None:
    """Some of receiving here; `parking-mock matrix --carrier native` shows it of all of them."""
    assert name in ZOO
    there = rows([name], samples=0, way=Way(is_native=True))
    assert [row.mark for row in there] == ["killed"]
    assert differences(there, rows([name], samples=0)) == []


@pytest.mark.slow
def test_a_known_bad_client_is_caught_over_the_native_port_as_a_process() -> None:
    """Its shim gives it native consumers, over a real connection."""
    (row,) = rows(["AcksBeforeStoring"], samples=0, way=Way(is_process=True, is_native=True))
    assert row.mark == "killed"
