"""The projects of one server, by access id."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from random import Random
from typing import Protocol

from mock_server.clock import Clock, SystemClock
from mock_server.history.weight import SharedBudget
from mock_server.profile import Profile
from mock_server.project import Project
from mock_server.vendor.tokens import hex_id

DEFAULT_ACCESS_ID = "parkingmockdefault01"
DEFAULT_ACCESS_SECRET = "parkingmock0secret0parkingmock01"  # noqa: S105 a fake one, printed at start
"""The keys of the default project, fixed so that a client's settings stay valid from run to run."""

Listener = Callable[[Project], None]


def _nothing(_: Project) -> None:
    """Nobody listens."""


class Elsewhere(Protocol):
    """The projects that this server does not have, as the store knows them."""

    def find(self, access_id: str, *, wants: bool = True) -> Project | None:
        """A project that is this server's from now on; None if there is none. StoreError if it cannot be.

        A server that has it is told if it is wanted here.
        """

    def access_ids(self) -> list[str]:
        """The access ids of all projects, sorted, also of those that this server has."""


class Cloud:
    """Projects by access id, with a clock and trace ids for answers to callers without a project."""

    def __init__(self, clock: Clock | None = None, random_seed: int = 0) -> None:
        self.clock = clock or SystemClock()
        self._random = Random(f"strangers {random_seed}")  # noqa: S311 trace ids and fake keys, no secrets
        self._projects: dict[str, Project] = {}
        self._histories = SharedBudget()
        self._on_added: list[Listener] = []
        self._on_removed: list[Listener] = []
        self.elsewhere: Elsewhere | None = None
        self._in_the_making: dict[str, Project] = {}
        self._on_begun: Listener = _nothing
        self._on_given_up: Listener = _nothing

    def add(self, project: Project) -> Project:
        """Add a project. ValueError if its access id is taken."""
        if project.access_id in self._projects:
            raise ValueError(f"there is a project {project.access_id} already")
        self._projects[project.access_id] = project
        self._histories.join(project.history)
        for listener in self._on_added:
            listener(project)
        return project

    @contextmanager
    def making(self, project: Project) -> Iterator[None]:
        """Have the access id of a project taken while it is made in steps. One that is not made to its end is closed.

        ValueError if it is taken already.
        """
        if self.is_taken(project.access_id):
            raise ValueError(f"there is a project {project.access_id} already")
        self._in_the_making[project.access_id] = project
        self._on_begun(project)
        try:
            yield
        except BaseException:  # also where its caller has gone away
            self._on_given_up(project)
            project.close()
            raise
        finally:
            del self._in_the_making[project.access_id]

    def listen_to_makings(self, on_begun: Listener, on_given_up: Listener) -> None:
        """Call `on_begun` for every project that is begun to be made in steps, and `on_given_up` if it is not made."""
        self._on_begun, self._on_given_up = on_begun, on_given_up

    def is_taken(self, access_id: str) -> bool:
        """Whether there is a project of that access id, or will be."""
        return access_id in self._in_the_making or self.find(access_id) is not None

    def remove(self, project: Project) -> None:
        """Remove a project: cancel its timers and end every wait on its clock and history."""
        del self._projects[project.access_id]
        self._histories.leave(project.history)
        for listener in self._on_removed:
            listener(project)
        project.close()

    def listen(self, on_added: Listener, on_removed: Listener) -> None:
        """Call `on_added` for every present and future project, and `on_removed` for each that is removed."""
        self._on_added.append(on_added)
        self._on_removed.append(on_removed)
        for project in self._projects.values():
            on_added(project)

    def get(self, access_id: str) -> Project | None:
        """The project of that access id, or None if this server has none."""
        return self._projects.get(access_id)

    def find(self, access_id: str, *, wants: bool = True) -> Project | None:
        """The project of that access id, which somebody asks for; None if there is none.

        With a store that several servers share it becomes this server's. HeldElsewhereError if it is another's, which
        lets it go soon if it is wanted here; another StoreError if the store fails.
        """
        if access_id in self._in_the_making:
            return None
        project = self._projects.get(access_id)
        if project is None and self.elsewhere is not None:
            return self.elsewhere.find(access_id, wants=wants)
        return project

    @property
    def access_ids(self) -> list[str]:
        """The access ids of all projects, also of those that other servers have. StoreError if the store fails."""
        return list(self._projects) if self.elsewhere is None else self.elsewhere.access_ids()

    @property
    def only(self) -> Project | None:
        """The project if there is only one: whoever calls without saying whom means that one.

        Of servers that share a store none knows that.
        """
        projects = tuple(self)
        return projects[0] if len(projects) == 1 and self.elsewhere is None else None

    def __iter__(self) -> Iterator[Project]:
        return iter(tuple(self._projects.values()))

    def new_keys(self) -> tuple[str, str]:
        """A free access id of 20 hex digits and a secret of 32."""
        while (access_id := f"{self._random.getrandbits(80):020x}") in self._projects:
            pass
        return access_id, hex_id(self._random)

    @property
    def unknown_client_code(self) -> int:
        """The error code for a client id of no project, by the profile of the first project."""
        first = next(iter(self._projects.values()), None)
        return (Profile() if first is None else first.profile).unknown_client_code

    def stranger_tid(self) -> str:
        """A trace id for an answer to a caller without a project."""
        return hex_id(self._random)
