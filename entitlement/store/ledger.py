"""Rows of the ledger: buckets, and the journal that they are a cache of."""

from collections.abc import Collection, Iterable, Sequence
from dataclasses import dataclass

from sqlalchemy import func, literal, or_, select, update
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.orm import Session

from entitlement.core.epochs import Epoch, ends_at
from entitlement.core.ledger import Bucket, Entry, Place, Posting, Source, balances
from entitlement.core.units import NanoUsd
from entitlement.store.bulk import any_number, rows_of
from entitlement.store.session import fresh
from entitlement.store.tables import BucketRow, EntryRow, PostingRow

_COLUMNS = {
    Place.ISSUED: "granted",
    Place.AVAILABLE: "available",
    Place.HELD: "held",
    Place.CONSUMED: "consumed",
    Place.EXPIRED: "expired",
}
"""What a bucket's row says of each place."""


@dataclass(frozen=True, slots=True)
class BucketTotals:
    """A bucket with what became of its grant."""

    bucket: Bucket
    granted: NanoUsd
    consumed: NanoUsd
    expired: NanoUsd


def buckets(session: Session, account_id: int, *, now: int, also: Collection[int] = ()) -> list[Bucket]:
    """Return the account's live buckets, and those with the ids in `also`."""
    return [found.bucket for found in bucket_totals(session, account_id, now=now, also=also)]


def bucket_totals(
    session: Session, account_id: int, *, now: int, also: Collection[int] = ()
) -> list[BucketTotals]:
    """Return the account's live buckets with their totals, and those with the ids in `also`."""
    rows = session.scalars(
        fresh(select(BucketRow)).where(
            BucketRow.account_id == account_id,
            or_(BucketRow.expires_at.is_(None), BucketRow.expires_at > now, BucketRow.id.in_(also)),
        )
    )
    return [_totals(row) for row in rows]


def open_bucket(
    session: Session, account_id: int, source: Source, *, epoch: Epoch | None, expires_at: int | None
) -> BucketTotals:
    """Return the bucket of this account, source and epoch; make it, empty, if there is none."""
    query = fresh(select(BucketRow)).where(
        BucketRow.account_id == account_id,
        BucketRow.source == source,
        BucketRow.epoch.is_not_distinct_from(epoch),
    )
    row = session.scalars(query).one_or_none()
    if row is None:
        session.execute(
            insert(BucketRow)
            .values(
                account_id=account_id,
                source=source,
                epoch=epoch,
                expires_at=expires_at,
                granted=0,
                available=0,
                held=0,
                consumed=0,
                expired=0,
            )
            .on_conflict_do_nothing()
        )
        row = session.scalars(query).one()
    return _totals(row)


def daily_buckets(
    session: Session, account_ids: Collection[int], epoch: Epoch
) -> dict[tuple[int, Source], BucketTotals]:
    """Return the buckets of an epoch that these accounts have, by account and source."""
    query = select(BucketRow).where(BucketRow.account_id == any_number(account_ids), BucketRow.epoch == epoch)
    return {(row.account_id, Source(row.source)): _totals(row) for row in session.scalars(fresh(query))}


def open_daily_buckets(
    session: Session, wanted: Collection[tuple[int, Source]], epoch: Epoch
) -> dict[tuple[int, Source], BucketTotals]:
    """Make the buckets of an epoch for these accounts and sources, empty.

    The caller holds the accounts' locks and has seen that there are none.
    """
    new = rows_of(
        words={"source": [source.value for _, source in wanted]},
        numbers={"account_id": [account_id for account_id, _ in wanted]},
    )
    nothing = {name: literal(0) for name in _COLUMNS.values()}
    day = {"epoch": literal(epoch), "expires_at": literal(ends_at(epoch))}
    query = select(new, *day.values(), *nothing.values())
    rows = session.scalars(
        insert(BucketRow).from_select([*new.c.keys(), *day, *nothing], query).returning(BucketRow)
    )
    return {(row.account_id, Source(row.source)): _totals(row) for row in rows}


def append(session: Session, entry: Entry, now: int) -> None:
    """Write an entry to the journal and its effect to the buckets; the caller holds the account's lock.

    A repetition violates the key's uniqueness, an overdraft the buckets' CHECK: both are errors here, since
    the flows look before they book.
    """
    entry_id = session.scalars(
        insert(EntryRow)
        .values(
            key=entry.key,
            kind=entry.kind,
            account_id=entry.account_id,
            epoch=entry.epoch,
            created_at=now,
        )
        .returning(EntryRow.id)
    ).one()
    session.execute(
        insert(PostingRow),
        [
            {
                "entry_id": entry_id,
                "line": line,
                "bucket_id": posting.bucket_id,
                "source": posting.source,
                "target": posting.target,
                "amount": posting.amount,
            }
            for line, posting in enumerate(entry.postings)
        ],
    )
    _apply(session, entry.postings)


