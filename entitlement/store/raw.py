"""The driver itself, for statements that every request waits for.

SQLAlchemy's own way to a statement costs more than PostgreSQL's work on it. The transaction, the connection
and the kinds of error stay SQLAlchemy's.
"""

from collections.abc import Generator, Iterable
from contextlib import contextmanager
from typing import Any, cast

import psycopg
from sqlalchemy.exc import DBAPIError
from sqlalchemy.orm import Session

Cursor = psycopg.Cursor[tuple[Any, ...]]


@contextmanager
def cursor_of(session: Session) -> Generator[Cursor]:
    """Hand out a cursor of the session's connection, in its transaction.

    Raises SQLAlchemy's errors, as its own statements do.
    """
    connection = cast(
        "psycopg.Connection[tuple[Any, ...]]", session.connection().connection.driver_connection
    )
    try:
        with connection.cursor() as cursor:
            yield cursor
    except psycopg.Error as error:
        lost = connection.closed
        if lost:
            session.invalidate()
        wrapped = DBAPIError.instance(None, None, error, psycopg.Error, connection_invalidated=lost)
        raise wrapped from error  # pyright: ignore[reportGeneralTypeIssues] - what SQLAlchemy makes of it


def array(values: Iterable[object]) -> str:
    """Return an array as PostgreSQL writes one, of values that need no escape: numbers and words of ours."""
    return "{" + ",".join("NULL" if value is None else str(value) for value in values) + "}"
