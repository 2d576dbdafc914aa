"""`pulsar-client`, the library of the vendor's Python SDK for native Pulsar, unmodified, in a process of its own.

Two versions are run: the newest, and the oldest that the vendor names where this Python has it.
"""

import json
import subprocess
import sys
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from importlib.util import find_spec
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import pytest

from mock_server.cloud import Cloud
from mock_server.faults.catalogue import FaultKind
from mock_server.faults.faults import Fault
from mock_server.testing.served import ServedParking, serve_project
from mock_server.web.server import Server, ThreadedServer
from tests.sdk.world import wait_until

PROGRAM = Path(__file__).with_name("native_program.py")
OLDEST = "3.5.0"
OLDEST_FOLDER = Path(sys.prefix) / f"pulsar-client-{OLDEST}"
PYTHONS_OF_THE_OLDEST = ((3, 11), (3, 12))
KILL_S = 240
LASTING = ("parkingmocknative001", "0" * 32)
"""The keys of a project that is there in every life of a server."""

Say = Callable[..., Any]


@contextmanager
def consumer_program(version: str) -> Iterator[Say]:
    """Start the consumer's program with a version of the library. It is killed at the end, or when it takes too long"""
    path = {"PYTHONPATH": str(OLDEST_FOLDER)} if version == OLDEST else {}
    with subprocess.Popen(  # noqa: S603 our own program
        [sys.executable, str(PROGRAM)],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
        text=True,
        env=path,
    ) as process:
        timer = threading.Timer(KILL_S, process.kill)
        timer.start()

        def say(*words: object) -> Any:
            assert process.stdin is not None
            assert process.stdout is not None
            process.stdin.write(json.dumps(words) + "\n")
            process.stdin.flush()
            answer = process.stdout.readline()
            assert answer, f"{words} ended the program"
            return json.loads(answer)

        try:
            yield say
        finally:
            timer.cancel()
            process.kill()


@pytest.fixture(params=["newest", OLDEST])
def version(request: pytest.FixtureRequest) -> str:
    """Which library. The oldest is skipped only where this Python cannot have it."""
    if request.param == OLDEST:
        if sys.version_info[:2] not in PYTHONS_OF_THE_OLDEST:
            pytest.skip(f"pulsar-client {OLDEST} has no wheel for this Python")
        assert OLDEST_FOLDER.exists(), f"{OLDEST_FOLDER} is missing: scripts/set-up dev makes it"
    assert find_spec("pulsar"), "pulsar-client is missing: scripts/set-up dev installs it"
    return str(request.param)


def keys(parking: ServedParking) -> tuple[str, str]:
    """Access id and secret."""
    return parking.access_id, parking.access_secret


def native(parking: ServedParking, scheme: str = "pulsar") -> str:
    """The address of the native queue."""
    return f"{scheme}://{urlsplit(str(parking.exports['pulsar'])).netloc}"


def ids(received: list[Any]) -> list[int]:
    """The entries of received messages."""
    return [each["id"][1] for each in received]


def take(say: Say, parking: ServedParking, count: int, name: str = "a") -> list[Any]:
    """Receive so many messages."""
    return [say("receive", name, parking.access_secret) for _ in range(count)]


def acknowledged(parking: ServedParking) -> int:
    """How many messages are acknowledged."""
    return parking.run(lambda: parking.project.queue.acknowledged)


def arm(parking: ServedParking, kind: FaultKind) -> None:
    """Let a fault strike once."""
    parking.run(lambda: parking.project.arm(Fault(kind, 0)))


def has(parking: ServedParking, kind: str) -> bool:
    """Whether the history has an event of this kind."""
    return any(event["kind"] == kind for event in parking.history)


def test_the_samples_life(parking_server: ServedParking, version: str) -> None:
    """Receive, decrypt, acknowledge up to a message; abort, and the rest comes again, over TLS too; nothing is lost."""
    lot = parking_server.add_lot()
    records = [lot.enter(f"京A1234{number}").record_id for number in range(6)]
    with consumer_program(version) as say:
        found = say("subscribe", "a", native(parking_server), *keys(parking_server))
        assert (found["version"] == OLDEST) == (version == OLDEST)
        first = take(say, parking_server, 4)
        say("acknowledge_up_to", "a", first[2]["id"])
        wait_until(lambda: acknowledged(parking_server) == 3, "three acknowledgements")
    with consumer_program(version) as say:
        say("subscribe", "a", native(parking_server, "pulsar+ssl"), *keys(parking_server))
        again = take(say, parking_server, 3)
        say("acknowledge_up_to", "a", again[-1]["id"])
        parking_server.wait_until_idle()
        say("close", "a")
    assert (ids(first), ids(again)) == ([1, 2, 3, 4], [4, 5, 6])
    told = [json.loads(each["report"]["status"][0]["value"])["recordId"] for each in first[:3] + again]
    assert told == records
    assert {each["count"] for each in first + again} == {0}


