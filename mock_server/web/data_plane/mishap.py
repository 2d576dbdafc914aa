"""The faults that strike one API call: a refusal, a lost command, an answer that is late, garbled or never sent."""

import hashlib
from collections.abc import Callable
from dataclasses import dataclass

from mock_server.faults.catalogue import CALL, FaultKind
from mock_server.faults.faults import Occasion, Strike
from mock_server.model import JsonObject
from mock_server.project import Project
from mock_server.web.data_plane.admission import Caller
from mock_server.web.data_plane.masking import masked_path
from mock_server.wire.envelope import encode
from mock_server.wire.errors import ErrorCode, VendorError

_ADDRESS = "203.0.113.7"
"""The caller's address in texts that name it: one that is reserved for documentation."""

_REFUSALS: dict[str, str] = {
    FaultKind.ANSWER_BUSY: "system is busy, please retry later",
    FaultKind.ANSWER_ERROR: ErrorCode.SYSTEM_ERROR.message,
    FaultKind.ANSWER_UNKNOWN_CODE: "unknown error",
    FaultKind.ANSWER_REFUSE: ErrorCode.PERMISSION_DENY.message,
    FaultKind.TOKEN_REGION: f"your ip({_ADDRESS}) cross-region access is not allowed",
    FaultKind.TIME_REFUSE: ErrorCode.REQUEST_TIME_INVALID.message,
    FaultKind.DEVICE_OFFLINE: ErrorCode.DEVICE_OFFLINE.message,
}
"""The text of each refusal, unless its code has one in `_TEXTS`. Those that name an address were observed."""

_CODES: dict[str, int] = {
    FaultKind.ANSWER_ERROR: 500,
    FaultKind.TIME_REFUSE: 1013,
    FaultKind.DEVICE_OFFLINE: 2001,
}
_TEXTS = {
    1004: ErrorCode.SIGN_INVALID.message,
    1110: "concurrent request over limit",
    1114: f"your ip({_ADDRESS}) don't have access to this API",
    1199: "your requests are too frequent",
    2010: "device not exist",
}
_WEB_PAGE = b"<html><head><title>502 Bad Gateway</title></head><body><center>nginx</center></body></html>"
_UNKNOWN_FIELDS: JsonObject = {"region": "az1", "x-new": {"cost": 3, "hints": []}}
_HALF = 2


@dataclass(frozen=True, slots=True)
class Mishap:
    """The faults that struck one call."""

    strikes: tuple[Strike, ...] = ()

    def has(self, kind: str) -> bool:
        """Whether a fault of that kind struck."""
        return any(strike.kind == kind for strike in self.strikes)

    @property
    def refusal(self) -> VendorError | None:
        """The error with which the call is refused before it is carried out, or None."""
        for strike in self.strikes:
            if strike.kind in _REFUSALS:
                code = _CODES.get(strike.kind, strike.value)
                return VendorError(code, message=_TEXTS.get(code, _REFUSALS[strike.kind]))
        return None

    @property
    def late_ms(self) -> int:
        """The milliseconds by which the answer is delayed."""
        return sum(strike.value for strike in self.strikes if strike.kind == FaultKind.ANSWER_LATE)

    def garble(self, envelope: JsonObject) -> bytes:
        """The bytes that are sent in place of an envelope."""
        for strike in self.strikes:
            envelope = _CHANGED.get(strike.kind, _unchanged)(envelope)
        content = encode(envelope)
        for strike in self.strikes:
            content = _DAMAGED.get(strike.kind, _undamaged)(content)
        return content


NO_MISHAP = Mishap()


def call_operation(caller: Caller) -> str:
    """The logical operation of a call, shared by its retries: method, path and, of a sync, its cells' fingerprint."""
    name = f"{CALL} {caller.environ['REQUEST_METHOD']} {masked_path(caller.environ['PATH_INFO'])}"
    return f"{name} {_cells(caller)}" if caller.body else name


def strike_call(project: Project, caller: Caller, device_id: str | None, request: int) -> Mishap:
    """Let faults strike one call, after its signature is checked and before its token is.

    `request` is the number of its entry in the history.
    """
    if not project.faults.active:
        return NO_MISHAP
    operation = call_operation(caller)
    # A call that fails by a token that a fault has invalidated counts as struck, so that no further fault strikes it.
    token = caller.header("access_token")
    if project.tokens.was_killed(token) and not project.tokens.is_live(token):
        project.faults.suffer(operation)
        return NO_MISHAP
    occasion = Occasion(CALL, operation, device_id, path=caller.environ["PATH_INFO"], request=request)
    mishap = Mishap(tuple(project.faults.strike(occasion)))
    _change_project(project, mishap, device_id)
    return mishap


def _change_project(project: Project, mishap: Mishap, device_id: str | None) -> None:
    """Carry out the faults that change the project's tokens or devices, whatever the answer to the call is."""
    for strike in mishap.strikes:
        if strike.kind == FaultKind.TOKEN_EXPIRE:
            project.tokens.expire()
        elif strike.kind == FaultKind.TOKEN_REVOKE:
            project.tokens.revoke()
        elif strike.kind == FaultKind.DEVICE_OFFLINE and strike.value and device_id and device_id in project.devices:
            project.take_offline(device_id, strike.value)


def _cells(caller: Caller) -> str:
    """A fingerprint of a sync body without its counts, which a retry may change; of another body, of all its bytes."""
    value = caller.json_value
    infos = next((each for each in value.values() if isinstance(each, list)), []) if isinstance(value, dict) else []
    asked = [_without_count(info) for info in infos if isinstance(info, dict)]
    return hashlib.sha256(repr(asked or caller.body).encode()).hexdigest()[:12]


def _without_count(info: dict[str, object]) -> list[tuple[str, object]]:
    return sorted((key, value) for key, value in info.items() if "ount" not in key)


def _unchanged(envelope: JsonObject) -> JsonObject:
    return envelope


def _undamaged(content: bytes) -> bytes:
    return content


_CHANGED: dict[str, Callable[[JsonObject], JsonObject]] = {
    FaultKind.ANSWER_NO_RESULT: lambda envelope: envelope | ({"result": {}} if "result" in envelope else {}),
    FaultKind.ANSWER_UNKNOWN_FIELDS: lambda envelope: envelope | _UNKNOWN_FIELDS,
}
_DAMAGED: dict[str, Callable[[bytes], bytes]] = {
    FaultKind.ANSWER_NOT_JSON: lambda _: _WEB_PAGE,
    FaultKind.ANSWER_EMPTY: lambda _: b"",
    FaultKind.ANSWER_TRUNCATED: lambda content: content[: len(content) // _HALF],
}
