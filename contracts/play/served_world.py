"""A world on a real server: a project of its own for each scenario, on one server for each process of the judge.

Time is virtual here too. Only the exchange between server and client takes real time, and there the world waits for
facts: that a delivered message is acknowledged, that the connections of a dead client are closed. Waiting for a client
that never does so takes a bounded time, once for each message.
"""

import asyncio
import atexit
import contextlib
from collections.abc import Callable, Iterator
from functools import cache
from itertools import count
from typing import Self, TypeVar

from contracts.client.interface import Capability, Link
from contracts.client.link import RealLink
from contracts.client.own_time import OwnTime
from contracts.client.process import PATIENCE_S
from contracts.clients.messages import password
from contracts.play.decoys import Decoy, decoy_of
from contracts.play.leaks import Secrets
from contracts.play.recording import Finding, OutputFinding
from contracts.play.scenario import Scenario, records_of
from contracts.play.world import World
from mock_server.cloud import Cloud
from mock_server.faults.catalogue import FaultKind
from mock_server.history.events import ConsumerChanged, FaultInjected, MessageDelivered
from mock_server.model import JsonObject
from mock_server.testing.served import ServedParking, serve_project
from mock_server.web.server import Server, ThreadedServer, silence_uvicorn

T = TypeVar("T")

ACK_WAIT_S, REAL_ACK_WAIT_S = 0.25, 2.0
"""How long the world waits for the acknowledgement of a delivered message, in seconds of the client's own time.

The first if the client's pauses go by the virtual clock, and it can be seen whether it is at work: then it waits for
nothing itself. The second otherwise; it may gather messages for a while, or look for them now and then.
"""

LONG_WAITS = 3
"""How many messages of one run are waited for so long in vain; it is the shorter time after that."""

GONE_WAIT_S = 2.0
"""How long the server may take to notice that the connections of a dead client are closed, in real time."""

TURNS = 3
"""Turns of the server's loop in which it handles what its sockets have received by then, and sends what it has to.

One turn reads the socket, one hands the frame to its task, one lets the task act on it. Without them a client that has
acknowledged everything in `quiet` might look as if it had not, and would be waited for; and one that is asked to be
quiet after its connection was cut might not have been told so, and would not notice it before the next hour.
"""

ROUNDS = 100
"""How often in a row a client is asked to be quiet: each time may bring new messages, but not without end."""

PATIENCE_MS = 10_000
"""How long a client is assumed to wait for an answer: a late answer moves the virtual clock by no more than this."""


@cache
def shared_server() -> ThreadedServer:
    """The server of this process, started by the first call and stopped at exit."""
    silence_uvicorn()
    threaded = ThreadedServer(Server(Cloud()))
    threaded.__enter__()
    atexit.register(threaded.__exit__, None, None, None)
    return threaded


_number = count(1)


def next_keys() -> tuple[str, str]:
    """New keys for a project. The sequence is the same in every process, so that runs can be compared."""
    number = next(_number)
    return f"judged{number:014d}", f"judgedsecret{number:020d}"


