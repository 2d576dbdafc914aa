"""Clients with a defect in receiving."""

import json
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from contracts.client.interface import GOING_AWAY, Socket
from contracts.clients.messages import UnreadableError
from contracts.clients.record_store import RecordStore, Stored
from contracts.clients.reference import CODES, HORIZON_MS, ReferenceClient
from contracts.clients.zoo.registry import breaks
from mock_server.model import MINUTE, JsonObject

ENTER, LEAVE = 0, 1


@breaks("REC-ENCRYPTION")
class ReadsOneEncryption(ReferenceClient):
    """Decrypts every message by ECB, whatever its property says."""

    def read(self, frame: dict[str, Any]) -> dict[str, Any]:
        return super().read(frame | {"properties": {"em": "aes_ecb"}})


@breaks("REC-PERSIST-ACK")
class AcksBeforeStoring(ReferenceClient):
    """Acknowledges what has come at once, and stores it when it next has time."""

    def __init__(self, exports: JsonObject | None = None) -> None:
        super().__init__(exports)
        self._waiting: list[dict[str, Any]] = []

    def take_frames(self, socket: Socket, frames: Sequence[dict[str, Any]]) -> None:
        for frame in frames:
            self.answer_frame(socket, frame, is_done=True)
        self._waiting += frames

    def plan(self) -> None:
        with self._store.transaction():
            for frame in self._waiting:
                self.take(frame)
        self._waiting.clear()
        super().plan()


class KeylessStore(RecordStore):
    """A table of records without a unique key; its indexes only save time."""

    def __init__(self, path: Path) -> None:
        super().__init__(path)
        if not self.dump():
            columns = "device_id, data_type, record_id, direction, event_ms, content"
            self._db.executescript(
                f"DROP TABLE records; CREATE TABLE records ({columns});"
                "CREATE INDEX records_by_id ON records (device_id, data_type, record_id);"
                "CREATE INDEX records_by_time ON records (device_id, data_type, direction, event_ms)"
            )


@breaks("REC-UPSERT")
class InsertsEachTime(ReferenceClient):
    """Keeps records in a table without a unique key."""

    store_kind = KeylessStore


@breaks("REC-UPSERT")
class BlanksWhatItKnows(ReferenceClient):
    """Writes over a record that comes again, with nothing but its id and its time."""

    def keep(self, record: Stored) -> bool:
        """Known records lose their content, which no count shows."""
        is_new = super().keep(record)
        return is_new or super().keep(record._replace(content="{}"))


@breaks("REC-ORDER")
class DropsExitsWithoutEntry(ReferenceClient):
    """Drops the exit of a vehicle that it has not seen enter."""

    def __init__(self, exports: JsonObject | None = None) -> None:
        super().__init__(exports)
        self._entered: set[str] = set()

    def take_record(self, record: Stored) -> None:
        plate = json.loads(record.content)["plateNo"]
        if record.direction == ENTER:
            self._entered.add(plate)
        if record.direction != LEAVE or plate in self._entered:
            super().take_record(record)


@breaks("REC-OLD")
class IgnoresOldEvents(ReferenceClient):
    """Ignores events that are older than ten minutes."""

    def take_record(self, record: Stored) -> None:
        if self.now_ms() - record.event_ms < 10 * MINUTE:
            super().take_record(record)


@breaks("REC-NO-REPLAY-EFFECT")
class ActsOnEveryMessage(ReferenceClient):
    """Does what a record asks for each time that it comes."""

    def keep(self, record: Stored) -> bool:
        super().keep(record)
        return True


class ReplacingStore(RecordStore):
    """Takes the first message of a cell after an ask for the start of a whole re-report, and empties the cell."""

    def has(self, record: Stored) -> bool:
        """Whether a record with this id was ever stored: its effect stays."""
        return any(effect.record_id == record.record_id for effect in self.effects())

    def keep(self, record: Stored) -> bool:
        """Delete the cell's records before the first message after an ask, then insert."""
        is_known = self.has(record)
        cell = "device_id = ? AND data_type = ? AND direction = ?"
        key = (*record[:2], record.direction)
        asked = self._db.execute(
            f"""SELECT start_ms, end_ms FROM cells WHERE {cell}
                AND asked_ms > heard_ms AND start_ms <= ? AND end_ms > ?""",  # noqa: S608 a constant
            (*key, record.event_ms, record.event_ms),
        ).fetchall()
        for span in asked:
            self._db.execute(f"DELETE FROM records WHERE {cell} AND event_ms >= ? AND event_ms < ?", (*key, *span))  # noqa: S608 a constant
        super().keep(record)
        return not is_known


