"""Rows of holds that are looked for without an account's book."""

from sqlalchemy import func, select
from sqlalchemy.orm import Session

from entitlement.core.holds import HoldState
from entitlement.store.tables import HoldRow


def accounts_with_due(session: Session, now: int, limit: int) -> list[int]:
    """Return up to `limit` accounts that have open holds whose time has run out."""
    rows = session.scalars(
        select(HoldRow.account_id)
        .where(HoldRow.state == HoldState.OPEN, HoldRow.expires_at <= now)
        .group_by(HoldRow.account_id)
        .order_by(func.min(HoldRow.expires_at))
        .limit(limit)
    )
    return list(rows)
