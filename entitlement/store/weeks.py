"""The parts of the journal and of the usage: a week of days each, made before its first row."""

from collections.abc import Collection
from weakref import WeakKeyDictionary

from sqlalchemy import Engine, text
from sqlalchemy.orm import Session

from entitlement.core.epochs import Epoch

EPOCHS_PER_WEEK = 7

_made: WeakKeyDictionary[Engine, set[int]] = WeakKeyDictionary()
"""Of each database, the weeks that this process knows to be there. One that was taken out since
(store.archive) is booked in by nobody, and the database would refuse it."""


def week_of(epoch: Epoch) -> int:
    """Return the week whose part an epoch's rows are in."""
    return epoch // EPOCHS_PER_WEEK


def make_weeks(session: Session, epochs: Collection[Epoch]) -> None:
    """Make the parts for `epochs` where they are missing.

    In a transaction of its own: what others write into a part must not hang on whether this one commits.
    """
    engine = session.get_bind()
    assert isinstance(engine, Engine)
    known = _made.setdefault(engine, set())
    missing = {week_of(epoch) for epoch in epochs} - known
    if missing:
        with engine.begin() as connection:
            for week in sorted(missing):
                connection.execute(text("SELECT make_week(:week)"), {"week": week})
        known |= missing
