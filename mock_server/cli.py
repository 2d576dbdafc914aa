"""The command `parking-mock`: `serve`, and the commands that other packages register by entry points.

Exit codes: 0 success, 2 wrong usage or configuration, 3 the server could not start. Every flag has a variable
`PARKING_MOCK_...`; a flag overrides its variable.
"""

import asyncio
import io
import json
import re
import sys
import textwrap
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import replace
from difflib import get_close_matches
from functools import partial
from importlib.metadata import EntryPoint, entry_points
from itertools import islice
from pathlib import Path
from typing import Any, TypeVar

import click
from click.core import ParameterSource

from mock_server.call_log import CallLog
from mock_server.cloud import DEFAULT_ACCESS_ID, Cloud
from mock_server.doubts import doubts_of_seed
from mock_server.faults.chaos import PRESETS as CHAOS_PRESETS
from mock_server.faults.chaos import Chaos
from mock_server.lots.named_seeds import NAMED_SEEDS
from mock_server.lots.seed import Seed, SeedError, default_seed, load_seed
from mock_server.model import JsonObject
from mock_server.problems import Problem, in_words, parse_json, whole_number
from mock_server.profile import PRESETS as PROFILE_PRESETS
from mock_server.profile import Profile, read_profile
from mock_server.project import Project
from mock_server.ready_file import ReadyFile
from mock_server.spec import ProjectSpec
from mock_server.state.store import StoreError, Sync
from mock_server.stop_signals import call_on_stop_signal, until_interrupted
from mock_server.store_option import STORE, STORE_SYNC, StorePlace, first_project, open_ledger, store_note
from mock_server.version import __version__
from mock_server.web.pulsar.certificate import CertificateError, CertificateFiles
from mock_server.web.server import Server, silence_uvicorn
from mock_server.web.serving.collector import schedule_full_collections
from mock_server.web.serving.listening import AddressInUseError, is_loopback, is_wildcard, raise_file_limit
from mock_server.web.serving.loop import new_event_loop
from parking_mock.shadows import shadow

Callback = TypeVar("Callback", bound=Callable[..., Any])

COMMANDS = "parking_mock.commands"
"""The entry point group of further commands: `contracts`, which this package must not import, registers its own."""

_DEVICES_SHOWN = 10
_CHAOS_SEEDS = 1_000_000
_CHAOS_HELP = f"Faults at random: {', '.join(CHAOS_PRESETS)}."
_PROFILE_HELP = "What the vendor leaves open: a preset (see docs/profiles.md) or a JSON file of fields."
_MAX_DOUBTS = 5
"""The most doubtful values of a seed that are named (our choice)."""

_SEED_HELP = f"Devices and records to start from: {', '.join(NAMED_SEEDS)}, or a seed file."
_HIGHEST_PORT = 65_535
_VISIBLE = re.compile("[!-~]+")
_HOST = re.compile(r"[A-Za-z0-9]([A-Za-z0-9._-]*[A-Za-z0-9])?|[0-9A-Fa-f:]*:[0-9A-Fa-f:.]*")
_INDENT = "    "

LOG_LEVELS = ("off", "calls")
_EXISTING = click.Path(exists=True, dir_okay=False, path_type=Path)
_QUEUE_CERT_HELP = "The certificate of the native queue, with its chain, PEM.  [default: one made at the first TLS]"
_HOST_HELP = "Address of the API and the queue; localhost is both 127.0.0.1 and ::1."
_PUBLIC_HOST_HELP = (
    "The host by which clients reach that address, for the printed addresses.  [default: the address; 127.0.0.1 for one"
    " that means all of the machine's]"
)
_LOG_HELP = (
    "calls: a line for each call of the API, and each refused consumer, on standard error.  [default: calls on a"
    " terminal without --json]"
)


class ConfigurationError(click.ClickException):
    """The configuration cannot be used: the message is shown without a traceback, and the exit code is 2."""

    exit_code = 2


class InterruptedCommandError(click.ClickException):
    """The command was interrupted before it had finished: a message, no traceback, exit code 3."""

    exit_code = 3


class StartError(click.ClickException):
    """The server failed when it started or stopped: a message, no traceback, exit code 3."""

    exit_code = 3


