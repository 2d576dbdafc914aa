"""`parking-mock rules`."""

import json
from typing import Any

import click

from contracts.check import aimed_at
from contracts.clients.zoo import ZOO
from contracts.rule import Rule
from contracts.rules import BOOKS, RULES


@click.command()
@click.option("--json", "as_json", is_flag=True, help="One JSON object on one line for each rule.")
def rules(*, as_json: bool) -> None:
    """List the rules that clients are judged by."""
    if as_json:
        for rule in RULES.values():
            click.echo(json.dumps(_rule_json(rule), ensure_ascii=False))
        return
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
        "cases": list(aimed_at([rule.id])),
        "broken_by": [animal.name for animal in ZOO.values() if animal.rule_id == rule.id],
    }
