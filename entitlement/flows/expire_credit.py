"""Expire credit: give back holds whose time ran out, end what is left of buckets whose day is over.

Nothing waits for this: a hold that ran out is also given back at its account's next touch, and a bucket whose
day is over cannot be spent. It makes the books say so for accounts that nobody touches.
"""

from collections.abc import Sequence

from sqlalchemy.orm import Session, sessionmaker

from entitlement.core.epochs import epoch_at
from entitlement.core.ledger import book_expiry
from entitlement.flows.spend_credit import SpendCredit
from entitlement.store import access, holds, ledger
from entitlement.store.clock import service_time

ACCOUNTS_PER_RUN = 1_000
"""What is left over is taken by the next run."""
ACCOUNTS_PER_TRANSACTION = 50
"""Locked at once: what a request may wait for."""
BUCKETS_PER_RUN = 50_000
"""Likewise. With a run a minute, a day's are done within the day for tens of millions of accounts."""
BUCKETS_PER_TRANSACTION = 100
"""Whose accounts are locked at once: what a request may wait for."""


class ExpireCredit:
    """The jobs that follow the clock; a few accounts are a transaction."""

    def __init__(self, sessions: sessionmaker[Session]) -> None:
        self._sessions = sessions
        self._spend = SpendCredit(sessions)

    def expire_holds(self) -> int:
        """Give back open holds whose time has run out; return how many."""
        with self._sessions.begin() as session:
            accounts = holds.accounts_with_due(session, service_time(session), ACCOUNTS_PER_RUN)
        return sum(
            self._spend.expire(accounts[first : first + ACCOUNTS_PER_TRANSACTION])
            for first in range(0, len(accounts), ACCOUNTS_PER_TRANSACTION)
        )

    def expire_buckets(self) -> int:
        """End what is available in buckets whose time has passed; return how many buckets."""
        with self._sessions.begin() as session:
            due = ledger.due_buckets(session, service_time(session), BUCKETS_PER_RUN)
        return sum(
            self._expire_buckets(due[first : first + BUCKETS_PER_TRANSACTION])
            for first in range(0, len(due), BUCKETS_PER_TRANSACTION)
        )

    def forget_sign_ins(self) -> int:
        """Drop sessions and nonces that have expired; return how many."""
        with self._sessions.begin() as session:
            return access.forget_stale(session, service_time(session))

    def _expire_buckets(self, due: Sequence[tuple[int, int]]) -> int:
        with self._sessions.begin() as session:
            access.lock_accounts(session, {account_id for account_id, _ in due})
            now = service_time(session)
            found = ledger.buckets_with_ids(session, [bucket_id for _, bucket_id in due])
            over = [(account_id, bucket) for account_id, bucket in found if not bucket.is_live(now)]
            entries = [
                book_expiry(account_id, epoch_at(now), bucket)
                for account_id, bucket in over
                # Another instance may have come first.
                if bucket.available > 0
            ]
            if entries:
                ledger.append_all(session, entries, now)
            ledger.close_buckets(session, [bucket.id for _, bucket in over])
            return len(entries)
