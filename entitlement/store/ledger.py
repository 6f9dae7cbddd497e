"""Rows of the ledger: buckets, and the journal that they are a cache of."""

from collections.abc import Collection, Iterable, Sequence

from sqlalchemy import func, or_, select, text, update
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.orm import Session

from entitlement.core.epochs import Epoch
from entitlement.core.ledger import MOVES, Bucket, Entry, Place, Posting, Source, balances
from entitlement.core.units import NanoUsd
from entitlement.store.bulk import any_number
from entitlement.store.entry_batches import Lane, bound, lane_for
from entitlement.store.journey import Answer, Journey, Row
from entitlement.store.raw import array, driver_of, told_as_ours, words
from entitlement.store.session import fresh
from entitlement.store.tables import BucketRow
from entitlement.store.weeks import make_weeks

MOVE_NAMES = {(source, target): f"{source}>{target}" for source, target in MOVES}
_COLUMNS = {
    Place.ISSUED: "granted",
    Place.AVAILABLE: "available",
    Place.HELD: "held",
    Place.CONSUMED: "consumed",
    Place.EXPIRED: "expired",
}
"""What a bucket's row says of each place."""


def buckets(session: Session, account_id: int, *, now: int) -> list[Bucket]:
    """Return the account's live buckets, and those whose time has passed and that something is held of."""
    rows = session.scalars(
        fresh(select(BucketRow)).where(BucketRow.account_id == account_id, BucketRow.closed.is_(False))
    )
    return [bucket for row in rows if (bucket := _bucket(row)).is_live(now) or bucket.held]


def open_bucket(
    session: Session, account_id: int, source: Source, *, epoch: Epoch | None, expires_at: int | None
) -> Bucket:
    """Return the bucket of this account, source and epoch; make it, empty, if there is none."""
    query = fresh(select(BucketRow)).where(
        BucketRow.account_id == account_id,
        BucketRow.source == source,
        BucketRow.epoch.is_not_distinct_from(epoch),
        BucketRow.expires_at.is_not_distinct_from(expires_at),
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
                closed=False,
            )
            .on_conflict_do_nothing()
        )
        row = session.scalars(query).one()
    return _bucket(row)


BUCKET_COLUMNS = "account_id, id, source, epoch, expires_at, available, held, granted, consumed, expired"
_DAILY = f"""
    SELECT {BUCKET_COLUMNS} FROM buckets WHERE account_id = ANY(%s::bigint[]) AND epoch = %s::integer
"""  # noqa: S608 - our own names
_BUCKET_IDS = """
    SELECT coalesce(array_agg(nextval(pg_get_serial_sequence('buckets', 'id'))), '{}')
    FROM generate_series(1, %s::integer)
"""
_OPEN = """
    INSERT INTO buckets
        (id, account_id, source, epoch, expires_at, granted, available, held, consumed, expired, closed)
    SELECT n.*, 0, 0, 0, 0, 0, false
    FROM unnest(%s::bigint[], %s::bigint[], %s::text[], %s::integer[], %s::bigint[]) AS n
"""


def ask_daily_buckets(journey: Journey, account_ids: Iterable[int], epoch: Epoch) -> Answer:
    """Ask for the buckets of an epoch that these accounts have."""
    return journey.ask(_DAILY, [array(account_ids), epoch])


def daily_buckets_of(asked: Answer) -> dict[tuple[int, Source], Bucket]:
    """Return them by account and source, once the journey is made."""
    return {(row[0], Source(row[2])): bucket_of(row) for row in asked.rows}


def bucket_of(row: Row) -> Bucket:
    """Return the bucket of a row of BUCKET_COLUMNS."""
    return Bucket(row[1], Source(row[2]), *row[3:])


def ask_bucket_ids(journey: Journey, count: int) -> Answer:
    """Ask for the ids of so many new buckets, in one array."""
    return journey.ask(_BUCKET_IDS, [count])


def open_daily_buckets(journey: Journey, new: Iterable[tuple[int, Bucket]]) -> None:
    """Make these buckets of these accounts, empty.

    The caller holds the accounts' locks and has seen that there are none.
    """
    rows = [
        (bucket.id, account_id, bucket.source.value, bucket.epoch, bucket.expires_at)
        for account_id, bucket in new
    ]
    if rows:
        journey.ask(_OPEN, [array(column) for column in zip(*rows, strict=True)])


def append(session: Session, entry: Entry, now: int) -> None:
    """Write an entry to the journal and its effect to the buckets; the caller holds the account's lock.

    A repetition violates the key's uniqueness, an overdraft the buckets' CHECK: both are errors here, since
    the flows look before they book.
    """
    append_all(session, [entry], now)


def append_all(session: Session, entries: Sequence[Entry], now: int) -> None:
    """Write entries as `append` does one, in as few statements; the caller holds all the accounts' locks."""
    with told_as_ours(session):
        append_with(session, Journey(driver_of(session)), entries, now)


def append_with(session: Session, journey: Journey, entries: Sequence[Entry], now: int) -> None:
    """Write entries as `append_all` does, after what the journey was asked for before."""
    make_weeks(session, {entry.epoch for entry in entries})
    write_entries(journey, entries, now)
    move(journey, (posting for entry in entries for posting in entry.postings))
    journey.go()


