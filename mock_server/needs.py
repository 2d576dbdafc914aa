"""What `parking-mock` needs of a machine, and whether it is there. Everything is looked at, nothing is changed.

Each function returns prerequisites. What `serve` cannot do without is `wrong` if it is not there; what only some uses
need is `missing`. The lowest versions are those of the installed package's metadata, so of pyproject.toml.
"""

import platform
import re
import shutil
import sys
import tempfile
import webbrowser
from collections.abc import Callable, Iterator, Mapping
from glob import glob
from http.client import HTTPConnection, HTTPException
from importlib.metadata import PackageNotFoundError, metadata, requires, version
from pathlib import Path
from typing import Literal, NamedTuple, TypeAlias
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from mock_server.clock import wall_clock_ms
from mock_server.model import JsonObject
from mock_server.no_proxy import LOOPBACK, past_proxies
from mock_server.state.database import Database
from mock_server.state.sqlite import APPLICATION_ID
from mock_server.store_option import StorePlace
from mock_server.web.serving.listening import MAX_CONNECTIONS, AddressInUseError, connection_limit, listen_all
from mock_server.words import day_text
from parking_mock.shadows import PACKAGES, shadow

DISTRIBUTION = "parking-mock"

NeedState: TypeAlias = Literal["ok", "missing", "wrong"]

BEIJING = "Asia/Shanghai"
"""The time zone of the vendor's lots."""

DAY_S = 86_400
LOW_DISK = 100 << 20
"""Bytes left on a disk under which a store is soon full (our choice: some hundred thousand records)."""

_SQLITE_HEADER, _APPLICATION_ID = b"SQLite format 3\0", slice(68, 72)
_CONNECT_S = 5
_ENOUGH = 1000


class Prerequisite(NamedTuple):
    """One thing that is needed: whether it is there, what was found, and what to do if it is not `ok`."""

    name: str
    state: NeedState
    found: str
    remedy: str = ""

    def to_json(self) -> JsonObject:
        """As `parking-mock doctor --json` has it."""
        return dict(self._asdict())


class Tool(NamedTuple):
    """A program that some uses need: for what, and the packages of Debian that have it."""

    use: str
    packages: str


TOOLS: Mapping[str, Tool] = {
    "node": Tool("clients in Node.js (init --adapter node), judge-sdk node", "nodejs npm"),
    "go": Tool("clients in Go, judge-sdk go", "golang-go"),
    "java": Tool("clients in Java, judge-sdk java", "default-jdk-headless"),
    "mvn": Tool("clients in Java, judge-sdk java", "maven"),
    "postgres": Tool("a database on this machine, for --store postgresql://", "postgresql"),
    "nginx": Tool("a front of several servers", "nginx-light libnginx-mod-stream"),
}
_ELSEWHERE = {"postgres": "/usr/lib/postgresql/*/bin/postgres", "nginx": "/usr/sbin/nginx"}
"""Where Debian has programs that are not on every user's path."""


class Requirement(NamedTuple):
    """A requirement of the package: what, since which version, and the extra that it belongs to."""

    name: str
    lowest: str
    extra: str


def python() -> Iterator[Prerequisite]:
    """The interpreter's version."""
    lowest = (metadata(DISTRIBUTION)["Requires-Python"] or "").removeprefix(">=")
    own = platform.python_version()
    if release(own) < release(lowest):
        yield Prerequisite("python", "wrong", f"{own} is older than {lowest}", f"install Python {lowest} or newer")
    else:
        yield Prerequisite("python", "ok", f"{own} ({lowest} or newer)")


def packages() -> Iterator[Prerequisite]:
    """The packages that are always needed, each at the lowest version or a newer one."""
    wanted = [each for each in requirements() if not each.extra]
    bad = [finding for each in wanted for finding in _package(each, "wrong", f"pip install --upgrade {DISTRIBUTION}")]
    yield from bad or [Prerequisite("packages", "ok", f"{len(wanted)}, each as new as is needed")]


def extras() -> Iterator[Prerequisite]:
    """The packages of the extras."""
    for each in requirements():
        if each.extra:
            found = list(_package(each, "missing", f"pip install '{DISTRIBUTION}[{each.extra}]'"))
            yield from found or [Prerequisite(f"extra {each.extra}", "ok", f"{each.name} {version(each.name)}")]


