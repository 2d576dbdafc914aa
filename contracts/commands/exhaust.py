"""`parking-mock exhaust`: every history up to so many records and faults, played to models of clients or to a client.

Exit codes: 0 nothing wrong with a client that should be right (the correct model, a client of your own), 1 something
is, 2 wrong usage. With `--resume` a checkpoint is written now and then: a run that was interrupted goes on from there.
"""

import json
import sys
from collections.abc import Iterator
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any, get_args

import click

from contracts.client.spec import ClientNotFoundError, load_client
from contracts.proof.exhaustive.counting_models import MODELS, Correct
from contracts.proof.exhaustive.histories import Choices, Copies, HistoryStage, Play, Scope, Violation
from contracts.proof.exhaustive.odometer import Odometer
from contracts.proof.exhaustive.totals import ExhaustiveTotals
from contracts.proof.exhaustive.whole_client import ClientStage
from mock_server.cli import ConfigurationError
from mock_server.model import JsonObject

FORMAT = "parking-mock/exhaust"

EVERY = 200
"""So many histories lie between two writings of the checkpoint, and between two steps of the progress bar."""

STEPS = 10_000


@dataclass(slots=True)
class Progress:
    """How far a run has come: the clients that are done, and the present one's odometer and sum."""

    scope: Scope
    clients: tuple[str, ...]
    done: list[ExhaustiveTotals]
    odometer: Odometer
    tally: ExhaustiveTotals

    @property
    def client(self) -> str | None:
        """The client whose turn it is, None if all are done."""
        return self.clients[len(self.done)] if len(self.done) < len(self.clients) else None

    def next_client(self) -> None:
        """The present client is done."""
        self.done.append(self.tally)
        self.tally, self.odometer = ExhaustiveTotals(), Odometer()

    def to_json(self) -> JsonObject:
        """The checkpoint file."""
        return {
            "format": FORMAT,
            "scope": asdict(self.scope),
            "clients": list(self.clients),
            "done": [tally.to_json() for tally in self.done],
            "position": list(self.odometer.position),
            "tally": self.tally.to_json(),
        }


def read_progress(path: Path, scope: Scope, clients: tuple[str, ...]) -> Progress:
    """The run of a checkpoint file, or a new one if there is none. One of another run is not used."""
    if not path.exists():
        return Progress(scope, clients, [], Odometer(), ExhaustiveTotals())
    try:
        data: Any = json.loads(path.read_text(encoding="utf-8"))
        if data["format"] != FORMAT:
            raise ConfigurationError(f"{path} is no checkpoint of parking-mock exhaust")
        if data["scope"] != asdict(scope) or data["clients"] != list(clients):
            raise ConfigurationError(
                f"{path} is the checkpoint of another run: remove it, or repeat that run's options"
            )
        done = [ExhaustiveTotals.from_json(each) for each in data["done"]]
        return Progress(scope, clients, done, Odometer(data["position"]), ExhaustiveTotals.from_json(data["tally"]))
    except (OSError, ValueError, KeyError, TypeError) as error:
        raise ConfigurationError(f"cannot use the checkpoint {path}: {error!r}") from None


def player(client: str, scope: Scope, odometer: Odometer) -> Play:
    """What plays histories to a client: a model by its title, or MODULE:NAME."""
    if client in MODELS:
        return HistoryStage(scope, Choices(odometer, scope), MODELS[client]).play
    return ClientStage(scope, odometer, load_client(client)).play


def run(progress: Progress) -> Iterator[None]:
    """Play on, client after client; stop for a moment after every so many histories, when `progress` can be saved."""
    while (client := progress.client) is not None:
        play = player(client, progress.scope, progress.odometer)
        more = True
        while more:
            for _ in range(EVERY):
                progress.tally.take(play())
                more = progress.odometer.advance()
                if not more:
                    progress.next_client()
                    break
            yield