class ServedWorld(World):
    """A project on the shared server."""

    parking: ServedParking
    has_process = True

    def __init__(self, scenario: Scenario, patience_s: float = PATIENCE_S) -> None:
        super().__init__(scenario)
        self._patience_s = patience_s
        self._long_waits = 0
        self.missed = 0
        """How often the client was waited for in vain after a cut."""
        self._open = contextlib.ExitStack()
        self._link = RealLink()
        self._decoy: Decoy | None = None
        self._read_to = 0
        self._given_up: set[str] = set()
        self._tokens: dict[str, OutputFinding] = {}
        self._late = 0

    def __enter__(self) -> Self:
        self.parking = self._open.enter_context(serve_project(shared_server(), next_keys(), **self.settings()))
        self._open.callback(self._link.close)
        if self.scenario.decoy:
            self._decoy = self._open.enter_context(decoy_of(self.scenario.decoy, lambda: self.last))
        history = self.parking.project.history
        self.do(lambda: history.listen(self._on_entry))
        return self

    def __exit__(self, *_: object) -> None:
        self._open.close()

    @property
    def link(self) -> Link:
        """Connections over real sockets."""
        return self._link

    def do(self, work: Callable[[], T]) -> T:
        """Run it on the server's loop."""
        return self.parking.run(work)

    @property
    def exports(self) -> JsonObject:
        """The exports with the addresses of the server, or those of the decoy before it."""
        return super().exports | ({} if self._decoy is None else self._decoy.addresses)

    @property
    def secrets(self) -> Secrets:
        """The keys, every token so far, and the plates of the scenario."""
        pair = self.do(lambda: self.parking.project.tokens.pair)
        if pair is not None:
            self._tokens |= dict.fromkeys((pair.access_token, pair.refresh_token), OutputFinding.TOKEN)
        access_id, secret = self.parking.access_id, self.parking.access_secret
        keys = {secret: OutputFinding.SECRET, password(access_id, secret): OutputFinding.PASSWORD}
        plates = dict.fromkeys((each.plate for each in records_of(self.scenario)), OutputFinding.PLATE)
        return keys | self._tokens | plates

    @property
    def findings(self) -> tuple[Finding, ...]:
        """What has reached the decoy."""
        return () if self._decoy is None else tuple(self._decoy.findings)

    def drain(self, ask_quiet: Callable[[], None] | None) -> None:
        """Ask the client to be quiet, and wait for its acknowledgements, as long as there is news for it."""
        for _ in range(ROUNDS):
            if not self._has_news():
                break
            self._take_turns()
            if ask_quiet is not None:
                ask_quiet()
            self._await_answers()

    def _take_turns(self) -> None:
        """Let the server's loop do what it has in hand."""
        for _ in range(TURNS):
            self.do(lambda: None)

    def _has_news(self) -> bool:
        """Whether a message was delivered, or a connection was lost, since the last call."""
        new = self.entries(self._read_to)
        self._read_to = new[-1].seq if new else self._read_to  # not `last`, which may have grown since
        return any(_is_news(entry.event) for entry in new)

    def _await_answers(self) -> None:
        """Wait until consumers hold no unanswered message. What is left after `ACK_WAIT_S` is not waited for again."""
        self._take_turns()
        is_long = self._long_waits < LONG_WAITS and not self._is_prompt()
        if not self._wait(lambda: not self._open_messages(), REAL_ACK_WAIT_S if is_long else ACK_WAIT_S):
            self._given_up |= set(self.do(self._open_messages))
            self._long_waits += is_long

    def _is_prompt(self) -> bool:
        """Whether the client waits for nothing but the judge and a processor, and it can be seen for which."""
        client = self._client
        return client is not None and Capability.PAUSES in client.can and client.activity() is not None

    def _wait(self, condition: Callable[[], bool], seconds: float) -> bool:
        """Wait until a condition of the project holds, for so many seconds of the client's own time."""
        left = OwnTime(seconds, lambda: None if self._client is None else self._client.activity())
        while left.next_s:
            if self.parking.wait_until(condition, left.next_s):
                return True
            left.spend()
        return self.do(condition)

    def _comes_back(self, ask_quiet: Callable[[], None] | None) -> bool:  # noqa: ARG002 it comes by itself
        """Wait as long as for the answer to a verb."""
        is_back = self._wait(self._is_back, self._patience_s)
        self.missed += not is_back
        return is_back

    def _open_messages(self) -> list[str]:
        """The messages that consumers hold without an answer, without those that were waited for in vain."""
        return [
            message_id
            for subscription in self.parking.project.queue.subscriptions()
            for consumer in subscription.consumers
            for message_id in consumer.unacknowledged
            if message_id not in self._given_up
        ]

    def _has_consumers(self) -> bool:
        return any(subscription.consumers for subscription in self.parking.project.queue.subscriptions())

    def cut(self) -> None:
        """Wait until the server has seen that the client is gone, or close the connections of one that is not."""
        if not self.parking.wait_until(lambda: not self._has_consumers(), GONE_WAIT_S):
            self.do(self.parking.project.queue.close)

    def _on_entry(self) -> None:
        """Move the clock by the delay of a late answer, as in process, while the client waits for it in real time."""
        struck = self.parking.project.faults.struck.get(FaultKind.ANSWER_LATE, 0)
        if struck > self._late:
            self._late = struck
            late_ms = min(PATIENCE_MS, max(self._late_ms()))
            at_ms = self.parking.project.clock.now_ms() + late_ms
            asyncio.get_running_loop().call_soon(self._advance_to, at_ms)

    def _late_ms(self) -> Iterator[int]:
        yield 0
        for entry in self.parking.project.history.after(self.last - 1):
            if isinstance(entry.event, FaultInjected) and entry.event.fault == FaultKind.ANSWER_LATE:
                yield entry.event.value


def _is_news(event: object) -> bool:
    is_gone = isinstance(event, ConsumerChanged) and event.change == "disconnected"
    return is_gone or isinstance(event, MessageDelivered)
