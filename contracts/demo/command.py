"""`parking-mock demo`: lost records, and the count that finds them, on a page or as text.

The story runs on a real server with real clients, on a virtual clock. The page and the text read every figure from the
history. The exit code is 3 if events do not follow the story.
"""

import os
import sys
import textwrap
import threading
import webbrowser
from collections.abc import Callable
from typing import Any, TypeVar

import click

from contracts.demo.stage import DemoError, DemoStage, demo_project
from contracts.demo.story import ACTS, OnTheHour
from mock_server.cli import ConfigurationError, option
from mock_server.cloud import Cloud
from mock_server.guide import ActChosenError, Caption, Guide
from mock_server.stop_signals import until_interrupted
from mock_server.web.server import Server, ThreadedServer, silence_uvicorn
from mock_server.web.serving.listening import AddressInUseError

Callback = TypeVar("Callback", bound=Callable[..., Any])

TITLE = "parking-mock demo: lost records, and the count that finds them"
HINT = """
Now yours:  parking-mock demo       the same on a page, where you can change the world
            parking-mock serve      prints the addresses and keys that your client needs
            parking-mock --help     what else there is"""

YOURS = "Now yours"
INVITATION = (
    "Now you: lose the next 3, let 10 cars enter, and step the clock an hour, twice. The reference client is still "
    "there, for every lot."
)
BROKEN = "The story did not go on as it is told ({}). If you have changed its world: Repeat begins this part again."

_WIDTH = 8
_LINE = 104


def _port(flag: str, what: str) -> Callable[[Callback], Callback]:
    """The option of a port; a free one by default."""
    text = f"Port of {what}.  [default: a free one]"
    return option(flag, default=0, type=click.IntRange(0, 65_535), help=text)


@click.command()
@click.option("--headless", is_flag=True, help="Tell the story as text and end.")
@click.option(
    "--open/--no-open", "open_page", default=None, help="Open the page in a browser.  [default: on a desktop]"
)
@_port("--port", "the API")
@_port("--ws-port", "the queue")
@_port("--lab-port", "the page")
def demo(*, headless: bool, open_page: bool | None, port: int, ws_port: int, lab_port: int) -> None:
    """Show lost records, and the count that finds them."""
    silence_uvicorn()
    cloud = Cloud()
    project = cloud.add(demo_project())
    guide = Guide(project.access_id, [*(act.title for act in ACTS), YOURS])
    try:
        server = Server(cloud, port=port, ws_port=ws_port, lab_port=lab_port, guide=None if headless else guide)
    except AddressInUseError as error:
        raise ConfigurationError(f"{error}. Choose another with {error.flag} (0 picks a free one).") from None
    click.echo(TITLE)
    with ThreadedServer(server) as running, DemoStage(running, project) as stage:
        if headless:
            tell(stage)
        else:
            guide.told_to(running.run)
            show(stage, guide, server, open_page=_has_desktop() if open_page is None else open_page)


def tell(stage: DemoStage) -> None:
    """Print the story."""
    number = 0
    for act in ACTS:
        click.echo(f"\n{act.title}")
        for caption in act.tell(stage):
            number += 1
            click.echo(f"\n{number:>2} {_as_text(caption)}")
    click.echo(HINT)


def show(stage: DemoStage, guide: Guide, server: Server, *, open_page: bool) -> None:
    """Show the story on the page, as often as the viewer asks for, until Ctrl+C."""
    exports: Any = server.exports(stage.project)
    with until_interrupted():
        click.echo(f"  the page       {exports['lab']}/")
        click.echo(f"  API            {exports['api']}\n  message queue  {exports['ws']}")
        click.echo("No chaos: what gets lost, the story loses. Press Ctrl+C to stop.")
        if open_page:
            webbrowser.open(f"{exports['lab']}/")
        else:
            click.echo("The story begins when somebody opens the page.")
        guide.wait_for_viewer()
        act = 0
        while True:
            act = show_from(act, stage, guide)


def show_from(act: int, stage: DemoStage, guide: Guide) -> int:
    """Show the acts from this one on, then hand the world over to the viewer; the act that the viewer chose next."""
    try:
        while act < len(ACTS):
            show_act(act, stage, guide)
            act += 1
        hand_over(stage, guide)
    except ActChosenError as chosen:
        return chosen.act
    return act


def show_act(act: int, stage: DemoStage, guide: Guide) -> None:
    """Show one act, each caption for as long as it takes to read. It ends early if the viewer has changed the world."""
    guide.begin(act)
    try:
        for caption in ACTS[act].tell(stage):
            guide.tell(caption, stage.position)
            guide.wait()
            guide.go_on()
    except DemoError as error:
        guide.end(Caption("lot", BROKEN.format(error.message), cell=guide.cell))
        guide.wait_for_order()


def hand_over(stage: DemoStage, guide: Guide) -> None:
    """Begin a fresh world and let the reference client follow the viewer's changes. Ends with ActChosenError."""
    guide.begin(len(ACTS))
    stage.clear()
    stage.open([each.device_id for each in stage.lots()], OnTheHour, busy=False)
    guide.end(Caption("client", INVITATION))
    changed = threading.Event()

    def note_change() -> None:
        changed.set()
        guide.nudge()

    stop = stage.parking.run(lambda: stage.project.history.listen(note_change))
    try:
        while True:
            changed.clear()
            stage.act()
            guide.wait_for_order(changed.is_set)
    finally:
        stage.parking.run(stop)


def _has_desktop() -> bool:
    """Whether the terminal belongs to a desktop on which a browser can open."""
    graphical = sys.platform in ("darwin", "win32") or bool({"DISPLAY", "WAYLAND_DISPLAY"} & os.environ.keys())
    return graphical and sys.stdout.isatty()


def _as_text(caption: Caption) -> str:
    """The text of one step: who does what, and below it the lines of the wire."""
    indent = " " * (_WIDTH + 3)
    said = textwrap.wrap(caption.text, _LINE)
    return f"{caption.who:<{_WIDTH}}" + f"\n{indent}".join((*said, *caption.lines))
