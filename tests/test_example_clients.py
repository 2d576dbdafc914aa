"""The example clients, each in a copy of its folder: they run against a server, and are judged as their pages say."""

import re
import shutil
import subprocess
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from pathlib import Path
from typing import Any, NamedTuple

import pytest

from mock_server.clock import wall_clock_ms
from mock_server.history.events import MessageAcknowledged
from mock_server.history.log import Entry
from mock_server.model import HOUR, MINUTE
from mock_server.testing.served import ServedParking
from mock_server.web.server import Server
from tests.command_line import Done, run_here
from tests.make_example_report import REPORT, ROOT, environment, make
from tests.pages import Example, check, serving, steps, with_real_ports
from tests.sdk.builds import build_as_its_page_says
from tests.sdk.node_program import install_packages
from tests.sdk.world import DEADLINE_S

EXAMPLES = ROOT / "examples"
OBSERVED = "observed-script"


class Adapted(NamedTuple):
    """An example with an adapter: the command that the judge starts, and the words that run it by itself."""

    folder: str
    adapter: str
    alone: tuple[str, ...]


COMPILED = (
    Adapted("go-client", "build/client adapter", ("build/client", "records")),
    Adapted(
        "java-client",
        "java -XX:TieredStopAtLevel=1 -cp build:build/lib/* Adapter",
        ("java", "-cp", "build:build/lib/*", "Main", "records"),
    ),
)
CLIENTS = [
    pytest.param(Adapted("node-client", "node adapter.mjs", ("node", "main.mjs", "records")), id="node"),
    pytest.param(Adapted("python-client", "python adapter.py", ("python", "main.py", "records")), id="python"),
    *(pytest.param(client, id=client.folder, marks=pytest.mark.sdks) for client in COMPILED),
]

CopyOf = Callable[[str], Path]


@pytest.fixture
def server() -> Iterator[Server]:
    """A fresh server with the default project, on free ports."""
    with serving() as served:
        yield served


@pytest.fixture
def copy_of(tmp_path: Path) -> CopyOf:
    """Copies an example's folder, with what its page installs and builds."""

    def copy(name: str) -> Path:
        left = shutil.ignore_patterns("__pycache__", "node_modules", "build", ".*")
        folder = shutil.copytree(EXAMPLES / name, tmp_path / name, ignore=left)
        if (folder / "package-lock.json").exists():
            install_packages(EXAMPLES / name)
            (folder / "node_modules").symlink_to(EXAMPLES / name / "node_modules")
        if name in [client.folder for client in COMPILED]:
            build_as_its_page_says(EXAMPLES / name)
            (folder / "build").symlink_to(EXAMPLES / name / "build")
        return folder

    return copy


@pytest.mark.slow
@pytest.mark.parametrize("client", CLIENTS)
def test_the_page_of_an_example(client: Adapted, server: Server, copy_of: CopyOf) -> None:
    """Every command on its page prints what the page says."""
    run_the_page(client.folder, server, copy_of)


@pytest.mark.slow
def test_the_page_of_the_observed_script(server: Server, copy_of: CopyOf) -> None:
    """Every command on its page prints what the page says."""
    run_the_page(OBSERVED, server, copy_of)


def run_the_page(name: str, server: Server, copy_of: CopyOf) -> None:
    """Run the console blocks of an example's page in a copy of its folder."""
    folder = copy_of(name)
    page = with_real_ports((folder / "README.md").read_text(encoding="utf-8"), server)
    todo = [step for step in steps(page) if isinstance(step, Example)]
    assert todo
    for step in todo:
        check(step, folder, name)


def judge(folder: Path, *words: str) -> Done:
    """Run `parking-mock` there with this Python as `python`."""
    return run_here(*words, cwd=folder, PATH=environment()["PATH"], NO_PROXY="127.0.0.1")


BAD_DAYS = (
    "receive/crash",
    "receive/cuts",
    "converge/silence",
    "failing/brands",
    "times/forms",
    "count/unreadable",
    "security/certificate",
    "security/redirect",
    "process/instances",
)
"""Some of the cases: a crash, cuts, lost re-reports, refusals, times in other forms, messages that cannot be read,
attacks, two processes in one folder."""

FEW_BAD_DAYS = ("receive/cuts", "count/unreadable", "security/certificate", "process/instances")
"""Those of them that depend most on what a language has: connections, ciphers, certificates, locks."""


@pytest.mark.slow
@pytest.mark.parametrize("client", CLIENTS)
def test_an_example_keeps_the_rules(client: Adapted, copy_of: CopyOf) -> None:
    """Neither bad days nor attacks make the clients break a must-rule."""
    days = FEW_BAD_DAYS if client in COMPILED else BAD_DAYS
    cases = [word for case in days for word in ("--case", case)]
    done = judge(copy_of(client.folder), "check", "--exec", client.adapter, "--examples", "1", "--jobs", "1", *cases)
    assert done.returncode == 0, done.shown


