"""`parking-mock export` and `parking-mock import`: a project of a running server as a file, and back."""

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from urllib.parse import urlsplit

import click
import requests

from mock_server.cli import ConfigurationError, option
from mock_server.lab_client import LabApiError, LabClient

DEFAULT_LAB = "http://127.0.0.1:8290"

_FLAGS = {"project_exists": "--new-keys", "no_token": "--lab-token"}
"""What helps, by the code of a refusal."""

_FILE = click.Path(path_type=Path, dir_okay=False)


def _lab_url(_context: click.Context, _parameter: click.Parameter, url: str) -> str:
    """The URL. ConfigurationError if it is none of HTTP, which no server can answer at."""
    if not url.startswith(("http://", "https://")) or not _host(url):
        raise ConfigurationError(f"--lab {url}: not the URL of a lab plane, such as {DEFAULT_LAB}")
    return url


def _host(url: str) -> str | None:
    try:
        return urlsplit(url).hostname
    except ValueError:
        return None


lab_option = option(
    "--lab",
    callback=_lab_url,
    envvar=["PARKING_MOCK_LAB", "PARKING_LAB"],  # the latter is what `parking-mock exec` sets
    default=DEFAULT_LAB,
    show_default=True,
    metavar="URL",
    help="The lab plane of the server.",
)
lab_token_option = option("--lab-token", metavar="TEXT", help="The token that the server was started with.")


@click.command("export")
@click.argument("access_id", metavar="PROJECT")
@click.argument("file", type=_FILE)
@lab_option
@lab_token_option
def export_project(*, access_id: str, file: Path, lab: str, lab_token: str | None) -> None:
    """Write a project of a server to a file.

    All that it has goes there: state, history, checkpoints, keys. PROJECT is its access id. FILE has its secret, and
    is made for its user alone.
    """
    with lab_errors(lab), LabClient(lab, lab_token) as client:
        client.project(access_id).export(file)
    click.echo(f"{file} has the project {access_id}")


@click.command("import")
@click.argument("file", type=_FILE)
@click.option("--new-keys", is_flag=True, help="Give it an access id and a secret of its own.")
@lab_option
@lab_token_option
def import_project(*, file: Path, new_keys: bool, lab: str, lab_token: str | None) -> None:
    """Make the project of a file on a server.

    It goes on where it was exported. A project whose access id is there already is refused: delete that one, or use
    --new-keys.
    """
    with lab_errors(lab), LabClient(lab, lab_token) as client:
        made = client.import_project(file, new_keys=new_keys)
        exports = made.exports()
    click.echo(f"the project of {file} is there\n  access id      {made.access_id}")
    click.echo(f"  access secret  {exports['access_secret']}")


@contextmanager
def lab_errors(lab: str) -> Iterator[None]:
    """What can go wrong, as messages: exit code 2."""
    try:
        yield
    except LabApiError as error:
        flag = _FLAGS.get(error.code)
        raise ConfigurationError(f"{error.message} ({flag})" if flag else error.message) from None
    except requests.ConnectionError:
        raise ConfigurationError(f"no server answers at {lab}: start one, or name another with --lab") from None
    except requests.RequestException as error:
        raise ConfigurationError(f"{lab} does not answer as a lab plane does: {error}") from None
    except OSError as error:
        raise ConfigurationError(f"cannot use {error.filename}: {error.strerror}") from None
