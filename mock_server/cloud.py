"""All projects of one server, found by their access id."""

from collections.abc import Iterator
from random import Random

from mock_server.clock import Clock, SystemClock
from mock_server.project import Project
from mock_server.tokens import hex_id

DEFAULT_ACCESS_ID = "parkingmockdefault01"
DEFAULT_ACCESS_SECRET = "parkingmock0secret0parkingmock01"  # noqa: S105 a fake one, printed at start
"""The keys of the default project are fixed, so that a client's settings need no change from run to run."""


class Cloud:
    """Projects by access id, and a clock and trace ids for callers that belong to none."""

    def __init__(self, clock: Clock | None = None, random_seed: int = 0) -> None:
        self.clock = clock or SystemClock()
        self._random = Random(f"strangers {random_seed}")  # noqa: S311 trace ids, no secrets
        self._projects: dict[str, Project] = {}

    def add(self, project: Project) -> Project:
        """Add a project. ValueError if its access id is taken."""
        if project.access_id in self._projects:
            raise ValueError(f"there is a project {project.access_id} already")
        self._projects[project.access_id] = project
        return project

    def get(self, access_id: str) -> Project | None:
        """The project of that access id, or None."""
        return self._projects.get(access_id)

    def __iter__(self) -> Iterator[Project]:
        return iter(self._projects.values())

    def stranger_tid(self) -> str:
        """A trace id for an answer that belongs to no project."""
        return hex_id(self._random)
