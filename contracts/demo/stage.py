"""The world of the demo: one project on a real server, on a virtual clock, with a real client at the other end.

The stage moves the lot, time and the client; the story reads the effects from the history.
"""

import contextlib
import shutil
import tempfile
from collections import deque
from collections.abc import Callable, Sequence
from dataclasses import replace
from functools import partial
from pathlib import Path
from random import Random
from typing import Any, Self, TypeVar

import click

from contracts.client.interface import Client, Start
from contracts.client.link import RealLink
from mock_server.clock import VirtualClock
from mock_server.cloud import DEFAULT_ACCESS_ID, DEFAULT_ACCESS_SECRET
from mock_server.history.events import ClockMoved
from mock_server.history.log import Entry
from mock_server.lots.seed import NewRecord, default_seed
from mock_server.lots.traffic import day
from mock_server.model import DAY, HOUR, MINUTE, Device, DeviceKind, JsonObject
from mock_server.project import Project
from mock_server.testing.served import ServedParking
from mock_server.web.server import ThreadedServer

E = TypeVar("E")
MakeClient = Callable[[JsonObject], Client]

MIDNIGHT = 1_652_716_800_000
"""2022-05-17 00:00 in China: the story's first day. It lies in the past, so that the story is the same on every day."""

CURTAIN = 8 * HOUR - 5 * MINUTE
"""When each act begins: the lot opens at 8."""

VISITS, TRAFFIC_SEED = 90, 29
"""The busy day: ten cars enter between 8 and 9, one of them without a plate."""

LOST = (2, 5, 8)
"""The places of the lost records among those ten, from 0."""

DEADLINE_S = 5
_LONG_MOVE = 2 * MINUTE


class DemoError(click.ClickException):
    """Events did not follow the story: a defect of parking-mock, or the viewer has changed the world."""

    exit_code = 3


def hold(fact: object, otherwise: str) -> None:
    """Check a fact that the story depends on. DemoError with `otherwise` if it does not hold."""
    if not fact:
        raise DemoError(otherwise)


def demo_project() -> Project:
    """The project of the demo, an hour before the first act."""
    clock = VirtualClock(MIDNIGHT + CURTAIN - HOUR)
    return Project(DEFAULT_ACCESS_ID, DEFAULT_ACCESS_SECRET, default_seed(), clock)