class _Port(click.ParamType[int]):
    """A TCP port, 0 for a free one."""

    name = "port"

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> int:
        """The number, or a usage error."""
        number = whole_number(str(value))
        if number is None or number > _HIGHEST_PORT:
            self.fail(f"{value!r} is not a port: use a number from 0 to {_HIGHEST_PORT}", param, ctx)
        return number


class _Token(click.ParamType[str]):
    """A text of visible ASCII characters, which an HTTP header can hold, at least one."""

    name = "token"

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> str:
        """The token, or a usage error."""
        token = str(value)
        if not _VISIBLE.fullmatch(token):
            self.fail("a token has visible ASCII signs only, and at least one", param, ctx)
        return token


class _Host(click.ParamType[str]):
    """A host name or an address, as URLs have it."""

    name = "host"

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> str:
        """The host, or a usage error."""
        host = str(value)
        if not _HOST.fullmatch(host):
            self.fail(f"{host!r} is not a host: use a name or an address, without a scheme or a port", param, ctx)
        return host


class SingleOption(click.Option):
    """An option that may be given once on the command line: of two values one would be ignored in silence."""

    def add_to_parser(self, parser: Any, ctx: click.Context) -> None:
        """Let the parser keep every value, so that `consume_value` can count them."""
        if self.multiple or self.is_flag or self.count:
            super().add_to_parser(parser, ctx)
        else:
            parser.add_option(obj=self, opts=self.opts, dest=self.name, action="append", nargs=self.nargs)

    def consume_value(self, ctx: click.Context, opts: Any) -> Any:
        """The value. A usage error if there are several."""
        values = opts.get(self.name)
        if not isinstance(values, list) or self.multiple:
            return super().consume_value(ctx, opts)
        if len(values) > 1:
            given = " and ".join(str(each) for each in values)
            raise click.UsageError(f"{self.opts[-1]} is given {len(values)} times, as {given}: give it once", ctx)
        return super().consume_value(ctx, {**opts, self.name: values[0]})


class _Commands(click.Group):
    """This package's commands and those of the entry point group, which are imported only when they are run."""

    def main(self, *args: Any, **settings: Any) -> Any:
        """Run the command line. What the encoding of a terminal lacks is printed as an escape, instead of failing."""
        for stream in (sys.stdout, sys.stderr):
            if isinstance(stream, io.TextIOWrapper):
                stream.reconfigure(errors="backslashreplace")
        return super().main(*args, **settings)

    def invoke(self, ctx: click.Context) -> Any:
        """Run the command. An interruption that it does not handle ends with 3: click's own 1 would accuse a client."""
        try:
            return super().invoke(ctx)
        except KeyboardInterrupt:
            raise InterruptedCommandError("interrupted before it had finished") from None

    def list_commands(self, ctx: click.Context) -> list[str]:
        """The names of all commands, sorted."""
        return sorted({*super().list_commands(ctx), *(each.name for each in entry_points(group=COMMANDS))})

    def resolve_command(self, ctx: click.Context, args: list[str]) -> Any:
        """The command that the arguments name. A usage error with the similar names if there is none."""
        names = self.list_commands(ctx)
        if args and not args[0].startswith("-") and args[0] not in names:
            close = " or ".join(get_close_matches(args[0], names))
            hint = f"did you mean {close}?" if close else f"there are {', '.join(names)}"
            ctx.fail(f"there is no command {args[0]!r}; {hint}")
        return super().resolve_command(ctx, args)

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:
        """The command of that name, or None."""
        own = super().get_command(ctx, cmd_name)
        if own is not None:
            return own
        found = [each for each in entry_points(group=COMMANDS) if each.name == cmd_name]
        command = _load(found[0]) if found else None
        return command if isinstance(command, click.Command) else None


def _load(entry_point: EntryPoint) -> Any:
    """What an entry point names. ConfigurationError if its package is shadowed or cannot be imported."""
    message = shadow(entry_point.module.partition(".")[0])
    if message is not None:
        raise ConfigurationError(message)
    try:
        return entry_point.load()
    except (ImportError, AttributeError) as error:
        raise ConfigurationError(f"cannot load the command {entry_point.name} ({entry_point.value}): {error}") from None


