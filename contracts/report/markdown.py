"""A check as Markdown, for the page of a build: counts, the gravest failures with their stories, and all rules."""

import re
from collections.abc import Iterator, Sequence
from itertools import chain, groupby

from contracts.check.engine import Plan
from contracts.check.results import Check, Failure
from contracts.check.vitals import vitals_of
from contracts.report.page import sign_of
from contracts.report.story import story, worth_telling
from contracts.report.summary import counted_as, ids_by_count
from contracts.report.text import plain
from contracts.report.write import Written, repeat_command
from contracts.rules import BOOKS
from mock_server.history.story import how_many
from mock_server.words import shortened

STORIES_SHOWN = 3
"""The most failures that are told in full."""

MESSAGE_SHOWN = 300

_SPECIAL = re.compile(r"([\\`*_{}\[\]<>()#+!|~&-])")


def markdown(agent: str, client: str, plan: Plan, found: Check, written: Written) -> Iterator[str]:
    """The lines. `client` is the client's spec as text, `agent` what it calls itself."""
    edition = f", edition {plan.known.edition.name}" if plan.known.edition else ""
    yield f"## parking-mock: {_text(agent)}"
    yield ""
    counts = ", ".join(f"{sign_of(title)} {len(ids)} {title}" for title, ids in ids_by_count(found, plan.known).items())
    yield f"{how_many(len(found.rules), 'rule')} in {how_many(found.runs, 'run')}, seed {plan.seed}{edition}: {counts}"
    vitals = vitals_of(found)
    if vitals is not None:
        yield from ("", f"**{_text(vitals.text)}**")
    if found.interrupted or found.harness_failure:
        yield from ("", "**The check did not come to its end.**")
    yield from _failures(client, plan, found, written)
    yield from _matrix(plan, found)


def _failures(client: str, plan: Plan, found: Check, written: Written) -> Iterator[str]:
    groups, bystanders = worth_telling(found, plan.known)
    for failures in groups[:STORIES_SHOWN]:
        first = failures[0]
        command = repeat_command(written.get((first.rule_id, first.case)), first, client, plan)
        yield from _failure(failures, story(failures, command, found.narrowing(first.case)))
    others = [each.rule_id for each in (*chain.from_iterable(groups[STORIES_SHOWN:]), *bystanders)]
    if others:
        yield from ("", f"Broken too: {', '.join(others)}")


def _failure(failures: Sequence[Failure], lines: Sequence[str]) -> Iterator[str]:
    first = failures[0]
    message = shortened(plain(first.breaches[0].message), MESSAGE_SHOWN)
    text = "\n".join(map(plain, lines))
    fence = "`" * max(3, 1 + max(map(len, re.findall("`+", text)), default=0))
    yield from ("", f"### {first.rule_id} in {first.case}", "", _text(message), "")
    yield from ("<details><summary>The story</summary>", "", f"{fence}text", text, fence, "", "</details>")


def _matrix(plan: Plan, found: Check) -> Iterator[str]:
    """The rules of each group by what they are counted as."""
    titles = {rule.id: book.title for book in BOOKS for rule in book}
    yield from ("", "| rules about | |", "| --- | --- |")
    for title, rules in groupby(found.rules, key=lambda rule: titles[rule.id]):
        cells = (f"{sign_of(counted_as(rule, found, plan.known))}&nbsp;{rule.id}" for rule in rules)
        yield f"| {title} | {', '.join(cells)} |"


def _text(text: str) -> str:
    """A text from a client, on one line, as itself: neither markup nor HTML nor a mention."""
    return _SPECIAL.sub(r"\\\1", " ".join(plain(text).split())).replace("@", "@&#8203;")


def annotations(plan: Plan, found: Check) -> Iterator[str]:
    """A line for each rule that is broken, by which GitHub marks a build; must-rules as errors, others as warnings."""
    for rule in found.rules:
        failures = found.unknown(rule, plan.known)
        if failures and rule.level != "info":
            kind = "error" if rule.level == "must" else "warning"
            message = shortened(plain(failures[0].breaches[0].message), MESSAGE_SHOWN)
            yield f"::{kind} title={rule.id}::{_data(f'{failures[0].case}: {message}')}"


def _data(text: str) -> str:
    """A text as a workflow command takes it."""
    return text.replace("%", "%25").replace("\r", "%0D").replace("\n", "%0A")
