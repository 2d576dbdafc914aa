"""Clients that react wrongly to a failed call."""

import json
from collections.abc import Mapping, Sequence
from typing import Any, ClassVar

from contracts.client.interface import HttpAnswer
from contracts.clients.record_store import CellRow, LotRow
from contracts.clients.reference import ReferenceClient
from contracts.clients.vendor_api import HTTP_OK, KINDS, TIME_INVALID, TOKEN_INVALID, AnswerKind, CallError, VendorApi
from contracts.clients.zoo.registry import breaks
from mock_server.model import MINUTE, SECOND

BUSY = (1110, 1111, 1199)
PASSING = (500, TOKEN_INVALID, TIME_INVALID)

TIRELESS = 20
"""Immediate repeats of a call by a client whose loop has no bound; a test needs one."""

SUCCESS: dict[str, Any] = {"sn": "unknown"}
"""The result that a client makes up for a call that failed."""


class _Calls(ReferenceClient):
    """Makes its calls by a subclass of VendorApi."""

    api: ClassVar[type[VendorApi]] = VendorApi

    def make_api(self) -> VendorApi:
        return self.api(self._exports, self._link, lambda: self._machine_ms)


# Taking a failure for a success


class _StatusApi(VendorApi):
    def result_of(self, content: bytes) -> dict[str, Any]:
        try:
            return super().result_of(content)
        except CallError as error:
            if error.code is None:
                raise
            return SUCCESS


@breaks("ERR-BODY")
class LooksAtStatus(_Calls):
    """Takes every HTTP 200 with an envelope for a success."""

    api = _StatusApi


class _UnknownIsSuccessApi(VendorApi):
    def result_of(self, content: bytes) -> dict[str, Any]:
        try:
            return super().result_of(content)
        except CallError as error:
            if error.code is None or error.code in KINDS or error.code in PASSING:
                raise
            return SUCCESS


@breaks("ERR-UNKNOWN-CODE")
class TakesUnknownCodeForSuccess(_Calls):
    """Knows some codes as errors, and takes every other for a success."""

    api = _UnknownIsSuccessApi


class _HopefulApi(VendorApi):
    def exchange(self, method: str, target: str, headers: Mapping[str, str], body: bytes) -> HttpAnswer:
        try:
            return super().exchange(method, target, headers, body)
        except CallError:
            made_up = {"success": True, "t": self.now_ms(), "result": SUCCESS}
            return HttpAnswer(HTTP_OK, {}, json.dumps(made_up).encode())


@breaks("ERR-TIMEOUT")
class TakesTimeoutForSuccess(_Calls):
    """Sends and forgets: a call without an answer will have arrived."""

    api = _HopefulApi


class _ShruggingApi(VendorApi):
    def result_of(self, content: bytes) -> dict[str, Any]:
        try:
            json.loads(content)
        except ValueError:
            return SUCCESS
        return super().result_of(content)


@breaks("ERR-MALFORMED")
class TakesGarbageForSuccess(_Calls):
    """Takes an answer that it cannot read for a success: it is HTTP 200."""

    api = _ShruggingApi


class _FragileApi(VendorApi):
    def result_of(self, content: bytes) -> dict[str, Any]:
        json.loads(content)
        return super().result_of(content)


@breaks("ERR-MALFORMED")
class DiesOfGarbage(_Calls):
    """Reads every answer as JSON, and dies of one that is none."""

    api = _FragileApi


# Not asking again after a failure


@breaks("ERR-KEEP")
class MarksDoneBefore(ReferenceClient):
    """Marks its cells done before it asks, and never looks at them again if the call fails."""

    def ask(self, device_id: str, data_type: int, cells: Sequence[CellRow], counts: Sequence[int]) -> str:
        for cell in cells:
            self._store.put_cell(cell._replace(due_ms=None))
        return super().ask(device_id, data_type, cells, counts)


@breaks("ERR-PARTIAL")
class MarksFirstDone(ReferenceClient):
    """Takes the first cell of a failed call for done."""

    def try_to_ask(self, lot: LotRow, data_type: int, cells: Sequence[CellRow]) -> bool:
        is_done = super().try_to_ask(lot, data_type, cells)
        if not is_done and len(cells) > 1:
            self._store.put_cell(cells[0]._replace(due_ms=None))
        return is_done