@click.group(cls=_Commands, context_settings={"help_option_names": ["-h", "--help"]})
@click.version_option(__version__, prog_name="parking-mock", message="%(prog)s %(version)s")
def main() -> None:
    """A fake Tuya parking cloud, never kinder than the real one."""


def variable(flag: str) -> str:
    """The environment variable of a flag."""
    return "PARKING_MOCK_" + flag.removeprefix("--").replace("-", "_").upper()


def option(flag: str, *names: str, **settings: Any) -> Callable[[Callback], Callback]:
    """A flag with its environment variable, both shown in the help unless `settings` change that."""
    defaults: dict[str, Any] = {"envvar": variable(flag), "show_envvar": True, "cls": SingleOption}
    return click.option(flag, *names, **defaults | settings)


def _port(flag: str, default: int, what: str, also: str = "") -> Callable[[Callback], Callback]:
    text = f"Port of {what}; 0 picks a free one{also}."
    return option(flag, default=default, show_default=True, type=_Port(), metavar="PORT", help=text)


@main.command()
@option("--host", default="127.0.0.1", show_default=True, help=_HOST_HELP)
@option("--public-host", type=_Host(), metavar="NAME", help=_PUBLIC_HOST_HELP)
@_port("--port", 8280, "the vendor's API", ", and one for each port that is not given")
@_port("--ws-port", 8285, "the message queue")
@_port("--pulsar-port", 7285, "the message queue as native Pulsar, plain and TLS")
@_port("--lab-port", 8290, "the lab plane, which stays on loopback")
@option("--seed", "seed_name", metavar="NAME|FILE", help=_SEED_HELP)
@option("--profile", "profile_name", default="default", show_default=True, metavar="NAME|FILE", help=_PROFILE_HELP)
@option("--chaos", "chaos_name", default="default", show_default=True, metavar="NAME", help=_CHAOS_HELP)
@option("--chaos-seed", type=int, metavar="N", help="Repeat the chaos of an earlier run.  [default: from the clock]")
@option(
    "--lab-token", type=_Token(), metavar="TEXT", help="Open the lab plane to the network, for callers with this token."
)
@option("--store", **STORE)
@option("--store-sync", **STORE_SYNC)
@option("--queue-cert", type=_EXISTING, metavar="FILE", help=_QUEUE_CERT_HELP)
@option("--queue-key", type=_EXISTING, metavar="FILE", help="The private key of --queue-cert, PEM.")
@option("--ready-file", type=click.Path(path_type=Path), metavar="FILE", help="Written, as with --json, when ready.")
@option("--log-level", type=click.Choice(LOG_LEVELS), help=_LOG_HELP)
@option("--json", "as_json", is_flag=True, help="When ready, print one JSON object on one line.")
@until_interrupted()
def serve(  # noqa: PLR0913 one argument a flag
    *,
    host: str,
    public_host: str | None,
    port: int,
    ws_port: int,
    pulsar_port: int,
    lab_port: int,
    seed_name: str | None,
    profile_name: str,
    chaos_name: str,
    chaos_seed: int | None,
    lab_token: str | None,
    store: StorePlace,
    store_sync: Sync,
    queue_cert: Path | None,
    queue_key: Path | None,
    ready_file: Path | None,
    log_level: str | None,
    as_json: bool,
) -> None:
    """Run the fake cloud until it is interrupted."""
    silence_uvicorn()
    raise_file_limit()
    if port == 0:
        ws_port, lab_port = free_unless_given("ws_port", ws_port), free_unless_given("lab_port", lab_port)
        pulsar_port = free_unless_given("pulsar_port", pulsar_port)
    cloud = Cloud()
    chaos = _chaos(chaos_name, cloud.clock.now_ms() % _CHAOS_SEEDS if chaos_seed is None else chaos_seed)
    make = partial(default_project, _seed(seed_name), named_profile(profile_name), chaos)
    try:
        ledger = open_ledger(cloud, make, store, store_sync)
        server = Server(
            cloud,
            host,
            port=port,
            ws_port=ws_port,
            pulsar_port=pulsar_port,
            lab_port=lab_port,
            lab_token=lab_token,
            public_host=public_host,
            certificate=_certificate(queue_cert, queue_key),
            ledger=ledger,
        )
    except (CertificateError, StoreError) as error:
        raise ConfigurationError(str(error)) from None
    except AddressInUseError as error:
        advice = "name an address of this machine" if error.flag == "--host" else "0 picks a free one"
        raise ConfigurationError(f"{error}. Choose another with {error.flag} ({advice}).") from None
    if (log_level or _default_log_level(as_json=as_json)) == "calls":
        CallLog(cloud, partial(click.echo, err=True))
    notes = [_host_note(host, public_host), store_note(store, store_sync)]
    try:
        with asyncio.Runner(loop_factory=new_event_loop) as runner:
            first = partial(first_project, cloud, ledger)
            runner.run(_serve(server, ready_file, as_json=as_json, notes=notes, first=first))
    except StoreError as error:
        raise StartError(f"the last changes are lost: {error}") from None


