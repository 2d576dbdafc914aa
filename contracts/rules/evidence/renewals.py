"""Refusals of a token that a client mended by itself: no more happened than that it asked for another token.

A token lives for two hours, so a client that asks for another only when the old one is refused (1010) meets such a
refusal every two hours of every run. They excuse nothing: a rule that left out each run with a refusal would never
judge that client.
"""

from contracts.run.run import Run
from mock_server.history.index import Call
from mock_server.model import HOUR

TOKEN_REFUSED = frozenset({1010, 1011})
"""The documented codes of a token that is not valid, or no longer."""

RENEWED_WITHIN = HOUR * 3 // 2
"""How soon after the refusal a sync must succeed: a client may repeat the call at its next hourly pass only."""


def renewed(run: Run) -> frozenset[int]:
    """The seqs of the calls refused for their token after which a sync, of any lot, succeeded in time."""
    succeeded = [(sync.seq, sync.time) for sync in run.syncs if sync.call.understood]
    return frozenset(
        call.seq
        for call in run.calls
        if call.code in TOKEN_REFUSED
        and any(seq > call.seq and time - call.time <= RENEWED_WITHIN for seq, time in succeeded)
    )


def failed_calls(run: Run) -> list[Call]:
    """The calls that failed, but for those that the client mended with another token."""
    mended = run.once(renewed)
    return [call for call in run.calls if not call.understood and call.seq not in mended]
