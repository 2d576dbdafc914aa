"""Access tokens with the vendor's semantics (documented; the shared live token was observed).

A project has one live pair. A further token call returns the same pair with the seconds that remain. A refresh returns
a new pair and invalidates the old access and refresh token; a refresh token does not expire and works once.
"""

from dataclasses import dataclass
from random import Random
from typing import Literal

from mock_server.clock import Clock
from mock_server.state.journal import Journal
from mock_server.state.rows import Table

LIFETIME_S = 7200
"""The lifetime of an access token in seconds (documented)."""


@dataclass(frozen=True, slots=True)
class TokenPair:
    """An access token, its refresh token, and the access token's expiry in epoch milliseconds."""

    access_token: str
    refresh_token: str
    expires_at: int


class Tokens:
    """The live token pair of one project, and the latest one that was invalidated."""

    def __init__(self, clock: Clock, random: Random, journal: Journal) -> None:
        self._clock = clock
        self._random = random
        self._journal = journal
        self._pairs: Table[Literal["live", "killed"], TokenPair] = journal.table("tokens")

    @property
    def pair(self) -> TokenPair | None:
        """The pair that was issued last; None if there is none or it was revoked."""
        return self._pairs.get("live")

    def grant(self) -> TokenPair:
        """The live pair, or a new one if there is none or it has less than a second left."""
        pair = self.pair
        if pair is None or self.remaining_s(pair) < 1:
            pair = self._new_pair()
        return pair

    def refresh(self, refresh_token: str) -> TokenPair | None:
        """A new pair for the live refresh token, before or after the access token's expiry; None for any other text."""
        if self.pair is None or self.pair.refresh_token != refresh_token:
            return None
        return self._new_pair()

    def is_live(self, access_token: str) -> bool:
        """True if this is the access token of the live pair and it has not expired."""
        pair = self.pair
        return pair is not None and pair.access_token == access_token and self._clock.now_ms() < pair.expires_at

    def remaining_s(self, pair: TokenPair) -> int:
        """The whole seconds until a pair expires."""
        return (pair.expires_at - self._clock.now_ms()) // 1000

    def expire(self) -> None:
        """Let the live access token expire now; its refresh token still works."""
        pair = self.pair
        if pair is not None:
            with self._journal:
                self._pairs.put("killed", pair)
                self._pairs.put("live", TokenPair(pair.access_token, pair.refresh_token, self._clock.now_ms()))

    def revoke(self) -> None:
        """Invalidate both tokens of the live pair now."""
        if self.pair is not None:
            with self._journal:
                self._pairs.put("killed", self._pairs.drop("live"))

    def was_killed(self, access_token: str) -> bool:
        """Whether this access token is the latest that `expire` or `revoke` invalidated."""
        killed = self._pairs.get("killed")
        return killed is not None and access_token == killed.access_token

    def _new_pair(self) -> TokenPair:
        expires_at = self._clock.now_ms() + LIFETIME_S * 1000
        pair = TokenPair(hex_id(self._random), hex_id(self._random), expires_at)
        with self._journal:
            self._pairs.put("live", pair)
        return pair


def hex_id(random: Random) -> str:
    """128 random bits as 32 hex digits, the form of the vendor's tokens and trace ids."""
    return f"{random.getrandbits(128):032x}"
