"""Tests of clients on real connections: they are judged as in process, and their troubles are findings."""

import json
import threading
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import pytest

from contracts.client.child_process import strays
from contracts.client.interface import MakeClient
from contracts.client.process import ProcessClient
from contracts.client.shim import Shim
from contracts.clients.reference import ReferenceClient
from contracts.clients.zoo import ZOO
from contracts.play.attachment import load
from contracts.play.recording import ActKind, OutputFinding
from contracts.play.scenario import BEGIN, Crashes, Deletes, GoesOffline, Happens, Looks, Scenario, Strikes
from contracts.play.session import Session
from contracts.proof.matrix import MatrixRow, Way, differences, make_client_of, rows, shim_command
from contracts.rules import RULES
from contracts.rules.verdict import judge
from contracts.run.run import Run, run_of
from mock_server.clock import monotonic_s
from mock_server.faults.catalogue import FaultKind
from mock_server.model import HOUR, MINUTE
from mock_server.wire.paths import SYNC_PREFIX
from tests.contracts.client.scripts import tiny
from tests.contracts.support import outcome
from tests.support import sampled

AT = BEGIN + 10 * MINUTE
SHORT = Scenario((Happens(AT, "r1"),), settles=False, runs_ms=90 * MINUTE)

SCENARIOS = {
    "lost-and-doubled": Scenario((Happens(AT, "r1", copies=0, again=(0, 1)), Happens(AT, "r2", copies=2))),
    "crash": Scenario((Happens(AT, "r1"), Crashes(AT + MINUTE, 30 * MINUTE), Happens(AT + 2 * MINUTE, "r2", "bill"))),
    "late-answer": Scenario((Strikes(AT, FaultKind.ANSWER_LATE, 4_000, times=3), Happens(AT, "r1")), runs_ms=2 * HOUR),
    "no-answer": Scenario(
        (Strikes(AT, FaultKind.ANSWER_LOSE, times=3, path=SYNC_PREFIX), Happens(AT, "r1", copies=0)), runs_ms=2 * HOUR
    ),
    "cut": Scenario((Strikes(AT, FaultKind.SOCKET_CLOSE, times=3), *(Happens(AT + n, f"r{n}") for n in range(1, 5)))),
    "damage": Scenario(
        (Strikes(AT, FaultKind.MESSAGE_FLIP_BIT, 20, times=2), Happens(AT, "r1")), profile={"encryption": "aes_gcm"}
    ),
    "deleted-offline": Scenario(
        (Happens(AT, "r1"), Deletes(AT + 1, "r1"), GoesOffline(AT + HOUR), Looks(AT + 2 * HOUR))
    ),
    "two-instances": Scenario((Happens(AT, "r1", copies=0),), instances=2),
}


def elsewhere(make_client: type[ReferenceClient] = ReferenceClient) -> MakeClient:
    """A client of ours as a process."""
    return load(f"exec {shim_command(make_client)}")


def verdicts(run: Run) -> dict[str, tuple[bool, bool]]:
    """Whether each rule was exercised, and broken."""
    rules = [rule for rule in RULES.values() if "process" not in rule.all_needs]
    return {rule_id: (each.exercised, bool(each.breaches)) for rule_id, each in judge(run, rules).items()}


@pytest.mark.parametrize("name", sampled(SCENARIOS, every=4))
def test_a_client_is_judged_on_real_connections_as_it_is_in_process(name: str) -> None:
    """The same claims about the same cells, the same store, and the same verdicts."""
    there, here = (run_of(SCENARIOS[name], client) for client in (elsewhere(), ReferenceClient))
    assert [(each.cell, each.claimed) for each in there.claims] == [(each.cell, each.claimed) for each in here.claims]
    assert set(there.dumps[-1].records) == set(here.dumps[-1].records)
    assert verdicts(there) == verdicts(here)
    assert not there.acts_of(ActKind.DIED)


def test_a_late_answer_passes_in_virtual_time() -> None:
    """Nobody waits for it: the clock moves on while the client does."""
    run = run_of(SCENARIOS["late-answer"], elsewhere())
    late = next(each for each in run.calls if FaultKind.ANSWER_LATE in run.faults_of(each))
    following = next(each for each in run.calls if each.seq > late.seq)
    assert following.time >= late.time + 4_000


