"""The plan: which lot is asked about which hour, when, and when again."""

import json
import logging
from collections.abc import Callable, Iterator, Sequence
from datetime import datetime, timedelta, timezone
from typing import Any, NamedTuple

from cloud import CallError, Cloud
from store import BILL, NO_DIRECTION, Cell, Lot, Record, Store

MINUTE, HOUR, DAY = 60_000, 3_600_000, 86_400_000
BEIJING = timezone(timedelta(hours=8))  # of a text that names no zone

BOUNDARY_MS = -500  # hours end half a second early: no lot that writes whole seconds has a record there
GRACE_MS = 5 * MINUTE  # records on their way are not missing
TURNS, TURN_MS = 12, 10_000  # lots take turns: calls are limited for a project as a whole
DRAIN_MS = 10 * MINUTE  # so long no message of a re-report must have come
ALIKE = 3  # one silence may be a lost command
GIVE_UP_AFTER = 4  # so many re-reports that change nothing: once a day from then on
HORIZON_MS = 7 * DAY  # lots keep limited history
INFOS_IN_A_CALL = 24
LINES = ((0, 0), (0, 1), (BILL, NO_DIRECTION))  # entering, leaving, bills

CODES = {"vehicle_pass_record": (0, "passTime"), "temporary_parking_bill": (BILL, "payTime")}
SUCCEEDED, FAILED, FAILED_AFTER = 3, 4, 3

log = logging.getLogger(__name__)


class Settings(NamedTuple):
    """What the vendor leaves open: how this cloud spells keys, bounds windows, writes times, limits a call."""

    spelling: str = "snake"
    bounds: str = "[s,e)"
    record_time: str = "ms"
    most_infos: int = INFOS_IN_A_CALL


