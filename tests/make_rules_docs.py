"""The page about the rules."""

from collections.abc import Iterator

from contracts.cases.dimensions import ALIKE
from contracts.check.engine import aimed_at
from contracts.clients.zoo import ZOO, KnownBadClient
from contracts.rules import BOOKS, RULES
from contracts.rules.base import VENDOR_PAGE, Rule

LEVELS = {"must": "must", "should": "should", "info": "for information"}
CROWD = 1000
ALIKE_IN = len(ALIKE["end"](0)) - 4
SOURCES = {"documented": "documented by the vendor", "derived": "follows from it", "practice": "good practice"}


def rules_page(made: str) -> str:
    """Every rule, in groups. `made` is the remark above every made page."""
    groups = "\n".join(_group(book.title, list(book)) for book in BOOKS)
    counts = ", ".join(f"{sum(rule.level == level for rule in RULES.values())} {level}" for level in LEVELS)
    return f"""{made}

# The rules

What a client of [records/sync]({VENDOR_PAGE}) owes,
{len(RULES)} rules: {counts}. A broken must-rule is a **fail**, a broken
should-rule is **non-strict**, a rule for information is only told. A rule whose situation never arose is **not
exercised**, never green; one that needs something that the client lacks is **unimplemented**.

`pauses` are those of a client whose [pauses go by `now_ms`](client-protocol.md#time-timers-and-connections). Where a
part of a rule needs them, the rest can be broken, and is not passed, without them. Of a run with two instances only
rules that need `instances` are judged.

`parking-mock rules` lists them, `parking-mock check --rule 'CNT-*'` judges some of them. Every rule is judged in every
run; the cases named here are made for it, and the known-bad clients show that it can fail ([matrix](matrix.md)).

Nearly every case happens on different days, at night, over midnights and ends of months in Beijing and UTC, with ids
that are alike but for case, blanks, zeros or their end, that two lots or a pass and a bill share, and with bills of
other hours or unpaid. `parking-mock check --list --coverage` tells for each case how many scenarios exercise what.

What no rule sees:

- a crash between two acknowledgements of one batch, since a client is killed between its answers and not in them: one
  that acknowledges message by message and commits at the end of the batch is not caught;
- a race of threads that does not happen: messages come together and twice, but when a worker runs is up to the machine;
- what begins beyond what is drawn: a cache of more than {CROWD:,} records, ids alike in more than {ALIKE_IN} signs,
  a defect of one hour of one day that is none of the above.
{groups}"""


def _group(title: str, rules: list[Rule]) -> str:
    return f"\n## {title}\n" + "".join(map(_rule, rules))


def _rule(rule: Rule) -> str:
    broken_by = [f"`{each.name}` ({each.defect.rstrip('.')})" for each in _known_bad(rule.id)]
    cases = ", ".join(f"`{case}`" for case in aimed_at([rule.id])) or "none of its own"
    return f"""
### {rule.id}

**{rule.statement}** {rule.why}

{_spares(rule)}Level: {LEVELS[rule.level]}. Source: {SOURCES[rule.source]}. Needs: {_needs(rule)}. Cases: {cases}.
{f"Broken by {'; '.join(broken_by)}." if broken_by else "No known-bad client breaks it."}
"""


def _spares(rule: Rule) -> str:
    return f"Correct designs that it spares: {rule.spares}\n\n" if rule.spares else ""


def _needs(rule: Rule) -> str:
    return ", ".join([*rule.needs, *(f"for a part of it {need}" for need in rule.partly)])


def _known_bad(rule_id: str) -> Iterator[KnownBadClient]:
    return (known_bad for known_bad in ZOO.values() if known_bad.rule_id == rule_id)