def free_unless_given(name: str, port: int) -> int:
    """The port of a parameter; 0 if neither a flag nor a variable gave it."""
    source = click.get_current_context().get_parameter_source(name)
    return 0 if source is ParameterSource.DEFAULT else port


def _certificate(cert: Path | None, key: Path | None) -> CertificateFiles | None:
    """The certificate of the native queue. ConfigurationError for one without its key."""
    if cert is None or key is None:
        if cert or key:
            raise ConfigurationError("--queue-cert and --queue-key belong together: give both or neither")
        return None
    return CertificateFiles(cert, key)


def _default_log_level(*, as_json: bool) -> str:
    """Calls are logged for people: a pipe that nobody reads would stop the server once it is full."""
    return "calls" if sys.stderr.isatty() and not as_json else "off"


def _host_note(host: str, public_host: str | None) -> str:
    """What to know of the exported addresses, where other machines may not reach them."""
    if public_host and is_loopback(host) and not is_loopback(public_host):
        return f"  (it listens on {host} only; other machines need --host 0.0.0.0)"
    if public_host or not is_wildcard(host):
        return ""
    return f"  ({host} means every address of this machine; other machines need --public-host NAME)"


def default_project(seed: Seed | None = None, profile: Profile | None = None, chaos: Chaos | None = None) -> Project:
    """The project that `serve` starts with: fixed keys, and the default seed's three devices unless a seed is given."""
    plain = ProjectSpec(seed=seed or default_seed())
    spec = replace(plain, profile=profile or plain.profile, chaos=chaos or plain.chaos)
    return spec.make_project(DEFAULT_ACCESS_ID)


def _chaos(name: str, seed: int) -> Chaos:
    if name not in CHAOS_PRESETS:
        raise ConfigurationError(f"there is no chaos {name!r}; there are: {', '.join(CHAOS_PRESETS)}")
    return Chaos(name, seed)


def named_profile(name: str) -> Profile:
    """The preset of that name, else a profile from the JSON file of that path."""
    problems: list[Problem] = []
    profile = read_profile(profile_data(name), "", problems)
    if profile is None:
        raise ConfigurationError(f"cannot use the profile {name}: {in_words(problems)}")
    return profile


def profile_data(name: str) -> object:
    """The name of a preset as it is, else the JSON file of that path; exit code 2 if there is neither."""
    if name in PROFILE_PRESETS:
        return name
    try:
        return parse_json(Path(name).read_bytes())
    except OSError:
        known = ", ".join(PROFILE_PRESETS)
        raise ConfigurationError(f"there is no profile {name!r} and no such file; there are: {known}") from None
    except ValueError as error:
        raise ConfigurationError(f"cannot use the profile {name}: {error}") from None


def _seed(name: str | None) -> Seed | None:
    """The seed of that name, else one from the seed file of that path."""
    if name is None:
        return None
    if name in NAMED_SEEDS:
        return NAMED_SEEDS[name]()
    try:
        seed = load_seed(Path(name))
    except FileNotFoundError:
        known = ", ".join(NAMED_SEEDS)
        raise ConfigurationError(f"there is no seed {name!r} and no such file; there are: {known}") from None
    except OSError as error:
        raise ConfigurationError(f"cannot read the seed {name}: {error.strerror}") from None
    except SeedError as error:
        raise ConfigurationError(f"cannot use the seed {name}: {error}") from None
    for doubt in islice(doubts_of_seed(seed), _MAX_DOUBTS):
        click.echo(f"Warning: seed {name}: {doubt}", err=True)
    return seed


