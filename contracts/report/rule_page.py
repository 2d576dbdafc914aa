"""The page of one rule: its statement, reason, needs and cases, and a bad and a good example, which are played."""

from collections.abc import Iterator, Sequence

from contracts.cases import CASES
from contracts.check.engine import aimed_at
from contracts.clients.zoo import ZOO
from contracts.proof.examples import Example, example_of
from contracts.report.curl import request_at
from contracts.report.narration import Emphasis, NarratedEvent, narrate
from contracts.report.story import WIDTH, history_lines
from contracts.rules.base import CAPABILITY_OF_NEED, Need, Rule
from contracts.run.run import Run
from mock_server.words import folded, shortened

BODY_SHOWN = 300
COLUMN = 26

WORDS: dict[Need, str] = {need: capability.label for need, capability in CAPABILITY_OF_NEED.items()}
"""The capability of a client for each need, in words."""


def rule_text(rule: Rule) -> Iterator[str]:
    """The lines of a rule's page."""
    yield f"{rule.id}   {rule.level}, {rule.source}"
    yield from _wrapped("  ", rule.statement)
    yield from _wrapped("  Why: ", rule.why)
    if rule.spares:
        yield from _wrapped("  Spares: ", rule.spares)
    parts = (f"for a part of it {_need_text(need)}" for need in rule.partly)
    yield f"  Needs: {', '.join([*map(_need_text, rule.needs), *parts])}"
    yield from _list("Cases made for it", [(case_id, CASES[case_id].doc) for case_id in aimed_at([rule.id])])
    yield from _list(
        "Known-bad clients", [(each.name, each.defect) for each in ZOO.values() if each.rule_id == rule.id]
    )
    example = example_of(rule.id)
    if example is None:
        yield "  No example: no known-bad client breaks it."
    else:
        yield from _examples(example)


def _need_text(need: Need) -> str:
    return f"{need} ({WORDS[need]})" if need in WORDS else need


def _list(title: str, rows: Sequence[tuple[str, str]]) -> Iterator[str]:
    if rows:
        yield f"  {title}"
    for name, text in rows:
        yield from folded(f"    {name:<{COLUMN}} ", text, WIDTH, COLUMN + 5)


def _examples(example: Example) -> Iterator[str]:
    """One scenario with the known-bad client and with the reference client."""
    bad = example.bad()
    breach = example.rule.check(bad).breaches[0]
    yield ""
    yield from _wrapped(f"  Bad: {example.known_bad.name}. ", example.known_bad.defect)
    yield from history_lines(narrate(bad, Emphasis.of((example.rule, [breach]))), breach.seq)
    yield from _request(example, bad, breach.seq)
    yield from _wrapped("    Broken: ", breach.message)
    good = example.good()
    last = _until(narrate(good), breach.seq)
    yield ""
    yield "  Good: the reference client in the same scenario."
    yield from history_lines(narrate(good), last, mark="")
    yield from _request(example, good, last)
    yield ""
    client = example.known_bad.client
    chosen = f"--rule {example.rule.id} --case {example.case}"
    yield f"  Play it: parking-mock check --client {client.__module__}:{client.__qualname__} {chosen}"


def _until(lines: list[NarratedEvent], seq: int) -> int:
    """The entry of the good history to show beside a breach at `seq` of the bad one: the next sync, or else the end."""
    syncs = (line.seq for line in lines if line.seq >= seq and line.text.startswith("sync"))
    return next(syncs, lines[-1].seq if lines else seq)


def _request(example: Example, run: Run, seq: int) -> Iterator[str]:
    """The request, for breaches that the narration does not show: of the form of a request, or at an entry left out."""
    call = request_at(run, seq)
    is_narrated = any(line.seq == seq for line in narrate(run))
    if call is not None and (example.rule.group == "FORM" or not is_narrated):
        text = f"{call.request.method} {call.request.path} {call.request.body}"
        yield from _wrapped("    Sent: ", shortened(text, BODY_SHOWN))


def _wrapped(indent: str, text: str) -> list[str]:
    return folded(indent, text, WIDTH, 4)
