"""The cases by which a loop is judged: those that can show what a loop does.

All rules are judged in them, but counting, windows and retries are the reference client's: cases made for these cost
minutes of an SDK's own time and could show nothing. Left are how messages come and are acknowledged, also where they
are damaged, unknown, corrected, or of another lot; what becomes of them in a crash; lost connections; certificates; and
what a process writes. Some loops look only every three seconds whether they are connected, so of the cases of lost
connections those are played that show most.

A handler fails not only at messages that cannot be read: a database may be locked. So some cases are played to a client
whose store is busy when the first record comes, and never again. Who lets that message come again loses nothing.
"""

from typing import NamedTuple

from contracts.sdk.program import BUSY


class Trial(NamedTuple):
    """Cases, and the options of the client that they are played to. `note` is what reports add to the case's name."""

    note: str
    options: tuple[str, ...]
    cases: tuple[str, ...]


EXAMPLES = 3
"""Scenarios of each case by default (our choice): what a loop does wrong it does wrong in nearly every one."""

PLAIN = Trial(
    "",
    (),
    (
        "count/broken-connections",
        "count/corrected",
        "count/unreadable",
        "receive/crash",
        "receive/damage",
        "receive/news",
        "receive/cuts",
        "receive/burst",
        "receive/twice",
        "receive/refused",
        "receive/strangers",
        "security/damage",
        "security/logs",
        "security/certificate",
        "process/answers",
    ),
)
BUSY_STORE = Trial("with a busy store", (BUSY,), ("receive/crash", "receive/burst"))
TRIALS = (PLAIN, BUSY_STORE)
