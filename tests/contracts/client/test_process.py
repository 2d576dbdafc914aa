"""Tests of clients as processes: whatever one does costs a bounded time and leaves nothing running."""

import sys
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from freezegun import freeze_time

from contracts.client.child_process import LOG_BYTES, Child, strays
from contracts.client.interface import ProcessError, Start, UnimplementedError
from contracts.client.process import ProcessClient
from contracts.client.protocol import ClientFailedError
from contracts.clients.reference import ReferenceClient
from contracts.play.scenario import MIDNIGHT
from contracts.proof.matrix import shim_command
from tests.contracts.client.scripts import script

Launch = Callable[..., ProcessClient]
PATIENCE_S = 5.0
IMPATIENT_S = 0.3


@pytest.fixture
def launch(tmp_path: Path) -> Iterator[Launch]:
    """Starts tiny clients; at the end nothing of them is left."""
    clients: list[ProcessClient] = []

    def start(bad: str, patience_s: float = PATIENCE_S) -> ProcessClient:
        clients.append(ProcessClient(script(tmp_path, bad), patience_s=patience_s))
        return clients[-1]

    yield start
    for client in clients:
        client.end()
        assert not strays(client.tag)


def problem(client: ProcessClient, kind: str) -> str:
    """What is wrong with a client that is told to sync, in words."""
    with pytest.raises(ProcessError) as caught:
        client.sync(MIDNIGHT)
    assert caught.value.kind == kind
    return str(caught.value)


def test_a_client_tells_what_it_is_and_can(launch: Launch) -> None:
    """And it can always crash: it is killed."""
    client = launch("")
    assert (client.agent, client.version) == ("tiny", "1")
    assert client.can == {"start", "sync", "advance", "stop", "crash", "instances"}
    client.sync(MIDNIGHT)
    client.stop()


def test_a_client_says_when_it_wakes(launch: Launch) -> None:
    """What came may change its plans, so `quiet` may tell it as `advance` does. A time that has passed says nothing."""
    times = [MIDNIGHT + 60_000, MIDNIGHT, None]
    client = launch(
        f'"advance": lambda call, times={times}: answer(call, {{"wake_ms": times.pop(0)}}),'
        f'"quiet": lambda call, results=[{{}}, {{"wake_ms": {MIDNIGHT + 1_000}}}]: answer(call, results.pop(0))'
    )
    client.advance(MIDNIGHT)
    assert client.wakes_at() == MIDNIGHT + 60_000
    client.quiet()
    assert client.wakes_at() == MIDNIGHT + 60_000
    client.quiet()
    assert client.wakes_at() == MIDNIGHT + 1_000
    for _ in range(2):
        client.advance(MIDNIGHT)
        assert client.wakes_at() is None


def test_a_client_that_hangs(tmp_path: Path) -> None:
    """It is not waited for for ever; what it last said is told; then it is gone."""
    bad = '"sync": lambda call: (log("waiting for the database"), time.sleep(1000))'
    client = ProcessClient(script(tmp_path, bad), patience_s=IMPATIENT_S)
    assert "no answer to sync within 0.3 s" in (said := problem(client, "hung"))
    assert "waiting for the database" in said
    assert client.has_hung
    client.end()
    assert not strays(client.tag)


def test_a_client_that_does_not_read(tmp_path: Path) -> None:
    """A call that is longer than a pipe holds is not waited for either."""
    client = ProcessClient(script(tmp_path, '"sync": lambda call: time.sleep(1000)'), patience_s=IMPATIENT_S)
    problem(client, "hung")
    with pytest.raises(ProcessError, match="no answer to start"):
        client.ask("start", exports="x" * 1_000_000)
    client.end()


@pytest.mark.parametrize(
    ("bad", "words"),
    [
        ('"sync": lambda call: (log("out of memory"), sys.exit(3))', "exit code 3 when asked to sync.*out of memory"),
        ('"sync": lambda call: os.kill(os.getpid(), 9)', "exit code -9"),
        ('"sync": lambda call: (os.close(1), time.sleep(1000))', "closed its standard output"),
    ],
    ids=["exit", "killed", "closed"],
)
def test_a_client_that_ends(bad: str, words: str, launch: Launch) -> None:
    """How it ended, and its last words."""
    client = launch(bad)
    with pytest.raises(ProcessError, match=words) as caught:
        client.sync(MIDNIGHT)
    assert caught.value.kind == "ended"
    problem(client, "ended")  # and again, whatever it is asked


@pytest.mark.parametrize(
    ("line", "words"),
    [
        ("syncing...", "standard output is for answers only, logs go to standard error: syncing..."),
        ("", "standard output is for answers only"),
        ('{"id": 77, "result": {}}', "no answer to call 2"),
        ('{"id": 2, "result": 5}', "result must be an object, not 5"),
        ('{"id": 2, "error": "no"}', "error must be an object"),
        ("{", "no JSON"),
        ('{"id": 2}', "result must be an object"),
    ],
    ids=["text", "nothing", "another", "no-object", "no-error", "no-json", "neither"],
)
def test_a_client_that_babbles(line: str, words: str, launch: Launch) -> None:
    """What is no answer is shown."""
    assert words in problem(launch(f'"sync": lambda call: print({line!r}, flush=True)'), "babble")


def test_a_client_that_writes_a_line_without_an_end(launch: Launch) -> None:
    """Its beginning is enough."""
    assert "xxxxx..." in problem(
        launch('"sync": lambda call: [os.write(1, b"x" * 65536) for _ in range(300)]'), "babble"
    )


