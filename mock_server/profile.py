"""What the vendor's pages leave open, as named fields with a documented default.

A1 to A10 are the open points of the endpoint's own page; the fields after them are open points of the platform
around it. Every default is our choice unless its text says otherwise.
"""

from collections.abc import Iterator
from dataclasses import Field, dataclass, field, fields, replace
from typing import Annotated, Any, Literal

from mock_server.model import DAY, MINUTE, Cell, JsonObject, Line, TimedRecord
from mock_server.problems import Problem, ProblemKind, Reader, type_name
from mock_server.shapes import Kind, Whole, fields_of, kind_of


def _open(default: Any, point: str, doc: str, source: str) -> Any:
    """A profile field: its default, the open point, what its values mean, and where the question comes from.

    Which values it may have is its type.
    """
    return field(default=default, metadata={"point": point, "doc": doc, "source": source})


@dataclass(frozen=True, slots=True, kw_only=True)
class Profile:
    """How this cloud answers what the vendor's pages leave open."""

    key_spelling: Literal["either", "snake", "camel"] = _open(
        "either",
        "A1",
        "body keys: one spelling throughout, either of them, or only one of them",
        "the page's tables use snake case, its examples camel case",
    )
    window_bounds: Literal["[s,e)", "[s,e]", "(s,e]"] = _open(
        "[s,e)", "A2", "which of start and end belong to the window", 'the page says "within the period" only'
    )
    window_time: Literal["event", "created"] = _open(
        "event",
        "A3",
        "what puts a record into a window: its own time, or when the lot got it",
        "the page does not say which time of a record counts",
    )
    future_window: Literal["allow", "refuse"] = _open(
        "allow", "A4", "may a window end after now?", "the page's example ends at the moment of its own answer"
    )
    rereport_order: Literal["time", "shuffled"] = _open(
        "time", "A5", "the order of re-reported records", "not documented"
    )
    rereport_spread_ms: Annotated[int, Whole(0, DAY)] = _open(
        0, "A5", "re-reported records are spread evenly over this many milliseconds", "not documented"
    )
    rereport_scope: Literal["cell", "command"] = _open(
        "cell",
        "A6",
        "re-report the cells that differ, or all cells of a command in which one differs",
        'the page says "corresponding data in the period"',
    )
    over_count: Literal["rereport", "ignore"] = _open(
        "rereport",
        "A7",
        "what a claim above the lot's count does",
        'the page says "inconsistent", which covers both signs',
    )
    max_sync_infos: Annotated[int, Whole(1, 10_000)] = _open(
        1000, "A8", "the longest recordSyncInfos", "not documented; a sister call takes 10 at most"
    )
    duplicate_infos: Literal["allow", "refuse"] = _open(
        "allow", "A8", "the same cell twice in one request", "not documented"
    )
    jieshun: Literal["refuse", "accept-then-fail"] = _open(
        "refuse",
        "A9",
        "a Jieshun lot refuses the call, or takes the command and fails it",
        'the page says "not supported" only',
    )
    jieshun_code: Literal[2003, 2008, 2009] = _open(
        2003,
        "A9",
        "the code of a refusing Jieshun lot: 2003, 2008 or 2009",
        "the three not-supported codes of the error table",
    )
    bill_direction: Literal["ignore", "refuse"] = _open(
        "ignore", "A10", "passDirection on bills", "the page requires it for passes and is silent on bills"
    )
    offline: Literal["refuse", "accept-then-unknown"] = _open(
        "refuse",
        "device",
        "an off-line lot refuses with 2001, or the command ends in status 5",
        "2001 is in the error table; commands also have an unknown status",
    )
    unknown_device_code: Literal[1106, 2010] = _open(
        1106,
        "device",
        "1106 as seen in practice, or 2010 by the table",
        "1106 observed in practice, 2010 in the error table",
    )
    unknown_client_code: Literal[1005, 2009] = _open(
        2009,
        "client",
        "2009 with the text `clientId is invalid`, as seen in practice, or 1005 by the table",
        "2009 observed on the token call by all who report one, 1005 in the error table",
    )
    signature_v1: Literal["refresh", "always", "never"] = _open(
        "refresh",
        "signature",
        "where the old algorithm passes: on token refresh (Node SDK), everywhere, nowhere",
        "documented for projects made before July 2021; the Node SDK refreshes with it",
    )
    time_tolerance_ms: Annotated[int, Whole(0, 10**12)] = _open(
        300_000, "time", "how far `t` may be off", "not documented; 20 minutes were refused, 5 minutes are reported"
    )
    encryption: Literal["aes_ecb", "aes_gcm"] = _open(
        "aes_ecb", "queue", "the message cipher (both documented)", "documented: chosen in the console"
    )
    unknown_subscription: Literal["make", "refuse"] = _open(
        "make",
        "queue",
        "a subscription that nobody has made: it is made when its first consumer connects, or refused with 404",
        "Pulsar makes it by default; at the vendor others than `-sub` are made in the console, and one public client"
        " expects 404",
    )
    queue_idle_ms: Annotated[int, Whole(1_000, DAY)] = _open(
        300_000,
        "queue",
        "after how long without a byte either way, in real time, a consumer is closed with 1001, Idle Timeout",
        "Pulsar's and Jetty's default; what the vendor has set is not known. Its SDKs ping every 30 seconds",
    )
    queue_partitions: Annotated[int, Whole(0, 64)] = _open(
        0,
        "queue",
        "how many partitions the topic `event` has, 0 for none; a device's messages are in one and keep their order",
        "documented: 11, and none of `event-test`; how messages are spread is not. With 0 all lots share one order",
    )
    redelivery_count: Literal["broker", "counted"] = _open(
        "broker",
        "queue",
        "what a client is told of how often a message was delivered before: 0 always, or the count",
        "Pulsar's dispatcher for Failover and Exclusive counts nothing (read, 2.7 to 4.x), so its WebSocket says 0 too",
    )
    record_time: Literal["ms", "s", "text", "iso"] = _open(
        "ms",
        "message",
        "the times of a record: epoch milliseconds, epoch seconds, text in Beijing time, ISO 8601 with its offset",
        "the fields of messages are not published; lots and gateways of this market write times in all four forms",
    )
    status_code: Literal["named", "empty"] = _open(
        "named",
        "message",
        "the `code` of a status: its name, or empty, so that only the number of the data point says what it is",
        "a sister product's page shows it empty, beside the value under the data point's number",
    )
    command_sent_ms: Annotated[int, Whole(0, DAY)] = _open(
        50, "command", "from the call to process status 2", "not documented"
    )
    command_done_ms: Annotated[int, Whole(0, DAY)] = _open(
        200, "command", "from the call to the last process status", "not documented"
    )

    def to_json(self) -> JsonObject:
        """Every field and its value."""
        return {point.name: getattr(self, point.name) for point in open_points()}

    def time_of(self, record: TimedRecord) -> int:
        """The time that puts a record into a window (A3)."""
        return record.event_time if self.window_time == "event" else record.created_time

    def bounds(self, start: int, end: int) -> tuple[int, int]:
        """The window as low <= time < high, whole milliseconds (A2)."""
        return half_open(self.window_bounds, start, end)

    def holds(self, cell: Cell, line: Line, time: int) -> bool:
        """Whether the lot counts a record of that line and time in a cell."""
        low, high = self.bounds(cell.start_time, cell.end_time)
        return low <= time < high and line == cell.line


