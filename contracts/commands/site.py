"""`parking-mock site`."""

from pathlib import Path

import click

from contracts.commands.options import harness
from contracts.report.site import client_of, columns, site_html
from contracts.report.stored_report import ReportError
from mock_server.cli import ConfigurationError
from mock_server.history.story import how_many


@click.command()
@click.argument("folders", type=click.Path(path_type=Path), nargs=-1, required=True, metavar="DIR...")
@click.option(
    "--to",
    "page",
    type=click.Path(path_type=Path, dir_okay=False),
    default=Path("site.html"),
    show_default=True,
    help="Where to write the page.",
)
def site(*, folders: tuple[Path, ...], page: Path) -> None:
    """Merge report folders of `check` into one static page: client by version by rule."""
    try:
        found = columns(folders)
    except OSError as error:
        advice = "name folders that check --report has written"
        raise ConfigurationError(f"cannot read {error.filename}: {error.strerror}; {advice}") from None
    except ReportError as error:
        raise ConfigurationError(str(error)) from None
    with harness():
        text = site_html(found)
    try:
        page.parent.mkdir(parents=True, exist_ok=True)
        page.write_bytes(text.encode("utf-8", "replace"))
    except OSError as error:
        raise ConfigurationError(f"cannot write {page}: {error.strerror}") from None
    clients = len({client_of(each.report) for each in found})
    click.echo(f"Page: {page} ({how_many(len(found), 'report')} of {how_many(clients, 'client')})")
