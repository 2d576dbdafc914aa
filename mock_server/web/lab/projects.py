"""Lab views of projects as wholes: made, shown, reset, kept in a file, deleted; and what they have to tell."""

import re
from collections.abc import Callable
from typing import TypeAlias

from flask import Response, request

from mock_server.clock import Clock, SystemClock, VirtualClock
from mock_server.cloud import Cloud
from mock_server.faults.chaos import read_chaos
from mock_server.lots.seed import Seed, default_seed, read_devices, read_seed_json
from mock_server.model import LATEST_MS, JsonObject, Rereport
from mock_server.problems import Problem, ProblemKind, Reader
from mock_server.profile import read_profile
from mock_server.project import Project
from mock_server.version import __version__
from mock_server.web.lab.history_lines import history_lines, history_place
from mock_server.web.lab.request import LabError, json_object, refuse_problems
from mock_server.wire.encryption import MIN_SECRET_LENGTH

MAX_PROJECTS = 10_000
"""How many projects one server has at most."""

MAX_SECRET_LENGTH = 128
KEY_PATTERN = "^[A-Za-z0-9_-]{1,64}$"
SECRET_PATTERN = "^[!-~]+$"  # noqa: S105 how secrets look, no secret
_FIELDS = ("access_id", "access_secret", "devices", "seed", "profile", "chaos", "clock", "now_ms")

Addresses: TypeAlias = Callable[[], tuple[str, str, str]]


class Projects:
    """The views."""

    def __init__(self, cloud: Cloud, addresses: Addresses) -> None:
        self._cloud = cloud
        self._addresses = addresses

    def find(self, project_id: str) -> Project:
        """The project of that access id, or a 404 that names those there are."""
        project = self._cloud.get(project_id)
        if project is None:
            known = ", ".join(each.access_id for each in list(self._cloud)[:20])
            raise LabError(404, "no_project", f"there is no project {project_id[:64]!r}; there are: {known}")
        return project

    def health(self) -> JsonObject:
        """`GET /healthz`."""
        return {"status": "ok", "version": __version__}

    def list_all(self) -> list[str]:
        """`GET projects`: the access ids."""
        return [project.access_id for project in self._cloud]

    def create(self) -> tuple[JsonObject, int]:
        """`POST projects`: a new project, answered with its exports."""
        body = json_object('{"clock": "virtual"}', optional=True)
        problems: list[Problem] = []
        project = _Maker(body, problems, self._cloud).make()
        refuse_problems(problems)
        if project is None:
            raise LabError(400, "invalid", "the body cannot be used")
        if len(self.list_all()) >= MAX_PROJECTS:
            raise LabError(409, "too_many", f"there are {MAX_PROJECTS} projects: delete some first")
        if self._cloud.get(project.access_id) is not None:
            raise LabError(409, "project_exists", f"there is a project {project.access_id} already: DELETE it first")
        self._cloud.add(project)
        return project.exports(*self._addresses()), 201

    def show(self, project_id: str) -> JsonObject:
        """`GET projects/{p}`: exports, clock, faults used, counts per device."""
        project = self.find(project_id)
        counts = dict.fromkeys(project.devices, 0)
        for record in project.store.records():
            counts[record.device_id] += 1
        state = project.idle()
        return project.exports(*self._addresses()) | {
            "clock": "virtual" if isinstance(project.clock, VirtualClock) else "system",
            "now_ms": project.clock.now_ms(),
            "records": counts,
            "chaos": project.chaos.to_json(),
            "struck": project.faults.struck,
            "profile": project.profile.to_json(),
            "history": project.history.last,
            "pending": {"messages": state.messages, "timers": state.timers},
        }

    def delete(self, project_id: str) -> tuple[str, int]:
        """`DELETE projects/{p}`: its consumers are disconnected, its memory is given back."""
        self._cloud.remove(self.find(project_id))
        return "", 204

    def reset(self, project_id: str) -> JsonObject:
        """`POST projects/{p}/reset`: back to the seed."""
        project = self.find(project_id)
        project.reset()
        return project.exports(*self._addresses())

    def snapshot(self, project_id: str) -> JsonObject:
        """`GET projects/{p}/snapshot`: a seed file of the state as it is."""
        return self.find(project_id).snapshot().to_json()

    def rereports(self, project_id: str) -> list[JsonObject]:
        """`GET projects/{p}/rereports`, oldest first."""
        return [_rereport_answer(rereport) for rereport in self.find(project_id).lots.rereports]

    def history(self, project_id: str) -> Response:
        """`GET projects/{p}/history?after=N`: JSON lines."""
        history = self.find(project_id).history
        after, resets = history_place(history, request.args.get("after"), request.headers.get("Last-Event-ID"))
        lines = history_lines(history, after if resets == history.resets else 0)
        return Response(lines, content_type="application/x-ndjson")