class Reconciler:
    """Receives, counts and asks. It never waits: `wakes_at` says when there is something to do."""

    def __init__(
        self, cloud: Cloud, store: Store, lots: Sequence[str], now_ms: Callable[[], int], settings: Settings
    ) -> None:
        self._cloud, self._store, self._now_ms, self._settings = cloud, store, now_ms, settings
        self._stopped, self._not_before, self._failures = False, 0, 0
        for place, device_id in enumerate(lots):
            lot = store.lot(device_id) or Lot(device_id, self._closed_until() - HOUR, 0)
            state = "" if lot.state == "refused" else lot.state  # a restart may follow a correction
            self._put_lot(lot._replace(state=state, turn=place % TURNS * TURN_MS))

    def _put_lot(self, lot: Lot) -> None:
        with self._store.db:
            self._store.put_lot(lot)

    # Receiving

    def take(self, report: dict[str, Any]) -> None:
        """Store what a message says: a record, a command's result, or something that we need not know."""
        for status in report["status"]:
            if status["code"] in CODES:
                self._keep(self._record(report["devId"], status["code"], json.loads(status["value"])))
            elif status["code"] == "command_result":
                self._take_result(json.loads(status["value"]))

    def _record(self, device_id: str, code: str, value: dict[str, Any]) -> Record:
        kind, time_field = CODES[code]
        direction = NO_DIRECTION if kind == BILL else int(value["passDirection"])
        at = epoch_ms(value[time_field], self._settings.record_time)
        content = json.dumps(value, sort_keys=True, ensure_ascii=False)
        return Record(device_id, kind, str(value["recordId"]), direction, at, content)

    def _keep(self, record: Record) -> None:
        """Any message of a cell that was asked about may be part of a re-report: no question before that is over."""
        where = "device_id = ? AND type = ? AND direction = ? AND told >= 0 AND start <= ? AND end >= ?"
        line = (record.device_id, record.type, record.direction)
        asked = self._store.cells(where, *line, record.at, record.at)
        later = self._now_ms() + DRAIN_MS
        with self._store.db:
            self._store.keep(record)
            self._store.put_cells(
                cell._replace(heard=1, due=later if cell.fruitless < GIVE_UP_AFTER else cell.due) for cell in asked
            )

    def _take_result(self, value: dict[str, Any]) -> None:
        """A command that did not succeed asked nothing."""
        lot = self._store.lot(value["deviceId"])
        if lot is None or lot.state:
            return
        failed = lot.failed + 1 if value["processStatus"] == FAILED else 0
        unasked = [] if value["processStatus"] == SUCCEEDED else self._store.cells("sn = ?", value["sn"])
        with self._store.db:
            self._store.put_lot(lot._replace(failed=failed, state="unsupported" if failed >= FAILED_AFTER else ""))
            self._store.put_cells(cell._replace(silent=0, due=self._now_ms() + HOUR) for cell in unasked)

    # Asking

    def run(self) -> int:
        """Ask every lot about what is due; how many counts were told. One that fails does not stop the others."""
        return sum(self._ask_lot(lot.device_id, kind) for lot in self._planned() for kind in (0, BILL))

    def wakes_at(self) -> int:
        lots = {lot.device_id: lot for lot in self._store.lots()}
        cells = [] if self._stopped else self._store.cells("due IS NOT NULL")
        dues = [
            max(cell.due or 0, lots[cell.device_id].retry_at, self._not_before)
            for cell in cells
            if cell.device_id in lots
        ]
        return max(self._now_ms() + 1, min([*dues, self._closed_until() + HOUR + GRACE_MS]))

    def _closed_until(self) -> int:
        return (self._now_ms() - GRACE_MS - BOUNDARY_MS) // HOUR * HOUR + BOUNDARY_MS

    def _planned(self) -> Iterator[Lot]:
        """Every hour that has closed becomes cells, also one of which nothing has come: all of it may be lost."""
        until = self._closed_until()
        horizon = until - HORIZON_MS
        for lot in self._store.lots():
            if lot.planned < until:
                old = self._store.cells("device_id = ? AND due IS NOT NULL AND start < ?", lot.device_id, horizon)
                with self._store.db:
                    self._store.put_cells(cell._replace(due=None) for cell in old)
                    self._store.put_cells(_cells(lot, range(max(lot.planned, horizon), until, HOUR)))
                    self._store.put_lot(lot._replace(planned=until))
            yield lot

    def _ask_lot(self, device_id: str, kind: int) -> int:
        lot, now = self._store.lot(device_id), self._now_ms()
        if lot is None or lot.state or self._stopped or now < max(self._not_before, lot.retry_at):
            return 0
        due = self._store.cells("device_id = ? AND type = ? AND due <= ?", device_id, kind, now)
        cells = due[: min(INFOS_IN_A_CALL, self._settings.most_infos)]
        if not cells:
            return 0
        counts = [self._count(cell) for cell in cells]
        try:
            sn = self._cloud.sync(device_id, self._body(kind, cells, counts))
        except CallError as error:
            log.warning("lot %s: %s", device_id, error)
            self._failed(lot, error.kind)
            return 0
        self._failures = 0
        with self._store.db:
            self._store.put_cells(self._asked(cell, count, sn) for cell, count in zip(cells, counts, strict=True))
            self._store.put_lot(lot._replace(tries=0, retry_at=0))
        return len(cells)

    def _count(self, cell: Cell) -> int:
        bounds = self._settings.bounds
        return self._store.count(cell, cell.start + (bounds == "(s,e]"), cell.end + (bounds != "[s,e)"))

    def _body(self, kind: int, cells: list[Cell], counts: list[int]) -> dict[str, Any]:
        spell = camel if self._settings.spelling == "camel" else str
        infos = [
            {spell("total_count"): count, spell("start_time"): cell.start, spell("end_time"): cell.end}
            | ({} if kind == BILL else {spell("pass_direction"): cell.direction})
            for cell, count in zip(cells, counts, strict=True)
        ]
        return {spell("data_type"): kind, spell("record_sync_infos"): infos}

    def _asked(self, cell: Cell, count: int, sn: str) -> Cell:
        """What is known of a cell after a count was told. Only silence, in the long run, says that it was right."""
        alike, now = cell.told == count, self._now_ms()
        silent = cell.silent + 1 if alike and not cell.heard else 1
        fruitless = (cell.fruitless + 1 if alike else 0) if cell.heard else cell.fruitless
        cell = cell._replace(told=count, sn=sn, heard=0, silent=silent, fruitless=fruitless)
        if silent < ALIKE:
            return cell._replace(due=now + (HOUR if fruitless < GIVE_UP_AFTER else DAY))
        if cell.visited:
            return cell._replace(due=None)
        return cell._replace(visited=1, due=max(now + HOUR, cell.end + DAY + GRACE_MS))

    def _failed(self, lot: Lot, kind: str) -> None:
        now = self._now_ms()
        if kind == "stop":
            self._stopped = True
        elif kind in ("unsupported", "refused"):
            self._put_lot(lot._replace(state=kind))
        elif kind == "busy":
            self._not_before = now + min(HOUR, MINUTE << self._failures)
            self._failures += 1
        else:
            first, most = (5 * MINUTE, 2 * HOUR) if kind == "offline" else (MINUTE, HOUR)
            self._put_lot(lot._replace(tries=lot.tries + 1, retry_at=now + min(most, first << lot.tries)))


def _cells(lot: Lot, starts: range) -> Iterator[Cell]:
    for start in starts:
        for kind, direction in LINES:
            yield Cell(lot.device_id, kind, direction, start, start + HOUR, start + HOUR + GRACE_MS + lot.turn)


def camel(name: str) -> str:
    first, *rest = name.split("_")
    return first + "".join(word.title() for word in rest)


def epoch_ms(value: object, form: str) -> int:
    """A record's time, whatever form the lot writes."""
    if form not in ("text", "iso"):
        return int(str(value)) * (1000 if form == "s" else 1)
    known = str(value).replace(":60", ":59")  # a leap second, of which no calendar here knows
    at = datetime.fromisoformat(known)
    at = at if at.tzinfo else at.replace(tzinfo=BEIJING)
    return round(at.timestamp() * 1000) + (1000 if known != value else 0)
