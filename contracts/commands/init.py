"""`parking-mock init`."""

import re
import shutil
from collections.abc import Mapping
from pathlib import Path

import click

from mock_server.cli import ConfigurationError

_PACKAGE = Path(__file__).parents[1]
_HOMES = (_PACKAGE / "examples", _PACKAGE.parent / "examples")
"""Where the example clients are: in an installed package, and in a clone."""

ADAPTERS: Mapping[str, str] = {language: f"{language}-client" for language in ("go", "java", "node", "python")}
"""The folders of complete clients by their languages."""

_LINK = re.compile(r"\[([^\]]*)\]\((?:\.\./)+[^)]*\)")


def files_of(language: str) -> list[Path]:
    """The files of an example client, without what has been installed for it."""
    (home,) = [path for path in _HOMES if path.is_dir()][:1]
    return [path for path in sorted((home / ADAPTERS[language]).iterdir()) if path.is_file() and path.name[0] != "."]


@click.command()
@click.option(
    "--adapter", "language", type=click.Choice([*ADAPTERS]), required=True, help="The language of the client."
)
@click.argument("folder", type=click.Path(path_type=Path), metavar="DIR")
def init(*, language: str, folder: Path) -> None:
    """Write a complete client with its adapter into a new folder, to be changed there."""
    if folder.exists() and (not folder.is_dir() or any(folder.iterdir())):
        raise ConfigurationError(f"{folder} is there already, and not empty: name a new folder")
    try:
        _write(files_of(language), folder)
    except OSError as error:
        raise ConfigurationError(f"cannot write {folder}: {error.strerror}") from None
    click.echo(f"{folder / 'README.md'} says how it is run, and how it is judged.")


def _write(files: list[Path], folder: Path) -> None:
    """Copy files. A page has the words of links that lead out of its folder."""
    folder.mkdir(parents=True, exist_ok=True)
    for path in files:
        shutil.copyfile(path, folder / path.name)
    page = folder / "README.md"
    page.write_text(_LINK.sub(r"\1", page.read_text(encoding="utf-8")), encoding="utf-8")
