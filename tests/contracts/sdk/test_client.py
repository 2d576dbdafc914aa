"""The reference client with a loop in place of its own: the loop is a list here, the world is in this process."""

import json
from collections.abc import Mapping
from functools import partial
from typing import Any, cast

import pytest

from contracts.client.interface import Link, Socket
from contracts.clients.messages import UnreadableError, password
from contracts.play.scenario import BEGIN, Crashes, Happens, Scenario, Strikes
from contracts.rules import RULES
from contracts.rules.verdict import judge
from contracts.run.run import Run, run_of
from contracts.sdk.client import LoopClient
from contracts.sdk.loop import Handed, Loop
from mock_server.faults.catalogue import FaultKind
from mock_server.model import MINUTE, JsonObject


class ListedLoop:
    """A right loop without a process: it acknowledges what was stored and refuses what was not."""

    def __init__(self, client: "RightClient", settings: Mapping[str, Any]) -> None:
        name, secret = settings["access_id"], settings["access_secret"]
        url = f"{settings['ws']}ws/v2/consumer/persistent/{name}/out/event/{name}-sub?subscriptionType=Failover"
        keys = {"username": name, "password": password(name, secret)}
        self._socket: Socket = client.link.connect(url, keys)

    def await_ready(self, _seconds: float) -> None:
        """It is."""

    def handed(self, _silence_s: float = 0) -> list[Handed]:
        """All that has come."""
        text = self._socket.receive()
        return [] if text is None else [Handed(0, json.loads(text))]

    def answer(self, handed: Handed, *, ok: bool) -> None:
        """Acknowledge or refuse."""
        kind = "ack" if ok else "negativeAcknowledge"
        self._socket.send(json.dumps({"type": kind, "messageId": handed.message["messageId"]}))

    def close(self) -> None:
        """Disconnect."""
        self._socket.close()


class AckingLoop(ListedLoop):
    """It acknowledges whatever became of a message."""

    def answer(self, handed: Handed, *, ok: bool) -> None:
        """Acknowledge."""
        del ok
        super().answer(handed, ok=True)


class RightClient(LoopClient):
    """A client on a loop of a list."""

    def __init__(self, kind: type[ListedLoop], exports: JsonObject, *, is_busy: bool = False) -> None:
        super().__init__(lambda settings: cast("Loop", kind(self, settings)), exports, is_busy=is_busy)

    @property
    def link(self) -> Link:
        """Connections to the world."""
        return self._link


def played(kind: type[ListedLoop]) -> Run:
    """An hour with three records, the message of one of which is damaged when it first comes."""
    damaged = Strikes(BEGIN, FaultKind.MESSAGE_FLIP_BIT, record="r1")
    happen = [Happens(BEGIN + place * MINUTE, f"r{place}") for place in (1, 2, 3)]
    return run_of(Scenario((damaged, *happen)), partial(RightClient, kind))


def broken(run: Run) -> list[str]:
    """The rules that are broken."""
    return [rule_id for rule_id, each in judge(run, tuple(RULES.values())).items() if each.breaches]


def test_a_right_loop_is_told_nothing() -> None:
    """All else is the reference client's: records are stored, counted and asked for, and nothing is broken."""
    run = played(ListedLoop)
    assert broken(run) == []
    assert [len(dump.records) for dump in run.dumps] == [3]
    assert run.claims


def test_what_a_loop_does_wrong_is_told_of_it_alone() -> None:
    """A loop that acknowledges what its handler failed at."""
    assert broken(played(AckingLoop)) == ["REC-ASK-AGAIN"]


@pytest.mark.parametrize(("kind", "told"), [(ListedLoop, []), (AckingLoop, ["REC-PERSIST-ACK"])])
def test_a_store_that_is_busy_once(kind: type[ListedLoop], told: list[str]) -> None:
    """Who lets the message come again loses nothing; who acknowledges it has lost the record in a crash."""
    steps = (Happens(BEGIN + MINUTE, "r1"), Crashes(BEGIN + MINUTE), Happens(BEGIN + 9 * MINUTE, "r2"))
    run = run_of(Scenario(steps, settles=False, runs_ms=5 * MINUTE), partial(RightClient, kind, is_busy=True))
    assert broken(run) == told


def test_a_text_is_read_as_it_is() -> None:
    """Some loops hand on what they have decrypted; what is no report cannot be read."""
    client = LoopClient(lambda _: cast("Loop", None))
    assert client.read({"text": '{"devId": "a"}'}) == {"devId": "a"}
    for text in ("", '""', "{"):
        with pytest.raises(UnreadableError):
            client.read({"text": text})