def write_entries(
    journey: Journey,
    entries: Sequence[Entry],
    now: int,
    lane: Answer | None = None,
    further_ids: Answer | None = None,
) -> None:
    """Write entries to the journal alone, as the next batch of a lane; their weeks have been made.

    `lane` is what came of `ask_lane`, and `further_ids` of `ask_entry_ids`, where somebody asked for them in
    journeys before.
    """
    if entries:
        _write_batch(journey, lane_for(journey, len(entries), lane, further_ids), entries, now)


WRITE_BATCH = """
    WITH batch AS (
        INSERT INTO journal_batches (lane, number, previous_hash, root, entry_count, written_at, hash)
        VALUES (%s, %s, %s, %s, %s, %s, %s) RETURNING lane, number, written_at
    )
    INSERT INTO entries (epoch, key, id, kind, account_id, created_at, buckets, moves, amounts, lane, batch)
    SELECT n.epoch, n.key, n.id, n.kind, n.account_id, b.written_at,
           n.buckets::bigint[], n.moves::text[], n.amounts::bigint[], b.lane, b.number
    FROM batch AS b, unnest(%s::integer[], %s::text[], %s::bigint[], %s::text[], %s::bigint[],
                            %s::text[], %s::text[], %s::text[])
        AS n (epoch, key, id, kind, account_id, buckets, moves, amounts)
"""
"""Entries in one statement with what binds them: each statement costs a group as much as some entries do."""


def _write_batch(journey: Journey, lane: Lane, entries: Sequence[Entry], now: int) -> None:
    buckets = [array(posting.bucket_id for posting in entry.postings) for entry in entries]
    moves = [
        array(MOVE_NAMES[posting.source, posting.target] for posting in entry.postings) for entry in entries
    ]
    amounts = [array(posting.amount for posting in entry.postings) for entry in entries]
    lines = (
        f"{number}\t{entry.epoch}\t{entry.key}\t{entry.kind.value}\t{entry.account_id}\t{now}\t{from_}\t{how}"
        f"\t{much}\n"
        for number, entry, from_, how, much in zip(lane.ids, entries, buckets, moves, amounts, strict=True)
    )
    journey.ask(
        WRITE_BATCH,
        (
            *bound(lane, lines, now),
            array(entry.epoch for entry in entries),
            array(entry.key for entry in entries),
            array(lane.ids),
            array(entry.kind.value for entry in entries),
            array(entry.account_id for entry in entries),
            words(buckets),
            words(moves),
            words(amounts),
        ),
    )


def move(journey: Journey, postings: Iterable[Posting]) -> None:
    """Apply postings to their buckets, whose accounts are locked: in which order is then all the same."""
    changes = _changes(postings)
    if not changes:
        return
    moved = [array(changes), *(array(each.get(place, 0) for each in changes.values()) for place in _COLUMNS)]
    # What was issued to a bucket is what left `issued`.
    journey.ask(
        """UPDATE buckets AS b
           SET granted = b.granted - m.issued, available = b.available + m.available, held = b.held + m.held,
               consumed = b.consumed + m.consumed, expired = b.expired + m.expired
           FROM unnest(%s::bigint[], %s::bigint[], %s::bigint[], %s::bigint[], %s::bigint[], %s::bigint[])
               AS m (id, issued, available, held, consumed, expired)
           WHERE b.id = m.id""",
        moved,
    )


def close_buckets(session: Session, ids: Collection[int]) -> None:
    """Mark buckets whose time has passed and that are empty: no request looks at them any more."""
    session.execute(
        update(BucketRow)
        .where(BucketRow.id == any_number(ids), BucketRow.available == 0, BucketRow.held == 0)
        .values(closed=True)
    )


def due_buckets(session: Session, now: int, limit: int) -> list[tuple[int, int]]:
    """Return up to `limit` (account, bucket) whose time has passed and that can be ended, oldest first."""
    rows = session.execute(
        select(BucketRow.account_id, BucketRow.id)
        .where(
            BucketRow.closed.is_(False),
            BucketRow.expires_at <= now,
            # What is still held ends with its hold.
            or_(BucketRow.available > 0, BucketRow.held == 0),
        )
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
    return [(row.account_id, _bucket(row)) for row in rows]


def totals_by_place(session: Session) -> dict[str, int]:
    """Return what each place holds by the journal: the values sum to zero."""
    rows = session.execute(
        text(
            """SELECT place, sum(amount) FROM (
                   SELECT source AS place, -amount AS amount FROM journal
                   UNION ALL SELECT target, amount FROM journal
               ) AS moved GROUP BY place"""
        )
    )
    return {row[0]: int(row[1]) for row in rows}


def _changes(postings: Iterable[Posting]) -> dict[int, dict[Place, int]]:
    changes: dict[int, dict[Place, int]] = {}
    for (bucket_id, place), change in balances(postings).items():
        if bucket_id is not None and change:
            changes.setdefault(bucket_id, {})[place] = change
    return changes


def _bucket(row: BucketRow) -> Bucket:
    return Bucket(
        id=row.id,
        source=Source(row.source),
        epoch=None if row.epoch is None else Epoch(row.epoch),
        expires_at=row.expires_at,
        available=NanoUsd(row.available),
        held=NanoUsd(row.held),
        granted=NanoUsd(row.granted),
        consumed=NanoUsd(row.consumed),
        expired=NanoUsd(row.expired),
    )
