"""Sums over all accounts, for whoever operates the service: what is open, what waits, how far roots are."""

from dataclasses import dataclass

from sqlalchemy import func, select, text
from sqlalchemy.orm import Session

from entitlement.core.epochs import Epoch
from entitlement.store.tables import EpochRootRow, OutboxRow

# By the parts that buckets gave: what is left of a lease is less than what it was made for.
_OPEN = text("""
    SELECT kind, count(*),
           coalesce(sum((SELECT sum(part) FROM unnest(part_amounts) AS part)), 0)
    FROM holds WHERE state = 'open' GROUP BY kind
""")
_HELD = text("SELECT source, sum(held) FROM buckets WHERE NOT closed GROUP BY source")


@dataclass(frozen=True, slots=True)
class Open:
    """What is set aside by holds of a kind."""

    count: int
    amount: int
    """Nano-USD."""


NOTHING_OPEN = Open(0, 0)


@dataclass(frozen=True, slots=True)
class Undelivered:
    """Events that owners of accounts are still to be told."""

    waiting: int
    failing: int
    """Of these, so many were tried in vain at least once."""
    oldest_at: int | None
    """When the oldest of them happened; Unix time."""


@dataclass(frozen=True, slots=True)
class RootsStanding:
    """How far the commitments to days have come."""

    last_closed: Epoch | None
    last_published: Epoch | None
    """The newest day whose root stands in a final block."""
    waiting: int
    """Days that are closed, and whose roots do not stand in a final block yet."""
    worked_at: int | None
    """When a day was last closed, or a publication signed; Unix time."""


def open_holds(session: Session) -> dict[str, Open]:
    """Return what is open now by the kind of hold: `hold`, `charge` or `lease`."""
    return {kind: Open(int(count), int(amount)) for kind, count, amount in session.execute(_OPEN)}


def held_by_source(session: Session) -> dict[str, int]:
    """Return what buckets hold for requests under way, by source; nano-USD."""
    return {source: int(amount) for source, amount in session.execute(_HELD)}


def undelivered(session: Session) -> Undelivered:
    """Return what of the outbox is neither delivered nor given up."""
    row = session.execute(
        select(
            func.count(), func.count().filter(OutboxRow.outcome.is_not(None)), func.min(OutboxRow.created_at)
        ).where(OutboxRow.due_at.is_not(None))
    ).one()
    return Undelivered(row[0], row[1], row[2])


def roots_standing(session: Session) -> RootsStanding:
    """Return how far roots have come."""
    is_published = EpochRootRow.published_block.is_not(None)
    row = session.execute(
        select(
            func.max(EpochRootRow.epoch),
            func.max(EpochRootRow.epoch).filter(is_published),
            func.count().filter(~is_published),
            func.max(func.greatest(EpochRootRow.closed_at, EpochRootRow.signed_at)),
        )
    ).one()
    return RootsStanding(_epoch(row[0]), _epoch(row[1]), row[2], row[3])


def _epoch(newest: int | None) -> Epoch | None:
    """Return an epoch; of no rows there is no newest one."""
    return None if newest is None else Epoch(newest)