def requirements() -> Iterator[Requirement]:
    """What the metadata of the package names for this platform."""
    for text in requires(DISTRIBUTION) or ():
        requirement, _, marker = text.partition(";")
        found = re.match(r"([\w.-]+)(?:\[[\w,]+\])?>=([\d.]+)", requirement)
        if found is None or ("sys_platform" in marker and sys.platform == "win32"):
            continue
        extra = re.search(r"""extra == ['"](\w+)""", marker)
        yield Requirement(found[1], found[2], extra[1] if extra else "")


def _package(wanted: Requirement, state: NeedState, remedy: str) -> Iterator[Prerequisite]:
    """A finding if a package is not there, or too old."""
    name = f"extra {wanted.extra}" if wanted.extra else wanted.name
    try:
        found = version(wanted.name)
    except PackageNotFoundError:
        yield Prerequisite(name, state, f"{wanted.name} is not installed", remedy)
        return
    if release(found) < release(wanted.lowest):
        yield Prerequisite(name, state, f"{wanted.name} {found} is older than {wanted.lowest}", remedy)


def release(text: str) -> tuple[int, ...]:
    """The numbers of a version, without zeros at the end: 3.10.0rc1 as (3, 10)."""
    numbers = re.match(r"\d+(?:\.\d+)*", text)
    parts = [int(each) for each in numbers[0].split(".")] if numbers else []
    while parts and not parts[-1]:
        parts.pop()
    return tuple(parts)


def tools() -> Iterator[Prerequisite]:
    """The programs that some uses need, and a browser."""
    for name, tool in TOOLS.items():
        place = shutil.which(name) or next(iter(glob(_ELSEWHERE.get(name, ""))), None)  # noqa: PTH207 an absolute pattern
        if place:
            yield Prerequisite(name, "ok", place)
        else:
            yield Prerequisite(name, "missing", f"not found: {tool.use}", f"apt-get install {tool.packages}")
    try:
        webbrowser.get()
    except webbrowser.Error:
        remedy = "from a desktop: ssh -L 8290:127.0.0.1:8290 this-machine, then open http://127.0.0.1:8290/"
        yield Prerequisite("browser", "missing", "none found: the dashboard, demo", remedy)
    else:
        yield Prerequisite("browser", "ok", "found")


def ports(addresses: Mapping[str, tuple[str, int]]) -> Iterator[Prerequisite]:
    """Whether the addresses, by their flags, can be listened on. Each is listened on for a moment."""
    bad = [finding for flag, (host, port) in addresses.items() for finding in _port(flag, host, port)]
    named = ", ".join(str(port) for _, port in addresses.values() if port)
    yield from bad or [Prerequisite("ports", "ok", f"{named} free" if named else "any free ones")]


def _port(flag: str, host: str, port: int) -> Iterator[Prerequisite]:
    try:
        for listener in listen_all(host, port, flag):
            listener.close()
    except AddressInUseError as error:
        remedy = f"choose another with {error.flag}, or end what has it"
        if error.flag == "--host":
            remedy = "name an address of this machine with --host"
        elif _is_a_lab_plane(host, port):
            remedy = f"a parking-mock serves there: `parking-mock env` prints its variables; or {remedy}"
        yield Prerequisite(flag.removeprefix("--"), "wrong", str(error), remedy)


def _is_a_lab_plane(host: str, port: int) -> bool:
    """Whether what listens there answers as the lab plane of a parking-mock does."""
    asked = HTTPConnection(host, port, timeout=_CONNECT_S)
    try:
        asked.request("GET", "/healthz")
        return b'"status"' in asked.getresponse().read(_ENOUGH)
    except (OSError, HTTPException):
        return False
    finally:
        asked.close()


def store(place: StorePlace) -> Iterator[Prerequisite]:
    """Whether a store can be written. A database is connected to."""
    if place is None:
        yield Prerequisite("store", "ok", "memory: nothing is kept over a restart")
    elif isinstance(place, Database):
        yield _database(place)
    else:
        yield _file(place)