@breaks("REC-NO-REPLACE")
class ReplacesTheWindow(ReferenceClient):
    """Deletes a window's records when a re-report of it begins, and stores what arrives."""

    store_kind = ReplacingStore


@breaks("REC-ASK-AGAIN")
class AcksTheUnreadable(ReferenceClient):
    """Acknowledges what it cannot read, and forgets it."""

    def take(self, frame: dict[str, Any]) -> bool:
        super().take(frame)
        return True


@breaks("REC-NACK")
class StopsAtTheUnreadable(ReferenceClient):
    """Ends its loop at the first message that it cannot read."""

    _ended = False

    def take(self, frame: dict[str, Any]) -> bool:
        is_done = super().take(frame)
        self._ended = self._ended or not is_done
        return is_done

    def read_frames(self, socket: Socket) -> list[dict[str, Any]]:
        return [] if self._ended else super().read_frames(socket)


@breaks("REC-CUMULATIVE")
class AcksTheLastOnly(ReferenceClient):
    """Acknowledges the last message of a batch, and takes that for an answer to all."""

    def take_frames(self, socket: Socket, frames: Sequence[dict[str, Any]]) -> None:
        with self._store.transaction():
            is_done = [self.take(frame) for frame in frames][-1]
        self.answer_frame(socket, frames[-1], is_done=is_done)
        self._reconnects = 0


@breaks("REC-ACK-DUPLICATES")
class SkipsWhatItKnows(ReferenceClient):
    """Passes over messages about records that it has, before it comes to acknowledging them."""

    def __init__(self, exports: JsonObject | None = None) -> None:
        super().__init__(exports)
        self._is_known = False
        self._skipped: set[str] = set()

    def keep(self, record: Stored) -> bool:
        is_new = super().keep(record)
        self._is_known = not is_new
        return is_new

    def take(self, frame: dict[str, Any]) -> bool:
        self._is_known = False
        is_done = super().take(frame)
        if self._is_known:
            self._skipped.add(frame["messageId"])
        return is_done

    def answer_frame(self, socket: Socket, frame: dict[str, Any], *, is_done: bool) -> None:
        if frame["messageId"] not in self._skipped:
            super().answer_frame(socket, frame, is_done=is_done)


@breaks("REC-RECONNECT")
class NewNameEachTime(ReferenceClient):
    """Makes up a new subscription for each connection."""

    _times = 0

    def subscription(self) -> str:
        self._times += 1
        return f"{super().subscription()}-{self._times}"


@breaks("REC-RECONNECT")
class ComesBackAtOnce(ReferenceClient):
    """Opens a lost connection again without a pause, however often it is lost."""

    def reconnect_later(self) -> None:
        super().reconnect_later()
        self._reconnect_at = self.now_ms()


@breaks("REC-RECONNECT")
class StaysCut(ReferenceClient):
    """Leaves a lost connection lost."""

    def reconnect_later(self) -> None:
        super().reconnect_later()
        self._reconnect_at = self.now_ms() + HORIZON_MS


@breaks("REC-RECONNECT")
class TakesGoodbyeForTheEnd(ReferenceClient):
    """Opens a connection again that broke, but not one that the queue closed in order, as after a silence."""

    def reconnect_later(self) -> None:
        closed = None if self._socket is None else self._socket.closed
        super().reconnect_later()
        if closed == GOING_AWAY:
            self._reconnect_at = self.now_ms() + HORIZON_MS


@breaks("REC-TOLERANT")
class RefusesNewFields(ReferenceClient):
    """Holds a message with a field that it does not know for unreadable."""

    def read(self, frame: dict[str, Any]) -> dict[str, Any]:
        report = super().read(frame)
        if report.keys() - {"dataId", "devId", "productKey", "status"}:
            raise UnreadableError("a field of no schema")
        return report


@breaks("REC-TOLERANT")
class DiesOfNewEvents(ReferenceClient):
    """Does not survive an event of a kind that it does not know."""

    def take_status(self, device_id: str, status: dict[str, Any]) -> None:
        if status["code"] not in (*CODES, "command_result"):
            raise NotImplementedError(status["code"])
        super().take_status(device_id, status)


@breaks("REC-FOREIGN")
class GivesStrangersToTheFirstLot(ReferenceClient):
    """Counts the records of lots that it does not know for the first one that it does."""

    def take_status(self, device_id: str, status: dict[str, Any]) -> None:
        super().take_status(device_id if device_id in self._lots else self._lots[0], status)
