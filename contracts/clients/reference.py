"""The reference client: what a good integration of the parking cloud looks like.

It stores each record once and acknowledges it then. It cuts time into hours that end half a second before the full
hour, and asks each lot about each hour, passes and bills, entering and leaving apart: five minutes after its end,
then until the lot has been silent three times, and once more a day later. Nothing here waits or sleeps: the caller
calls `advance` at the times that `wakes_at` returns. Every choice that the vendor leaves open is a constant below.
"""

import json
from collections.abc import Iterator, Sequence
from contextlib import suppress
from random import Random
from typing import Any

from contracts.client.interface import Client, ClockKind, DumpedRecord, Effect, Socket, Start, Window
from contracts.clients.messages import UnreadableError, epoch_ms, password, read_report
from contracts.clients.record_store import NO_DIRECTION, CellRow, LotRow, RecordStore, Stored
from contracts.clients.vendor_api import AnswerKind, CallError, VendorApi
from mock_server.model import DAY, HOUR, MINUTE, JsonObject

BOUNDARY_MS = -500
"""Windows begin and end half a second before the full hour, where no record of a lot with whole seconds lies."""

GRACE_MS = 5 * MINUTE
"""Milliseconds from a window's end to the first ask: a record that is still on its way is no mismatch."""

TURNS, TURN_MS = 12, 10_000
"""Lots are asked in 12 turns, 10 s apart.

The vendor limits the calls of a project as a whole, and the windows of all lots end at the same time.
"""

AGAIN_MS = HOUR
"""Milliseconds from an ask to the next one about the same cell."""

DRAIN_MS = 10 * MINUTE
"""Milliseconds from the last message of a re-report to the next ask about its cell."""

ALIKE = 3
"""Asks in a row with the same count and no re-report that close a cell. One would not do: a command may be lost."""

REVISIT_MS = DAY
"""Milliseconds from a window's end to one more ask about closed cells: a record may reach the lot late."""

GIVE_UP_AFTER = 4
"""Re-reports without effect on the count after which a cell is asked about once a day only, with an alarm."""

LOOK_BACK = 1
"""Hours before its first start that a client asks about."""

HORIZON_MS = 7 * DAY
"""The age in milliseconds up to which a window is asked about: lots keep limited history."""

BATCH = 48
"""The most cells in one call, and so the most of a lot and data type in one pass."""

UNREADABLE_AFTER = 3
"""Redeliveries after which a message that cannot be read is put into quarantine.

They are counted here: on this kind of subscription a broker says 0 whatever it has done.
"""

FAILED_AFTER = 3
"""Failed commands in a row (process status 4) after which a lot counts as not supporting them."""

LINES = ((0, 0), (0, 1), (1, NO_DIRECTION))
"""Data type and direction of what is counted separately: entering passes, leaving passes, bills."""

CODES = {"vehicle_pass_record": (0, "passTime"), "temporary_parking_bill": (1, "payTime")}
DATA_POINTS = {"101": "vehicle_pass_record", "102": "temporary_parking_bill", "103": "command_result"}
"""The codes by the data point under which a status repeats its value: all that names it where its code is empty."""

SUCCEEDED, FAILED = 3, 4
FRAMES_A_TRANSACTION = 100


