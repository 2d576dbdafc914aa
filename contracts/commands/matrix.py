"""`parking-mock matrix`."""

import json
import sys

import click

from contracts import matrix as kill_matrix
from contracts.clients.zoo import ZOO
from contracts.commands.options import examples_option, harness, jobs_option, progress, seed_option
from contracts.explore import DEFAULT_EXAMPLES
from mock_server.story import how_many


@click.command()
@examples_option
@seed_option
@jobs_option
@click.option("--exec", "elsewhere", is_flag=True, help="Run each client as a process of its own.")
@click.option("--json", "as_json", is_flag=True, help="One JSON object.")
def matrix(*, examples: int | None, seed: int, jobs: int, elsewhere: bool, as_json: bool) -> None:
    """Show that every rule catches the client that breaks it."""
    examples = examples or DEFAULT_EXAMPLES
    with harness(), progress(len(ZOO), "known-bad clients") as bar:
        rows = kill_matrix.rows(
            examples=examples,
            seed=seed,
            jobs=jobs,
            elsewhere=elsewhere,
            samples=0 if elsewhere else kill_matrix.SAMPLES,
            on_row=lambda row: bar.done(row.animal),
        )
    alive, unproven = kill_matrix.survivors(rows), kill_matrix.without_animal()
    if as_json:
        told = {"seed": seed, "examples": examples, "rows": [row.to_json() for row in rows], "unproven": unproven}
        click.echo(json.dumps(told))
    else:
        for row in rows:
            click.echo(_row_text(row))
        caught = f"{len(rows) - len(alive)} of {len(rows)} known-bad clients"
        click.echo(f"\n{caught} are caught by the rule that they break")
        for rule_id in unproven:
            click.echo(f"no known-bad client breaks {rule_id}")
    sys.exit(1 if alive or unproven else 0)


def _row_text(row: kill_matrix.Row) -> str:
    after = "" if row.killed_after is None else f" after {how_many(row.killed_after, 'scenario')}"
    also = f"; also breaks {', '.join(row.also)}" if row.also else ""
    return f"{row.mark:<10} {row.rule_id:<22} {row.animal}{after}{also}"
