"""What the browser tests look at: a server with one project on a virtual clock."""

from collections.abc import Iterator
from contextlib import contextmanager
from typing import NamedTuple

from mock_server.clock import VirtualClock
from mock_server.cloud import Cloud
from mock_server.lab_client import LabClient, LabProject
from mock_server.lots.seed import Seed, default_seed
from mock_server.model import Device, JsonObject
from mock_server.project import Project
from mock_server.web.server import Server, ThreadedServer
from tests.support import ACCESS_ID, ACCESS_SECRET, LOT, NOON


class Lab(NamedTuple):
    """The page's address, and the project behind it."""

    url: str
    port: int
    project: LabProject


@contextmanager
def served(lab_port: int = 0, lots: int = 0) -> Iterator[Lab]:
    """A server, with the default devices or so many lots."""
    more = (Device(f"6ce{place:013d}", f"Lot {place}") for place in range(1, lots + 1))
    seed = Seed(tuple(more)) if lots else default_seed()
    cloud = Cloud()
    cloud.add(Project(ACCESS_ID, ACCESS_SECRET, seed, VirtualClock(NOON)))
    with ThreadedServer(Server(cloud, lab_port=lab_port)) as running:
        url = running.server.lab
        with LabClient(url) as client:
            yield Lab(url, int(url.rpartition(":")[2]), client.project(ACCESS_ID))


def passes(count: int, **further: object) -> list[JsonObject]:
    """Some cars that enter, one a second."""
    one: JsonObject = {"data_type": 0, "pass_direction": 0, "plate_no": "京A12345"}
    return [one | {"event_time": NOON + 1000 * place} | further for place in range(count)]


def keep(lab: Lab, count: int = 1, **further: object) -> None:
    """Let the first lot have some cars."""
    lab.project.add_records(LOT, passes(count, **further))
