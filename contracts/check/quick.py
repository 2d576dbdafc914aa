"""A quick check: one scenario of each of the cases that find most, in the order in which they do."""

QUICK = (
    "receive/again",
    "form/lanes",
    "windows/one-way",
    "receive/silence",
    "failing/outage",
    "receive/damage",
    "count/lines",
    "process/answers",
    "failing/keys-and-clock",
    "converge/parts",
    "windows/outage",
    "converge/burst",
    "times/milliseconds",
    "security/retries",
    "times/zones",
    "receive/away",
    "count/odd",
    "form/spelling",
    "failing/brands",
    "security/logs",
    "count/broken-connections",
    "times/leap-second",
    "times/summer-time",
    "security/damage",
    "failing/offline",
    "times/fast-lot",
    "failing/for-good",
    "receive/news",
    "receive/crash",
    "receive/strangers",
    "receive/disorder",
    "windows/boundary",
    "security/redirect",
    "security/certificate",
    "count/corrected",
    "converge/beside",
    "times/set-back",
    "converge/idle",
    "converge/trickle",
    "converge/silence",
    "times/skewed-client",
    "count/copies",
)
"""The cases of a quick check, in order.

Measured with the first scenario of each case at seed 0: each next case is the one that catches most known-bad clients
that no case before it has caught, and exercises most rules, for the time that it takes. Cases that only a process can
fail stand where their cost puts them. Together they catch 87 of the 120 that fail in process. Cases whose scenarios are
long, and those that find no more, are left to a whole check. The list is declared and not derived from
`fixtures/matrix.json`: that has no times of cases, is not installed with the package, and an order that changes with it
would change what a seed repeats.
"""

QUICK_EXAMPLES = 1
"""Scenarios of each case."""

QUICK_SHRUNK = 2
"""So many failures are made small."""


def likely_first(case_ids: tuple[str, ...]) -> tuple[str, ...]:
    """All of the selected cases, those of a quick check first: a whole check has its first findings as soon."""
    first = tuple(case_id for case_id in QUICK if case_id in case_ids)
    return (*first, *(case_id for case_id in case_ids if case_id not in first))


def quick_cases(case_ids: tuple[str, ...]) -> tuple[str, ...]:
    """Those of the selected cases that a quick check plays, in its order; all of them if it has none."""
    return tuple(case_id for case_id in QUICK if case_id in case_ids) or case_ids