def test_what_goes_wrong(parking_server: ServedParking, version: str) -> None:
    """Refused by the client, closed by the server, damaged on its way, taken over: every message comes in the end."""
    lot = parking_server.add_lot()
    with consumer_program(version) as say:
        say("subscribe", "a", native(parking_server), *keys(parking_server))
        lot.enter("京A12341")
        [refused] = take(say, parking_server, 1)
        say("refuse", "a", refused["id"])
        [again] = take(say, parking_server, 1)
        assert ids([refused, again]) == [1, 1]
        say("acknowledge", "a", again["id"])
        wait_until(lambda: acknowledged(parking_server) == 1, "the acknowledgement")

        for kind, entry in ((FaultKind.CONSUMER_CLOSE, 2), (FaultKind.SOCKET_CLOSE, 3)):
            arm(parking_server, kind)
            lot.enter("京A12342")
            [after] = take(say, parking_server, 1)
            assert ids([after]) == [entry]
            say("acknowledge_up_to", "a", after["id"])
        parking_server.wait_until_idle()

        arm(parking_server, FaultKind.MESSAGE_BAD_CHECKSUM)
        lot.enter("京A12343")
        lot.enter("京A12344")
        [whole] = take(say, parking_server, 1)
        assert ids([whole]) == [5]
        wait_until(lambda: has(parking_server, "message.discarded"), "the library's discarding the message")

        say("subscribe", "b", native(parking_server), *keys(parking_server))
        say("close", "a")
        [taken_over] = take(say, parking_server, 1, "b")
        assert ids([taken_over]) == [5]
        say("acknowledge", "b", taken_over["id"])
        parking_server.wait_until_idle()


def test_wrong_credentials(parking_server: ServedParking, version: str) -> None:
    """An exception, at once or when the library has tried for long enough; the history says why."""
    access_id, _ = keys(parking_server)
    with consumer_program(version) as say:
        answer = say("subscribe", "a", native(parking_server), access_id, "0" * 32, 1)
    assert answer["error"] in ("ConnectError", "Timeout")
    refusals = [event for event in parking_server.history if event["kind"] == "consumer.refused"]
    assert refusals[0]["reason"] == "credentials"
    assert str(refusals[0]["client"]).startswith("Pulsar-CPP-v")


@pytest.mark.parking_mock(profile="partitioned")
def test_partitions(parking_server: ServedParking, version: str) -> None:
    """Eleven: the messages of a device keep their order, and a cumulative acknowledgement is of one partition."""
    lots = [parking_server.add_lot() for _ in range(4)]
    for number in range(3):
        for lot in lots:
            lot.enter(f"京A1234{number}")
    with consumer_program(version) as say:
        say("subscribe", "a", native(parking_server), *keys(parking_server))
        received = take(say, parking_server, 12)
        for message in received:
            say("acknowledge_up_to", "a", message["id"])
        parking_server.wait_until_idle()
    for lot in lots:
        own = [each for each in received if each["report"]["devId"] == lot.device_id]
        assert len({each["partition"] for each in own}) == 1
        assert ids(own) == sorted(ids(own))


def test_a_server_that_starts_again(version: str) -> None:
    """The library finds it by itself; what was not acknowledged is not there any more, what comes then is."""
    port = 0
    with consumer_program(version) as say:
        for life in range(2):
            server = Server(Cloud(), pulsar_port=port)
            port = urlsplit(server.pulsar).port or 0
            with ThreadedServer(server) as threaded, serve_project(threaded, LASTING) as parking:
                if not life:
                    say("subscribe", "a", native(parking), *keys(parking))
                parking.add_lot().enter("京A12345")
                [message] = take(say, parking, 1)
                assert message["id"] == [1, 1]
                say("acknowledge", "a", message["id"])
                parking.wait_until_idle()