def half_open(bounds: str, start: int, end: int) -> tuple[int, int]:
    """A window in interval notation, such as `(s,e]`, as low <= time < high, whole milliseconds."""
    return start + (bounds[0] == "("), end + (bounds[-1] == "]")


PRESETS = {
    "default": Profile(),
    "strict": Profile(
        key_spelling="snake",
        future_window="refuse",
        max_sync_infos=24,
        duplicate_infos="refuse",
        bill_direction="refuse",
        signature_v1="never",
        time_tolerance_ms=MINUTE,
    ),
    "lenient": Profile(over_count="ignore", signature_v1="always", time_tolerance_ms=DAY, max_sync_infos=10_000),
    "closed-windows": Profile(window_bounds="[s,e]"),
    "open-start-windows": Profile(window_bounds="(s,e]"),
    "lot-time": Profile(window_time="created"),
    "camel-case": Profile(key_spelling="camel"),
    "slow-rereport": Profile(rereport_order="shuffled", rereport_spread_ms=300_000),
    "whole-command": Profile(rereport_scope="command"),
    "accept-first": Profile(jieshun="accept-then-fail", offline="accept-then-unknown"),
    "other-codes": Profile(jieshun_code=2008, unknown_device_code=2010, unknown_client_code=1005),
    "own-subscriptions": Profile(unknown_subscription="refuse"),
    "partitioned": Profile(queue_partitions=11),
    "gcm": Profile(encryption="aes_gcm"),
    "second-times": Profile(record_time="s"),
    "text-times": Profile(record_time="text"),
    "iso-times": Profile(record_time="iso"),
    "empty-codes": Profile(status_code="empty"),
}
"""The named profiles. Each names only what differs from the default."""


def read_profile(data: object, path: str, problems: list[Problem]) -> Profile | None:
    """A profile from a preset's name, or from an object of fields with an optional `base` preset.

    None after noting what is wrong.
    """
    if isinstance(data, str):
        data = {"base": data}
    if not isinstance(data, dict):
        text = f"must be a preset or an object of fields, not {type_name(data)}"
        problems.append(Problem(ProblemKind.TYPE, path, text))
        return None
    noted = len(problems)
    reader = Reader(data, path, problems)
    reader.only(("base", *(point.name for point in open_points())))
    base = reader.word("base", tuple(PRESETS), required=False) or "default"
    changes = {point.name: values_of(point).read(reader, point.name) for point in open_points() if point.name in data}
    if len(problems) > noted:
        return None
    return replace(PRESETS[base], **changes)


def values_of(point: Field[Any]) -> Kind:
    """The values that a field may have."""
    return kind_of(fields_of(Profile)[point.name])


def open_points() -> Iterator[Field[Any]]:
    """The fields of a profile, in order, each with `point` and `doc` in its metadata."""
    yield from fields(Profile)