ONE_OF_EACH_GROUP = (
    "MixesSpellings",
    "SwapsEnds",
    "CountsDeliveries",
    "AcksBeforeStoring",
    "DropsRereports",
    "LooksAtStatus",
    "IgnoresTheTag",
    "StoresLocalTimes",
    "FollowsRedirects",
)


@pytest.mark.slow
def test_known_bad_clients_break_the_same_rules_as_processes() -> None:
    """One of each group here; `parking-mock matrix --exec` shows it of all of them."""
    there = rows(ONE_OF_EACH_GROUP, samples=0, way=Way(is_process=True))
    assert {row.mark for row in there} == {"killed"}
    assert differences(there, rows(ONE_OF_EACH_GROUP, samples=0)) == []


def test_a_difference_between_the_matrices_is_told() -> None:
    """What is broken here and not there; rules that can be seen only there are no difference."""
    here = MatrixRow("CountsDeliveries", "CNT-RECORD-ID")
    there = MatrixRow("CountsDeliveries", "CNT-RECORD-ID", way=Way(is_process=True))
    here.marks |= {"CNT-RECORD-ID": "killed", "CNT-TRUTH": "silent"}
    there.marks |= {"CNT-RECORD-ID": "silent", "CNT-TRUTH": "unreached", "SEC-TLS": "killed"}
    assert differences([there], [here]) == ["CountsDeliveries CNT-RECORD-ID: silent as a process, killed in process"]


def test_a_rule_about_processes_is_not_judged_without_one() -> None:
    """In process nobody can look around a client."""
    assert not [
        rule_id
        for rule_id in judge(run_of(SHORT, ReferenceClient), RULES.values())
        if "process" in RULES[rule_id].all_needs
    ]


@pytest.mark.parametrize(
    ("bad", "words"),
    [
        (
            '"advance": lambda call: (log("stuck"), time.sleep(1000))',
            "in advance: no answer to advance within 0.5 s; its last words: stuck",
        ),
        (
            '"advance": lambda call: (log("boom"), sys.exit(1))',
            "in advance: it ended with exit code 1 when asked to advance",
        ),
        ('"advance": lambda call: print("hello", flush=True)', "its standard output is for answers only"),
        ('"hello": lambda call: sys.exit(2)', "in start: it ended with exit code 2 when asked to hello"),
        ('"stop": lambda call: sys.exit(2)', "in stop: it ended with exit code 2"),
    ],
    ids=["hangs", "crashes", "babbles", "stillborn", "no-stop"],
)
def test_the_troubles_of_a_process_are_findings(bad: str, words: str, tmp_path: Path) -> None:
    """With its last words; the run goes to its end all the same."""
    run = run_of(SHORT, tiny(tmp_path, bad, patience_s=0.5))
    found = outcome("PROC-ANSWER", run)
    assert words in found.breaches[0].message
    assert run.acts[-1].kind in (ActKind.ENDS, ActKind.DIED)


def test_a_client_that_hangs_is_not_started_again(tmp_path: Path) -> None:
    """It would only hang again."""
    run = run_of(SHORT, tiny(tmp_path, '"advance": lambda call: time.sleep(1000)', patience_s=0.3))
    assert len(run.acts_of(ActKind.START)) == len(run.acts_of(ActKind.DIED)) == 1


def test_a_slow_client_does_not_hold_up_another(tmp_path: Path) -> None:
    """Each has a project of its own on the same server."""
    go_on = tmp_path / "go-on"
    waits = f"[time.sleep(0.01) for _ in iter(lambda: os.path.exists({str(go_on)!r}), True)]"
    bad = f'"start": lambda call: ({waits}, answer(call, {{}}))'
    with ThreadPoolExecutor(1) as pool:
        slow = pool.submit(run_of, SHORT, tiny(tmp_path, bad, patience_s=60))
        try:
            fast = run_of(SHORT, elsewhere())
            assert not slow.done()
        finally:
            go_on.touch()
        assert fast.claims
        assert not fast.acts_of(ActKind.DIED)
        assert not slow.result().acts_of(ActKind.DIED)


def test_who_interrupts_a_check_does_not_wait_for_the_client(tmp_path: Path) -> None:
    """It is not asked to stop, which it may not answer: it is ended."""
    began = monotonic_s()
    session = Session(SHORT, tiny(tmp_path, '"stop": lambda call: time.sleep(1000)'))
    session.__enter__()
    client = session.client
    session.__exit__(KeyboardInterrupt)
    assert isinstance(client, ProcessClient)
    assert not strays(client.tag)
    assert monotonic_s() - began < client.patience_s


