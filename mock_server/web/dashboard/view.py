"""The data that the dashboard's template shows of a project, made from its digest."""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Self
from urllib.parse import urlencode

from werkzeug.datastructures import MultiDict

from mock_server.clock import VirtualClock
from mock_server.faults.chaos import PRESETS
from mock_server.guide import Guide
from mock_server.history.digest import GROUPS, CommandSeen, Digest, FeedItem, Focus
from mock_server.history.digest_lot import LINES, CellState, CellView, LineKey, LotDigest, WindowSpan, line_of
from mock_server.history.events import DeviceChanged
from mock_server.history.index import LotRecord
from mock_server.model import Cell, DeviceKind
from mock_server.problems import whole_number
from mock_server.project import Project
from mock_server.web.dashboard import words

WINDOWS = 24
"""The most windows that are shown at once."""

LOTS, FEED_ROWS, COMMANDS, RECORDS = 500, 100, 20, 60
WORST: tuple[CellState, ...] = ("re-reporting", "mismatch", "refused", "repaired", "equal", "never asked")
"""The states of cells, from the one that most needs attention; a lot is listed with its first one."""

KINDS = (*GROUPS, "history.dropped", "history.reset")
GROUP_NAMES = tuple(dict.fromkeys(GROUPS.values()))


@dataclass(frozen=True, slots=True)
class ViewRequest:
    """A viewer's choice of lot, cell and event groups. Without one: the cell of the story, or of the latest sync.

    `before` is an epoch time in milliseconds: the windows before it are shown. `follows` is the cell of the story.
    """

    lot: str | None = None
    cell: tuple[LineKey, WindowSpan] | None = None
    before: int | None = None
    groups: tuple[str, ...] = GROUP_NAMES
    follows: Cell | None = None

    @classmethod
    def of(cls, query: MultiDict[str, str], guide: Guide | None) -> Self:
        """The choice in a query. Invalid values are ignored."""
        groups = tuple(group for group in GROUP_NAMES if group in query.getlist("show"))
        return cls(
            lot=query.get("lot"),
            cell=_read_cell(query.get("cell", "")),
            before=whole_number(query.get("before", "")),
            groups=groups or GROUP_NAMES,
            follows=guide.cell if guide else None,
        )


@dataclass(frozen=True, slots=True)
class LotView:
    """A lot in the list."""

    device: DeviceChanged
    digest: LotDigest
    state: CellState

    @property
    def missing(self) -> int:
        """The number of records that no client has acknowledged."""
        return self.digest.records - self.digest.acknowledged


@dataclass(frozen=True, slots=True)
class WindowRow:
    """A window with its cells, one for each of `LINES`."""

    span: WindowSpan
    cells: list[CellView]


@dataclass(frozen=True, slots=True)
class View:
    """The variables of the template."""

    project: Project
    digest: Digest
    asked: ViewRequest
    words: object
    lots: list[LotView]
    lot: LotView | None
    windows: list[WindowRow]
    earlier: int | None
    cell: CellView | None
    feed: list[FeedItem]
    commands: list[CommandSeen]

    @property
    def is_virtual(self) -> bool:
        """Whether the clock can be moved."""
        return isinstance(self.project.clock, VirtualClock)

    @property
    def now_ms(self) -> int:
        """The project's time in epoch milliseconds."""
        return self.project.clock.now_ms()

    @property
    def oldest(self) -> int:
        """The first line of the history that can be forked."""
        return self.project.journal.oldest

    @property
    def more_lots(self) -> int:
        """The number of lots that are not listed."""
        lots = sum(device.device_kind == DeviceKind.LOT for device in self.digest.devices.values())
        return max(0, lots - LOTS)

    @property
    def armed(self) -> list[tuple[str, int]]:
        """The directed faults by kind, each with the number of strikes that it has left."""
        return [(fault.kind, fault.times - struck) for fault, struck in self.project.faults.armed()]

    @property
    def records(self) -> list[LotRecord]:
        """The latest records of the chosen cell, `RECORDS` at most."""
        return self.cell.records[-RECORDS:] if self.cell else []

    def link(self, lot: str | None = None, cell: CellView | None = None, before: int | None = None) -> str:
        """The address of a page of this project. Without a lot and a cell it follows the story or the latest sync."""
        query = [("project", self.project.access_id)]
        query += [("lot", lot)] if lot else []
        query += [("cell", cell_name(cell))] if cell else []
        query += [("before", str(before))] if before is not None else []
        query += [("show", group) for group in self.asked.groups] if self.asked.groups != GROUP_NAMES else []
        return "/?" + urlencode(query)

    @property
    def is_following(self) -> bool:
        """Whether the page follows the story or the latest sync."""
        return self.asked.lot is None and self.asked.cell is None

    kinds = " ".join(KINDS)
    groups = GROUP_NAMES
    presets = tuple(PRESETS)


