"""How a client does in a world that goes on from an exported project.

Rules are not asked: they know a client from its first message on, and the records of such a world were told to another.
"""

from collections.abc import Iterator
from dataclasses import dataclass

from contracts.client.interface import MakeClient
from contracts.play.recording import ActKind, Recording
from contracts.play.resumed import Resumed
from contracts.play.session import Session
from mock_server.history.events import CountCompared, MessageAcknowledged, Rereported
from mock_server.model import Cell


@dataclass(frozen=True, slots=True)
class WentOn:
    """How a client did in such a world: the last comparison of every cell that it asked about, and what is left."""

    recording: Recording
    compared: dict[Cell, CountCompared]
    pending: int

    @property
    def has_agreed(self) -> bool:
        """Whether it has asked, and nothing is left that it and the lots do not agree about."""
        return bool(self.compared) and not self.unequal and not self.pending and not self.deaths

    @property
    def unequal(self) -> list[CountCompared]:
        """The last comparisons that were not equal."""
        return [each for each in self.compared.values() if not each.equal]

    @property
    def deaths(self) -> list[str]:
        """How it failed by itself."""
        return [act.text for act in self.recording.acts if act.kind is ActKind.DIED]

    @property
    def agreed_after_ms(self) -> int | None:
        """How long it took, in the world's time; None if they did not agree before the patience was over."""
        acts = self.recording.acts
        return next((act.time - acts[0].time for act in acts if act.kind is ActKind.CONVERGED), None)

    def count(self, kind: type[Rereported | MessageAcknowledged]) -> int:
        """How many entries of a kind the history has since."""
        since = self.recording.scenario.since
        return sum(entry.seq > since and isinstance(entry.event, kind) for entry in self.recording.entries)


def go_on(scenario: Resumed, make_client: MakeClient) -> WentOn:
    """Let a client run in the world of a file until it agrees with the lots, or has had two days of its time."""
    with Session(scenario, make_client) as session:
        recording = session.run()
        pending = session.world.pending
    return WentOn(recording, dict(_compared(recording)), pending)


def _compared(recording: Recording) -> Iterator[tuple[Cell, CountCompared]]:
    for entry in recording.entries:
        if entry.seq > recording.scenario.since and isinstance(entry.event, CountCompared):
            yield entry.event.cell, entry.event
