"""Clients that do two things at once which do not go together."""

from collections.abc import Sequence
from typing import Any

from contracts.client.interface import Socket
from contracts.clients.record_store import CellRow, Stored
from contracts.clients.reference import ReferenceClient
from contracts.clients.vendor_api import TOKEN_INVALID, AnswerKind, CallError, VendorApi
from contracts.clients.zoo.receiving import KeylessStore
from contracts.clients.zoo.registry import breaks


class _TwoAtOnce(ReferenceClient):
    """Handles the messages of a batch in pairs: both are looked up before either is stored."""

    def __init__(self, exports: Any = None) -> None:
        super().__init__(exports)
        self._pair: list[Stored] = []
        self._is_new: list[bool] = []

    def is_new(self, record: Stored) -> bool:
        """Whether a record is not stored yet."""
        return not self._store.has(record)

    def take_record(self, record: Stored) -> None:
        self._pair.append(record)
        self._is_new.append(self.is_new(record))

    def take_frames(self, socket: Socket, frames: Sequence[dict[str, Any]]) -> None:
        for place in range(0, len(frames), 2):
            with self._store.transaction():
                done = [self.take(frame) for frame in frames[place : place + 2]]
                for record, is_new in zip(self._pair, self._is_new, strict=True):
                    self.store(record, is_new=is_new)
                self._pair, self._is_new = [], []
            for frame, is_done in zip(frames[place : place + 2], done, strict=True):
                self.answer_frame(socket, frame, is_done=is_done)
        self._reconnects = 0

    def store(self, record: Stored, *, is_new: bool) -> None:
        """Store a record, as it was found to be new or not."""
        raise NotImplementedError


@breaks("REC-UPSERT")
class ChecksThenInserts(_TwoAtOnce):
    """Looks whether it has a record and inserts it if not, in two workers at once, into a table without a key."""

    store_kind = KeylessStore

    def store(self, record: Stored, *, is_new: bool) -> None:
        if is_new:
            self._store.keep(record)
            self._store.add_effect("charge" if record.data_type else "occupancy", record.record_id)
        self.heard(record)


@breaks("REC-NO-REPLAY-EFFECT")
class ChecksThenActs(_TwoAtOnce):
    """Looks whether it has a record and acts on it if not, in two workers at once; the row is unique."""

    def store(self, record: Stored, *, is_new: bool) -> None:
        self._store.keep(record)
        if is_new:
            self._store.add_effect("charge" if record.data_type else "occupancy", record.record_id)
        self.heard(record)


class _WorkersApi(VendorApi):
    """Two workers, for passes and for bills, with a copy each of one pair of tokens, which the first one renews."""

    def __init__(self, *args: Any) -> None:
        super().__init__(*args)
        self._copies: dict[int, tuple[str, str]] = {}
        self.worker = 0

    def live_token(self) -> str:
        if self.worker not in self._copies:
            result = self._token_result("/v1.0/token?grant_type=1")
            self._copies[self.worker] = (str(result["access_token"]), str(result["refresh_token"]))
        return self._copies[self.worker][0]

    def attempt(self, method: str, target: str, body: bytes) -> dict[str, Any]:
        try:
            return self.send(method, target, body, self.live_token())
        except CallError as error:
            if error.code == TOKEN_INVALID:
                self.refresh()
            raise

    def refresh(self) -> None:
        """Renew this worker's pair. Its refresh token may have been used by the other worker: then all is over."""
        refresh_token = self._copies[self.worker][1]
        try:
            result = self._token_result(f"/v1.0/token/{refresh_token}")
        except CallError as error:
            raise CallError(AnswerKind.STOP, f"the refresh failed: {error}", error.code) from None
        self._copies[self.worker] = (str(result["access_token"]), str(result["refresh_token"]))


@breaks("ERR-TOKEN")
class RefreshesTwice(ReferenceClient):
    """Refreshes a token in two workers, each with its own copy of the refresh token, and stops if that is refused."""

    def make_api(self) -> VendorApi:
        return _WorkersApi(self._exports, self._link, lambda: self._machine_ms)

    def ask(self, device_id: str, data_type: int, cells: Sequence[CellRow], counts: Sequence[int]) -> str:
        self._api.worker = data_type  # type: ignore[attr-defined]  # the api is a _WorkersApi
        return super().ask(device_id, data_type, cells, counts)
