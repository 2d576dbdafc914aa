"""Tests of the ways to a client, and of the command that takes them."""

import shlex
import sys
from pathlib import Path

import pytest

from contracts.check import explore
from contracts.client.interface import ProcessError
from contracts.client.process import ProcessClient
from contracts.client.spec import ClientNotFoundError, ClientSpec, read_spec
from contracts.clients.reference import ReferenceClient
from contracts.play.attachment import HANGS, SHORT_PATIENCE_S, RemoteClientMaker, agent_of, load
from contracts.play.scenario import MIDNIGHT, Scenario
from contracts.proof.matrix import shim_command
from tests.command_line import run_here
from tests.contracts.client.scripts import script

REFERENCE = "contracts.clients.reference:ReferenceClient"


@pytest.mark.parametrize(
    "spec",
    [ClientSpec("client", REFERENCE), ClientSpec("exec", "python a.py 'b c'"), ClientSpec("http", "http://[::1]:1/")],
)
def test_a_way_as_text(spec: ClientSpec) -> None:
    """It can be read again: that is what files of failures have."""
    assert read_spec(str(spec)) == spec
    assert shlex.split(spec.option)[1] == spec.target


@pytest.mark.parametrize(
    ("name", "words"),
    [
        ("exec ", "the command is empty"),
        ("exec 'a", "is no command line: No closing quotation"),
        ("exec cd x && node y", """'&&' is for a shell, and this is none: name one, --exec 'sh -c "cd x && node y"'"""),
        ("exec LEVEL=1 node y", "'LEVEL=1' is for a shell"),
        ("http ftp://somewhere", "is no URL: it begins with http:// or https://"),
        ("nothing", "a client is named MODULE:NAME"),
    ],
)
def test_a_way_that_leads_nowhere(name: str, words: str) -> None:
    """Is refused in words."""
    with pytest.raises(ClientNotFoundError, match=words):
        load(name)


def test_what_a_client_calls_itself() -> None:
    """From its answer to hello; an absent one is refused."""
    assert agent_of(ClientSpec("exec", shim_command(ReferenceClient))).startswith("ReferenceClient ")
    with pytest.raises(ClientNotFoundError, match="no-such-command cannot be started"):
        agent_of(ClientSpec("exec", "no-such-command"))
    with pytest.raises(ClientNotFoundError, match="does not answer hello"):
        agent_of(ClientSpec("http", "http://127.0.0.1:9/"))


@pytest.mark.parametrize(
    ("bad", "words"),
    [
        (
            '"hello": lambda call: sys.exit(0)',
            "gives no proper answer to hello: it ended with exit code 0 when asked to",
        ),
        ('"hello": lambda call: sys.exit(89)', "implements nothing, not even hello: hello: exit code 89"),
        ('"hello": lambda call: print("Acme 1.0 is ready")', "logs go to standard error: Acme 1.0 is ready"),
        (
            '"hello": lambda call: answer(call, HELLO | {"can": ["synk"]})',
            '"can" names "synk", which is no verb; verbs',
        ),
        (
            '"hello": lambda call: answer(call, {"protocol": 1})',
            '"can" is null, not a list of the verbs that the client',
        ),
        ('"hello": lambda call: print(json.dumps({"id": 1, "error": {"code": "failed"}}))', "hello failed"),
    ],
    ids=["ends", "nothing", "banner", "misspelt", "no-verbs", "failed"],
)
def test_a_client_that_cannot_say_hello_is_not_played_to(bad: str, words: str, tmp_path: Path) -> None:
    """Its words are told at once, instead of hundreds of runs that show no more."""
    with pytest.raises(ClientNotFoundError) as caught:
        agent_of(ClientSpec("exec", shlex.join(script(tmp_path, f"{bad}"))))
    assert words in str(caught.value)


