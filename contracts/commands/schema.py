"""`parking-mock schema`."""

import json
from collections.abc import Callable, Mapping

import click

from contracts.client.protocol_schema import protocol_schema
from contracts.report.file_shapes import failure_schema, report_schema
from mock_server.history.schema import history_schema
from mock_server.model import JsonObject

SCHEMAS: Mapping[str, Callable[[], JsonObject]] = {
    "report": report_schema,
    "failure": failure_schema,
    "history": history_schema,
    "client": protocol_schema,
}
"""The schema of `report.json`, of a file in `failures`, of a line of the history, of a line of the client protocol."""


@click.command()
@click.argument("name", type=click.Choice(tuple(SCHEMAS)))
def schema(*, name: str) -> None:
    """Print the JSON Schema of what others read or write.

    report is report.json, failure a file of report/failures, history a line of a project's history, client a line of
    the client protocol.
    """
    click.echo(json.dumps(SCHEMAS[name](), indent=2, ensure_ascii=False))
