"""The last lines of a check on the console: the number of rules of each verdict, and the ids of all but `pass`."""

from collections.abc import Iterator

from contracts.check.known_failing import NOTHING_KNOWN, KnownFailing
from contracts.check.results import Check
from contracts.check.vitals import Ailment, vitals_of
from contracts.rules.base import LEVELS, Rule
from contracts.rules.verdict import Verdict
from mock_server.history.story import how_many
from mock_server.words import folded

_INDENT = 20
_WIDTH = 110

REASONS_SHOWN = 5
"""The most rules of which the console says why they were not exercised."""

PAUSES_TEXT = (
    "the client may pause in real time, so rules about the length of its pauses are unimplemented; if every pause of it"
    ' goes by now_ms, let it answer "clock": "virtual" to hello, or have clock = "virtual" in process'
)
"""What is said of rules that a client without a virtual clock leaves unjudged."""

KNOWN = "known to fail"
"""Counted in place of their verdicts: the rules all of whose failures are in the file of known ones."""

LATER = "added since"
"""The same where the rule, or each case that breaks it, came after the edition by which the client is judged."""


def counted_as(rule: Rule, found: Check, known: KnownFailing) -> str:
    """As what a rule is counted: its verdict, `KNOWN` or `LATER`."""
    failures = found.failures(rule)
    if not failures or found.unknown(rule, known):
        return found.verdict(rule)
    return LATER if all(known.is_later(rule.id, each.case) for each in failures) else KNOWN


def ids_by_count(found: Check, known: KnownFailing) -> dict[str, list[str]]:
    """The ids of the rules by what they are counted as, in the order of the verdicts; only where there are any."""
    ids_of: dict[str, list[str]] = {title: [] for title in (*Verdict, KNOWN, LATER)}
    for rule in found.rules:
        ids_of[counted_as(rule, found, known)].append(rule.id)
    return {title: ids for title, ids in ids_of.items() if ids}


def summary(found: Check, known: KnownFailing = NOTHING_KNOWN) -> Iterator[str]:
    """The lines: each verdict with its number of rules, and their ids except of `pass` and of what is known to fail."""
    ids_of = ids_by_count(found, known)
    counts = ", ".join(f"{len(ids)} {title}" for title, ids in ids_of.items())
    yield f"{how_many(len(found.rules), 'rule')} in {how_many(found.runs, 'run')}: {counts}"
    for title, ids in ids_of.items():
        if title not in (Verdict.PASS, KNOWN, LATER):
            yield from folded(f"  {title:<{_INDENT - 2}}", ", ".join(ids), _WIDTH, _INDENT)
    yield from _reasons(found)
    yield from _partial(found)
    vitals = vitals_of(found)
    deaths = [f"in {case.case}: {death}" for case in found.cases for death in case.deaths[:1]]
    if deaths and (vitals is None or vitals.ailment is not Ailment.DEAD):
        yield f"  the client died of itself in {how_many(len(deaths), 'case')}, first {deaths[0]}"


def _reasons(found: Check) -> Iterator[str]:
    """Why rules were not exercised though a case made for them was played, the gravest first; at most REASONS_SHOWN."""
    missed = [rule for rule in found.rules if found.verdict(rule) is Verdict.NOT_EXERCISED]
    near = [(rule, text) for rule in sorted(missed, key=_by_level) if (text := found.nearest(rule))]
    for rule, text in near[:REASONS_SHOWN]:
        yield from folded("  ", f"{rule.id} was not exercised: {text}", _WIDTH, 4)
    if len(near) > REASONS_SHOWN:
        yield f"  and {len(near) - REASONS_SHOWN} more; --report DIR writes the reason of each"


def _by_level(rule: Rule) -> int:
    return LEVELS.index(rule.level)


def _partial(found: Check) -> Iterator[str]:
    """Why rules about pauses are unimplemented, and how to be judged by them."""
    unseen = [rule for rule in found.rules if found.verdict(rule) is Verdict.UNIMPLEMENTED]
    if any("pauses" in (*rule.needs, *rule.partly) for rule in unseen):
        yield from folded(f"  {'':<{_INDENT - 2}}", PAUSES_TEXT, _WIDTH, _INDENT)
