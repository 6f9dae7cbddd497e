"""Many rows at once: COPY for new ones, arrays for those that may be there already.

Both take the values as text, as PostgreSQL writes them itself, so that integers of any size pass unchanged.
"""

from collections.abc import Iterable, Mapping, Sequence
from typing import cast

import psycopg
from sqlalchemy import text
from sqlalchemy.exc import DBAPIError
from sqlalchemy.orm import Session

ROWS_PER_WRITE = 1_000


def copy_rows(session: Session, table: str, columns: Sequence[str], rows: Sequence[str]) -> None:
    """Insert `rows`, each a line of COPY's text format with the values of `columns`.

    Values must not need an escape: numbers, hex, names and JSON of numbers do not. Raises SQLAlchemy's
    errors as an INSERT would, for instance where a row is there already.
    """
    if not rows:
        return
    statement = f"COPY {table} ({', '.join(columns)}) FROM STDIN"
    connection = cast("psycopg.Connection", session.connection().connection.driver_connection)
    try:
        with connection.cursor() as cursor, cursor.copy(statement) as copy:  # pyright: ignore[reportArgumentType] - our own names
            for first in range(0, len(rows), ROWS_PER_WRITE):
                copy.write("".join(rows[first : first + ROWS_PER_WRITE]))
    except psycopg.Error as error:
        wrapped = DBAPIError.instance(statement, None, error, psycopg.Error)
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