SUM = "\n  3 = 2 records + 1 too many (delivered: r1 2 x)\n  Which wrong counter explains every claim of this run?"
DIAGNOSIS = """
     counts every delivery: YES
       remedy: count distinct record ids: a message may be delivered more than once
     tells records apart by message id: YES
       remedy: use the record id: a re-report is a new message about the same record
     adds the re-reported records to its last count: YES
       remedy: count what is stored anew each time: a re-report repeats what is there already
  Shortest history found (2 records, 1 fault or other event)
"""


@pytest.mark.slow
@pytest.mark.parametrize("client", CLIENTS)
def test_the_defect_is_found_in_every_language(client: Adapted, copy_of: CopyOf) -> None:
    """A store without keys breaks the same rule in each of them, and is told of in the same words."""
    failure = str(ROOT / REPORT / "failures" / "CNT-RECORD-ID--count-copies.json")
    done = judge(copy_of(client.folder), "replay", failure, "--exec", f"{client.adapter} --broken")
    assert done.returncode == 1, done.shown
    assert "FAIL  CNT-RECORD-ID (must)   case count/copies" in done.stdout
    assert SUM in done.stdout
    assert DIAGNOSIS in done.stdout


def test_no_failure_is_known_of_an_example() -> None:
    """What is judged of them is judged without exceptions."""
    assert not list(EXAMPLES.rglob("known-failing.txt"))


@pytest.mark.slow
def test_the_example_report_is_up_to_date(tmp_path: Path) -> None:
    """The report in docs/ is what is written today: otherwise `make docs ARGS=example-report`."""
    (tmp_path / "examples").symlink_to(EXAMPLES)
    make(tmp_path)
    assert in_any_order(contents(tmp_path / REPORT)) == in_any_order(contents(ROOT / REPORT))


def in_any_order(texts: dict[str, str]) -> dict[str, str | list[str]]:
    """The texts, of a failure file its lines in any order.

    The client is a process: an answer and an acknowledgement that are on their way at once may change places.
    """
    return {
        name: sorted(re.sub(r'"seq": \d+', '"seq"', text).splitlines()) if name.startswith("failures/") else text
        for name, text in texts.items()
    }


def contents(folder: Path) -> dict[str, str]:
    """The texts of all files below a folder."""
    files = (path for path in folder.rglob("*") if path.is_file())
    return {path.relative_to(folder).as_posix(): path.read_text(encoding="utf-8") for path in files}


@pytest.mark.slow
def test_an_observed_script_that_is_wrong(copy_of: CopyOf) -> None:
    """The judge need not be spoken to: traffic alone shows that a script counts deliveries."""
    folder = copy_of(OBSERVED)
    script = folder / "watch_lots.py"
    text = script.read_text(encoding="utf-8")
    right, wrong = '[device_id, kind, value["recordId"]]', "[device_id, kind, str(len(self._records))]"
    assert text.count(right) == 1
    script.write_text(text.replace(right, wrong), encoding="utf-8")
    done = judge(folder, "check", "--observe", "--exec", "python watch_lots.py", "--window-ms", "1000")
    assert done.returncode == 1, done.shown
    assert "FAIL  CNT-RECORD-ID (must)" in done.stdout


@pytest.fixture
def start(parking_server: ServedParking) -> Iterator[Callable[..., None]]:
    """Starts a client for a served parking, with its addresses in the environment, and kills it at the end."""
    with ExitStack() as running:

        def launch(folder: Path, *command: str, **more: str) -> None:
            exports: Any = parking_server.exports
            keys = {f"PARKING_{name.upper()}": exports[name] for name in ("api", "ws", "access_id", "access_secret")}
            lots = ",".join(each["device_id"] for each in exports["devices"])
            process = subprocess.Popen(  # noqa: S603 our own example
                command, cwd=folder, env=environment() | keys | {"PARKING_LOTS": lots} | more
            )
            running.callback(process.wait)
            running.callback(process.kill)

        yield launch


@pytest.mark.parametrize("client", CLIENTS)
def test_what_was_lost_comes_again(
    client: Adapted, parking_server: ServedParking, copy_of: CopyOf, start: Callable[..., None]
) -> None:
    """By the machine's clock: a client asks about the last hour that has closed, and gets what the line has lost."""
    lot = parking_server.add_lot()
    closed_at = (wall_clock_ms() - 5 * MINUTE) // HOUR * HOUR
    for at in (closed_at - HOUR // 2, closed_at + HOUR // 2):  # the hour may close while the client starts
        lot.enter("京A12345", at=at, uplink="lose")
    start(copy_of(client.folder), *client.alone)
    happened = parking_server.wait_for_rereport(timeout_s=DEADLINE_S)
    assert happened.claimed == 0
    parking_server.wait_until(lambda: any(is_acknowledged(each) for each in parking_server.entries()), DEADLINE_S)
    assert parking_server.wait_until_idle(DEADLINE_S)


def is_acknowledged(entry: Entry) -> bool:
    """Whether a line of the history says that a client has taken a message."""
    return isinstance(entry.event, MessageAcknowledged)