class ReferenceClient(Client):
    """One process of an integration. Its durable state is a SQLite file in the folder of `start`."""

    clock: ClockKind = "virtual"
    window_ms = HOUR
    boundary_ms = BOUNDARY_MS
    grace_ms = GRACE_MS
    again_ms = AGAIN_MS
    drain_ms = DRAIN_MS
    horizon_ms = HORIZON_MS
    look_back = LOOK_BACK
    store_kind: type[RecordStore] = RecordStore

    def __init__(self, _exports: JsonObject | None = None) -> None:
        self._socket: Socket | None = None
        self._reconnect_at, self._reconnects = 0, 0
        self._not_before, self._failures = 0, 0
        self._stopped = ""
        self._unreadable: dict[str, int] = {}

    # The verbs

    def start(self, start: Start) -> None:
        """Open the store, connect, and continue the stored plan."""
        exports: Any = start.exports
        self._exports = exports
        self._machine_ms = start.now_ms
        self._random = Random(str(exports["access_id"]))  # noqa: S311 spreads retries, no secret
        self._link = start.link
        self._bounds = str(start.profile.get("window_bounds", "[s,e)"))
        self._record_time = str(start.profile.get("record_time", "ms"))
        self._camel = start.profile.get("key_spelling") == "camel"
        self._batch = min(BATCH, int(str(start.profile.get("max_sync_infos", BATCH))))
        self._api = self.make_api()
        self._store = self.store_kind(start.folder / "parking.sqlite")
        self._lots = [each["device_id"] for each in exports["devices"] if each["kind"] == "lot"]
        for device_id in self._lots:
            self._store.add_lot(device_id, self.window_start(self.now_ms()) - self.look_back * HOUR)
        self.retry_refused_lots()
        self.connect()

    def sync(self, now_ms: int, window: Window | None = None) -> None:
        """One pass over all cells that are due, or over those of a window."""
        self._machine_ms = now_ms
        self.receive()
        self.plan()
        self.reconcile(window)

    def advance(self, now_ms: int) -> None:
        """Receive messages, plan the windows that have closed, ask about the cells that are due."""
        self.sync(now_ms)

    def wakes_at(self) -> int | None:
        """This machine's time of the next closed window, due cell or reconnection, whichever is first."""
        moments = [self.next_close()]
        if not self._stopped and (due := self._store.next_due_ms()) is not None:
            moments.append(max(due, self._not_before))
        if self.has_lost_connection():
            moments.append(self._reconnect_at)
        return max(self._machine_ms + 1, min(moments) - (self.now_ms() - self._machine_ms))

    def has_lost_connection(self) -> bool:
        """Whether the connection is to be opened again."""
        return self._socket is None

    def quiet(self) -> None:
        """Store and acknowledge the messages that have arrived."""
        self.receive()

    def dump(self) -> list[DumpedRecord]:
        """Every record that is stored."""
        return self._store.dump()

    def effects(self) -> list[Effect]:
        """The effects: one for each record, however often it was delivered."""
        return self._store.effects()

    def crash(self) -> None:
        """Close the store and nothing else: what is not in the file is lost."""
        self._store.close()

    def stop(self) -> None:
        """Disconnect from the queue and close the file."""
        if self._socket is not None:
            self._socket.close()
        self._store.close()

    # Clock, calls and store

    def now_ms(self) -> int:
        """The cloud's time by its answers: this machine's clock may be wrong."""
        return self._api.now_ms()

    def make_api(self) -> VendorApi:
        """The object that makes the calls to the cloud."""
        return VendorApi(self._exports, self._link, lambda: self._machine_ms)

    # Receiving

    def connect(self) -> None:
        """Consume the same subscription as before: it keeps the messages that were not acknowledged."""
        name, secret = self._exports["access_id"], self._exports["access_secret"]
        url = f"{self._exports['ws']}ws/v2/consumer/persistent/{name}/out/event/{self.subscription()}"
        keys = {"username": name, "password": password(name, secret)}
        try:
            self._socket = self._link.connect(f"{url}?subscriptionType=Failover&ackTimeoutMillis=30000", keys)
        except OSError:
            self.reconnect_later()

    def subscription(self) -> str:
        """The name of the subscription, always the same: a new one would start without the messages that wait."""
        return f"{self._exports['access_id']}-sub"

    def reconnect_later(self) -> None:
        """Plan the next connection, with a longer pause each time until a message arrives."""
        self._socket = None
        self._reconnect_at = self.now_ms() + self.pause(1_000, self._reconnects, MINUTE)
        self._reconnects += 1

    def pause(self, first_ms: int, tries: int, most_ms: int) -> int:
        """A pause in ms: doubled with each try up to `most_ms`, and up to a quarter more to spread clients."""
        doubled = min(most_ms, first_ms << min(tries, 20))
        return doubled + self._random.randrange(doubled // 4 + 1)

    def receive(self) -> None:
        """Process every frame that has arrived; reconnect after a lost connection."""
        if self._socket is None and self.now_ms() >= self._reconnect_at:
            self.connect()
        while self._socket is not None and (frames := self.read_frames(self._socket)):
            self.take_frames(self._socket, frames)
        if self._socket is not None and self._socket.closed is not None:
            self.reconnect_later()

    def read_frames(self, socket: Socket) -> list[dict[str, Any]]:
        """At most FRAMES_A_TRANSACTION of the frames that have arrived."""
        frames: list[dict[str, Any]] = []
        while len(frames) < FRAMES_A_TRANSACTION and (text := socket.receive()) is not None:
            frames.append(json.loads(text))
        return frames

    def take_frames(self, socket: Socket, frames: Sequence[dict[str, Any]]) -> None:
        """Store durably first, acknowledge then: a message is not delivered again once it is acknowledged."""
        with self._store.transaction():
            readable = [self.take(frame) for frame in frames]
        for frame, is_done in zip(frames, readable, strict=True):
            self.answer_frame(socket, frame, is_done=is_done)
        self._reconnects = 0

    def answer_frame(self, socket: Socket, frame: dict[str, Any], *, is_done: bool) -> None:
        """Acknowledge one message, or ask for its redelivery. Never cumulative: that would acknowledge others too."""
        kind = "ack" if is_done else "negativeAcknowledge"
        socket.send(json.dumps({"type": kind, "messageId": frame["messageId"]}))

    def take(self, frame: dict[str, Any]) -> bool:
        """Process a message. False asks for its redelivery; True for known records too, else they would never end."""
        try:
            report = self.read(frame)
        except UnreadableError as error:
            if self.asks_again(frame["messageId"]):
                return False
            self._store.set_aside(frame["messageId"], str(error))
            return True
        try:
            for status in report["status"]:
                self.take_status(report["devId"], status)
        except (ValueError, KeyError, TypeError) as error:
            self._store.set_aside(frame["messageId"], repr(error))
        self._unreadable.pop(frame["messageId"], None)
        return True

    def asks_again(self, message_id: str) -> bool:
        """Whether to ask again for a message that could not be read this time either."""
        times = self._unreadable.pop(message_id, 0)
        if times == UNREADABLE_AFTER:
            return False
        self._unreadable[message_id] = times + 1
        return True

    def read(self, frame: dict[str, Any]) -> dict[str, Any]:
        """The status report of a frame."""
        return read_report(frame, self._exports["access_secret"])

    def take_status(self, device_id: str, status: dict[str, Any]) -> None:
        """Process a record or a command's result; ignore any other status."""
        code = status["code"] or next((name for point, name in DATA_POINTS.items() if point in status), "")
        if code in CODES:
            self.take_record(self.record_of(device_id, code, json.loads(status["value"])))
        elif code == "command_result":
            self.take_result(json.loads(status["value"]))

    def record_of(self, device_id: str, code: str, value: dict[str, Any]) -> Stored:
        """A record in the form of the store. Its identity is the record id, whatever message contains it."""
        data_type, time_field = CODES[code]
        direction = NO_DIRECTION if data_type else int(value["passDirection"])
        content = json.dumps(value, sort_keys=True, ensure_ascii=False)
        return Stored(device_id, data_type, str(value["recordId"]), direction, self.time_of(value[time_field]), content)

    def time_of(self, value: object) -> int:
        """A record's time in epoch milliseconds, the only form after this."""
        return epoch_ms(value, self._record_time)

    def take_record(self, record: Stored) -> None:
        """Store a record; add its effect only if it is new. Any record of a cell asked about may be a re-report."""
        if self.keep(record):
            self._store.add_effect("charge" if record.data_type else "occupancy", record.record_id)
        self.heard(record)

    def keep(self, record: Stored) -> bool:
        """Insert or replace a record. True if it is new."""
        return self._store.keep(record)

    def heard(self, record: Stored) -> None:
        """Postpone the next ask about a record's cell until `drain_ms` after this message."""
        self._store.heard(record, self.now_ms(), self.now_ms() + self.drain_ms, GIVE_UP_AFTER)

    def take_result(self, value: dict[str, Any]) -> None:
        """Process a command's result: the cells of one that did not succeed are still to be asked about."""
        lot = next((lot for lot in self._store.lots() if lot.device_id == value["deviceId"]), None)
        if lot is None or lot.state:
            return
        failed = lot.failed + 1 if value["processStatus"] == FAILED else 0
        self._store.put_lot(lot._replace(failed=failed))
        if value["processStatus"] != SUCCEEDED:
            self._store.unask(value["sn"], self.now_ms() + self.again_ms)
        if failed >= FAILED_AFTER:
            self.leave_alone(lot, "unsupported", "its commands fail")

    # Planning

    def window_start(self, at_ms: int) -> int:
        """The start of the window of a time. Epoch milliseconds have no time zone and no daylight saving time."""
        return (at_ms - self.boundary_ms) // self.window_ms * self.window_ms + self.boundary_ms

    def windows(self, from_ms: int, until_ms: int) -> Iterator[tuple[int, int]]:
        """The windows (start, end) between two boundaries, each starting at the end of the one before it."""
        return ((start, start + self.window_ms) for start in range(from_ms, until_ms, self.window_ms))

    def closed_until(self) -> int:
        """The end of the last window that ended `grace_ms` ago or earlier."""
        return self.window_start(self.now_ms() - self.grace_ms)

    def next_close(self) -> int:
        """When `grace_ms` will have passed since the end of the next window."""
        return self.closed_until() + self.window_ms + self.grace_ms

    def plan(self) -> None:
        """Make cells of every window that has closed since the last plan, also while this process was not running."""
        until = self.closed_until()
        for lot in self._store.lots():
            if lot.planned_ms < until and not lot.state:
                start = max(lot.planned_ms, until - self.horizon_ms)
                with self._store.transaction():
                    self._store.stop_asking(lot.device_id, until - self.horizon_ms)
                    self._store.plan(self.cells_of(lot.device_id, start, until), lot.device_id, until)

    def cells_of(self, device_id: str, start: int, until: int) -> Iterator[tuple[str, int, int, int, int, int]]:
        """The cells of the windows, also those without a record: all their records may be lost."""
        wait_ms = self.grace_ms + self.turn_ms(device_id)
        for start_ms, end_ms in self.windows(start, until):
            for data_type, direction in LINES:
                yield device_id, data_type, direction, start_ms, end_ms, end_ms + wait_ms

    def turn_ms(self, device_id: str) -> int:
        """Milliseconds that a lot waits for its turn."""
        return self._lots.index(device_id) % TURNS * TURN_MS if device_id in self._lots else 0

    # Asking

    def reconcile(self, window: Window | None = None) -> None:
        """Ask each lot about its due cells, or those of a window. A failure of one lot does not stop the others."""
        for lot in self._store.lots():
            for data_type in (0, 1):
                if self._stopped or self.now_ms() < self._not_before or lot.state or self.now_ms() < lot.retry_ms:
                    break
                cells = self.cells_to_ask(lot.device_id, data_type, window)
                if cells and not self.try_to_ask(lot, data_type, cells):
                    break

    def cells_to_ask(self, device_id: str, data_type: int, window: Window | None) -> list[CellRow]:
        """The due cells, or those of a window, at most a batch."""
        if window is not None:
            return self._store.cells_between(device_id, data_type, *window)[: self._batch]
        return self._store.due_cells(device_id, data_type, self.now_ms(), self._batch)

    def try_to_ask(self, lot: LotRow, data_type: int, cells: Sequence[CellRow]) -> bool:
        """Ask a lot. False if the call failed: then every cell stays as it was, to be asked about unchanged later."""
        counts = [self.count(cell) for cell in cells]
        try:
            sn = self.ask(lot.device_id, data_type, cells, counts)
        except CallError as error:
            self.failed(lot, error)
            return False
        self._failures = 0
        with self._store.transaction():
            if lot.tries:
                self._store.put_lot(lot._replace(tries=0, retry_ms=0))
            for cell, count in zip(cells, counts, strict=True):
                self._store.put_cell(self.asked(cell, count, sn))
        return True

    def count(self, cell: CellRow) -> int:
        """The number of the cell's records that are stored now, by their event time."""
        low = cell.start_ms + (self._bounds == "(s,e]")
        high = cell.end_ms + (self._bounds != "[s,e)")
        return self._store.count(cell.device_id, cell.data_type, cell.direction, low, high)

    def ask(self, device_id: str, data_type: int, cells: Sequence[CellRow], counts: Sequence[int]) -> str:
        """Claim counts to a lot; return the command's serial number. CallError if the call failed.

        The answer means that the command was issued, not that the counts are equal: only the lot's lasting silence
        means that.
        """
        result = self._api.post(self.path(device_id), self.body(data_type, cells, counts))
        sn = result.get("sn")
        if not isinstance(sn, str) or not sn:
            raise CallError(AnswerKind.LATER, "the answer has no sn")
        return sn

    def path(self, device_id: str) -> str:
        """The path of the command. The device is the lot, not one of its lanes."""
        return f"/v1.0/parking-control/{device_id}/records/sync"

    def body(self, data_type: int, cells: Sequence[CellRow], counts: Sequence[int]) -> dict[str, Any]:
        """The body. Its keys are in snake case as in the vendor's tables, or camel case if the profile says so."""
        infos = [self.info(cell, count) for cell, count in zip(cells, counts, strict=True)]
        return {self.key("data_type"): data_type, self.key("record_sync_infos"): infos}

    def info(self, cell: CellRow, count: int) -> dict[str, Any]:
        """The entry for one cell. Bills have no direction."""
        info = {"total_count": count, "start_time": cell.start_ms, "end_time": cell.end_ms}
        info |= {} if cell.direction == NO_DIRECTION else {"pass_direction": cell.direction}
        return {self.key(name): value for name, value in info.items()}

    def key(self, name: str) -> str:
        """A key in the spelling of this cloud: the whole body has one spelling."""
        first, *rest = name.split("_")
        return first + "".join(word.title() for word in rest) if self._camel else name

    def asked(self, cell: CellRow, count: int, sn: str) -> CellRow:
        """The cell after an ask, with its new due time."""
        heard = cell.heard_ms > 0
        alike = cell.asked_ms > 0 and count == cell.claimed
        silent = cell.silent + 1 if alike and not heard else 1
        fruitless = cell.fruitless + 1 if alike and heard else 0 if heard else cell.fruitless
        if fruitless == GIVE_UP_AFTER and fruitless > cell.fruitless:
            self._store.alarm(self.now_ms(), f"{cell.device_id}: the lot does not agree about {cell.start_ms}")
        cell = cell._replace(
            asked_ms=self.now_ms(), heard_ms=0, claimed=count, silent=silent, fruitless=fruitless, sn=sn
        )
        return self.scheduled(cell)

    def scheduled(self, cell: CellRow) -> CellRow:
        """The cell with its next due time, None if it is closed or beyond the horizon."""
        now = self.now_ms()
        if now - cell.end_ms > self.horizon_ms or (cell.silent >= ALIKE and cell.visited):
            return cell._replace(due_ms=None)
        if cell.silent >= ALIKE:
            return cell._replace(due_ms=max(now + self.again_ms, cell.end_ms + REVISIT_MS + GRACE_MS), visited=1)
        return cell._replace(due_ms=now + (DAY if cell.fruitless >= GIVE_UP_AFTER else self.again_ms))

    # Failures

    def failed(self, lot: LotRow, error: CallError) -> None:
        """React to a failed call: stop, pause all calls, or leave or postpone this lot."""
        if error.kind is AnswerKind.STOP:
            self._stopped = str(error)
            self._store.alarm(self.now_ms(), f"stopped: {error}")
        elif error.kind is AnswerKind.UNSUPPORTED:
            self.leave_alone(lot, "unsupported", str(error))
        elif error.kind is AnswerKind.REFUSED:
            self.leave_alone(lot, "refused", str(error))
        elif error.kind is AnswerKind.BUSY:
            self._not_before = self.now_ms() + self.pause(MINUTE, self._failures, HOUR)
            self._failures += 1
        elif error.kind is AnswerKind.OFFLINE:
            self.ask_later(lot, self.pause(5 * MINUTE, lot.tries, 2 * HOUR))
        else:
            self.ask_later(lot, self.pause(MINUTE, lot.tries, HOUR))

    def ask_later(self, lot: LotRow, pause_ms: int) -> None:
        """Postpone a lot. The others go on."""
        self._store.put_lot(lot._replace(tries=lot.tries + 1, retry_ms=self.now_ms() + pause_ms))

    def leave_alone(self, lot: LotRow, state: str, reason: str) -> None:
        """Stop asking this lot, and raise an alarm. The others go on."""
        self._store.put_lot(lot._replace(state=state))
        self._store.alarm(self.now_ms(), f"{lot.device_id} is left alone, {state}: {reason}")

    def retry_refused_lots(self) -> None:
        """Ask lots again that refused before this start: the cause may be corrected. `unsupported` is for good."""
        for lot in self._store.lots():
            if lot.state == "refused":
                self._store.put_lot(lot._replace(state=""))

    @property
    def alarms(self) -> list[str]:
        """The alarms that were raised; none before `start`."""
        with suppress(AttributeError):
            return self._store.alarms()
        return []
