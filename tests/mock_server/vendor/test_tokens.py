from random import Random

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mock_server.clock import VirtualClock
from mock_server.state.journal import Journal
from mock_server.vendor.tokens import LIFETIME_S, Tokens, hex_id
from tests.support import NOON


@pytest.fixture
def clock() -> VirtualClock:
    """A clock at noon."""
    return VirtualClock(NOON)


@pytest.fixture
def tokens(clock: VirtualClock) -> Tokens:
    """No token yet."""
    return Tokens(clock, Random(1), Journal())


@given(st.integers(min_value=0, max_value=LIFETIME_S * 1000 - 1000))
def test_asking_again_gives_the_same_pair_with_the_seconds_that_remain(waited_ms: int) -> None:
    """Two processes of one project share a token (observed)."""
    clock = VirtualClock(NOON)
    tokens = Tokens(clock, Random(1), Journal())
    pair = tokens.grant()
    clock.advance(waited_ms)
    assert tokens.grant() is pair
    assert tokens.remaining_s(pair) == (LIFETIME_S * 1000 - waited_ms) // 1000
    assert tokens.is_live(pair.access_token)


def test_a_token_lives_two_hours_to_the_millisecond(tokens: Tokens, clock: VirtualClock) -> None:
    """7200 seconds (documented); then another one is granted."""
    pair = tokens.grant()
    clock.advance(7_199_999)
    assert tokens.is_live(pair.access_token)
    clock.advance(1)
    assert not tokens.is_live(pair.access_token)
    assert tokens.grant().access_token != pair.access_token


@pytest.mark.parametrize("waited_ms", [0, 1000, 7_199_999, 7_200_000, 10**10])
def test_a_refresh_kills_the_old_pair_before_and_after_expiry(
    tokens: Tokens, clock: VirtualClock, waited_ms: int
) -> None:
    """A refresh token has no expiry and works once; the new pair has its full time."""
    old = tokens.grant()
    clock.advance(waited_ms)
    new = tokens.refresh(old.refresh_token)
    assert new is not None
    assert tokens.remaining_s(new) == 7200
    assert {new.access_token, new.refresh_token}.isdisjoint({old.access_token, old.refresh_token})
    assert tokens.is_live(new.access_token)
    assert not tokens.is_live(old.access_token)
    assert tokens.refresh(old.refresh_token) is None
    assert tokens.is_live(new.access_token), "a refused refresh changes nothing"


@pytest.mark.parametrize("text", ["", "no-token", "0" * 32])
def test_other_texts_neither_refresh_nor_pass(tokens: Tokens, text: str) -> None:
    """Neither before the first token nor beside a live one."""
    assert not tokens.is_live(text)
    assert tokens.refresh(text) is None
    pair = tokens.grant()
    assert not tokens.is_live(text)
    assert tokens.refresh(text) is None
    assert tokens.refresh(pair.access_token) is None, "an access token is no refresh token"
    assert not tokens.is_live(pair.refresh_token), "a refresh token is no access token"


def test_expire_kills_the_access_token_only(tokens: Tokens) -> None:
    """A revoked access token can still be refreshed."""
    pair = tokens.grant()
    tokens.expire()
    assert not tokens.is_live(pair.access_token)
    assert tokens.refresh(pair.refresh_token) is not None


def test_ids_are_32_hex_digits() -> None:
    """As in the vendor's examples, leading zeros kept."""
    assert {len(hex_id(Random(seed))) for seed in range(100)} == {32}
    assert int(hex_id(Random(0)), 16) >= 0
