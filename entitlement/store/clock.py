"""The service's clock: the database's, so that all processes agree; moved only on a development network."""

from sqlalchemy import select, text, update
from sqlalchemy.orm import Session

from entitlement.store.tables import ClockRow

# clock_timestamp, not now(): a transaction that waited for a lock over midnight must see the new day.
_NOW = text("SELECT service_time()")


def service_time(session: Session) -> int:
    """Return the Unix time in seconds at this very moment, also within a transaction."""
    return int(session.execute(_NOW).scalar_one())


def shift(session: Session) -> int:
    """Return by how many seconds the clock was moved forward."""
    return session.scalars(select(ClockRow.shift_seconds)).one()


def set_shift(session: Session, seconds: int) -> None:
    """Move the clock to `seconds` ahead of the machine's; whether that is allowed is the caller's to know."""
    session.execute(update(ClockRow).values(shift_seconds=seconds))