@click.command()
@click.option("--records", type=click.IntRange(1), default=3, show_default=True, help="So many records at most.")
@click.option("--faults", type=click.IntRange(0), default=2, show_default=True, help="So many faults at most.")
@click.option(
    "--syncs", type=click.IntRange(0), default=3, show_default=True, help="So many syncs that faults can hit."
)
@click.option(
    "--copies",
    type=click.Choice(get_args(Copies)),
    default="redelivered",
    show_default=True,
    help="What a message that comes twice is: the same one again, or a second one.",
)
@click.option("--inside", is_flag=True, help="No record at the very end of the window.")
@click.option(
    "--client", "clients", multiple=True, metavar="NAME", help="A model, or MODULE:NAME.  [default: every model]"
)
@click.option("--resume", type=click.Path(path_type=Path), metavar="FILE", help="Checkpoint: go on where it was left.")
@click.option("--json", "as_json", is_flag=True, help="One JSON object on one line for each client.")
def exhaust(
    *,
    records: int,
    faults: int,
    syncs: int,
    copies: Copies,
    inside: bool,
    clients: tuple[str, ...],
    resume: Path | None,
    as_json: bool,
) -> None:
    """Play every small history to clients and count what is wrong."""
    names = clients or tuple(MODELS)
    for name in names:
        _check(name)
    scope = Scope(records, faults, syncs, copies, at_end=not inside)
    progress = (
        read_progress(resume, scope, names) if resume else Progress(scope, names, [], Odometer(), ExhaustiveTotals())
    )
    _play_on(progress, resume)
    for name, tally in zip(names, progress.done, strict=True):
        click.echo(json.dumps(result_json(name, scope, tally), ensure_ascii=False) if as_json else _text(name, tally))
    wrong = [
        name for name, tally in zip(names, progress.done, strict=True) if tally.smallest and _should_be_right(name)
    ]
    sys.exit(1 if wrong else 0)


def result_json(client: str, scope: Scope, tally: ExhaustiveTotals) -> JsonObject:
    """The result of one client, as `--json` tells it."""
    return {"client": client, "scope": asdict(scope), **tally.to_json()}


def _should_be_right(name: str) -> bool:
    return MODELS.get(name, Correct) is Correct


def _check(name: str) -> None:
    if name in MODELS:
        return
    if ":" not in name:
        raise click.UsageError(f"there is no model {name!r}; there are: {', '.join(MODELS)}")
    sys.path.insert(0, str(Path.cwd()))  # as `python -m` does: a client usually lies where the command is given
    try:
        load_client(name)
    except ClientNotFoundError as error:
        raise ConfigurationError(str(error)) from None


def _play_on(progress: Progress, checkpoint: Path | None) -> None:
    bar: Any = click.progressbar(
        length=STEPS * len(progress.clients),
        label="histories",
        file=sys.stderr,
        item_show_func=lambda name: name or "",
        hidden=not sys.stderr.isatty(),
    )
    with bar:
        shown = 0
        for _ in run(progress):
            if checkpoint is not None:
                save(progress, checkpoint)
            now = round(STEPS * (len(progress.done) + progress.odometer.share))
            bar.update(now - shown, progress.client)
            shown = now


def save(progress: Progress, path: Path) -> None:
    """Write a file that nobody can see half written."""
    draft = path.with_name(f"{path.name}.new")
    try:
        draft.write_text(json.dumps(progress.to_json(), ensure_ascii=False), encoding="utf-8")
        draft.replace(path)
    except OSError as error:
        raise ConfigurationError(f"cannot write the checkpoint {path}: {error.strerror}") from None


def _text(name: str, tally: ExhaustiveTotals) -> str:
    """What a person reads of one client."""
    lines = [f"{name}: {tally.histories.total()} histories"]
    for violation in Violation:
        if tally.seen[violation]:
            told = "; ".join(tally.smallest[violation].told)
            lines.append(f"  {violation.value:<20} {tally.cell(violation):<14} smallest: {told}")
    return "\n".join(lines if len(lines) > 1 else [f"{lines[0]}, nothing wrong in any"])
