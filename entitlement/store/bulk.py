"""Many rows at once: COPY for new ones, arrays where they are compared or replaced.

A statement is the same for any number of rows, so that it is parsed once.
"""

from collections.abc import Generator, Iterable, Mapping, Sequence
from contextlib import contextmanager
from itertools import islice
from typing import Any, cast

import psycopg
from sqlalchemy import BigInteger, BindParameter, CollectionAggregate, Text, any_, func, literal, text
from sqlalchemy.dialects.postgresql import ARRAY
from sqlalchemy.exc import DBAPIError
from sqlalchemy.orm import Session
from sqlalchemy.sql.selectable import TableValuedAlias

ROWS_PER_WRITE = 1_000
Numbers = Sequence[int] | Sequence[int | None]


def copy_rows(session: Session, table: str, columns: Sequence[str], rows: Sequence[str]) -> None:
    """Insert `rows`, each a line of COPY's text format with the values of `columns`.

    Values must not need an escape: numbers, hex, names and JSON of numbers do not. Raises SQLAlchemy's
    errors as an INSERT would, for instance where a row is there already.
    """
    with copying_rows(session, table, columns, rows):
        pass


@contextmanager
def copying_rows(
    session: Session, table: str, columns: Sequence[str], rows: Iterable[str]
) -> Generator[None]:
    """Send `rows`, and hand over while PostgreSQL stores them; otherwise as `copy_rows`.

    PostgreSQL stores the first while the next are made. The session's connection is busy until the end, which
    is where most errors are told.
    """
    left = iter(rows)
    part = "".join(islice(left, ROWS_PER_WRITE))
    if not part:
        yield
        return
    statement = f"COPY {table} ({', '.join(columns)}) FROM STDIN"
    connection = cast("psycopg.Connection", session.connection().connection.driver_connection)
    try:
        with connection.cursor() as cursor, cursor.copy(statement.encode()) as copy:
            while part:
                copy.write(part)
                part = "".join(islice(left, ROWS_PER_WRITE))
            yield
    except psycopg.Error as error:
        lost = connection.closed
        wrapped = DBAPIError.instance(statement, None, error, psycopg.Error, connection_invalidated=lost)
        raise wrapped from error  # pyright: ignore[reportGeneralTypeIssues] - what SQLAlchemy makes of it


def upsert_rows(
    session: Session,
    table: str,
    key: Sequence[str],
    columns: Mapping[str, str],
    rows: Iterable[Sequence[object]],
) -> None:
    """Insert `rows`, or replace those with the same `key`, each key once.

    `columns` are the names, each with its type in PostgreSQL. Values must
    not need an escape, as in `copy_rows`.
    """
    # As PostgreSQL writes an array, which the driver then need not take apart.
    values = ["{" + ",".join(map(str, column)) + "}" for column in zip(*rows, strict=True)]
    if not values:
        return
    names = ", ".join(columns)
    arrays = ", ".join(f"CAST(:{name} AS {kind}[])" for name, kind in columns.items())
    replaced = ", ".join(f"{name} = excluded.{name}" for name in columns if name not in key)
    session.execute(
        text(
            f"INSERT INTO {table} ({names}) SELECT * FROM unnest({arrays}) "  # noqa: S608  our own names
            f"ON CONFLICT ({', '.join(key)}) DO UPDATE SET {replaced}"
        ),
        dict(zip(columns, values, strict=True)),
    )


def rows_of(
    *, words: Mapping[str, Sequence[str]] | None = None, numbers: Mapping[str, Numbers] | None = None
) -> TableValuedAlias:
    """Return a table with these columns, all of one length: first those of words, then those of numbers."""
    columns = {name: _words(values) for name, values in (words or {}).items()}
    columns |= {name: _numbers(values) for name, values in (numbers or {}).items()}
    return func.unnest(*columns.values()).table_valued(*columns).render_derived()


def any_word(values: Iterable[str]) -> CollectionAggregate[bool]:
    """Return what a column is compared with, by `==`, to be any of `values`."""
    return any_(_words(values))


def any_number(values: Iterable[int]) -> CollectionAggregate[bool]:
    """Return what a column is compared with, by `==`, to be any of `values`."""
    return any_(_numbers(values))


def _words(values: Iterable[str]) -> BindParameter[Any]:
    return literal(list(values), ARRAY(Text))


def _numbers(values: Iterable[int | None]) -> BindParameter[Any]:
    return literal(list(values), ARRAY(BigInteger))
