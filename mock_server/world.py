"""A world as JSON: a project with its state and history at a moment, for files and stores."""

from typing import Any, TypeAlias, Union

from mock_server.clock import Clock, SystemClock, VirtualClock
from mock_server.faults.chaos import ChaosProgress
from mock_server.faults.faults import Armed
from mock_server.lots.lots import CorrectionDue, DeletionDue
from mock_server.model import Command, Device, Record, Rereport
from mock_server.project import OnlineDue, ProjectAbout
from mock_server.queue.subscription import PlacedMessage, SubscriptionAbout
from mock_server.queue.uplink import PublicationDue, ReleaseDue, RepeatDue, RepeatStepDue
from mock_server.state.codec import DecodeError, decode
from mock_server.state.later import Due
from mock_server.vendor.commands import StatusDue
from mock_server.vendor.tokens import TokenPair

Happenings: TypeAlias = Union[  # noqa: UP007 `|` takes no NamedTuple with the methods of a protocol
    CorrectionDue, DeletionDue, OnlineDue, PublicationDue, ReleaseDue, RepeatDue, RepeatStepDue, StatusDue
]
"""Everything that can happen later."""

MESSAGES = "messages"
"""The beginning of the names of the rows that subscriptions have."""

MOST_ROWS = 100_000_000
"""The highest place of a record, and the longest way of a random source, that a world may have (our choice)."""

_ROWS: dict[str, tuple[Any, Any]] = {
    "armed": (int, Armed),
    "calls hit": (str, int),
    "commands": (str, Command),
    "devices": (str, Device),
    "held": (int, Record),
    MESSAGES: (str, PlacedMessage),
    "others hit": (str, int),
    "records": (int, Record),
    "repeats": (int, RepeatDue),
    "rereports": (int, Rereport),
    "struck": (str, int),
    "subscriptions": (int, SubscriptionAbout),
    "tokens": (str, TokenPair),
}
"""The types of keys and values of all rows but what happens later."""

_REGISTERS: dict[str, Any] = {"chaos": ChaosProgress, "newest": tuple[tuple[int | None, str], ...]}
"""The types of registers that are not a number."""


def decode_row(name: str, key: Any, value: Any) -> tuple[Any, Any]:
    """A row from its JSON. DecodeError if it is none."""
    path = f"{name} {key}"
    if name == "due":
        return decode(int, key, path), _decode_due(value, path)
    kinds = _ROWS.get(MESSAGES if name.startswith(f"{MESSAGES} ") else name)
    if kinds is None:
        raise DecodeError(path, "there are no such rows")
    if name == "records" and not 0 <= decode(int, key, path) <= MOST_ROWS:
        raise DecodeError(path, f"must have a place from 0 to {MOST_ROWS}")
    return decode(kinds[0], key, path), decode(kinds[1], value, path)


def _decode_due(value: Any, path: str) -> Due:
    data = decode(dict[str, object], value, path)
    at_ms = decode(int, data.get("at_ms"), f"{path}.at_ms")
    return Due(at_ms, decode(Happenings, data.get("happening"), f"{path}.happening"))


def decode_registers(data: Any) -> dict[str, Any]:
    """The registers from their JSON. DecodeError if they are none."""
    given = decode(dict[str, object], data, "registers")
    registers = {name: decode(_REGISTERS.get(name, int), value, name) for name, value in given.items()}
    if registers.get("random", 0) > MOST_ROWS:
        raise DecodeError("random", f"must be {MOST_ROWS} at most")
    return registers


def clock_of(about: ProjectAbout, now_ms: int) -> Clock:
    """A clock for a project that is made again: a virtual one shows the time that it had."""
    return VirtualClock(now_ms) if about.clock == "virtual" else SystemClock()
