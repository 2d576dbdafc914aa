"""Tests of the rules of security."""

from dataclasses import replace

import pytest

from contracts.cases.form import ONE_ASK
from contracts.client.interface import Capability, MakeClient
from contracts.clients.reference import ReferenceClient
from contracts.clients.zoo import GROUPS, ZOO, security
from contracts.clients.zoo.counting import CountsOneMore
from contracts.clients.zoo.form import SignsAnotherBody
from contracts.clients.zoo.security import IgnoresTheSignature, IgnoresTheTag, ResendsSignedRequests, SignsInLowerCase
from contracts.play.recording import Act, ActKind
from contracts.play.scenario import BEGIN, Happens, Looks, Scenario, Strikes
from contracts.rules.security import RULES
from contracts.run.run import Run
from mock_server.faults.catalogue import FaultKind
from mock_server.history.events import RequestAnswered, RequestReceived
from mock_server.history.log import Entry
from mock_server.model import MINUTE, SECOND
from mock_server.profile import Profile
from mock_server.wire.errors import ErrorCode
from mock_server.wire.paths import SYNC_PREFIX, TOKEN_PATH
from tests.contracts.support import broken, kept, killed, outcome, played
from tests.support import SEEDS, sampled

assert security in GROUPS  # importing the group fills the zoo

ANIMALS = {name: animal for name, animal in ZOO.items() if animal.client.__module__ == security.__name__}
HARMLESS_BYTE = 20


def failing(kind: str, path: str = SYNC_PREFIX) -> Scenario:
    """The first call of a kind fails."""
    return Scenario((Strikes(BEGIN, kind, path=path),), settles=False, runs_ms=10 * MINUTE)


def damaged(encryption: str, byte: int = HARMLESS_BYTE, times: int = 1000) -> Scenario:
    """One record, of which the first messages are damaged, and a count of its hour."""
    flips = Strikes(BEGIN + 10 * MINUTE, FaultKind.MESSAGE_FLIP_BIT, byte, times=times)
    steps = (flips, Happens(BEGIN + 10 * MINUTE, "r1"))
    return Scenario(steps, profile={"encryption": encryption}, settles=False, runs_ms=ONE_ASK)


def without_dump(make_client: type[ReferenceClient]) -> MakeClient:
    """The same client, which does not let anybody look into its store."""

    class Hidden(make_client):  # type: ignore[misc,valid-type]  # a class of a class that is not known before
        @property
        def can(self) -> frozenset[Capability]:
            """All but a look into the store."""
            own: frozenset[Capability] = super().can
            return own - {Capability.DUMP}

    return Hidden


QUIET = Scenario(settles=False, runs_ms=10 * MINUTE)


@pytest.mark.parametrize("kind", [FaultKind.ANSWER_LOSE, FaultKind.ANSWER_BUSY, FaultKind.ANSWER_NOT_JSON])
@pytest.mark.parametrize("path", [SYNC_PREFIX, TOKEN_PATH])
def test_a_request_that_is_sent_again_as_it_was(kind: str, path: str) -> None:
    """SEC-SIGN is broken by one that is signed once, and kept by one that is signed for each attempt."""
    assert broken("SEC-SIGN", failing(kind, path), ResendsSignedRequests)
    assert kept("SEC-SIGN", failing(kind, path))


def test_a_wrong_signature_breaks_its_rule() -> None:
    """The token call is refused with 1004."""
    assert broken("SEC-SIGN", QUIET, SignsInLowerCase)


def test_a_wrong_signature_of_bodies_only_is_the_business_of_the_body() -> None:
    """Who signs token calls well can sign: what is wrong is the body that was signed."""
    assert not broken("SEC-SIGN", QUIET, SignsAnotherBody)


def test_without_a_second_attempt_fresh_signatures_are_not_exercised() -> None:
    """Where every call succeeds nothing need be repeated."""
    assert not outcome("SEC-SIGN", played(QUIET, ReferenceClient)).exercised


def test_a_refusal_that_a_fault_made_is_no_wrong_signature() -> None:
    """1004 out of the blue."""
    steps = (Strikes(BEGIN, FaultKind.ANSWER_REFUSE, 1004),)
    assert not broken("SEC-SIGN", Scenario(steps, settles=False, runs_ms=10 * MINUTE))


def test_an_attempt_in_the_same_moment_may_look_the_same() -> None:
    """A clock that was set right by nothing has the same time: the repeat is no replay."""
    run = played(failing(FaultKind.TIME_REFUSE), ReferenceClient)
    signatures = [call.request.headers["sign"] for call in run.calls]
    assert len(set(signatures)) < len(signatures)
    assert not outcome("SEC-SIGN", run).breaches


@pytest.mark.parametrize(
    ("later_ms", "nonce", "is_broken"), [(0, "", False), (999, "", False), (1000, "", True), (0, "n1", True)]
)
def test_when_an_equal_signature_is_a_repeat(later_ms: int, nonce: str, is_broken: bool) -> None:  # noqa: FBT001 a table
    """Without a nonce only time makes a signature fresh, and within a second it may not; a nonce always does."""
    assert bool(outcome("SEC-SIGN", twice(later_ms, nonce)).breaches) == is_broken