def append_all(session: Session, entries: Sequence[Entry], now: int) -> None:
    """Write entries as `append` does one, in as few statements; the caller holds all the accounts' locks.

    For one entry it would take a fifth longer, so that what every request does stays as it is.
    """
    new = rows_of(
        words={
            "key": [entry.key for entry in entries],
            "kind": [entry.kind.value for entry in entries],
        },
        numbers={
            "account_id": [entry.account_id for entry in entries],
            "epoch": [entry.epoch for entry in entries],
        },
    )
    ids = session.execute(
        insert(EntryRow)
        .from_select([*new.c.keys(), "created_at"], select(new, literal(now)))
        .returning(EntryRow.key, EntryRow.id)
    )
    id_of = {row[0]: row[1] for row in ids}
    lines = [(entry, line, posting) for entry in entries for line, posting in enumerate(entry.postings)]
    moved = rows_of(
        words={
            "source": [posting.source.value for _, _, posting in lines],
            "target": [posting.target.value for _, _, posting in lines],
        },
        numbers={
            "entry_id": [id_of[entry.key] for entry, _, _ in lines],
            "line": [line for _, line, _ in lines],
            "bucket_id": [posting.bucket_id for _, _, posting in lines],
            "amount": [posting.amount for _, _, posting in lines],
        },
    )
    session.execute(insert(PostingRow).from_select([*moved.c.keys()], select(moved)))
    _apply_all(session, [posting for entry in entries for posting in entry.postings])


def due_buckets(session: Session, now: int, limit: int) -> list[tuple[int, int]]:
    """Return up to `limit` (account, bucket) whose time has passed with credit left, oldest first."""
    rows = session.execute(
        select(BucketRow.account_id, BucketRow.id)
        .where(BucketRow.available > 0, BucketRow.expires_at <= now)
        .order_by(BucketRow.expires_at, BucketRow.id)
        .limit(limit)
    )
    return [(row[0], row[1]) for row in rows]


def granted_of(session: Session, source: Source, epoch: Epoch) -> NanoUsd:
    """Return what was granted from a source in an epoch, to all accounts together."""
    query = select(func.coalesce(func.sum(BucketRow.granted), 0))
    query = query.where(BucketRow.source == source, BucketRow.epoch == epoch)
    return NanoUsd(int(session.scalars(query).one()))


def buckets_with_ids(session: Session, ids: Collection[int]) -> list[tuple[int, Bucket]]:
    """Return (account, bucket) of these buckets."""
    rows = session.scalars(fresh(select(BucketRow)).where(BucketRow.id == any_number(ids)))
    return [(row.account_id, _totals(row).bucket) for row in rows]


def totals_by_place(session: Session) -> dict[str, int]:
    """Return what each place holds by the journal: the values sum to zero."""
    out = select(PostingRow.source, func.sum(PostingRow.amount)).group_by(PostingRow.source)
    into = select(PostingRow.target, func.sum(PostingRow.amount)).group_by(PostingRow.target)
    totals: dict[str, int] = {}
    for place, amount in session.execute(out):
        totals[place] = totals.get(place, 0) - int(amount)
    for place, amount in session.execute(into):
        totals[place] = totals.get(place, 0) + int(amount)
    return totals


def _apply(session: Session, postings: Iterable[Posting]) -> None:
    changes = _changes(postings)
    # One order for all, so that nobody waits for somebody who waits for them.
    for bucket_id in sorted(changes):
        change = changes[bucket_id]
        session.execute(
            update(BucketRow)
            .where(BucketRow.id == bucket_id)
            .values(
                granted=BucketRow.granted - change.get(Place.ISSUED, 0),
                available=BucketRow.available + change.get(Place.AVAILABLE, 0),
                held=BucketRow.held + change.get(Place.HELD, 0),
                consumed=BucketRow.consumed + change.get(Place.CONSUMED, 0),
                expired=BucketRow.expired + change.get(Place.EXPIRED, 0),
            )
        )


def _apply_all(session: Session, postings: Iterable[Posting]) -> None:
    changes = _changes(postings)
    # All buckets are under the locks that the caller holds: in which order they are changed is all the same.
    moved = rows_of(
        numbers={
            "bucket_id": list(changes),
            **{place.value: [each.get(place, 0) for each in changes.values()] for place in _COLUMNS},
        }
    )
    # What was issued to a bucket is what left `issued`.
    session.execute(
        update(BucketRow)
        .where(BucketRow.id == moved.c.bucket_id)
        .values(
            {
                column: getattr(BucketRow, column)
                + (-moved.c[place] if place is Place.ISSUED else moved.c[place])
                for place, column in _COLUMNS.items()
            }
        )
        .execution_options(synchronize_session=False)
    )


def _changes(postings: Iterable[Posting]) -> dict[int, dict[Place, int]]:
    changes: dict[int, dict[Place, int]] = {}
    for (bucket_id, place), change in balances(postings).items():
        if bucket_id is not None and change:
            changes.setdefault(bucket_id, {})[place] = change
    return changes


def _totals(row: BucketRow) -> BucketTotals:
    bucket = Bucket(
        id=row.id,
        source=Source(row.source),
        epoch=None if row.epoch is None else Epoch(row.epoch),
        expires_at=row.expires_at,
        available=NanoUsd(row.available),
        held=NanoUsd(row.held),
    )
    return BucketTotals(bucket, NanoUsd(row.granted), NanoUsd(row.consumed), NanoUsd(row.expired))
