"""`parking-mock matrix`."""

import json
import sys
from collections.abc import Iterator
from functools import partial

import click

from contracts.check.explore import DEFAULT_EXAMPLES
from contracts.client.child_process import NO_PROCESSES, has_processes
from contracts.clients.zoo import ZOO
from contracts.commands.options import examples_option, harness, jobs_option, progress, seed_option
from contracts.proof import matrix as kill_matrix
from mock_server.cli import ConfigurationError
from mock_server.history.story import how_many


@click.command()
@examples_option
@seed_option
@jobs_option
@click.option(
    "--exec", "elsewhere", is_flag=True, help="Run each as a process too: it must break the same rules there."
)
@click.option(
    "--carrier",
    type=click.Choice(("websocket", "native")),
    default="websocket",
    show_default=True,
    help="With `native` each runs over the native port too: it must break the same rules there.",
)
@click.option("--json", "as_json", is_flag=True, help="One JSON object.")
def matrix(*, examples: int | None, seed: int, jobs: int, elsewhere: bool, carrier: str, as_json: bool) -> None:
    """Show that every rule catches the client that breaks it."""
    if elsewhere and not has_processes():
        raise ConfigurationError(NO_PROCESSES)
    make = partial(kill_matrix.rows, examples=examples or DEFAULT_EXAMPLES, seed=seed, jobs=jobs)
    way = kill_matrix.Way(elsewhere, carrier == "native")
    is_other = way != kill_matrix.PLAIN
    samples = 0 if is_other else kill_matrix.SAMPLES
    odd: list[str] = []
    with harness(), progress(len(ZOO) * (1 + is_other), "known-bad clients") as bar:
        rows = make(samples=samples, way=way, on_row=lambda row: bar.done(row.client))
        if is_other:
            odd = kill_matrix.differences(rows, make(samples=0, on_row=lambda row: bar.done(row.client)))
    alive, unproven = kill_matrix.survivors(rows), kill_matrix.unproven()
    if as_json:
        data = {"seed": seed, "examples": examples or DEFAULT_EXAMPLES, "rows": [row.to_json() for row in rows]}
        click.echo(json.dumps(data | {"unproven": unproven} | ({"differences": odd} if is_other else {})))
    else:
        for line in [*map(_row_text, rows), "", *_conclusions(rows, alive, unproven, odd, way)]:
            click.echo(line)
    sys.exit(1 if alive or unproven or odd else 0)


def _conclusions(
    rows: list[kill_matrix.MatrixRow],
    alive: list[kill_matrix.MatrixRow],
    unproven: list[str],
    odd: list[str],
    way: kill_matrix.Way,
) -> Iterator[str]:
    """The lines below the rows: survivors, differences between two ways, rules without proof."""
    yield f"{len(rows) - len(alive)} of {len(rows)} known-bad clients are caught by the rule that they break"
    yield kill_matrix.told_first_text({row.client: row.told_first for row in rows if row.told_first})
    if way != kill_matrix.PLAIN and not odd:
        yield f"{way} each breaks the same rules in the same scenarios as {kill_matrix.PLAIN}, as far as these show"
    yield from odd
    for rule_id in unproven:
        yield f"no known-bad client breaks {rule_id}"


def _row_text(row: kill_matrix.MatrixRow) -> str:
    after = "" if row.killed_after is None else f" after {how_many(row.killed_after, 'scenario')}"
    also = f"; also breaks {', '.join(row.also)}" if row.also else ""
    return f"{row.mark:<10} {row.rule_id:<22} {row.client}{after}{also}"
