"""Rows of daily statements, and the sums of the books that they are made of."""

from sqlalchemy import func, select, text
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.orm import Session

from entitlement.core.attested import SOURCES
from entitlement.core.epochs import Epoch, ends_at, starts_at
from entitlement.core.statements import Books, Flow, LaneHead, Standing
from entitlement.store import acts, entry_batches
from entitlement.store.clock import service_time
from entitlement.store.tables import PositionRow, StatementRow

_DAY = text("""
    SELECT k.source,
           coalesce(sum(CASE 'issued' WHEN j.source THEN j.amount WHEN j.target THEN -j.amount END), 0),
           coalesce(sum(CASE 'consumed' WHEN j.target THEN j.amount WHEN j.source THEN -j.amount END), 0),
           coalesce(sum(CASE 'expired' WHEN j.target THEN j.amount WHEN j.source THEN -j.amount END), 0)
    FROM journal AS j JOIN buckets AS k ON k.id = j.bucket_id
    WHERE j.epoch = :epoch AND k.epoch IS NULL GROUP BY k.source
    UNION ALL
    -- Credit of a day expires when the next one has begun: its own buckets know all of it.
    SELECT source, sum(granted), sum(consumed), sum(expired) FROM buckets WHERE epoch = :epoch GROUP BY source
""")
_STANDING = text("""
    SELECT source, sum(granted), sum(consumed), sum(expired), sum(available + held)
    FROM buckets GROUP BY source
""")
_BOOKED = text("SELECT EXISTS (SELECT FROM all_entries WHERE epoch <= :epoch)")
_OPEN = text("SELECT EXISTS (SELECT FROM holds WHERE state = 'open' AND epoch <= :epoch)")


def books_of(session: Session, epoch: Epoch) -> Books:
    """Return what is stated of a day, as of this moment; the transaction has to read one moment."""
    day = {row[0]: Flow(row[0], *map(int, row[1:])) for row in session.execute(_DAY, {"epoch": epoch})}
    standing = {row[0]: Standing(row[0], *map(int, row[1:])) for row in session.execute(_STANDING)}
    staked = select(func.coalesce(func.sum(PositionRow.diem_staked), 0)).where(PositionRow.pending.is_(False))
    return Books(
        made_at=service_time(session),
        diem_staked=int(session.scalars(staked).one()),
        day=[day.get(source, Flow(source, 0, 0, 0)) for source in SOURCES],
        standing=[standing.get(source, Standing(source, 0, 0, 0, 0)) for source in SOURCES],
        heads=[LaneHead(each.lane, each.number, each.hash) for each in entry_batches.heads(session)],
        acts=acts.between(session, starts_at(epoch), ends_at(epoch)),
    )


def has_entries(session: Session, epoch: Epoch) -> bool:
    """Tell whether anything was booked on a day, or on one before."""
    return bool(session.execute(_BOOKED, {"epoch": epoch}).scalar_one())


def has_open_holds(session: Session, epoch: Epoch) -> bool:
    """Tell whether something is still held for requests of a day, or of one before."""
    return bool(session.execute(_OPEN, {"epoch": epoch}).scalar_one())


def add(session: Session, epoch: Epoch, made_at: int, document: str) -> bool:
    """Keep a statement; False where its day has one."""
    query = insert(StatementRow).values(epoch=epoch, made_at=made_at, document=document)
    query = query.on_conflict_do_nothing().returning(StatementRow.epoch)
    return session.scalars(query).one_or_none() is not None


def newest(session: Session) -> Epoch | None:
    """Return the newest day that has a statement."""
    found = session.scalars(select(func.max(StatementRow.epoch))).one_or_none()
    return None if found is None else Epoch(found)


def made(session: Session) -> list[tuple[Epoch, int]]:
    """Return the days that have statements, and when they were made, newest first."""
    rows = session.execute(
        select(StatementRow.epoch, StatementRow.made_at).order_by(StatementRow.epoch.desc())
    )
    return [(Epoch(row[0]), row[1]) for row in rows]


def document_of(session: Session, epoch: Epoch) -> str | None:
    """Return the statement of a day as it was signed, in JSON."""
    return session.scalars(select(StatementRow.document).where(StatementRow.epoch == epoch)).one_or_none()


def newest_documents(session: Session, limit: int) -> list[str]:
    """Return the statements of the last days that have one as they were signed, in JSON, newest first."""
    query = select(StatementRow.document).order_by(StatementRow.epoch.desc()).limit(limit)
    return list(session.scalars(query))


def newest_made_at(session: Session) -> int | None:
    """Return when the newest day's statement was made; Unix time."""
    query = select(StatementRow.made_at).order_by(StatementRow.epoch.desc()).limit(1)
    return session.scalars(query).one_or_none()