def test_patience_is_lost_with_a_client_that_hangs(tmp_path: Path) -> None:
    """It is waited for in full only so often."""
    bad = '"sync": lambda call: time.sleep(1000)'
    make = RemoteClientMaker(ClientSpec("exec", shlex.join(script(tmp_path, bad))), patience_s=0.2)
    for _ in range(HANGS):
        client = make.client(Scenario(), {})
        with pytest.raises(ProcessError, match=r"within 0\.2 s"):
            client.sync(MIDNIGHT)
        client.end()
    patient = RemoteClientMaker(ClientSpec("exec", shlex.join(script(tmp_path, bad))), patience_s=100)
    patient._hangs = HANGS
    client = patient.client(Scenario(), {})
    assert isinstance(client, ProcessClient)
    assert client.patience_s == SHORT_PATIENCE_S
    client.end()


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        ((), "name one client by --exec CMD, --client MODULE:NAME or --http URL"),
        (("--exec", "a", "--client", "b:c"), "or --http URL, not --client and --exec"),
        (("--exec", "no-such-command"), "no-such-command cannot be started: No such file or directory"),
        (("--http", "http://127.0.0.1:9/"), "http://127.0.0.1:9/ does not answer hello"),
    ],
    ids=["none", "two", "absent", "nobody"],
)
def test_wrong_usage_is_said_in_words(arguments: tuple[str, ...], words: str) -> None:
    """Exit code 2, no traceback."""
    done = run_here("check", *arguments)
    assert done.returncode == 2, done.stdout + done.stderr
    assert words in done.stderr
    assert "Traceback" not in done.stderr


@pytest.mark.parametrize(
    ("bad", "words"),
    [
        ('"sync": lambda call: (log("waiting for a lock"), time.sleep(1000))', "waiting for a lock"),
        ('"advance": lambda call: (log("segmentation fault"), os.abort())', "segmentation fault"),
        ('"advance": lambda call: print("hello there", flush=True)', "hello there"),
    ],
    ids=["hangs", "crashes", "babbles"],
)
def test_a_broken_process_fails_the_check(bad: str, words: str, tmp_path: Path) -> None:
    """Exit code 1, with what it wrote last, in a bounded time."""
    command = shlex.join(script(tmp_path, bad.replace('"sync"', '"advance"')))
    case = ("--case", "process/answers", "--rule", "PROC-*", "--examples", "2", "--jobs", "1", "--patience", "0.5")
    done = run_here("check", "--exec", command, *case)
    assert done.returncode == 1, done.stdout + done.stderr
    assert "FAIL  PROC-ANSWER (must)" in done.stdout
    assert words in done.stdout


@pytest.mark.slow
def test_a_client_that_implements_nothing_has_not_passed(tmp_path: Path) -> None:
    """Every rule is unimplemented, and as nothing was judged the exit code is neither 0 nor 1."""
    command = shlex.join(script(tmp_path, '"start": lambda call: sys.exit(89)'))
    done = run_here("check", "--exec", command, "--case", "count/copies", "--rule", "CNT-*", "--examples", "1")
    assert done.returncode == 2, done.stdout + done.stderr
    assert "16 unimplemented" in done.stdout
    assert "NOT JUDGED: nothing was judged in 1 run: the client answers that it implements none of" in done.stdout


@pytest.mark.slow
def test_a_failure_of_a_process_can_be_replayed(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The file names the command; another client can be tried instead."""
    monkeypatch.setattr(explore, "SHRINKS_ELSEWHERE", 2)  # how small the failure is does not matter here
    command = f"{shlex.quote(sys.executable)} -m contracts.client.shim contracts.clients.zoo.counting:CountsDeliveries"
    case = ("--case", "count/copies", "--rule", "CNT-RECORD-ID", "--examples", "2", "--jobs", "1")
    folder = tmp_path / "report"
    assert run_here("check", "--exec", command, *case, "--report", str(folder)).returncode == 1
    (file,) = (folder / "failures").glob("*.json")
    again = run_here("replay", str(file))
    assert again.returncode == 1
    assert "FAILED  exec" in again.stdout
    assert run_here("replay", str(file), "--client", REFERENCE).stdout.startswith("FIXED")
    assert run_here("replay", str(file), "--exec", shim_command(ReferenceClient)).returncode == 0