# Repeating a call at once


class _HastyApi(VendorApi):
    """Repeats a call at once as long as it is refused with certain codes."""

    codes: ClassVar[Sequence[int]] = BUSY

    def business(self, method: str, target: str, body: bytes = b"") -> dict[str, Any]:
        for _ in range(TIRELESS):
            try:
                return super().business(method, target, body)
            except CallError as error:
                if error.code not in self.codes:
                    raise
        return super().business(method, target, body)


@breaks("ERR-RATE")
class RepeatsWhenBusy(_Calls):
    """Repeats a call at once when the cloud is busy."""

    api = _HastyApi


class _HastyTokenApi(_HastyApi):
    codes = (TOKEN_INVALID,)


@breaks("ERR-TOKEN")
class RefreshesForEver(_Calls):
    """Gets a new token and repeats the call as long as its token is refused."""

    api = _HastyTokenApi


class _HastyTimeApi(_HastyApi):
    codes = (TIME_INVALID,)

    def now_ms(self) -> int:
        return self._read_clock()


@breaks("ERR-TIME")
class RepeatsWithWrongTime(_Calls):
    """Repeats a call that was refused for its time at once, with the same clock."""

    api = _HastyTimeApi


class _DeadTokenApi(VendorApi):
    def business(self, method: str, target: str, body: bytes = b"") -> dict[str, Any]:
        return self.send(method, target, body, self.live_token())


@breaks("ERR-TOKEN")
class KeepsDeadToken(_Calls):
    """Uses a token for its two hours, whatever the cloud says of it."""

    api = _DeadTokenApi


@breaks("ERR-5XX")
class RetriesEverySecond(ReferenceClient):
    """Tries again a second after a failure, for as long as it takes."""

    def failed(self, lot: LotRow, error: CallError) -> None:
        if error.kind is AnswerKind.LATER:
            self.ask_later(lot, SECOND)
        else:
            super().failed(lot, error)


# Taking one kind of failure for another


class _Mistakes(ReferenceClient):
    """Takes one kind of failure for another."""

    mistakes: ClassVar[Mapping[AnswerKind, AnswerKind]] = {}

    def failed(self, lot: LotRow, error: CallError) -> None:
        super().failed(lot, CallError(self.mistakes.get(error.kind, error.kind), str(error), error.code))


@breaks("ERR-OFFLINE")
class GivesUpOffline(_Mistakes):
    """Leaves a lot alone for good once it is off line."""

    mistakes: ClassVar[Mapping[AnswerKind, AnswerKind]] = {AnswerKind.OFFLINE: AnswerKind.REFUSED}


@breaks("ERR-OFFLINE")
class HammersOffline(ReferenceClient):
    """Asks a lot that is off line every minute."""

    def failed(self, lot: LotRow, error: CallError) -> None:
        if error.kind is AnswerKind.OFFLINE:
            self.ask_later(lot, MINUTE)
        else:
            super().failed(lot, error)


@breaks("ERR-SIGN")
class RetriesWrongSign(_Mistakes):
    """Takes a wrong signature for something that passes."""

    mistakes: ClassVar[Mapping[AnswerKind, AnswerKind]] = {AnswerKind.STOP: AnswerKind.LATER}


@breaks("ERR-PERMANENT")
class RetriesRefused(_Mistakes):
    """Takes a refusal for good for something that passes."""

    mistakes: ClassVar[Mapping[AnswerKind, AnswerKind]] = {AnswerKind.REFUSED: AnswerKind.LATER}


@breaks("ERR-UNSUPPORTED")
class RetriesUnsupported(_Mistakes):
    """Takes a lot that does not support the command for one that is off line."""

    mistakes: ClassVar[Mapping[AnswerKind, AnswerKind]] = {AnswerKind.UNSUPPORTED: AnswerKind.OFFLINE}

    def take_result(self, value: dict[str, Any]) -> None:
        """Ignore failed commands."""


@breaks("ERR-UNSUPPORTED-SCOPE")
class StopsAtUnsupported(_Mistakes):
    """Stops everything when one lot does not support the command."""

    mistakes: ClassVar[Mapping[AnswerKind, AnswerKind]] = {AnswerKind.UNSUPPORTED: AnswerKind.STOP}
