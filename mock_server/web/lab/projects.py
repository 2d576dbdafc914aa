"""Lab views of whole projects: create, show, reset, snapshot, delete; their re-reports and history."""

from collections.abc import Callable
from typing import TypeAlias

from flask import Response, has_request_context, request

from mock_server.clock import VirtualClock
from mock_server.cloud import Cloud
from mock_server.lab_shapes import NewProject
from mock_server.lots.seed import default_seed
from mock_server.model import Addresses, JsonObject
from mock_server.problems import Problem, Reader
from mock_server.project import Project
from mock_server.shapes import fields_of, kind_of
from mock_server.spec import read_spec
from mock_server.state.store import HeldElsewhereError, StoreError
from mock_server.steps import Steps
from mock_server.version import __version__
from mock_server.web.lab.history_lines import HAR, HISTORY_FORMATS, LINES, history_pieces, history_place
from mock_server.web.lab.json_pieces import answer_in_pieces, har_parts, rereport_parts, seed_parts
from mock_server.web.lab.request import LabError, json_object, note_doubts, refuse_problems
from mock_server.web.serving.inline import MEMORY
from mock_server.web.serving.turns import carry_through, in_turns
from mock_server.web.serving.wsgi import IN_PIECES

MAX_PROJECTS = 10_000
"""The most projects of one server (our choice)."""

_FOUND = "mock_server.found"
"""Key of the memory of a request: the project that it is about."""

AskAddresses: TypeAlias = Callable[[], Addresses]
"""Returns the addresses of a server, which it knows once it listens."""


class Projects:
    """The views."""

    def __init__(self, cloud: Cloud, addresses: AskAddresses) -> None:
        self._cloud = cloud
        self._addresses = addresses

    def find(self, project_id: str) -> Project:
        """The project of that access id; LabError 404, which lists the first 20, if there is none."""
        project = _still(project_id, self._cloud)
        if project is None:
            known = ", ".join(each.access_id for each in list(self._cloud)[:20])
            raise LabError(404, "no_project", f"there is no project {project_id[:64]!r}; there are: {known}")
        return project

    def health(self) -> JsonObject:
        """`GET /healthz`."""
        return {"status": "ok", "version": __version__}

    def list_all(self) -> list[str]:
        """`GET projects`: the access ids."""
        return self._cloud.access_ids

    def create(self) -> tuple[JsonObject, int]:
        """`POST projects`: create a project; answers its exports."""
        project = in_turns(request.environ, self._creating)
        return project.exports(self._addresses()), 201

    def _creating(self) -> Steps[Project]:
        """Read a project's specification, make the project, then add it. There is none if its caller goes away."""
        problems: list[Problem] = []
        reader = Reader(json_object('{"clock": "virtual"}', optional=True), "", problems)
        reader.only(fields_of(NewProject))
        access_id, access_secret = self._read_keys(reader)
        spec = yield from read_spec(reader, problems, devices=default_seed())
        refuse_problems(problems)
        self.refuse_one_more(access_id)
        note_doubts(spec.doubts())
        project = spec.new_project(access_id, access_secret, self._cloud.clock)
        with self._cloud.making(project):
            yield from project.filling()
        return self._cloud.add(project)

    def refuse_one_more(self, access_id: str, otherwise: str = "") -> None:
        """LabError if there may be no further project, or none of this access id: `otherwise` is further advice."""
        if len(self.list_all()) >= MAX_PROJECTS:
            raise LabError(409, "too_many", f"there are {MAX_PROJECTS} projects: delete some first")
        if self._cloud.is_taken(access_id):
            raise LabError(409, "project_exists", f"there is a project {access_id} already: DELETE it first{otherwise}")

    def _read_keys(self, reader: Reader) -> tuple[str, str]:
        """The access id and secret of a new project; those that are not given are generated."""
        made = zip(("access_id", "access_secret"), self._cloud.new_keys(), strict=True)
        given = [kind_of(fields_of(NewProject)[name]).read(reader, name, required=False) or key for name, key in made]
        return given[0], given[1]

    def show(self, project_id: str) -> JsonObject:
        """`GET projects/{p}`: exports, clock, faults used, counts per device."""
        project = self.find(project_id)
        counts = dict.fromkeys(project.devices, 0)
        for record in project.store.records():
            counts[record.device_id] += 1
        state = project.idle()
        return project.exports(self._addresses()) | {
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
        """`DELETE projects/{p}`: remove it and close its consumers' connections."""
        self._cloud.remove(self.find(project_id))
        return "", 204

    def reset(self, project_id: str) -> JsonObject:
        """`POST projects/{p}/reset`: back to the seed."""
        project = self.find(project_id)
        in_turns(request.environ, lambda: _resetting(project))
        return project.exports(self._addresses())

    def snapshot(self, project_id: str) -> Response:
        """`GET projects/{p}/snapshot`: the present state as a seed file."""
        project = self.find(project_id)
        return answer_in_pieces(seed_parts(tuple(project.devices.values()), project.snapshot_records()))

    def rereports(self, project_id: str) -> Response:
        """`GET projects/{p}/rereports`, oldest first."""
        return answer_in_pieces(rereport_parts(tuple(self.find(project_id).lots.rereports)))

    def history(self, project_id: str) -> Response:
        """`GET projects/{p}/history?after=N`: JSON lines, or with `format=har` the calls as HAR."""
        history = self.find(project_id).history
        after, resets = history_place(history, request.args.get("after"), request.headers.get("Last-Event-ID"))
        after = after if resets == history.resets else 0
        form = request.args.get("format", LINES)
        if form not in HISTORY_FORMATS:
            raise LabError(400, "invalid", f"format must be {' or '.join(HISTORY_FORMATS)}")
        if form == HAR:
            return answer_in_pieces(har_parts(tuple(history.after(after)), self._addresses().api))
        request.environ[IN_PIECES] = True
        pieces = history_pieces(history, after)
        return Response(pieces, content_type="application/x-ndjson")


def _still(project_id: str, cloud: Cloud) -> Project | None:
    """What is found; the same as in the earlier calls of the view for the present request.

    A project that another server has taken meanwhile may have changed: HeldElsewhereError for what only reads, else
    StoreError, since to ask again might do it twice.
    """
    memory = request.environ.setdefault(MEMORY, {}) if has_request_context() else {}
    if _FOUND not in memory:
        return memory.setdefault(_FOUND, cloud.find(project_id))
    if cloud.elsewhere is None or cloud.get(project_id) is memory[_FOUND]:
        return cloud.get(project_id)
    if request.method == "GET":
        raise HeldElsewhereError(project_id)
    raise StoreError(f"the project {project_id} went to another server while this was done: look how far it has come")


def _resetting(project: Project) -> Steps[None]:
    """Reset a project to the end, even if the caller closes the connection."""
    carry_through(request.environ)
    yield from project.resetting()