def _file(path: Path) -> Prerequisite:
    folder = path.parent
    try:
        head = path.read_bytes()[:100] if path.exists() else b""
        _try_writing(path)
    except OSError as error:
        remedy = "name a file that this user may write, in a folder that is there, with --store"
        return Prerequisite("store", "wrong", f"{path} cannot be written: {error.strerror}", remedy)
    if head and not (head.startswith(_SQLITE_HEADER) and int.from_bytes(head[_APPLICATION_ID]) in (0, APPLICATION_ID)):
        return Prerequisite(
            "store", "wrong", f"{path} is another program's file", "name a file of its own with --store"
        )
    free = shutil.disk_usage(folder).free
    if free < LOW_DISK:
        return Prerequisite(
            "store", "wrong", f"{path}: {free >> 20} MiB are free there", "make room, or use another disk"
        )
    return Prerequisite("store", "ok", f"{path} can be written; {free >> 30} GiB are free there")


def _try_writing(path: Path) -> None:
    """Open a file for writing; where there is none, make a nameless one in its folder. OSError if that may not be."""
    if path.exists():
        path.open("r+b").close()
    else:
        tempfile.TemporaryFile(dir=path.parent).close()


def _database(place: Database) -> Prerequisite:
    try:
        import psycopg  # noqa: PLC0415 only who has a database needs its driver
    except ImportError as error:
        return Prerequisite("store", "wrong", f"needs psycopg ({error})", f"pip install '{DISTRIBUTION}[postgresql]'")
    try:
        psycopg.connect(place.url, connect_timeout=_CONNECT_S).close()
    except psycopg.Error as error:
        said = " ".join(str(error).split())
        return Prerequisite(
            "store", "wrong", f"{place.shown}: {said}", "start it, or mend --store, the user or PGPASSWORD"
        )
    return Prerequisite("store", "ok", f"{place.shown} answers")


def clock() -> Iterator[Prerequisite]:
    """Whether the machine's time can be right, and whether it knows the time zone of the lots."""
    now_s, made_s = wall_clock_ms() // 1000, Path(__file__).stat().st_mtime
    shown = f"{day_text(now_s * 1000)} UTC"
    if now_s < made_s - DAY_S:
        remedy = "set it: the real cloud refuses a client whose clock differs by minutes"
        yield Prerequisite("clock", "wrong", f"{shown} is before this program was installed", remedy)
    else:
        yield Prerequisite("clock", "ok", shown)
    try:
        ZoneInfo(BEIJING)
    except ZoneInfoNotFoundError:
        yield Prerequisite("time zones", "wrong", f"{BEIJING} is not known", "pip install tzdata")


def surroundings(environ: Mapping[str, str]) -> Iterator[Prerequisite]:
    """What else leads clients or the server astray: namesakes of our packages, proxies, a low limit of open files."""
    for message in filter(None, map(shadow, PACKAGES)):
        yield Prerequisite("packages of ours", "wrong", message, "rename it, or keep its folder off the import path")
    missed = past_proxies(environ).get("no_proxy", "").split(",")
    kept = environ.get("no_proxy") or environ.get("NO_PROXY") or ""
    if set(missed) & set(LOOPBACK) and LOOPBACK[0] not in kept.split(","):
        remedy = f"export NO_PROXY={','.join(missed)} no_proxy={','.join(missed)}"
        yield Prerequisite("proxy", "missing", "clients here would ask the proxy for this machine", remedy)
    if connection_limit() < MAX_CONNECTIONS:
        found = f"{connection_limit()} connections an address, not {MAX_CONNECTIONS}"
        yield Prerequisite("open files", "missing", found, "raise the hard limit (ulimit -Hn)")


def everything(
    addresses: Mapping[str, tuple[str, int]], place: StorePlace, environ: Mapping[str, str]
) -> Iterator[Prerequisite]:
    """All findings, in the order in which one would mend them. One alone if the package is not installed."""
    try:
        yield from python()
    except PackageNotFoundError:
        yield Prerequisite(DISTRIBUTION, "wrong", "it runs from a folder and is not installed", "pip install .")
        return
    looks: tuple[Callable[[], Iterator[Prerequisite]], ...] = (
        packages,
        extras,
        lambda: surroundings(environ),
        clock,
        lambda: ports(addresses),
        lambda: store(place),
        tools,
    )
    for look in looks:
        yield from look()
