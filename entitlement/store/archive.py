"""Weeks of the journal and of the usage that are taken out of their tables, and old rows of the outbox."""

from sqlalchemy import text
from sqlalchemy.orm import Session

from entitlement.core.epochs import Epoch
from entitlement.store.weeks import EPOCHS_PER_WEEK, week_of

_PARTS = text("""
    SELECT DISTINCT split_part(c.relname, '_', 2)::integer AS week
    FROM pg_inherits AS i JOIN pg_class AS c ON c.oid = i.inhrelid
    WHERE i.inhparent IN ('entries'::regclass, 'usage'::regclass) ORDER BY week LIMIT 1
""")
# Days are closed once and for ever, one after the other; before the first that was, nothing was granted.
_SETTLED = text("""
    SELECT EXISTS (SELECT FROM epoch_roots WHERE epoch >= :last)
       AND NOT EXISTS (SELECT FROM epoch_roots WHERE epoch <= :last AND published_block IS NULL)
       AND NOT EXISTS (SELECT FROM holds WHERE state = 'open' AND epoch <= :last)
       AND NOT EXISTS (SELECT FROM buckets WHERE epoch <= :last AND NOT closed)
""")
_TAKEN_OUT = text("SELECT EXISTS (SELECT FROM archived_weeks WHERE week >= :week)")
_PRUNE = text("""
    DELETE FROM outbox WHERE id IN (
        SELECT id FROM outbox WHERE due_at IS NULL AND created_at < :before
        ORDER BY id LIMIT :limit FOR UPDATE SKIP LOCKED
    ) RETURNING 1
""")


def oldest_week(session: Session) -> int | None:
    """Return the oldest week that has a part."""
    return session.execute(_PARTS).scalar_one_or_none()


def last_epoch(week: int) -> Epoch:
    """Return the last day of a week."""
    return Epoch(week * EPOCHS_PER_WEEK + EPOCHS_PER_WEEK - 1)


def is_settled(session: Session, week: int) -> bool:
    """Tell whether nothing of a week, or of one before, can change any more.

    All its days are closed and their roots final on the chain, nothing is held of them, and nothing of their
    credit is left to expire.
    """
    return bool(session.execute(_SETTLED, {"last": last_epoch(week)}).scalar_one())


def is_taken_out(session: Session, epoch: Epoch) -> bool:
    """Tell whether the week of a day was taken out: then all before it were."""
    return bool(session.execute(_TAKEN_OUT, {"week": week_of(epoch)}).scalar_one())


def take_out(session: Session, week: int, now: int, *, patience_ms: int) -> None:
    """Make a week's parts tables of the schema `archive`, in this transaction.

    Raises SQLAlchemy's OperationalError where others use the tables for longer than the patience: meanwhile
    whoever wants to book waits, so it is short.
    """
    session.execute(text(f"SET LOCAL lock_timeout = {int(patience_ms)}"))
    session.execute(text("SELECT take_out_week(:week, :now)"), {"week": week, "now": now})


def table_of(session: Session, name: str, epoch: Epoch) -> str:
    """Return where rows of a day are that are to be changed: in the table itself, or in the archive."""
    part = f"archive.{name}_{week_of(epoch)}"
    found = session.execute(text("SELECT to_regclass(:part)"), {"part": part}).scalar_one()
    return name if found is None else part


def prune_outbox(session: Session, *, before: int, limit: int) -> int:
    """Delete what was delivered or given up and was to be told before a time; return how many."""
    return len(session.execute(_PRUNE, {"before": before, "limit": limit}).all())
