from collections.abc import Callable

import pytest
from sqlalchemy import text
from sqlalchemy.exc import IntegrityError
from sqlalchemy.orm import Session, sessionmaker

from entitlement.core.epochs import Epoch
from entitlement.core.ledger import Entry, EntryKind, Place, Posting, Source, daily_bucket
from entitlement.core.units import NanoUsd
from entitlement.store import access, ledger
from entitlement.store.journey import Journey
from entitlement.store.raw import driver_of
from tests.support import assert_books_close, wallet_number

Sessions = sessionmaker[Session]
DAY = Epoch(25_000)
BOOKS = (
    "SELECT account_id, source, granted, available, held, consumed, expired FROM buckets ORDER BY id",
    "SELECT key, kind, account_id, epoch, created_at FROM entries ORDER BY key",
    "SELECT key, line, bucket_id, source, target, amount FROM journal ORDER BY key, line",
)
ISSUED, AVAILABLE, HELD = Place.ISSUED, Place.AVAILABLE, Place.HELD
CONSUMED, EXPIRED, OPERATOR = Place.CONSUMED, Place.EXPIRED, Place.OPERATOR
MOVES: tuple[tuple[tuple[Place, Place, int], ...], ...] = (
    ((ISSUED, AVAILABLE, 100),),
    ((AVAILABLE, HELD, 40), (AVAILABLE, CONSUMED, 3)),
    ((HELD, CONSUMED, 25), (HELD, AVAILABLE, 5), (HELD, EXPIRED, 10)),
    ((OPERATOR, CONSUMED, 7),),
    ((AVAILABLE, EXPIRED, 62),),
)
"""What may happen to a bucket; each is an entry."""


def one_by_one(session: Session, entries: list[Entry]) -> None:
    for entry in entries:
        ledger.append(session, entry, 9)


def all_at_once(session: Session, entries: list[Entry]) -> None:
    ledger.append_all(session, entries, 9)


def booked_by(write: Callable[[Session, list[Entry]], None], sessions: Sessions) -> list[object]:
    """Make two accounts with two buckets each, book every move on each, and return all rows."""
    with sessions.begin() as session:
        accounts = [access.open_account(session, wallet_number(number), 0) for number in (1, 2)]
        wanted = [(account, source) for account in accounts for source in (Source.DIEM, Source.PRO_RATA)]
        journey = Journey(driver_of(session))
        ids = ledger.ask_bucket_ids(journey, len(wanted))
        journey.go()
        opened = {
            each: daily_bucket(new_id, each[1], DAY)
            for each, new_id in zip(wanted, ids.one()[0], strict=True)
        }
        ledger.open_daily_buckets(journey, [(account, bucket) for (account, _), bucket in opened.items()])
        journey.go()
        entries = [
            Entry(
                f"{move}:{account}:{source}",
                EntryKind.GRANT,
                account,
                DAY,
                tuple(
                    Posting(None if out is OPERATOR else found.id, out, into, NanoUsd(amount))
                    for out, into, amount in MOVES[move]
                ),
            )
            for (account, source), found in opened.items()
            for move in range(len(MOVES))
        ]
        write(session, entries)
    assert_books_close(sessions)
    with sessions.begin() as session:
        return [tuple(row) for query in BOOKS for row in session.execute(text(query))]


def test_entries_written_at_once_leave_the_books_of_entries_written_one_by_one(
    new_database: Callable[[], object],
) -> None:
    books: list[list[object]] = []
    for write in (one_by_one, all_at_once):
        with new_database() as sessions:  # type: ignore[attr-defined]
            books.append(booked_by(write, sessions))
    assert books[0] == books[1]
    assert len(books[0]) == 4 + 4 * len(MOVES) + 4 * sum(len(move) for move in MOVES)


@pytest.mark.parametrize("write", [one_by_one, all_at_once])
def test_an_entry_that_is_there_already_is_refused_with_all_that_came_with_it(
    sessions: Sessions, write: Callable[[Session, list[Entry]], None]
) -> None:
    first = booked_by(write, sessions)
    with sessions.begin() as session:
        account = access.account_of(session, wallet_number(1))
        assert account is not None
        journey = Journey(driver_of(session))
        asked = ledger.ask_daily_buckets(journey, [account], DAY)
        journey.go()
        known = ledger.daily_buckets_of(asked)[account, Source.DIEM]
    again = [
        Entry(key, EntryKind.GRANT, account, DAY, (Posting(known.id, ISSUED, AVAILABLE, NanoUsd(1)),))
        for key in ("new", f"0:{account}:diem")
    ]
    with pytest.raises(IntegrityError, match=r"entries_\d+_pkey"), sessions.begin() as session:
        write(session, again)
    with sessions.begin() as session:
        assert [tuple(row) for query in BOOKS for row in session.execute(text(query))] == first
