"""Rows of what an operator did by hand, in the order in which it was done."""

from collections.abc import Mapping

from sqlalchemy import insert, select
from sqlalchemy.orm import Session

from entitlement.core.acts import Act, ActKind, Because
from entitlement.store.tables import AdminActRow


def add(
    session: Session,
    kind: ActKind,
    because: Because,
    *,
    now: int,
    subject: str,
    figures: Mapping[str, int] | None = None,
    reference: str | None = None,
) -> None:
    """Keep an act, in the transaction that does it."""
    session.execute(
        insert(AdminActRow).values(
            kind=kind,
            made_at=now,
            made_by=because.made_by,
            reason=because.reason,
            subject=subject,
            reference=reference,
            figures=dict(figures or {}),
        )
    )


def between(session: Session, first: int, end: int | None = None) -> list[Act]:
    """Return the acts from a Unix time on, up to another, oldest first."""
    query = select(AdminActRow).where(AdminActRow.made_at >= first)
    if end is not None:
        query = query.where(AdminActRow.made_at < end)
    return [_act(row) for row in session.scalars(query.order_by(AdminActRow.id))]


def newest(session: Session, *, below: int | None, limit: int) -> list[Act]:
    """Return the last `limit` acts, newest first; `below` an id, the last ones before that."""
    query = select(AdminActRow).order_by(AdminActRow.id.desc()).limit(limit)
    if below is not None:
        query = query.where(AdminActRow.id < below)
    return [_act(row) for row in session.scalars(query)]


def with_kind(session: Session, kind: ActKind) -> list[Act]:
    """Return all acts of a kind, oldest first."""
    query = select(AdminActRow).where(AdminActRow.kind == kind).order_by(AdminActRow.id)
    return [_act(row) for row in session.scalars(query)]


def _act(row: AdminActRow) -> Act:
    return Act(
        row.id,
        ActKind(row.kind),
        row.made_at,
        Because(row.made_by, row.reason),
        row.subject,
        row.reference,
        row.figures,
    )
