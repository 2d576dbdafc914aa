"""What a story tells of a history, and of the scenario behind it."""

import pytest

from contracts.clients.reference import ReferenceClient
from contracts.play.scenario import BEGIN, Happens, Scenario, Strikes
from contracts.report.narration import Emphasis, narrate
from contracts.report.settings import settings_text, title_of
from contracts.rules import RULES
from contracts.rules.base import Breach
from contracts.run.run import run_of
from mock_server.faults.catalogue import FaultKind
from mock_server.model import HOUR, MINUTE

AT = BEGIN + 10 * MINUTE


def texts(scenario: Scenario, focus: Emphasis | None = None) -> list[str]:
    """What is told of the reference client in a scenario."""
    return [line.text for line in narrate(run_of(scenario, ReferenceClient), focus or Emphasis())]


def test_a_cut_is_told() -> None:
    """A connection that breaks, and when the client has one again, under which subscription."""
    told = texts(Scenario((Strikes(AT, FaultKind.SOCKET_CLOSE), Happens(AT, "r1")), runs_ms=MINUTE, settles=False))
    place = told.index("breaks the connection")
    assert told[place + 1].startswith("is connected again after ")
    assert told[place + 1].endswith(" s, as parkingmockdefault01-sub")


@pytest.mark.parametrize(
    ("kind", "words"), [(FaultKind.CONSUMER_CLOSE, "closes the consumer"), (FaultKind.ACK_LOSE, "does not keep")]
)
def test_what_strikes_the_queue_is_told(kind: FaultKind, words: str) -> None:
    """A message comes again because of it, and whoever reads the story would wonder why."""
    told = texts(Scenario((Strikes(AT, kind), Happens(AT, "r1")), runs_ms=MINUTE, settles=False))
    assert any(words in line for line in told)
    assert not any("is connected again" in line for line in told)


def test_the_call_that_breaks_a_rule_is_told() -> None:
    """A sync about an hour in which nothing was is left out unless it is in the focus; so is a call for a token."""
    run = run_of(Scenario((Happens(AT, "r1"),), runs_ms=HOUR, settles=False), ReferenceClient)
    usual, quiet = narrate(run), run.syncs[0]
    token = next(call for call in run.calls if call.request.path == "/v1.0/token")
    focus = Emphasis.of((RULES["CONV-SINGLE"], [Breach("twice", quiet.seq), Breach("a call", token.seq)]))
    added = [line for line in narrate(run, focus) if line not in usual]
    assert [line.seq for line in added] == sorted((quiet.seq, token.seq))
    assert {line.text for line in added} == {
        "GET /v1.0/token",
        "sync 2026-03-02 06:59:59.500 - 07:59:59.500: claims 0 for 2 cells without records",
    }


def test_rules_about_windows_show_every_sync() -> None:
    """What matters to them is what was asked about, not what was there."""
    run = run_of(Scenario((Happens(AT, "r1"),), runs_ms=2 * HOUR, settles=False), ReferenceClient)
    told = narrate(run, Emphasis.of((RULES["WIN-CATCHUP"], [Breach("never asked", 1)])))
    assert sum(line.text.startswith("sync ") for line in told) == len(run.syncs)


def test_the_text_of_a_time_is_told() -> None:
    """Where a lot writes times in another form than milliseconds, the form is what a client stumbles over."""
    scenario = Scenario((Happens(AT, "r1"),), profile={"record_time": "text"}, runs_ms=MINUTE, settles=False)
    assert 'pass r1 enters (written as "2026-03-02 16:10:00"): delivered, acked' in texts(scenario)


def test_the_settings_of_a_scenario() -> None:
    """What differs from the default world is told; profile, encryption and time zone always."""
    assert settings_text(Scenario()) == "profile default; encryption aes_ecb; time zone UTC"
    odd = Scenario(
        profile={"record_time": "text", "encryption": "aes_gcm"},
        tz="Asia/Shanghai",
        instances=2,
        skew_ms=-300_000,
        lots=("tuya", "keytop"),
        unlisted=(1,),
        begin=BEGIN + HOUR,
        decoy="redirect",
    )
    assert settings_text(odd) == (
        "profile record_time text; encryption aes_gcm; time zone Asia/Shanghai; the client's clock is 300 s slow;"
        " 2 instances; 2 lots (tuya, keytop), 1 of which the client is not told; before the cloud: redirect;"
        " started at 09:00:00"
    )
    assert title_of("process/instances").startswith("Two instances of the client")
    assert title_of("free") == ""