class _Maker:
    """Reads what `POST projects` asks for."""

    def __init__(self, body: JsonObject, problems: list[Problem], cloud: Cloud) -> None:
        self._body = body
        self._problems = problems
        self._cloud = cloud
        self._reader = Reader(body, "", problems)

    def make(self) -> Project | None:
        """The project, or None after noting what is wrong."""
        self._reader.only(_FIELDS)
        access_id, access_secret = self._keys()
        random_seed, seed = self._seed()
        profile = read_profile(self._body.get("profile", "default"), "profile", self._problems)
        chaos = read_chaos(self._body.get("chaos", "off"), "chaos", self._problems, default_seed=random_seed)
        clock = self._clock()
        if self._problems or seed is None:
            return None
        return Project(access_id, access_secret, seed, clock, profile=profile, random_seed=random_seed, chaos=chaos)

    def _keys(self) -> tuple[str, str]:
        made_id, made_secret = self._cloud.new_keys()
        access_id = self._reader.text("access_id", 1, 64, required=False) or made_id
        access_secret = (
            self._reader.text("access_secret", MIN_SECRET_LENGTH, MAX_SECRET_LENGTH, required=False) or made_secret
        )
        if not re.fullmatch(KEY_PATTERN, access_id):
            self._reader.note(ProblemKind.ILLEGAL, "access_id", "must have letters, digits, - and _ only")
        if not re.fullmatch(SECRET_PATTERN, access_secret):
            self._reader.note(ProblemKind.ILLEGAL, "access_secret", "must have visible ASCII signs only")
        return access_id, access_secret

    def _seed(self) -> tuple[int, Seed | None]:
        """The seed of randomness, and devices and records. `seed` is a number, or a seed file's object."""
        given = self._body.get("seed", 0)
        if isinstance(given, dict):
            if "devices" in self._body:
                self._reader.note(ProblemKind.ILLEGAL, "devices", "are in the seed already")
            return 0, read_seed_json(given, self._problems)
        number = self._reader.integer("seed", required=False) or 0
        if "devices" not in self._body:
            return number, default_seed()
        return number, Seed(tuple(read_devices(self._body["devices"], "devices", self._problems).values()))

    def _clock(self) -> Clock:
        kind = self._reader.word("clock", ("system", "virtual"), required=False) or "system"
        now_ms = self._reader.integer("now_ms", 0, LATEST_MS, required=False)
        if kind == "virtual":
            return VirtualClock(self._cloud.clock.now_ms() if now_ms is None else now_ms)
        self._reader.absent("now_ms", "needs a virtual clock")
        return SystemClock()


def _rereport_answer(rereport: Rereport) -> JsonObject:
    return {
        "sn": rereport.sn,
        "time": rereport.time,
        "cell": rereport.cell._asdict(),
        "claimed": rereport.claimed,
        "counted": rereport.counted,
        "record_ids": rereport.record_ids,
        "message_ids": rereport.message_ids,
    }