def test_a_clock_that_was_ahead_and_is_set_right_may_come_to_the_same_moment() -> None:
    """The time is then that of the second attempt, and was wrong in the first."""
    assert not outcome("SEC-SIGN", twice(2000, ahead_ms=2000)).breaches


def test_a_clock_that_was_set_back_may_live_through_a_moment_twice() -> None:
    """The same time then makes the same signature, which is nobody's fault."""
    assert not outcome("SEC-SIGN", replace(twice(2000), acts=(Act(2, 1000, ActKind.CLOCK_JUMPS),))).breaches


def test_a_fresh_nonce_is_no_repeat() -> None:
    """A signature with a nonce that was sent once breaks nothing."""
    assert not outcome("SEC-SIGN", of_calls((0, asked({"nonce": "n1"}), None))).breaches


def test_a_wrong_signature_of_any_call_without_a_body_breaks_its_rule() -> None:
    """Also after calls that were signed well: only a body can have been signed as another one than was sent."""
    token, other = asked(), asked({"sign": "#2"}, path="/v1.0/devices")
    assert outcome("SEC-SIGN", of_calls((0, token, None), (0, other, ErrorCode.SIGN_INVALID))).breaches
    assert not outcome("SEC-SIGN", of_calls((0, token, None), (0, other, ErrorCode.TOKEN_INVALID))).breaches


def twice(later_ms: int, nonce: str = "", ahead_ms: int = 0) -> Run:
    """The same token call twice, with a time that is right in the first unless it is ahead."""
    call = asked({"t": str(BEGIN + ahead_ms)} | ({"nonce": nonce} if nonce else {}))
    return of_calls((0, call, 500), (later_ms, call, None))


def asked(headers: dict[str, str] | None = None, path: str = TOKEN_PATH) -> RequestReceived:
    """A call without a body."""
    return RequestReceived("GET", path, "grant_type=1", {"sign": "#1", "t": str(BEGIN)} | (headers or {}), "")


def of_calls(*calls: tuple[int, RequestReceived, int | None]) -> Run:
    """A run of some calls so many milliseconds after its begin, each with the code of its answer."""
    entries: list[Entry] = []
    for after_ms, call, code in calls:
        entries.append(Entry(len(entries) + 1, BEGIN + after_ms, call))
        answer = RequestAnswered(len(entries), code, None, None, "whole")
        entries.append(Entry(len(entries) + 1, BEGIN + after_ms, answer))
    return Run(QUIET, tuple(entries), Profile(), frozenset())


@pytest.mark.parametrize(("encryption", "client"), [("aes_gcm", IgnoresTheTag), ("aes_ecb", IgnoresTheSignature)])
def test_a_record_that_was_only_told_in_damaged_messages(encryption: str, client: type[ReferenceClient]) -> None:
    """SEC-TAMPER is broken by a client that takes it, whether its store shows that or only its counts do."""
    scenario = damaged(encryption)
    assert broken("SEC-TAMPER", scenario, client)
    assert broken("SEC-TAMPER", scenario, without_dump(client))
    assert kept("SEC-TAMPER", scenario)
    assert kept("SEC-TAMPER", scenario, without_dump(ReferenceClient))


def test_a_look_between_a_damaged_message_and_its_repeat_shows_it() -> None:
    """What is repaired in the end was wrong all the same."""
    plain = damaged("aes_gcm", times=1)
    looked = replace(plain, steps=(*plain.steps, Looks(BEGIN + 10 * MINUTE + SECOND)))
    assert broken("SEC-TAMPER", looked, IgnoresTheTag)
    assert kept("SEC-TAMPER", looked)


def test_a_damaged_message_that_came_again_undamaged_exercises_nothing() -> None:
    """The record was told in the end, so nobody can say from which message it was taken."""
    run = played(damaged("aes_gcm", times=1), ReferenceClient)
    assert [each.damaged for each in run.deliveries if each.record] == [True, False]
    assert not outcome("SEC-TAMPER", run).exercised


def test_damage_that_nobody_could_read_exercises_nothing() -> None:
    """A flip in the middle may make a text that no parser takes, check or no check."""
    assert not outcome("SEC-TAMPER", played(damaged("aes_gcm", byte=0), ReferenceClient)).exercised


def test_another_wrong_count_is_not_blamed_on_damage() -> None:
    """A client that always claims one more claims what the damaged message would make, but elsewhere too."""
    assert not broken("SEC-TAMPER", damaged("aes_gcm"), without_dump(CountsOneMore))


@pytest.mark.parametrize("name", ANIMALS)
def test_each_animal_breaks_no_other_rule_of_security(name: str) -> None:
    """The rules of the group tell its defects apart."""
    animal = ANIMALS[name]
    for scenario in (failing(FaultKind.ANSWER_LOSE), damaged("aes_gcm"), damaged("aes_ecb")):
        run = played(scenario, animal.client)
        assert {rule.id for rule in RULES if outcome(rule.id, run).breaches} <= {animal.rule_id}


@pytest.mark.parametrize("name", sampled(ANIMALS, every=3))
@pytest.mark.parametrize("seed", SEEDS)
def test_each_animal_is_killed_at_any_seed(name: str, seed: int) -> None:
    """The aimed cases find each defect at the usual number of examples."""
    assert killed(ANIMALS[name], seed)