def test_a_client_that_answers_before_it_is_asked(launch: Launch) -> None:
    """However many answers it makes up, they answer nothing."""
    bad = '"sync": lambda call: [answer({"id": 99}, {}) for _ in range(3000)]'
    assert "no answer to call 2" in problem(launch(bad), "babble")


def test_a_client_that_logs_without_end(launch: Launch) -> None:
    """It is heard out, and no more is kept than anybody needs."""
    client = launch('"sync": lambda call: ([log("y" * 60000) for _ in range(500)], answer(call, {}))')
    client.sync(MIDNIGHT)
    client.end()
    kept = client.take_output()
    assert 0 < sum(map(len, kept)) <= LOG_BYTES
    assert client.take_output() == []


def test_what_a_client_has_started_is_stopped(launch: Launch, tmp_path: Path) -> None:
    """Its children, and one that has left its group and its session."""
    code = "import time; print(1, flush=True); time.sleep(1000)"
    start = f"subprocess.Popen([{sys.executable!r}, '-c', {code!r}], stdout=subprocess.PIPE, start_new_session=own)"
    started = f"[child.stdout.readline() and child.pid for own in (True, False) for child in [{start}]]"
    client = launch(f'"sync": lambda call: answer(call, {{"pids": {started}}})')
    pids = client.ask("sync")["pids"]
    assert isinstance(pids, list)
    assert set(pids) <= set(strays(client.tag))
    client.end()
    assert not strays(client.tag)
    for pid in pids:
        assert is_gone(pid)


def is_gone(pid: int) -> bool:
    """Whether a process does nothing any more."""
    stat = Path(f"/proc/{pid}/stat")
    return not stat.exists() or stat.read_text(encoding="utf-8").rpartition(")")[2].split()[0] == "Z"


def test_exit_code_89_means_unimplemented(launch: Launch) -> None:
    """Nothing more can be asked."""
    with pytest.raises(UnimplementedError) as caught:
        launch('"sync": lambda call: sys.exit(89)').sync(MIDNIGHT)
    assert caught.value.is_final


def test_an_unimplemented_verb(launch: Launch) -> None:
    """The others go on."""
    error = '{"code": "unimplemented", "message": "no clock"}'
    client = launch(f'"advance": lambda call: print(json.dumps({{"id": call["id"], "error": {error}}}), flush=True)')
    with pytest.raises(UnimplementedError, match="no clock") as caught:
        client.advance(MIDNIGHT)
    assert not caught.value.is_final
    client.sync(MIDNIGHT)


def test_an_error_of_the_launch_is_raised_by_start(launch: Launch, tmp_path: Path) -> None:
    """Making it raises nothing: a session must be able to tell of it."""
    client = launch('"hello": lambda call: sys.exit(4)')
    with pytest.raises(ProcessError, match="exit code 4 when asked to hello"):
        client.start(Start({}, MIDNIGHT, tmp_path, None))  # type: ignore[arg-type]  # it never comes to that
    newer = launch('"hello": lambda call: answer(call, HELLO | {"protocol": 2})')
    assert 'the answer to hello: "protocol" is 2, not 1' in str(newer.problem)


def test_a_command_that_is_none() -> None:
    """It is absent."""
    client = ProcessClient(["no-such-command-at-all"])
    assert isinstance(client.problem, ProcessError)
    assert client.problem.kind == "absent"
    client.end()


@pytest.mark.parametrize(
    ("bad", "kind"),
    [
        ('"stop": lambda call: (answer(call, {}), sys.exit(5))', "ended"),
        ('"stop": lambda call: (answer(call, {}), time.sleep(1000))', "slow end"),
    ],
    ids=["code", "never"],
)
def test_a_client_that_does_not_end_in_order(bad: str, kind: str, launch: Launch) -> None:
    """After `stop` it has to end, with 0, and has its patience again for that."""
    with pytest.raises(ProcessError) as caught:
        launch(bad, IMPATIENT_S if kind == "slow end" else PATIENCE_S).stop()
    assert caught.value.kind == kind


def test_a_process_lives_in_the_time_zone_that_it_is_given(tmp_path: Path) -> None:
    """By its environment, which all of its libraries look at."""
    bad = '"hello": lambda call: answer(call, HELLO | {"agent": time.tzname[0]})'
    client = ProcessClient(script(tmp_path, bad), {"TZ": "Asia/Shanghai"})
    assert client.agent == "CST"
    client.end()


def test_a_client_of_ours_as_a_process() -> None:
    """The shim knows its verbs, says what it lacks, and answers 'failed' where the client raises."""
    client = ProcessClient(shim_command(ReferenceClient).split())
    assert client.problem is None
    assert client.can == ReferenceClient().can
    with pytest.raises(UnimplementedError, match="fly"):
        client.ask("fly")
    with pytest.raises(ClientFailedError, match="sync failed"):
        client.sync(MIDNIGHT)  # before it has started
    client.end()


def test_a_process_is_not_waited_for_longer_while_time_stands_still() -> None:
    """Where a test has frozen the machine's clock, waiting for a process still ends in real time."""
    child = Child([sys.executable, "-c", "input()"], {})
    try:
        with freeze_time("2024-05-01"):
            assert child.exit_code(timeout_s=0.05) is None
    finally:
        child.end()
