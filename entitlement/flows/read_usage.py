"""Read usage: the history of what an account was charged, by pages, and its sums.

A walk must tell each request once, also while requests go on being charged. Whoever charges an account holds
its lock from before the clock is read until the commit:

    reader      lock · read the clock, t · unlock          read what was booked before t
    charging    lock · read the clock · book · commit

so that before the second t nothing is missing and nothing will come any more. What was charged in the very
second that runs is told from the next one on.
"""

from dataclasses import replace

from sqlalchemy.orm import Session, sessionmaker

from entitlement.core.epochs import Epoch, epoch_at
from entitlement.core.usage import (
    DEFAULT_LOOKBACK_DAYS,
    Analytics,
    UsageRecord,
    UsageRow,
    check_days,
    lookback_epochs,
)
from entitlement.core.usage_walk import (
    BEGINNING,
    HistoryQuery,
    Page,
    Position,
    View,
    page_of_records,
    page_of_rows,
    read_cursor,
)
from entitlement.store import access, usage
from entitlement.store.clock import service_time

RECORDS_BESIDE_A_PAGE = 2
"""The one at which it begins, of which all may have been told, and one that shows that there is more."""
DEFAULT_LOOKBACK = f"{DEFAULT_LOOKBACK_DAYS}d"


class ReadUsage:
    """What an account's owner, or one of its keys, sees of its requests."""

    def __init__(self, sessions: sessionmaker[Session]) -> None:
        self._sessions = sessions

    def rows(self, query: HistoryQuery, position: Position = BEGINNING) -> Page[UsageRow]:
        """Return a page of the history by rows. Raises InvalidRequest."""
        records, settled = self._records(query, position)
        return page_of_rows(settled, position, records)

    def records(self, query: HistoryQuery, position: Position = BEGINNING) -> Page[UsageRecord]:
        """Return a page of the history by requests. Raises InvalidRequest."""
        records, settled = self._records(query, position)
        return page_of_records(settled, position, records)

    @staticmethod
    def follow(
        cursor: str, *, account_id: int, view: View, key_id: str | None
    ) -> tuple[HistoryQuery, Position]:
        """Return where a cursor of this caller goes on. Raises InvalidRequest."""
        return read_cursor(cursor, account_id=account_id, view=view, key_id=key_id)

    def analytics(
        self, account_id: int, *, key_id: str | None = None, lookback: str = DEFAULT_LOOKBACK
    ) -> Analytics:
        """Return the account's sums of the last days, today included. Raises InvalidRequest."""
        with self._sessions.begin() as session:
            first, after_last = lookback_epochs(lookback, epoch_at(service_time(session)))
            return usage.analytics(session, account_id, key_id=key_id, first=first, after_last=after_last)

    def analytics_of_days(
        self, account_id: int, first: Epoch, after_last: Epoch, *, key_id: str | None = None
    ) -> Analytics:
        """Return the account's sums of the days [first, after_last). Raises InvalidRequest."""
        check_days(first, after_last)
        with self._sessions.begin() as session:
            return usage.analytics(session, account_id, key_id=key_id, first=first, after_last=after_last)

    def _records(self, query: HistoryQuery, position: Position) -> tuple[list[UsageRecord], HistoryQuery]:
        """Return the records of a page, and the query with the end that its walk will have."""
        query.check()
        with self._sessions.begin() as session:
            access.lock_account(session, query.account_id)
            now = service_time(session)
        # From here on nothing is booked before `now`: what this page does not tell, the next one does.
        settled = replace(query, end=max(query.start, min(query.end, now)))
        with self._sessions.begin() as session:
            return usage.records(
                session, settled, position, limit=query.page_size + RECORDS_BESIDE_A_PAGE
            ), settled
