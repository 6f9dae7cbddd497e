"""The driver itself, for statements that every request waits for.

SQLAlchemy's own way to a statement costs more than PostgreSQL's work on it. The transaction, the connection
and the kinds of error stay SQLAlchemy's.
"""

from collections.abc import Callable, Generator, Iterable
from contextlib import contextmanager
from typing import Any, cast

import psycopg
from psycopg.abc import PQGen
from sqlalchemy.exc import DBAPIError
from sqlalchemy.orm import Session
from sqlalchemy.util.concurrency import in_greenlet

from entitlement.store.waiting import (
    SECONDS_BETWEEN_LOOKS,
    Result,
    wait_for_driver,
    work_meanwhile,
    worked_through,
)

Cursor = psycopg.Cursor[tuple[Any, ...]]
Connection = psycopg.Connection[tuple[Any, ...]]


class CarryingConnection(Connection):
    """The driver's connection; its commit takes along what was left for it (store.journey)."""

    _commit_with: Callable[[], None] | None = None

    def leave_for_commit(self, commit: Callable[[], None]) -> None:
        """Let `commit` be what commits this transaction; a rollback forgets it."""
        self._commit_with = commit

    def wait(self, gen: PQGen[Result], interval: float = 0.1, timeout: float | None = None) -> Result:
        """Wait in the way of whoever runs: a thread, perhaps with other work, or an event loop."""
        if in_greenlet():
            return wait_for_driver(gen, self.pgconn.socket, interval)
        piece = work_meanwhile()
        if piece is not None:
            gen = worked_through(gen, self.pgconn.socket, piece)
            interval = min(interval, SECONDS_BETWEEN_LOOKS)
        return super().wait(gen, interval, timeout)

    def commit(self) -> None:
        """Commit, with what was left for it."""
        commit, self._commit_with = self._commit_with, None
        if commit is None:
            super().commit()
        else:
            commit()

    def rollback(self) -> None:
        """Roll back; what was left for a commit was never sent, and what is closed has been rolled back."""
        self._commit_with = None
        if not self.closed:
            super().rollback()


def driver_of(session: Session) -> Connection:
    """Return the connection of the session's transaction. Its errors are the driver's: see `told_as_ours`."""
    return cast("Connection", session.connection().connection.driver_connection)


@contextmanager
def told_as_ours(session: Session) -> Generator[None]:
    """Let the driver's errors be SQLAlchemy's, as those of its own statements are."""
    try:
        yield
    except psycopg.Error as error:
        # By the error itself: one that ended the connection names no connection of the session any more.
        lost = isinstance(error, psycopg.OperationalError) and session.in_transaction() and _is_lost(session)
        wrapped = DBAPIError.instance(None, None, error, psycopg.Error, connection_invalidated=lost)
        raise wrapped from error  # pyright: ignore[reportGeneralTypeIssues] - what SQLAlchemy makes of it


def _is_lost(session: Session) -> bool:
    return driver_of(session).closed


@contextmanager
def cursor_of(session: Session) -> Generator[Cursor]:
    """Hand out a cursor of the session's connection, in its transaction, with SQLAlchemy's errors."""
    with told_as_ours(session), driver_of(session).cursor() as cursor:
        yield cursor


def array(values: Iterable[object]) -> str:
    """Return an array as PostgreSQL writes one, of values that need no escape: numbers and words of ours.

    The driver's own way takes each value apart to see whether it does.
    """
    return "{" + ",".join(["NULL" if value is None else str(value) for value in values]) + "}"


def words(values: Iterable[str | None]) -> str:
    """Return an array of words that others have written."""
    return "{" + ",".join(["NULL" if value is None else _quoted(value) for value in values]) + "}"


def hashes(values: Iterable[bytes]) -> str:
    """Return an array of bytes."""
    return "{" + ",".join([f'"\\\\x{value.hex()}"' for value in values]) + "}"


def _quoted(value: str) -> str:
    return '"' + value.replace("\\", "\\\\").replace('"', '\\"') + '"'
