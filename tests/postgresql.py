"""A PostgreSQL cluster for tests and benchmarks: Debian's programs, in a folder of its own, on a free port.

The processes of one run share it: the first that needs it starts it, the last one stops it.
"""

import fcntl
import os
import shutil
import socket
import subprocess
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any, LiteralString

import psycopg
from psycopg import sql

from mock_server.state.database import Database

USER = "parking"
PROGRAMS = "/usr/lib/postgresql"
QUICK = {"fsync": "off", "full_page_writes": "off", "max_connections": "60", "shared_buffers": "16MB"}
"""A cluster that is thrown away need not survive its machine."""


class Cluster:
    """A cluster in a folder, which may be there already."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self._data = folder / "data"
        self._port = folder / "port"

    @property
    def port(self) -> int:
        """Where it listens, on 127.0.0.1."""
        return int(self._port.read_text())

    def url(self, database: str = "postgres") -> str:
        """The URL of a database."""
        return f"postgresql://{USER}@127.0.0.1:{self.port}/{database}"

    def database(self) -> Database:
        """A new, empty database."""
        with connected(self.url()) as connection:
            (taken,) = connection.execute("SELECT count(*) FROM pg_database").fetchone() or (0,)
            name = f"lots_{os.getpid()}_{taken}"
            connection.execute(sql.SQL("CREATE DATABASE {}").format(sql.Identifier(name)))
        return Database(self.url(name))

    def guard(self, user: str, password: str) -> None:
        """Have a user who is let in by a password, and may do little."""
        with connected(self.url()) as connection, suppress(psycopg.errors.DuplicateObject):
            literal = sql.Literal(password)
            connection.execute(sql.SQL("CREATE ROLE {} LOGIN PASSWORD {}").format(sql.Identifier(user), literal))

    def shut(self, database: Database) -> None:
        """Let nobody into a database, and throw everybody out."""
        self._let(database, "false")
        with connected(self.url()) as connection:
            name = database.url.rpartition("/")[2]
            connection.execute("SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE datname = %s", (name,))

    def open_again(self, database: Database) -> None:
        """Let everybody in again."""
        self._let(database, "true")

    def _let(self, database: Database, allowed: LiteralString) -> None:
        name = sql.Identifier(database.url.rpartition("/")[2])
        with connected(self.url()) as connection:
            connection.execute(sql.SQL("ALTER DATABASE {} ALLOW_CONNECTIONS " + allowed).format(name))

    def make(self) -> None:
        """Make it. Its owner is let in from this machine, others by a password."""
        self.folder.mkdir()
        if os.getuid() == 0:  # PostgreSQL does not run as somebody who may do everything
            shutil.chown(self.folder, "postgres")
        self._run("initdb", "--no-sync", "--no-locale", "--encoding=UTF8", "--auth=trust", "-U", USER, "-D", self._data)
        rules = self._data / "pg_hba.conf"
        rules.write_text(f"host all {USER} 127.0.0.1/32 trust\nhost all all 127.0.0.1/32 scram-sha-256\n")
        self._port.write_text(str(free_port()))

    def start(self, **settings: str) -> None:
        """Start it, and wait until it answers."""
        given = {"listen_addresses": "127.0.0.1", "port": str(self.port), "unix_socket_directories": "", **QUICK}
        options = " ".join(f"-c {name}='{value}'" for name, value in (given | settings).items())
        self._run("pg_ctl", "-D", self._data, "-w", "-t", "120", "-l", self.folder / "log", "-o", options, "start")

    def stop(self, mode: str = "immediate") -> None:
        """Stop it."""
        self._run("pg_ctl", "-D", self._data, "-w", "-m", mode, "stop")

    def _run(self, program: str, *arguments: str | Path) -> None:
        path = max(Path(PROGRAMS).glob(f"*/bin/{program}"), default=None, key=lambda each: int(each.parts[-3]))
        assert path is not None, f"there is no {program}: scripts/set-up dev installs PostgreSQL"
        user = {"user": "postgres", "group": "postgres", "extra_groups": []} if os.getuid() == 0 else {}
        done = subprocess.run(  # type: ignore[call-overload]  # noqa: S603 Debian's own program
            [path, *arguments],
            cwd="/",
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            check=False,
            **user,
        )
        assert done.returncode == 0, done.stdout


def connected(url: str) -> psycopg.Connection[tuple[Any, ...]]:
    """A connection of a test's own."""
    return psycopg.connect(url, autocommit=True)


def free_port() -> int:
    """A port that nobody listens on."""
    with socket.create_server(("127.0.0.1", 0)) as found:
        return int(found.getsockname()[1])


@contextmanager
def own_cluster() -> Iterator[Cluster]:
    """One of one's own, which waits for the disk where a promise says so."""
    cluster = Cluster(Path(tempfile.gettempdir()) / f"parking-mock-postgresql-own-{os.getpid()}")
    cluster.make()
    try:
        cluster.start(fsync="on", full_page_writes="on", shared_buffers="128MB")
        yield cluster
        cluster.stop("fast")
    finally:
        shutil.rmtree(cluster.folder)


@contextmanager
def shared_cluster(run: str) -> Iterator[Cluster]:
    """The cluster that all processes of a run share, by a name that they share."""
    cluster = Cluster(Path(tempfile.gettempdir()) / f"parking-mock-postgresql-{run}")
    users = cluster.folder.with_suffix(".users")
    with counted(users) as count:
        if not count:
            cluster.make()
            cluster.start()
        users.write_text(str(count + 1))
    try:
        yield cluster
    finally:
        with counted(users) as count:
            users.write_text(str(count - 1))
            if count == 1:
                cluster.stop()
                shutil.rmtree(cluster.folder)
                users.unlink()


@contextmanager
def counted(users: Path) -> Iterator[int]:
    """How many use it, for one process at a time."""
    with users.with_suffix(".lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        yield int(users.read_text()) if users.exists() else 0