def look(project: Project, digest: Digest, asked: ViewRequest) -> View:
    """The view of a project for a viewer's choice. `digest` must have read the history."""
    rows = list(_lots(digest))
    lot = _chosen_lot(digest, rows, asked)
    spans = lot.digest.spans(WINDOWS + 1, asked.before) if lot else []
    shown = spans[:WINDOWS]
    windows = [WindowRow(span, [lot.digest.cell(line, span) for line in LINES]) for span in shown] if lot else []
    return View(
        project=project,
        digest=digest,
        asked=asked,
        words=words,
        lots=rows[:LOTS],
        lot=lot,
        windows=windows,
        earlier=shown[-1].start if len(spans) > WINDOWS else None,
        cell=_chosen_cell(digest, lot, asked, windows),
        feed=digest.feed(asked.groups, FEED_ROWS),
        commands=list(digest.latest_commands(COMMANDS)),
    )


def cell_name(cell: CellView) -> str:
    """The name of a cell in a query: `type.direction.start.end`."""
    data_type, direction = cell.line
    return f"{data_type}.{'' if direction is None else direction}.{cell.span.start}.{cell.span.end}"


def _read_cell(text: str) -> tuple[LineKey, WindowSpan] | None:
    """The cell of that name (`cell_name`), or None if it is invalid."""
    parts = text.split(".")
    numbers = [whole_number(part) for part in parts]
    if len(parts) != len(("type", "direction", "start", "end")) or (numbers[1] is None and parts[1]):
        return None
    data_type, direction, start, end = numbers
    if data_type is None or start is None or end is None:
        return None
    return (data_type, direction), WindowSpan(start, end)


def _lots(digest: Digest) -> Iterator[LotView]:
    for device in digest.devices.values():
        if device.device_kind == DeviceKind.LOT:
            lot = digest.lot(device.device_id)
            yield LotView(device, lot, next((state for state in WORST if lot.states[state] > 0), "never asked"))


def _focus(digest: Digest, asked: ViewRequest) -> Focus | None:
    """The cell of the story, else that of the latest sync or record."""
    cell = asked.follows
    if cell is None:
        return digest.focus
    return Focus(cell.device_id, line_of(cell), cell.start_time, WindowSpan(cell.start_time, cell.end_time))


def _chosen_lot(digest: Digest, rows: list[LotView], asked: ViewRequest) -> LotView | None:
    focus = _focus(digest, asked)
    wanted = [asked.lot, focus.device_id if focus else None]
    found = (row for device_id in wanted for row in rows if row.device.device_id == device_id)
    return next(found, rows[0] if rows else None)


def _chosen_cell(digest: Digest, lot: LotView | None, asked: ViewRequest, windows: list[WindowRow]) -> CellView | None:
    if lot is None:
        return None
    if asked.cell is not None:
        return lot.digest.cell(*asked.cell)
    focus = _focus(digest, asked)
    if focus is not None and focus.device_id == lot.device.device_id:
        spans = [focus.span] if focus.span else [row.span for row in windows]
        found = next((span for span in spans if span.start <= focus.at < span.end), None)
        if found is not None:
            return lot.digest.cell(focus.line, found)
    return next((cell for row in windows for cell in row.cells if cell.records), None)
