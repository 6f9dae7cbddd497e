"""Read what an account has left."""

from sqlalchemy.orm import Session

from entitlement.core.balance import Balance, balance_of
from entitlement.store import ledger


def read_balance(session: Session, account_id: int, now: int) -> Balance:
    """Return the account's balance at `now`."""
    return balance_of(ledger.buckets(session, account_id, now=now), now)