async def _serve(
    server: Server,
    ready_file: Path | None,
    *,
    as_json: bool,
    notes: Sequence[str] = (),
    first: Callable[[], Project] | None = None,
) -> None:
    """Serve until a stop signal. `first` returns the project to tell of, the first of the cloud if it is not given.

    No reference to that is kept: once deleted, its memory is freed.

    StartError if the server cannot start. A signal meanwhile ends the start.
    """
    ready = None if ready_file is None else ReadyFile(ready_file)
    if ready is not None:
        with _ready_file_errors(ready):
            ready.remove_stale()
    loop = asyncio.get_running_loop()
    starting, stopping = loop.create_task(server.start()), asyncio.Event()

    def stop() -> None:
        stopping.set()
        starting.cancel()

    call_on_stop_signal(loop, stop)
    await asyncio.wait({starting})
    if starting.cancelled():
        return
    if (error := starting.exception()) is not None:
        raise StartError(f"the server could not start: {error!r}") from error
    schedule_full_collections(loop)
    try:
        _tell(server, first() if first else next(iter(server.cloud)), ready, as_json=as_json, notes=notes)
        await stopping.wait()
    finally:
        await server.stop()
        if ready is not None:
            ready.remove()


def _tell(server: Server, project: Project, ready: ReadyFile | None, *, as_json: bool, notes: Sequence[str]) -> None:
    """Write the exports to the ready file, and the exports or the ready text to standard output."""
    exports = server.exports(project)
    line = json.dumps(exports)
    if ready is not None:
        with _ready_file_errors(ready):
            ready.write(line + "\n")
    click.echo(line if as_json else ready_text(exports, project, notes))


@contextmanager
def _ready_file_errors(ready: ReadyFile) -> Iterator[None]:
    try:
        yield
    except OSError as error:
        raise ConfigurationError(f"cannot write the ready file {ready.path}: {error.strerror}") from None


def ready_text(exports: JsonObject, project: Project, notes: Sequence[str] = ()) -> str:
    """The text that `serve` prints when it is ready; `notes` are lines about the addresses and the store."""
    devices: Any = exports["devices"]
    width = max(len(device["device_name"]) for device in devices)
    shown = [
        f"    {device['device_id']}  {device['device_name']:<{width}}  {device['kind']}, {device['supplier_code']}"
        for device in devices[:_DEVICES_SHOWN]
    ]
    if len(devices) > _DEVICES_SHOWN:
        shown.append(f"    and {len(devices) - _DEVICES_SHOWN} more")
    return "\n".join(
        (
            f"parking-mock {__version__}: a fake Tuya parking cloud",
            f"  API            {exports['api']}",
            f"  message queue  {exports['ws']}",
            f"                 {exports['pulsar']}  (native, and pulsar+ssl:// on the same port)",
            f"  lab plane      {exports['lab']}  (open it in a browser)",
            *filter(None, notes),
            f"  access id      {exports['access_id']}",
            f"  access secret  {exports['access_secret']}",
            "  devices",
            *shown,
            f"  chaos          {_chaos_text(project.chaos)}",
            f"  profile        {_profile_text(project.profile)}",
            "Ready. Press Ctrl+C to stop.",
        )
    )


def _chaos_text(chaos: Chaos) -> str:
    if not chaos.rates:
        return "off"
    kinds = textwrap.fill(", ".join(chaos.rates), 90, initial_indent=_INDENT, subsequent_indent=_INDENT)
    bounds = f"seed {chaos.seed}, at most {chaos.budget} faults (--chaos off for none) of these kinds:"
    return f"{chaos.preset}, {bounds}\n{kinds}"


def _profile_text(profile: Profile) -> str:
    name = next((name for name, preset in PROFILE_PRESETS.items() if preset == profile), "your own")
    values = ", ".join(f"{key} {value}" for key, value in profile.to_json().items())
    return f"{name}\n{textwrap.fill(values, 90, initial_indent=_INDENT, subsequent_indent=_INDENT)}"
