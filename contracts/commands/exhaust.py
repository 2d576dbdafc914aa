"""`parking-mock exhaust`: plays every history up to a number of records and faults to models of clients.

Exit codes: 0 the correct model shows no violation, 1 it shows one, 2 wrong usage. With `--resume` a checkpoint is
written every EVERY histories, from which an interrupted run continues.
"""

import json
import sys
from collections.abc import Iterator
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any, get_args

import click

from contracts.proof.exhaustive.counting_models import MODELS, CorrectModel
from contracts.proof.exhaustive.histories import Copies, Scope, Violation, play_of
from contracts.proof.exhaustive.odometer import Odometer
from contracts.proof.exhaustive.totals import ExhaustiveTotals
from mock_server.cli import ConfigurationError, SingleOption
from mock_server.model import JsonObject

FORMAT = "parking-mock/exhaust"

EVERY = 200
"""Histories between two checkpoints and two updates of the progress bar."""

STEPS = 10_000
"""The steps of the progress bar for each model."""


@dataclass(slots=True)
class ExhaustiveProgress:
    """The state of a run: the totals of the models that are done; the present model's odometer and totals so far."""

    scope: Scope
    clients: tuple[str, ...]
    done: list[ExhaustiveTotals]
    odometer: Odometer
    tally: ExhaustiveTotals

    @property
    def client(self) -> str | None:
        """The title of the present model, None if all are done."""
        return self.clients[len(self.done)] if len(self.done) < len(self.clients) else None

    def next_client(self) -> None:
        """Finish the present model and begin the next."""
        self.done.append(self.tally)
        self.tally, self.odometer = ExhaustiveTotals(), Odometer()

    def to_json(self) -> JsonObject:
        """The checkpoint as JSON."""
        return {
            "format": FORMAT,
            "scope": asdict(self.scope),
            "clients": list(self.clients),
            "done": [tally.to_json() for tally in self.done],
            "position": list(self.odometer.position),
            "tally": self.tally.to_json(),
        }


def read_progress(path: Path, scope: Scope, clients: tuple[str, ...]) -> ExhaustiveProgress:
    """The run of a checkpoint file, or a new one if there is no file.

    ConfigurationError for a file that cannot be read or has another scope or other models.
    """
    if not path.exists():
        return ExhaustiveProgress(scope, clients, [], Odometer(), ExhaustiveTotals())
    try:
        data: Any = json.loads(path.read_text(encoding="utf-8"))
        if data["format"] != FORMAT:
            raise ConfigurationError(f"{path} is no checkpoint of parking-mock exhaust")
        if data["scope"] != asdict(scope) or data["clients"] != list(clients):
            raise ConfigurationError(
                f"{path} is the checkpoint of another run: remove it, or repeat that run's options"
            )
        done = [ExhaustiveTotals.from_json(each) for each in data["done"]]
        return ExhaustiveProgress(
            scope, clients, done, Odometer(data["position"]), ExhaustiveTotals.from_json(data["tally"])
        )
    except (OSError, ValueError, KeyError, TypeError) as error:
        raise ConfigurationError(f"cannot use the checkpoint {path}: {error!r}") from None


def run(progress: ExhaustiveProgress) -> Iterator[None]:
    """Play to one model after the other. Yields after every EVERY histories, when `progress` can be saved."""
    while (client := progress.client) is not None:
        play = play_of(progress.scope, progress.odometer, MODELS[client])
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
@click.option(
    "--records", cls=SingleOption, type=click.IntRange(1), default=3, show_default=True, help="So many records at most."
)
@click.option(
    "--faults", cls=SingleOption, type=click.IntRange(0), default=2, show_default=True, help="So many faults at most."
)
@click.option(
    "--syncs",
    cls=SingleOption,
    type=click.IntRange(0),
    default=3,
    show_default=True,
    help="So many syncs that faults can hit.",
)
@click.option(
    "--copies",
    cls=SingleOption,
    type=click.Choice(get_args(Copies)),
    default="redelivered",
    show_default=True,
    help="What a message that comes twice is: the same one again, or a second one.",
)
@click.option("--inside", is_flag=True, help="No record at the very end of the window.")
@click.option(
    "--client",
    "clients",
    type=click.Choice(tuple(MODELS)),
    multiple=True,
    metavar="NAME",
    help="A model of a client.  [default: every model]",
)
@click.option(
    "--resume",
    cls=SingleOption,
    type=click.Path(path_type=Path),
    metavar="FILE",
    help="Checkpoint: go on where it was left.",
)
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
    scope = Scope(records, faults, syncs, copies, at_end=not inside)
    progress = (
        read_progress(resume, scope, names)
        if resume
        else ExhaustiveProgress(scope, names, [], Odometer(), ExhaustiveTotals())
    )
    _play_on(progress, resume)
    for name, tally in zip(names, progress.done, strict=True):
        click.echo(json.dumps(result_json(name, scope, tally)) if as_json else _text(name, tally))
    wrong = (tally.smallest for name, tally in zip(names, progress.done, strict=True) if name == CorrectModel.title)
    sys.exit(1 if any(wrong) else 0)


def result_json(client: str, scope: Scope, tally: ExhaustiveTotals) -> JsonObject:
    """The result of one model, as `--json` prints it."""
    return {"client": client, "scope": asdict(scope), **tally.to_json()}


def _play_on(progress: ExhaustiveProgress, checkpoint: Path | None) -> None:
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


def save(progress: ExhaustiveProgress, path: Path) -> None:
    """Write the checkpoint to a draft beside it, then rename that: an interrupt never leaves a torn file."""
    draft = path.with_name(f"{path.name}.new")
    try:
        draft.write_text(json.dumps(progress.to_json(), ensure_ascii=False), encoding="utf-8")
        draft.replace(path)
    except OSError as error:
        raise ConfigurationError(f"cannot write the checkpoint {path}: {error.strerror}") from None


def _text(name: str, tally: ExhaustiveTotals) -> str:
    """The result of one model as text."""
    lines = [f"{name}: {tally.histories.total()} histories"]
    for violation in Violation:
        if tally.seen[violation]:
            words = "; ".join(tally.smallest[violation].words)
            lines.append(f"  {violation.value:<20} {tally.cell(violation):<14} smallest: {words}")
    return "\n".join(lines if len(lines) > 1 else [f"{lines[0]}, nothing wrong in any"])
