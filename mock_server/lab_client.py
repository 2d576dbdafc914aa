"""A typed client of the lab API.

lab = LabClient("http://127.0.0.1:8290")
project = lab.create_project(clock="virtual", seed=7)
project.add_record("6ce0000000000001", data_type=0, pass_direction=0, event_time=1652779000000, uplink="lose")
project.advance(3_600_000)
project.rereports()
"""

import json
from collections.abc import Iterator, Mapping
from http import HTTPStatus
from pathlib import Path
from threading import Event
from types import TracebackType
from typing import Any, Self, Unpack, cast
from urllib.parse import quote

import requests

from mock_server.clock import monotonic_s
from mock_server.doubts import WARNING, warn_of
from mock_server.lab_shapes import (
    CellJson,
    CheckpointJson,
    ClockJson,
    ClockMove,
    DeviceChange,
    DeviceJson,
    Exports,
    ForkJson,
    ForkOrder,
    GuideJson,
    GuideOrder,
    IdleJson,
    NewDevice,
    NewProject,
    NewSubscription,
    PendingWork,
    ProjectJson,
    RereportJson,
    SeedJson,
    SubscriptionJson,
)
from mock_server.private_file import write_private

__all__ = [
    "CellJson",
    "CheckpointJson",
    "DeviceChange",
    "DeviceJson",
    "Exports",
    "ForkJson",
    "ForkOrder",
    "GuideJson",
    "GuideOrder",
    "IdleJson",
    "LabApiError",
    "LabClient",
    "LabProject",
    "NewDevice",
    "NewProject",
    "PendingWork",
    "ProjectJson",
    "RereportJson",
    "SeedJson",
]

_DATA = b"data: "
_PIECE = 64 * 1024

ELSEWHERE = "held_elsewhere"
"""The code of a refusal because another server has the project."""

ELSEWHERE_S = 10
"""Seconds in which the project must have come to the server that is asked."""

_PAUSE_S = 0.2


class LabApiError(Exception):
    """A refusal of the lab API: HTTP status, stable code, and a message that says what to do."""

    def __init__(self, status: int, code: str, message: str) -> None:
        super().__init__(f"{status} {code}: {message}")
        self.status = status
        self.code = code
        self.message = message


class LabClient:
    """The lab plane of one server. A context manager that closes its connections.

    Every call raises LabApiError if it is refused, and `requests`' exceptions if there is no answer in `timeout_s`.
    """

    def __init__(self, url: str, token: str | None = None, timeout_s: float = 70.0) -> None:
        self.url = url.rstrip("/")
        self._timeout_s = timeout_s
        self._session = requests.Session()
        self._session.trust_env = False  # neither a proxy nor the keys of a .netrc are meant for this server
        if token is not None:
            self._session.headers["Authorization"] = f"Bearer {token}"

    def __repr__(self) -> str:
        return f"<LabClient of {self.url}>"

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def close(self) -> None:
        """Close the connections."""
        self._session.close()

    def health(self) -> dict[str, str]:
        """`{"status": "ok", "version": ...}`."""
        return cast("dict[str, str]", self.call("GET", "/healthz"))

    def openapi(self) -> dict[str, Any]:
        """The OpenAPI document of both planes."""
        return cast("dict[str, Any]", self.call("GET", "/openapi.json"))

    def asyncapi(self) -> dict[str, Any]:
        """The AsyncAPI document of the queue."""
        return cast("dict[str, Any]", self.call("GET", "/asyncapi.json"))

    def llms(self) -> str:
        """The short guide for agents, Markdown."""
        return b"".join(self.pieces("/llms.txt")).decode()

    def projects(self) -> list[str]:
        """The access ids of all projects."""
        return cast("list[str]", self.call("GET", "/_lab/projects"))

    def create_project(self, **settings: Unpack[NewProject]) -> "LabProject":
        """Create a project; all settings are optional."""
        exports = cast("Exports", self.call("POST", "/_lab/projects", settings))
        return LabProject(self, exports["access_id"])

    def import_project(self, file: str | Path, *, new_keys: bool = False) -> "LabProject":
        """Make the project of a file, with its own keys or with new ones. OSError if the file cannot be read."""
        query = {"new_keys": "true"} if new_keys else {}
        response = self.send("POST", "/_lab/import", query=query, content=Path(file).read_bytes())
        return LabProject(self, _answered(response).json()["access_id"])

    def guide(self, after: int = 0, timeout_ms: int = 0) -> GuideJson:
        """The present caption of a demo. Waits until its number is above `after`, at most `timeout_ms`."""
        return cast("GuideJson", self.call("GET", "/_lab/guide", after=after, timeout_ms=timeout_ms))

    def steer_guide(self, **order: Unpack[GuideOrder]) -> GuideJson:
        """Steer the story of a demo; all orders are optional."""
        return cast("GuideJson", self.call("POST", "/_lab/guide", order))

    def project(self, access_id: str) -> "LabProject":
        """An existing project."""
        return LabProject(self, access_id)

    def call(self, method: str, path: str, body: object = None, **query: Any) -> Any:
        """One call; the JSON value of the answer, or None if it has no body.

        `DoubtfulValueWarning` where the server has taken a value that can hardly be meant.
        """
        response = self.send(method, path, body, query)
        _answered(response)
        if WARNING in response.headers:
            warn_of([response.headers[WARNING]])
        return response.json() if response.content else None

    def send(
        self,
        method: str,
        path: str,
        body: object = None,
        query: Mapping[str, Any] | None = None,
        content: bytes | None = None,
    ) -> requests.Response:
        """One call, with a body of JSON or of bytes; the answer as it is, also a refusal.

        Asked again while another server has the project, which lets it go soon: nothing was done then.
        """
        begun = monotonic_s()
        while True:
            response = self._session.request(
                method, self.url + path, json=body, data=content, params=query or None, timeout=self._timeout_s
            )
            is_elsewhere = response.status_code == HTTPStatus.SERVICE_UNAVAILABLE and ELSEWHERE in response.text
            if not is_elsewhere or monotonic_s() > begun + ELSEWHERE_S:
                return response
            Event().wait(_PAUSE_S)

    def stream(self, path: str, headers: Mapping[str, str] | None = None, **query: Any) -> Iterator[bytes]:
        """The lines of a body, each as soon as it is received."""
        with self._session.get(
            self.url + path, params=query or None, headers=headers, timeout=self._timeout_s, stream=True
        ) as response:
            yield from _answered(response).iter_lines()

    def pieces(self, path: str) -> Iterator[bytes]:
        """A long body in pieces."""
        with self._session.get(self.url + path, timeout=self._timeout_s, stream=True) as response:
            yield from _answered(response).iter_content(_PIECE)


