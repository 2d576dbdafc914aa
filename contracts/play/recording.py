"""What a session records: the history, what the harness did, and what it saw of the client."""

from dataclasses import dataclass, fields
from typing import Any, NamedTuple

from contracts.client.interface import Ability, DumpedRecord, Effect
from contracts.play.scenario import Scenario
from mock_server.history.log import Entry
from mock_server.profile import Profile


class Act(NamedTuple):
    """Something that the harness did, behind line `seq` of the history: a verb, or a step of the scenario."""

    seq: int
    time: int
    verb: str
    text: str = ""


class Finding(NamedTuple):
    """Something seen of a client's process, not of its traffic, behind line `seq`. Secrets in `text` are masked."""

    kind: str
    seq: int
    text: str


class Dump(NamedTuple):
    """What the client had stored when the history ended at line `seq`."""

    seq: int
    time: int
    records: tuple[DumpedRecord, ...]


@dataclass(frozen=True)
class Recording:
    """A finished run as it was recorded. `calm_seq` is the entry behind which nothing more goes wrong, if any.

    What a record carries (`Happens.again`) may still go wrong then: it is bounded, and in the history. `findings` is
    None where there was no process around the client. One that is `unimplemented` shows nothing.
    """

    scenario: Scenario
    entries: tuple[Entry, ...]
    profile: Profile
    can: frozenset[Ability]
    acts: tuple[Act, ...] = ()
    dumps: tuple[Dump, ...] = ()
    effects: tuple[Effect, ...] | None = None
    calm_seq: int | None = None
    findings: tuple[Finding, ...] | None = None
    unimplemented: bool = False

    def __getstate__(self) -> dict[str, Any]:
        """Pickle the fields only: what a subclass has worked out from them can be worked out again."""
        return {each.name: getattr(self, each.name) for each in fields(self)}