@pytest.mark.parametrize("verb", ["hello", "start", "advance"])
def test_a_client_that_exits_89_is_not_judged(verb: str, tmp_path: Path) -> None:
    """It has implemented nothing of this."""
    run = run_of(SHORT, tiny(tmp_path, f'"{verb}": lambda call: sys.exit(89)'))
    assert run.unimplemented
    assert judge(run, RULES.values()) == {}


def test_a_secret_in_an_error_message_is_masked(tmp_path: Path) -> None:
    """It is a finding too, for it was on standard error as well; nothing that is told has it."""
    bad = '"start": lambda call: (log("key " + call["exports"]["access_secret"]), sys.exit(1))'
    run = run_of(SHORT, tiny(tmp_path, bad))
    secret = next(finding for finding in run.findings or () if finding.kind is OutputFinding.SECRET)
    assert secret.text == "key ***"
    assert "key ***" in outcome("PROC-ANSWER", run).breaches[0].message
    assert "key ***" in {line.text for line in run.log}


def test_a_secret_in_a_log_file_is_found(tmp_path: Path) -> None:
    """In the folder that the client was given, however deep; files of other kinds are its own business."""
    write = 'open(call["folder"] + "/a.{}", "w").write("INFO key " + call["exports"]["access_secret"])'
    bad = f'"start": lambda call: ({write.format("log")}, {write.format("db")}, answer(call, {{}}))'
    run = run_of(SHORT, tiny(tmp_path, bad))
    assert [finding.text for finding in run.findings_of(OutputFinding.SECRET)] == ["INFO key ***"]


@contextmanager
def behind_a_url(make_client: MakeClient) -> Iterator[str]:
    """A client of ours that takes its calls over HTTP, in a thread of this process."""
    shims: list[Shim] = []

    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            call: Any = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
            if call["verb"] == "hello":
                shims.append(Shim("over-http", make_client))
            is_crash = call["verb"] == "crash"  # of which this process would die
            content = json.dumps({"id": call["id"], "result": {}} if is_crash else shims[-1].answer(call)).encode()
            self.send_response(200)
            self.send_header("Content-Length", str(len(content)))
            self.end_headers()
            self.wfile.write(content)

        def log_message(self, *_: object) -> None:
            """Say nothing."""

    with ThreadingHTTPServer(("127.0.0.1", 0), Handler) as server:
        thread = threading.Thread(target=server.serve_forever, args=(0.02,))
        thread.start()
        try:
            yield f"http://127.0.0.1:{server.server_address[1]}/"
        finally:
            server.shutdown()
            thread.join()


def test_a_client_behind_a_url_is_judged_the_same() -> None:
    """The same objects, as POSTs."""
    with behind_a_url(ReferenceClient) as url:
        there = run_of(SCENARIOS["lost-and-doubled"], load(f"http {url}"))
    here = run_of(SCENARIOS["lost-and-doubled"], ReferenceClient)
    assert not there.acts_of(ActKind.DIED)
    assert [(each.cell, each.claimed) for each in there.claims] == [(each.cell, each.claimed) for each in here.claims]
    assert verdicts(there) == verdicts(here)


def test_a_wrong_client_behind_a_url_is_caught() -> None:
    """By the rule that it breaks."""
    with behind_a_url(ZOO["CountsDeliveries"].client) as url:
        assert outcome("CNT-RECORD-ID", run_of(SCENARIOS["lost-and-doubled"], load(f"http {url}"))).breaches


def test_nobody_behind_a_url() -> None:
    """Is a finding, not an error of ours."""
    with behind_a_url(ReferenceClient) as url:
        pass
    run = run_of(SHORT, load(f"http {url}"))
    assert "does not answer hello" in outcome("PROC-ANSWER", run).breaches[0].message


def test_which_process_a_known_bad_client_needs() -> None:
    """One whose defect can be seen in process runs there unless asked otherwise."""
    assert make_client_of(ZOO["CountsDeliveries"]) is ZOO["CountsDeliveries"].client
    assert make_client_of(ZOO["LogsHeaders"]) is not ZOO["LogsHeaders"].client
