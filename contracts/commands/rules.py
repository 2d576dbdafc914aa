"""`parking-mock rules`."""

import json
from typing import Any

import click

from contracts.check.engine import aimed_at
from contracts.clients.zoo import ZOO
from contracts.commands.options import harness
from contracts.report.rule_page import rule_text
from contracts.rules import BOOKS, RULES
from contracts.rules.base import Rule
from mock_server.words import did_you_mean


@click.command()
@click.argument("rule_ids", nargs=-1, metavar="[RULE-ID]...")
@click.option("--json", "as_json", is_flag=True, help="One JSON object on one line for each rule.")
def rules(*, rule_ids: tuple[str, ...], as_json: bool) -> None:
    """List the rules that clients are judged by; explain those that are named, with a bad and a good example."""
    named = [_rule(rule_id) for rule_id in rule_ids]
    if as_json:
        for rule in named or RULES.values():
            click.echo(json.dumps(_rule_json(rule)))
    elif named:
        for rule in named:
            _explain(rule)
    else:
        _list()


def _rule(rule_id: str) -> Rule:
    rule = RULES.get(rule_id.upper())
    if rule is None:
        advice = did_you_mean(rule_id, RULES) or ": `parking-mock rules` lists them"
        raise click.UsageError(f"there is no rule {rule_id!r}{advice}")
    return rule


def _explain(rule: Rule) -> None:
    with harness():
        for line in rule_text(rule):
            click.echo(line)


def _list() -> None:
    for book in BOOKS:
        click.echo(f"{book.title}")
        for rule in book:
            click.echo(f"  {rule.id:<22} {rule.level:<7} {rule.statement}")


def _rule_json(rule: Rule) -> dict[str, Any]:
    return {
        "rule": rule.id,
        "level": rule.level,
        "source": rule.source,
        "statement": rule.statement,
        "why": rule.why,
        "needs": list(rule.needs),
        "needs_in_part": list(rule.partly),
        "cases": list(aimed_at([rule.id])),
        "broken_by": [known_bad.name for known_bad in ZOO.values() if known_bad.rule_id == rule.id],
    }
