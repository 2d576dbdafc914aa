"""What the vendor's pages leave open, as named fields with a documented default.

A1 to A10 are the open points of the endpoint's own page; the fields after them are open points of the platform
around it. Every default is our choice unless its text says otherwise.
"""

from collections.abc import Iterator
from dataclasses import Field, dataclass, field, fields
from typing import Any, Literal


def _open(default: Any, point: str, doc: str) -> Any:
    """A profile field: its default, the open point that it answers, and what its values mean."""
    return field(default=default, metadata={"point": point, "doc": doc})


@dataclass(frozen=True, slots=True, kw_only=True)
class Profile:
    """How this cloud answers what the vendor's pages leave open."""

    key_spelling: Literal["either", "snake", "camel"] = _open(
        "either", "A1", "body keys: one spelling throughout, either of them, or only one of them"
    )
    window_bounds: Literal["[s,e)", "[s,e]", "(s,e]"] = _open(
        "[s,e)", "A2", "which of start and end belong to the window"
    )
    window_time: Literal["event", "created"] = _open(
        "event", "A3", "what puts a record into a window: its own time, or when the lot got it"
    )
    future_window: Literal["allow", "refuse"] = _open("allow", "A4", "may a window end after now?")
    rereport_order: Literal["time", "shuffled"] = _open("time", "A5", "the order of re-reported records")
    rereport_spread_ms: int = _open(0, "A5", "re-reported records are spread evenly over this many milliseconds")
    rereport_scope: Literal["cell", "command"] = _open(
        "cell", "A6", "re-report the cells that differ, or all cells of a command in which one differs"
    )
    over_count: Literal["rereport", "ignore"] = _open("rereport", "A7", "what a claim above the lot's count does")
    max_sync_infos: int = _open(1000, "A8", "the longest recordSyncInfos")
    duplicate_infos: Literal["allow", "refuse"] = _open("allow", "A8", "the same cell twice in one request")
    jieshun: Literal["refuse", "accept-then-fail"] = _open(
        "refuse", "A9", "a Jieshun lot refuses the call, or takes the command and fails it"
    )
    jieshun_code: int = _open(2003, "A9", "the code of a refusing Jieshun lot: 2003, 2008 or 2009")
    bill_direction: Literal["ignore", "refuse"] = _open("ignore", "A10", "passDirection on bills")
    offline: Literal["refuse", "accept-then-unknown"] = _open(
        "refuse", "device", "an off-line lot refuses with 2001, or the command ends in status 5"
    )
    unknown_device_code: int = _open(1106, "device", "1106 as seen in practice, or 2010 by the table")
    unknown_client_code: int = _open(1005, "client", "1005 as documented, or 2009 as once seen")
    signature_v1: Literal["refresh", "always", "never"] = _open(
        "refresh", "signature", "where the old algorithm passes: on token refresh (Node SDK), everywhere, nowhere"
    )
    time_tolerance_ms: int = _open(300_000, "time", "how far `t` may be off")
    encryption: Literal["aes_ecb", "aes_gcm"] = _open("aes_ecb", "queue", "the message cipher (both documented)")
    command_sent_ms: int = _open(50, "command", "from the call to process status 2")
    command_done_ms: int = _open(200, "command", "from the call to the last process status")

    def bounds(self, start: int, end: int) -> tuple[int, int]:
        """The window as low <= time < high, whole milliseconds."""
        return (start + (self.window_bounds == "(s,e]"), end + (self.window_bounds != "[s,e)"))


def open_points() -> Iterator[Field[Any]]:
    """The fields of a profile, in order, each with `point` and `doc` in its metadata."""
    yield from fields(Profile)