class LabProject:
    """One project of a server."""

    def __init__(self, lab: LabClient, access_id: str) -> None:
        self._lab = lab
        self.access_id = access_id
        self._path = f"/_lab/projects/{_part(access_id)}"

    def __repr__(self) -> str:
        return f"<LabProject {self.access_id} of {self._lab.url}>"

    def show(self) -> ProjectJson:
        """Exports, clock, profile, faults used, counts per device."""
        return cast("ProjectJson", self._call("GET", ""))

    def exports(self) -> Exports:
        """Addresses, keys and devices."""
        shown: Any = self.show()
        return cast("Exports", {name: shown[name] for name in Exports.__annotations__})

    def delete(self) -> None:
        """Delete the project."""
        self._call("DELETE", "")

    def reset(self) -> Exports:
        """Go back to the seed."""
        return cast("Exports", self._call("POST", "/reset"))

    def snapshot(self) -> SeedJson:
        """The present state as a seed file."""
        return cast("SeedJson", self._call("GET", "/snapshot"))

    def export(self, file: str | Path) -> None:
        """Write the whole project to a file, for its user alone: the secret is in it. OSError if that fails."""
        write_private(Path(file), self._lab.pieces(f"{self._path}/export"))

    def checkpoint(self, name: str | None = None) -> CheckpointJson:
        """Keep the present moment, by a free name if none is given."""
        asked = {} if name is None else {"name": name}
        return cast("CheckpointJson", self._call("POST", "/checkpoints", asked))

    def checkpoints(self) -> list[CheckpointJson]:
        """The moments that are kept, oldest first."""
        return cast("list[CheckpointJson]", self._call("GET", "/checkpoints"))

    def delete_checkpoint(self, name: str) -> None:
        """Keep a moment no more."""
        self._call("DELETE", f"/checkpoints/{_part(name)}")

    def restore(self, name: str) -> Exports:
        """Go back to a checkpoint; consumers stay connected and get what was not acknowledged then."""
        return cast("Exports", self._call("POST", f"/checkpoints/{_part(name)}/restore"))

    def fork(self, **order: Unpack[ForkOrder]) -> "LabProject":
        """A new project that is as this one was behind line `at` of its history, at a checkpoint, or as it is now."""
        made = cast("ForkJson", self._call("POST", "/fork", order))
        return LabProject(self._lab, made["access_id"])

    def devices(self) -> list[DeviceJson]:
        """Every device."""
        return cast("list[DeviceJson]", self._call("GET", "/devices"))

    def add_device(self, **device: Unpack[NewDevice]) -> DeviceJson:
        """Add a device; all fields are optional."""
        return cast("DeviceJson", self._call("POST", "/devices", device))

    def change_device(self, device_id: str, **changes: Unpack[DeviceChange]) -> DeviceJson:
        """Change device_name, supplier_code or online."""
        return cast("DeviceJson", self._call("PATCH", f"/devices/{_part(device_id)}", changes))

    def subscriptions(self) -> list[SubscriptionJson]:
        """Every subscription of the queue."""
        return cast("list[SubscriptionJson]", self._call("GET", "/subscriptions"))

    def add_subscription(self, **subscription: Unpack[NewSubscription]) -> SubscriptionJson:
        """Make the subscription `{access_id}-{suffix}`, of the topic `event` unless `topic` is another."""
        return cast("SubscriptionJson", self._call("POST", "/subscriptions", subscription))

    def add_record(self, device_id: str, **record: Any) -> dict[str, Any]:
        """Add one record to a lot; the answer has its `record_id`."""
        return cast("dict[str, Any]", self._call("POST", f"/devices/{_part(device_id)}/records", record))

    def add_records(self, device_id: str, records: list[dict[str, Any]]) -> list[dict[str, Any]]:
        """Add several records to a lot, all or none."""
        return cast("list[dict[str, Any]]", self._call("POST", f"/devices/{_part(device_id)}/records", records))

    def remove_record(self, device_id: str, record_id: str, data_type: int = 0) -> None:
        """Remove a record from a lot."""
        path = f"/devices/{_part(device_id)}/records/{_part(record_id)}"
        self._call("DELETE", path, data_type=data_type)

    def faults(self) -> dict[str, Any]:
        """The directed faults, the run of chaos, and the strikes by kind."""
        return cast("dict[str, Any]", self._call("GET", "/faults"))

    def add_fault(self, kind: str, **settings: Any) -> dict[str, Any]:
        """Direct a fault. Settings: times, skip, device_id, data_type, path, and the kind's own parameter."""
        return cast("dict[str, Any]", self._call("POST", "/faults", {"kind": kind, **settings}))

    def calm(self) -> None:
        """Drop the directed faults and turn chaos off."""
        self._call("DELETE", "/faults")

    def set_chaos(self, preset: str, seed: int | None = None, budget: int | None = None) -> dict[str, Any]:
        """Draw random faults from a preset from now on."""
        given = {"preset": preset, "seed": seed, "budget": budget}
        chosen = {name: value for name, value in given.items() if value is not None}
        return cast("dict[str, Any]", self._call("PUT", "/chaos", chosen))

    def advance(self, by_ms: int) -> IdleJson:
        """Move a virtual clock forward by `by_ms` milliseconds; returns when the project is idle at that time."""
        return self._move({"advance_ms": by_ms})

    def advance_to(self, to_ms: int) -> IdleJson:
        """Move a virtual clock to a time in epoch milliseconds; returns when the project is idle at that time."""
        return self._move({"to_ms": to_ms})

    def _move(self, move: ClockMove) -> IdleJson:
        """One call does a bounded number of steps: call until the time is reached."""
        answer = cast("ClockJson", self._call("POST", "/clock", move))
        while not answer["reached"]:
            answer = cast("ClockJson", self._call("POST", "/clock", {"to_ms": answer["to_ms"]}))
        return answer

    def idle(self, timeout_ms: int = 5_000) -> IdleJson:
        """Wait until nothing is pending, at most `timeout_ms`."""
        return cast("IdleJson", self._call("GET", "/idle", timeout_ms=timeout_ms))

    def rereports(self) -> list[RereportJson]:
        """The re-reports, oldest first."""
        return cast("list[RereportJson]", self._call("GET", "/rereports"))

    def history(self, after: int = 0) -> list[dict[str, Any]]:
        """The entries of the history after number `after`."""
        lines = self._lab.stream(f"{self._path}/history", after=after)
        return [json.loads(line) for line in lines]

    def follow(self, after: int = 0) -> Iterator[dict[str, Any]]:
        """The entries of the history after number `after`, then new ones, until the project or the server is gone.

        Closing the iterator closes the connection.
        """
        for line in self._lab.stream(f"{self._path}/history", {"Accept": "text/event-stream"}, after=after):
            if line.startswith(_DATA):
                yield json.loads(line.removeprefix(_DATA))

    def _call(self, method: str, path: str, body: object = None, **query: Any) -> Any:
        return self._lab.call(method, self._path + path, body, **query)


def _part(name: str) -> str:
    """A name, percent-encoded as one segment of a path."""
    return quote(name, safe="")


def _answered(response: requests.Response) -> requests.Response:
    """The answer. LabApiError if it is a refusal."""
    if not response.ok:
        raise _error(response)
    return response


def _error(response: requests.Response) -> LabApiError:
    try:
        error = response.json()["error"]
        return LabApiError(response.status_code, error["code"], error["message"])
    except (ValueError, KeyError, TypeError):
        return LabApiError(response.status_code, "unknown", response.text[:200])
