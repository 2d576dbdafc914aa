"""The lease of a server: the time until which it lives, as the database knows it.

A thread with a connection of its own makes it longer once a second, whatever the loop is at: a server whose loop writes
a large project lives. It also hears at once which of the server's projects another one wants.
"""

from collections.abc import Callable
from contextlib import suppress
from threading import Event, Thread

from mock_server.clock import monotonic_s
from mock_server.state.postgresql_session import PostgresConnection, PostgresSession
from mock_server.state.store import StoreError

LEASE_S = 5
"""Seconds without a sign of life after which other servers take the projects over (our choice)."""

RENEW_S = 1
"""Seconds between two signs of life (our choice)."""

_RENEW = (
    "INSERT INTO servers (id, url, until) VALUES (%s, %s, clock_timestamp() + make_interval(secs => %s)) "
    "ON CONFLICT (id) DO UPDATE SET url = excluded.url, until = excluded.until"
)
_WANTED = "SELECT access_id FROM projects WHERE server = %s AND wanted IS NOT NULL"


def channel_of(server: str) -> str:
    """The channel of the database on which a server hears that a project is wanted."""
    return f"parking_mock_{server}"


class Lease:
    """The lease of one server. `url` is where its lab plane is.

    `on_wanted` is called from the thread with the projects that others want, and with none when the lease was over.
    """

    def __init__(self, session: PostgresSession, server: str) -> None:
        self._server = server
        self._session = session
        session.prepare = self._listen
        self._until = monotonic_s() + LEASE_S
        self._lapsed = False
        self._stopping = Event()
        self._thread = Thread(target=self._run, name="parking-mock lease", daemon=True)
        self.url = ""
        self.on_wanted: Callable[[list[str]], None] = lambda _: None

    def start(self, url: str, on_wanted: Callable[[list[str]], None]) -> None:
        """Begin to live."""
        self.url, self.on_wanted = url, on_wanted
        self._thread.start()

    @property
    def is_over(self) -> bool:
        """Whether others may have taken projects over since `renew` was called the last time."""
        return self._lapsed or monotonic_s() > self._until

    def renew(self, session: PostgresSession) -> None:
        """Let the lease begin anew: what was over is over no more."""
        begun = monotonic_s()
        with session.use() as connection:
            connection.execute(_RENEW, (self._server, self.url, LEASE_S))
        self._until, self._lapsed = begun + LEASE_S, False

    def close(self, session: PostgresSession) -> None:
        """End the thread, which is waked by a notice of its own."""
        self._stopping.set()
        if self._thread.ident is not None:
            with suppress(StoreError):
                session.run("SELECT pg_notify(%s, '')", channel_of(self._server))
            self._thread.join()
        self._session.close()

    def _listen(self, connection: PostgresConnection) -> None:
        connection.execute(f'LISTEN "{channel_of(self._server)}"')
        connection.execute("DELETE FROM servers WHERE until < clock_timestamp() - interval '1 day'")

    def _run(self) -> None:
        while not self._stopping.is_set():
            try:
                self._live()
            except StoreError:
                self._stopping.wait(RENEW_S)

    def _live(self) -> None:
        """One sign of life, then wait for the next one or for somebody who wants a project."""
        begun = monotonic_s()
        with self._session.use() as connection:
            connection.execute(_RENEW, (self._server, self.url, LEASE_S))
            wanted = [access_id for (access_id,) in connection.execute(_WANTED, (self._server,))]
            self._lapsed |= begun > self._until
            self._until = begun + LEASE_S
            if wanted or self._lapsed:
                self.on_wanted(wanted)
            for _ in connection.notifies(timeout=RENEW_S, stop_after=1):
                pass
