"""Lab views of whole projects as files: export and import."""

from flask import Response, request

from mock_server.cloud import Cloud
from mock_server.model import JsonObject
from mock_server.project import Project
from mock_server.project_file import CONTENT_TYPE, ProjectFileError, export_pieces, read_project
from mock_server.steps import Steps
from mock_server.web.lab.projects import AskAddresses, Projects
from mock_server.web.lab.request import LabError, raw_body
from mock_server.web.serving.turns import in_turns
from mock_server.web.serving.wsgi import IN_PIECES


class ProjectFileViews:
    """The views."""

    def __init__(self, cloud: Cloud, addresses: AskAddresses, projects: Projects) -> None:
        self._cloud = cloud
        self._addresses = addresses
        self._projects = projects

    def export(self, project_id: str) -> Response:
        """`GET projects/{p}/export`: the project of this moment as one file."""
        project = self._projects.find(project_id)
        request.environ[IN_PIECES] = True
        name = f'attachment; filename="{project.access_id}.jsonl.gz"'
        return Response(export_pieces(project), content_type=CONTENT_TYPE, headers={"Content-Disposition": name})

    def import_(self) -> tuple[JsonObject, int]:
        """`POST import`: make the project of a file; answers its exports."""
        project = in_turns(request.environ, self._importing)
        return project.exports(self._addresses()), 201

    def _importing(self) -> Steps[Project]:
        has_new_keys = _flag("new_keys")
        try:
            exported = yield from read_project(raw_body())
            access_id, access_secret = self._cloud.new_keys() if has_new_keys else exported.keys
            self._projects.refuse_one_more(access_id, ", or import it with new keys")
            made = exported.make(access_id, access_secret)
        except ProjectFileError as error:
            raise LabError(400, "no_project_file", f"the file cannot be imported: {error}") from None
        return self._cloud.add(made)


def _flag(name: str) -> bool:
    """A parameter of the query that is true or false, and false if it is absent. LabError if it is neither."""
    value = request.args.get(name, "false")
    if value not in ("true", "false"):
        raise LabError(400, "invalid", f"{name} must be true or false")
    return value == "true"
