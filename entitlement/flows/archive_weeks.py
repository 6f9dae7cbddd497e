"""Take old weeks out of the journal and the usage, and delete what the outbox is done with.

    the week is over for as long as is kept     nobody asks for it every day
    its days are closed, their roots final      nothing is granted in it any more
    nothing is held or left to expire of it     nothing is charged to it any more
      |
    one transaction: both parts become tables of the schema `archive`, the views over all of it follow

A crash leaves the week where it was or where it is to be. The audit reads the views, so the chain is whole as
before; and the database refuses to make a part anew for a week that was taken out.
"""

from dataclasses import dataclass

import structlog
from psycopg.errors import DeadlockDetected, LockNotAvailable
from sqlalchemy.exc import OperationalError
from sqlalchemy.orm import Session, sessionmaker

from entitlement.core.epochs import SECONDS_PER_EPOCH, ends_at
from entitlement.store import archive
from entitlement.store.clock import service_time

log = structlog.get_logger()

WEEKS_PER_RUN = 60
"""More than a year that was kept; what is left is taken by the next run."""
PATIENCE_MILLISECONDS = 50
"""For whom a booking has to wait while those under way end, which take a few milliseconds."""
OUTBOX_ROWS_PER_STEP = 1_000
OUTBOX_STEPS = 100


@dataclass(frozen=True, slots=True)
class Keeping:
    """How long what is kept in use. None: for ever."""

    journal_days: int | None = None
    """Of the journal and of the usage, after the end of a week."""
    outbox_days: int | None = None
    """Of what an owner was told."""


class ArchiveWeeks:
    """The job; safe to repeat, and by two processes at once."""

    def __init__(self, sessions: sessionmaker[Session], keeping: Keeping) -> None:
        self._sessions = sessions
        self._keeping = keeping

    def run(self) -> list[int]:
        """Take out the weeks whose time has come, oldest first; return which."""
        done: list[int] = []
        while len(done) < WEEKS_PER_RUN and (week := self._take_out_next()) is not None:
            done.append(week)
            log.info("week_archived", week=week, last_epoch=archive.last_epoch(week))
        self._prune_outbox()
        return done

    def _take_out_next(self) -> int | None:
        if self._keeping.journal_days is None:
            return None
        kept = self._keeping.journal_days * SECONDS_PER_EPOCH
        try:
            with self._sessions.begin() as session:
                week, now = archive.oldest_week(session), service_time(session)
                if week is None or ends_at(archive.last_epoch(week)) + kept > now:
                    return None
                if not archive.is_settled(session, week):
                    log.info("week_not_settled", week=week)
                    return None
                archive.take_out(session, week, now, patience_ms=PATIENCE_MILLISECONDS)
        except OperationalError as error:
            if not isinstance(error.orig, LockNotAvailable | DeadlockDetected):
                raise
            # Somebody reads the journal, such as an audit: the next run tries again.
            log.info("journal_in_use")
            return None
        return week

    def _prune_outbox(self) -> None:
        if self._keeping.outbox_days is None:
            return
        for _ in range(OUTBOX_STEPS):
            with self._sessions.begin() as session:
                before = service_time(session) - self._keeping.outbox_days * SECONDS_PER_EPOCH
                if archive.prune_outbox(session, before=before, limit=OUTBOX_ROWS_PER_STEP) == 0:
                    return
