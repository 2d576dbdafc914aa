"""A parking on a real server, for clients that are another process or do not use `requests`: the API of `Parking`."""

import contextlib
import threading
from collections.abc import Callable, Iterator
from typing import Any, Self

from mock_server.project import Moment, Project
from mock_server.spec import project_spec
from mock_server.testing.parking import Parking
from mock_server.web.server import ThreadedServer


class ServedParking(Parking):
    """One project of a server that runs in a thread. Every piece of work is carried out on the server's loop.

    The server has the project between `start` and `stop`, after which it has ended.
    """

    def __init__(self, threaded: ThreadedServer, project: Project) -> None:
        self._threaded = threaded
        super().__init__(project, threaded.server.addresses(), self._run_there)

    def start(self) -> Self:
        """Let clients reach it from now on. ValueError if the server has it already."""
        self._threaded.run(lambda: self._threaded.server.cloud.add(self.project))
        return self

    def stop(self) -> None:
        """Remove it from the server, if it is there, and disconnect its consumers. Its history stays readable."""
        self._threaded.run(self._remove)

    def _remove(self) -> None:
        cloud = self._threaded.server.cloud
        if cloud.get(self.access_id) is self.project:
            cloud.remove(self.project)

    def forked(self, moment: Moment) -> Self:
        """Another parking on this server, not started, that begins with a moment of this one."""

        def fork() -> Project:
            return self.project.fork(*self._threaded.server.cloud.new_keys(), moment)

        return type(self)(self._threaded, self._threaded.run(fork))

    def changes_in_s(self) -> float | None:
        """Without limit; None on the server's own thread, which cannot wait for itself."""
        return None if self._threaded.is_current_thread() else threading.TIMEOUT_MAX

    def _run_there(self, work: Callable[[], Any]) -> Any:
        def carry_out() -> Any:
            result = work()
            self.project.clock.run_all_due()
            return result

        return self._threaded.run(carry_out)


@contextlib.contextmanager
def serve_project(
    threaded: ThreadedServer, keys: tuple[str, str] | None = None, **settings: Any
) -> Iterator[ServedParking]:
    """A project of its own on a running server, deleted at the end; the settings are those of `mock_parking`.

    `keys` are an access id that nobody else has, and its secret; without them there are new ones.
    """
    for name in ("elsewhere", "real_vendor"):  # what a client calls elsewhere does not pass a server
        settings.pop(name, None)
    cloud = threaded.server.cloud
    project = threaded.run(lambda: project_spec(**settings).make_project(*keys or cloud.new_keys()))
    parking = ServedParking(threaded, project).start()
    try:
        yield parking
    finally:
        parking.stop()
