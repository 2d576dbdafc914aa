"""Access tokens with the vendor's semantics (documented; the shared live token was observed).

A project has one live pair. A further token call returns the same pair with the seconds that remain. A refresh returns
a new pair and invalidates the old access and refresh token; a refresh token does not expire and works once.
"""

from dataclasses import dataclass
from random import Random

from mock_server.clock import Clock

LIFETIME_S = 7200
"""The lifetime of an access token in seconds (documented)."""


@dataclass(frozen=True, slots=True)
class TokenPair:
    """An access token, its refresh token, and the access token's expiry in epoch milliseconds."""

    access_token: str
    refresh_token: str
    expires_at: int


class Tokens:
    """The live token pair of one project."""

    def __init__(self, clock: Clock, random: Random) -> None:
        self._clock = clock
        self._random = random
        self._pair: TokenPair | None = None
        self._killed = ""

    @property
    def pair(self) -> TokenPair | None:
        """The pair that was issued last; None if there is none or it was revoked."""
        return self._pair

    def grant(self) -> TokenPair:
        """The live pair, or a new one if there is none or it has less than a second left."""
        if self._pair is None or self.remaining_s(self._pair) < 1:
            self._pair = self._new_pair()
        return self._pair

    def refresh(self, refresh_token: str) -> TokenPair | None:
        """A new pair for the live refresh token, before or after the access token's expiry; None for any other text."""
        if self._pair is None or self._pair.refresh_token != refresh_token:
            return None
        self._pair = self._new_pair()
        return self._pair

    def is_live(self, access_token: str) -> bool:
        """True if this is the access token of the live pair and it has not expired."""
        pair = self._pair
        return pair is not None and pair.access_token == access_token and self._clock.now_ms() < pair.expires_at

    def remaining_s(self, pair: TokenPair) -> int:
        """The whole seconds until a pair expires."""
        return (pair.expires_at - self._clock.now_ms()) // 1000

    def expire(self) -> None:
        """Let the live access token expire now; its refresh token still works."""
        if self._pair is not None:
            self._killed = self._pair.access_token
            self._pair = TokenPair(self._pair.access_token, self._pair.refresh_token, self._clock.now_ms())

    def revoke(self) -> None:
        """Invalidate both tokens of the live pair now."""
        if self._pair is not None:
            self._killed = self._pair.access_token
            self._pair = None

    def was_killed(self, access_token: str) -> bool:
        """Whether this access token is the latest that `expire` or `revoke` invalidated."""
        return bool(access_token) and access_token == self._killed

    def clear(self) -> None:
        """Forget every token: a reset."""
        self._pair = None
        self._killed = ""

    def _new_pair(self) -> TokenPair:
        expires_at = self._clock.now_ms() + LIFETIME_S * 1000
        return TokenPair(hex_id(self._random), hex_id(self._random), expires_at)


def hex_id(random: Random) -> str:
    """128 random bits as 32 hex digits, the form of the vendor's tokens and trace ids."""
    return f"{random.getrandbits(128):032x}"
