"""Lab views of a project's past: checkpoints, going back to one, and forks."""

from mock_server.cloud import Cloud
from mock_server.lab_shapes import CheckpointJson, ForkOrder, NewCheckpoint
from mock_server.model import JsonObject
from mock_server.problems import Problem, ProblemKind, Reader
from mock_server.project import Moment, Project
from mock_server.shapes import read_shape
from mock_server.state.checkpoints import Checkpoint, CheckpointError, UnknownCheckpointError
from mock_server.state.journal import ForgottenError, NotThereYetError
from mock_server.web.lab.projects import AskAddresses, Projects
from mock_server.web.lab.request import LabError, json_object, refuse_problems


class CheckpointViews:
    """The views. Each finds its project first, and carries out a request completely or not at all."""

    def __init__(self, cloud: Cloud, addresses: AskAddresses, projects: Projects) -> None:
        self._cloud = cloud
        self._addresses = addresses
        self._projects = projects

    def list_all(self, project_id: str) -> list[CheckpointJson]:
        """`GET checkpoints`, oldest first."""
        return [_answer(each) for each in self._projects.find(project_id).checkpoints]

    def add(self, project_id: str) -> tuple[CheckpointJson, int]:
        """`POST checkpoints`: keep the present moment."""
        project = self._projects.find(project_id)
        problems: list[Problem] = []
        asked = read_shape(NewCheckpoint, Reader(json_object('{"name": "lunch"}', optional=True), "", problems))
        refuse_problems(problems)
        try:
            return _answer(project.checkpoint(asked.get("name"))), 201
        except CheckpointError as error:
            raise LabError(409, error.code, str(error)) from None

    def delete(self, project_id: str, name: str) -> tuple[str, int]:
        """`DELETE checkpoints/{name}`."""
        project = self._projects.find(project_id)
        project.checkpoints.drop(_checkpoint(project, name).name)
        return "", 204

    def restore(self, project_id: str, name: str) -> JsonObject:
        """`POST checkpoints/{name}/restore`: let the project be as it was."""
        project = self._projects.find(project_id)
        project.go_back(_checkpoint(project, name).moment)
        return project.exports(self._addresses())

    def fork(self, project_id: str) -> tuple[JsonObject, int]:
        """`POST fork`: a new project that is as this one was; answers its exports, and the line that it is behind."""
        project = self._projects.find(project_id)
        problems: list[Problem] = []
        reader = Reader(json_object('{"at": 17}', optional=True), "", problems)
        asked = read_shape(ForkOrder, reader)
        if "at" in reader and "checkpoint" in reader:
            reader.note(ProblemKind.ILLEGAL, "checkpoint", "must not be there beside `at`: it has a line of its own")
        refuse_problems(problems)
        access_id, access_secret = self._cloud.new_keys()
        access_id = asked.get("access_id", access_id)
        moment = _moment(project, asked)
        self._projects.refuse_one_more(access_id)
        made = self._cloud.add(project.fork(access_id, asked.get("access_secret", access_secret), moment))
        return made.exports(self._addresses()) | {"line": moment.line}, 201


def _moment(project: Project, asked: ForkOrder) -> Moment:
    if "checkpoint" in asked:
        return _checkpoint(project, asked["checkpoint"]).moment
    try:
        return project.moment(asked.get("at"))
    except (ForgottenError, NotThereYetError) as error:
        raise LabError(404, "no_line", str(error)) from None


def _checkpoint(project: Project, name: str) -> Checkpoint[Moment]:
    try:
        return project.checkpoints.find(name)
    except UnknownCheckpointError as error:
        raise LabError(404, "no_checkpoint", str(error)) from None


def _answer(checkpoint: Checkpoint[Moment]) -> CheckpointJson:
    return {
        "name": checkpoint.name,
        "line": checkpoint.line,
        "now_ms": checkpoint.now_ms,
        "devices": checkpoint.devices,
        "records": checkpoint.records,
        "messages": checkpoint.messages,
    }
