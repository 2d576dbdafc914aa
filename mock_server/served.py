"""A parking on a real server, for clients that are another process or do not use `requests`: the API of `Parking`."""

import contextlib
import threading
from collections.abc import Callable, Iterator
from typing import Any

from mock_server.parking import Parking
from mock_server.project import Project
from mock_server.settings import Settings
from mock_server.web.server import ThreadedServer


class ServedParking(Parking):
    """One project of a server that runs in a thread. Every piece of work is carried out on the server's loop."""

    def __init__(self, threaded: ThreadedServer, project: Project) -> None:
        self._threaded = threaded
        super().__init__(project, threaded.server.addresses(), self._run_there)

    def _run_there(self, work: Callable[[], Any]) -> Any:
        def carry_out() -> Any:
            result = work()
            self.project.clock.run_all_due()
            return result

        return self._threaded.run(carry_out)

    def _wait_until(self, condition: Callable[[], bool], timeout_s: float) -> None:
        """Wait for a fact of the project, told by its history."""
        met = threading.Event()

        def look() -> None:
            if condition():
                met.set()

        def begin() -> Callable[[], None]:
            look()
            return self.project.history.listen(look)

        stop = self.run(begin)
        met.wait(timeout_s)
        self.run(stop)

    def wait_until_idle(self, timeout_s: float = 5.0) -> bool:
        """Wait until nothing is pending; False if the time was up first."""
        self._wait_until(lambda: self.project.idle().idle, timeout_s)
        return self.idle.idle


@contextlib.contextmanager
def serve_project(threaded: ThreadedServer, **settings: Any) -> Iterator[ServedParking]:
    """A project of its own on a running server, deleted at the end; the settings are those of `mock_parking`."""
    settings.pop("elsewhere", None)
    cloud = threaded.server.cloud
    project = threaded.run(lambda: cloud.add(Settings(**settings).make_project(*cloud.new_keys())))
    try:
        yield ServedParking(threaded, project)
    finally:
        threaded.run(lambda: cloud.remove(project))
