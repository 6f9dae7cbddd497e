"""Rows of adjustments: credit that a person moved, with who and why."""

from dataclasses import dataclass
from enum import StrEnum

from sqlalchemy import select
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.orm import Session

from entitlement.core.units import NanoUsd
from entitlement.store.session import fresh
from entitlement.store.tables import AdjustmentRow


class AdjustmentKind(StrEnum):
    """What was done."""

    GRANT = "grant"
    REFUND = "refund"
    CORRECT = "correct"
    UPGRADE = "upgrade"
    """Once for an account, by the terms of a membership."""


@dataclass(frozen=True, slots=True)
class Adjustment:
    """One adjustment. Its reference is its own for ever: the same one again is the same adjustment."""

    reference: str
    account_id: int
    kind: AdjustmentKind
    amount: NanoUsd
    reason: str
    made_by: str
    purchase_hash: str | None = None
    """For a refund: the top-up that is taken back."""
    purchase_number: int | None = None


def find(session: Session, reference: str) -> Adjustment | None:
    """Return the adjustment with a reference, if there is one."""
    row = session.scalars(
        fresh(select(AdjustmentRow)).where(AdjustmentRow.reference == reference)
    ).one_or_none()
    if row is None:
        return None
    return Adjustment(
        row.reference,
        row.account_id,
        AdjustmentKind(row.kind),
        NanoUsd(row.amount),
        row.reason,
        row.made_by,
        row.purchase_hash,
        row.purchase_number,
    )


def add(session: Session, made: Adjustment, now: int) -> bool:
    """Keep an adjustment; False where its reference is taken, also by one that was made at this moment."""
    query = insert(AdjustmentRow).values(
        reference=made.reference,
        account_id=made.account_id,
        kind=made.kind,
        amount=made.amount,
        reason=made.reason,
        made_by=made.made_by,
        made_at=now,
        purchase_hash=made.purchase_hash,
        purchase_number=made.purchase_number,
    )
    query = query.on_conflict_do_nothing().returning(AdjustmentRow.reference)
    return session.scalars(query).one_or_none() is not None
