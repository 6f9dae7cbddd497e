"""The journal of events as a stream: any number in little memory, each wallet's together and in order.

COPY hands rows over one by one and takes half the time of a cursor. Sorting is PostgreSQL's, on its disk
where they are many.
"""

import json
from collections.abc import Generator, Iterable
from contextlib import contextmanager
from dataclasses import fields
from operator import attrgetter
from typing import cast

import psycopg
from sqlalchemy import func, select, text
from sqlalchemy.exc import DBAPIError
from sqlalchemy.orm import Session

from entitlement.core.events import EVENT_KINDS, ChainEvent, LogPlace
from entitlement.core.positions import Position
from entitlement.core.units import Wallet
from entitlement.store.tables import EventRow

POSITION_AMOUNTS = tuple(field.name for field in fields(Position) if field.name not in ("wallet", "slot"))
POSITION_COLUMNS = ("wallet", "pending", *POSITION_AMOUNTS, "slot_epoch", "slot_current", "slot_next")
_amounts = attrgetter(*POSITION_AMOUNTS)
SORT_MEMORY = "64MB"
NULL = "\\N"
# Not orjson, which makes floats of integers beyond 64 bits; and not json.loads, which takes as long again to
# find out that these are no bytes of another encoding.
_numbers = json.JSONDecoder().raw_decode

# A delegation is told to both wallets. The collation is that of bytes: only that a wallet's events stand
# together counts, and bytes sort fastest.
_BY_WALLET = """
COPY (
    SELECT folded, block_number, log_index, kind, wallet, receiver, data FROM (
        SELECT wallet AS folded, * FROM events WHERE block_number <= {to}
        UNION ALL
        SELECT receiver AS folded, * FROM events WHERE block_number <= {to} AND receiver <> wallet
    ) AS told
    ORDER BY folded COLLATE "C", block_number, log_index
) TO STDOUT
"""


def count_events_by_wallet(session: Session, *, to: int) -> int:
    """Return how many `events_by_wallet` yields."""
    query = select(func.count(), func.count().filter(EventRow.receiver != EventRow.wallet))
    alone, twice = session.execute(query.where(EventRow.block_number <= to)).one()
    return int(alone) + int(twice)


def events_by_wallet(session: Session, *, to: int) -> Generator[tuple[Wallet, ChainEvent]]:
    """Yield every wallet's events up to block `to`: wallet after wallet, each in chain order.

    What two wallets share comes once for each. Of an event's place only the number of its block and its
    index are told, which is all that folding and its errors need. The session's connection is busy until
    the stream has ended or was closed.
    """
    session.execute(text(f"SET LOCAL work_mem = '{SORT_MEMORY}'"))
    query = _BY_WALLET.format(to=int(to))
    with _copying(session, query) as rows:
        for row in rows:
            yield _event(str(row, "ascii"))


def _event(row: str) -> tuple[Wallet, ChainEvent]:
    folded, number, index, kind, wallet, receiver, data = row.split("\t")
    extra = {} if receiver == NULL else {"receiver": Wallet(receiver)}
    event = EVENT_KINDS[kind](
        at=LogPlace(int(number), int(index), "", ""),
        wallet=Wallet(wallet),
        **extra,
        **_numbers(data)[0],
    )
    return Wallet(folded), event


def add_positions(session: Session, positions: Iterable[tuple[Position, bool]]) -> None:
    """Insert positions, each with whether it is pending; a wallet that is there already is an error."""
    statement = f"COPY positions ({', '.join(POSITION_COLUMNS)}) FROM STDIN"
    with _copying(session, statement) as rows:
        for position, pending in positions:
            slot = position.slot
            amounts = _amounts(position)
            rows.write_row((position.wallet, pending, *amounts, slot.epoch, slot.current, slot.next))


@contextmanager
def _copying(session: Session, statement: str) -> Generator[psycopg.Copy]:
    connection = cast("psycopg.Connection", session.connection().connection.driver_connection)
    try:
        with connection.cursor() as cursor, cursor.copy(statement.encode()) as copy:
            yield copy
    except psycopg.Error as error:
        # As SQLAlchemy would tell of it.
        raise DBAPIError.instance(statement, None, error, psycopg.Error) from error  # pyright: ignore[reportGeneralTypeIssues] - what it makes of it
