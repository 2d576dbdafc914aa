"""A world as JSON: a project with its state and history at a moment, for files and stores."""

import json
import zlib
from base64 import b64decode, b64encode
from collections.abc import Iterator
from functools import cache
from itertools import islice
from typing import Any, TypeAlias, Union

from mock_server.clock import Clock, SystemClock, VirtualClock
from mock_server.faults.chaos import ChaosProgress
from mock_server.faults.faults import Armed
from mock_server.history.from_json import read_entry
from mock_server.history.log import Entry
from mock_server.lots.lots import CorrectionDue, DeletionDue
from mock_server.model import Command, Device, Record, Rereport
from mock_server.problems import parse_json
from mock_server.project import Moment, OnlineDue, ProjectAbout
from mock_server.queue.subscription import PlacedMessage, SubscriptionAbout
from mock_server.queue.uplink import PublicationDue, ReleaseDue, RepeatDue, RepeatStepDue
from mock_server.state.checkpoints import Checkpoint
from mock_server.state.codec import Decode, DecodeError, decode, decoder, encode
from mock_server.state.journal import State
from mock_server.state.later import Due
from mock_server.state.store import StoreError
from mock_server.steps import Steps, at_once
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
    try:
        read_key, read_value = _readers(name)
        return read_key(key), read_value(value)
    except DecodeError as error:
        raise error.below(f"{name} {key}") from None


@cache
def _readers(name: str) -> tuple[Decode, Decode]:
    """What reads keys and values of some rows. DecodeError if there are no such rows."""
    if name == "due":
        return decoder(int), _decode_due
    kinds = _ROWS.get(MESSAGES if name.startswith(f"{MESSAGES} ") else name)
    if kinds is None:
        raise DecodeError("", "there are no such rows")
    return _decode_place if name == "records" else decoder(kinds[0]), decoder(kinds[1])


def _decode_place(key: Any) -> int:
    place: int = decoder(int)(key)
    if not 0 <= place <= MOST_ROWS:
        raise DecodeError("", f"must have a place from 0 to {MOST_ROWS}")
    return place


def _decode_due(value: Any) -> Due:
    data = decode(dict[str, object], value, "")
    at_ms = decode(int, data.get("at_ms"), ".at_ms")
    return Due(at_ms, decode(Happenings, data.get("happening"), ".happening"))


def decode_registers(data: Any) -> dict[str, Any]:
    """The registers from their JSON. DecodeError if they are none."""
    given = decode(dict[str, object], data, "registers")
    registers = {name: decode(_REGISTERS.get(name, int), value, name) for name, value in given.items()}
    if registers.get("random", 0) > MOST_ROWS:
        raise DecodeError("random", f"must be {MOST_ROWS} at most")
    return registers


_JSON = json.JSONEncoder(separators=(",", ":"), check_circular=False)


def moment_head(moment: Moment) -> dict[str, object]:
    """What a moment has beside its rows and its lines of the history."""
    registers = encode(moment.state.registers)
    return {"line": moment.line, "now_ms": moment.now_ms, "registers": registers}


def moment_lines(moment: Moment, **more: object) -> Iterator[str]:
    """A moment as JSON lines: its head with `more`, its rows as lists of three, its lines of the history."""
    rows = moment.state.rows
    counts = {"rows": sum(map(len, rows.values())), "lines": len(moment.entries)}
    yield _JSON.encode(more | moment_head(moment) | counts)
    for name, each in rows.items():
        for key, value in each.items():
            yield _JSON.encode([name, encode(key), encode(value)])
    for entry in moment.entries:
        yield _JSON.encode(entry.to_json())


def read_moment(head: object, lines: Iterator[bytes], path: str, known: dict[bytes, Any]) -> Steps[Moment]:
    """The moment of a head and of the lines behind it, one with each step. DecodeError or ValueError if it is none.

    What was read before is taken from `known`: moments of one project have most of their lines in common.
    """
    data = decode(dict[str, object], head, path)
    line, now_ms, rows, count = (decode(int, data.get(name), f"{path}.{name}") for name in _COUNTED)
    registers = decode_registers(data.get("registers"))
    found: dict[str, dict[Any, Any]] = {}
    for raw in _next(lines, rows, path):
        name, key, value = known.get(raw) or known.setdefault(raw, _read_row(parse_json(raw, path), path))
        found.setdefault(name, {})[key] = value
        yield
    entries: list[Entry] = []
    for raw in _next(lines, count, path):
        entries.append(known.get(raw) or known.setdefault(raw, read_entry(parse_json(raw, path), path)))
        yield
    if [entry.seq for entry in entries] != list(range(line - count + 1, line + 1)):
        raise DecodeError(path, f"has lines of a history that are not numbered one after the other up to {line}")
    return Moment(State(found, registers), tuple(entries), line, now_ms)


_COUNTED = ("line", "now_ms", "rows", "lines")


def _next(lines: Iterator[bytes], count: int, path: str) -> Iterator[bytes]:
    """So many lines, of which none may be missing."""
    left = count
    for raw in islice(lines, max(0, count)):
        left -= 1
        yield raw
    if left:
        raise DecodeError(path, f"is cut off: {left} of its lines are missing")


def _read_row(data: object, path: str) -> tuple[str, Any, Any]:
    name, key, value = decode(tuple[str, object, object], data, path)
    return (name, *decode_row(name, key, value))


def checkpoint_text(checkpoint: Checkpoint[Moment]) -> str:
    """A checkpoint for a store: its head as JSON, then, on a second line, all else compressed."""
    counts = {"devices": checkpoint.devices, "records": checkpoint.records, "messages": checkpoint.messages}
    head, *lines = moment_lines(checkpoint.moment, **counts)
    packed = b64encode(zlib.compress("\n".join(lines).encode("ascii"), _QUICKLY))
    return f"{head}\n{packed.decode('ascii')}"


def checkpoint_of(name: str, text: str) -> Checkpoint[Moment]:
    """A checkpoint from its text in a store. DecodeError or ValueError if its head is none.

    The rest is read when somebody asks for it: StoreError then if it cannot be.
    """
    first, _, packed = text.partition("\n")
    path = f"the checkpoint {name!r}"
    head = decode(dict[str, object], json.loads(first), path)
    line, now_ms, devices, records, messages = (decode(int, head.get(each), f"{path}.{each}") for each in _HEAD)

    def recall() -> Moment:
        try:
            lines = zlib.decompress(b64decode(packed, validate=True)).splitlines()
            return at_once(read_moment(head, iter(lines), path, {}))
        except (ValueError, zlib.error) as error:
            raise StoreError(f"{path} cannot be read: {error}. Delete it, or restore a copy of the store") from error

    return Checkpoint(name, line, now_ms, devices, records, messages, recall)


_HEAD = ("line", "now_ms", "devices", "records", "messages")
_QUICKLY = 1


def clock_of(about: ProjectAbout, now_ms: int) -> Clock:
    """A clock for a project that is made again: a virtual one shows the time that it had."""
    return VirtualClock(now_ms) if about.clock == "virtual" else SystemClock()