class DemoStage:
    """The demo's world and its client: a context manager. Every act begins with `clear` and `open`.

    It is no `Session`: the story stops between the client's calls and the messages that follow, to show both, and a
    client that fails ends the story.
    """

    def __init__(self, threaded: ThreadedServer, project: Project) -> None:
        self.project = project
        self.parking = ServedParking(threaded, project)
        self._link = RealLink()
        self._client: Client | None = None
        self._folder: Path | None = None
        self._traffic: deque[NewRecord] = deque()
        self._seen = 0
        self.midnight = 0

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self._drop_client()
        self._link.close()

    def clear(self) -> None:
        """Reset the project and drop the client."""
        self._drop_client()
        self.parking.reset()

    def lots(self) -> list[Device]:
        """The project's lots."""
        devices = self.parking.run(lambda: list(self.project.devices.values()))
        return [each for each in devices if each.kind is DeviceKind.LOT]

    def open(self, device_ids: Sequence[str], make_client: MakeClient, *, busy: bool = True) -> None:
        """Go to the morning of the next day and start a new client that knows these lots.

        With `busy` the first of them has the busy day's traffic.
        """
        self.midnight = (self.now_ms - MIDNIGHT + DAY - CURTAIN - 1) // DAY * DAY + MIDNIGHT
        self._traffic = deque(_traffic(device_ids[0], self.midnight) if busy else ())
        self._move(self.midnight + CURTAIN)
        exports: Any = self.parking.exports
        known = exports | {"devices": [each for each in exports["devices"] if each["device_id"] in device_ids]}
        self._folder = Path(tempfile.mkdtemp(prefix="parking-mock-demo-"))
        self._client = make_client(known)
        profile = self.project.profile.to_json()
        self._client.start(Start(known, self.now_ms, self._folder, self._link, profile=profile))
        self.settle()
        self.news()

    @property
    def now_ms(self) -> int:
        """The project's time."""
        return self.parking.clock.now_ms

    @property
    def position(self) -> int:
        """The number of the newest entry of the history."""
        return self.parking.run(lambda: self.project.history.last)

    def go_to(self, at_ms: int, *, timers: bool = True) -> None:
        """Move to a time: cars pass, the queue is emptied and, with `timers`, the client does what is due."""
        while timers and (wake := self._next_wake()) < at_ms:
            self._traffic_until(wake)
            self._move(wake)
            self.act()
            self.settle()
        self._traffic_until(at_ms)
        self._move(at_ms)

    def act(self) -> None:
        """Let the client do what is due now. Messages that this causes stay on the queue until `settle`."""
        if self._client is not None:
            self._client.advance(self.now_ms)

    def settle(self) -> None:
        """Let the client take what has come, until nothing is left on the queue."""
        while not self._has_taken_all():
            pass

    def _has_taken_all(self) -> bool:
        """Let the client take what has come, and wait for what that changes; whether nothing is left on the queue."""
        history, queue = self.project.history, self.project.queue
        seen = self.parking.run(lambda: history.last)
        if self._client is not None:
            self._client.quiet()
        has_news = self.parking.wait_until(lambda: not queue.pending or history.last != seen, DEADLINE_S)
        hold(has_news, "the queue does not come to rest")
        return self.parking.run(lambda: not queue.pending)

    def news(self) -> "News":
        """The history since the last call."""
        entries = self.parking.run(lambda: list(self.project.history.after(self._seen)))
        self._seen = entries[-1].seq if entries else self._seen
        return News(entries)

    def _next_wake(self) -> int:
        wakes_at = None if self._client is None else self._client.wakes_at()
        return self.midnight + 2 * DAY if wakes_at is None else wakes_at

    def _traffic_until(self, at_ms: int) -> None:
        while self._traffic and self._traffic[0].event_time <= at_ms:
            record = self._traffic.popleft()
            self._move(record.event_time)
            self.parking.run(partial(self.project.keep, [record]))
            self.settle()

    def _move(self, to_ms: int) -> None:
        """Move the clock forward to a time; the history notes long moves."""

        def move() -> None:
            clock: Any = self.project.clock
            if to_ms - clock.now_ms() > _LONG_MOVE:
                self.project.history.add(ClockMoved(to_ms))
            clock.advance_to(max(to_ms, clock.now_ms()))

        self.parking.run(move)

    def _drop_client(self) -> None:
        """Stop the client and delete its folder."""
        client, self._client = self._client, None
        if client is not None:
            with contextlib.suppress(Exception):
                client.stop()
        if self._folder is not None:
            shutil.rmtree(self._folder, ignore_errors=True)
        self._seen = 0


class News:
    """A part of the history."""

    def __init__(self, entries: Sequence[Entry]) -> None:
        self.entries = entries

    def of(self, kind: type[E]) -> list[E]:
        """The events of a kind."""
        return [entry.event for entry in self.entries if isinstance(entry.event, kind)]


def _traffic(device_id: str, midnight: int) -> list[NewRecord]:
    """The busy day from 8 o'clock on, with an uplink that loses three of the first ten records."""
    records = day(Random(TRAFFIC_SEED), device_id, midnight, VISITS)  # noqa: S311 the same day on every machine
    shown = [record for record in records if record.event_time >= midnight + 8 * HOUR]
    entering = [record for record in shown if record.pass_direction == 0]
    lost = {id(entering[place]) for place in LOST if place < len(entering)}
    return [replace(each, fate="lose" if id(each) in lost else "deliver") for each in shown]
