"""What a receipt says of a charge: the hold, its entry in the journal, and what was kept of the request."""

from dataclasses import dataclass
from typing import Any

from sqlalchemy import text
from sqlalchemy.orm import Session

CHARGED_BY = ("charge", "end", "late")
"""What the keys of entries that charge a hold begin with (core.ledger)."""


@dataclass(frozen=True, slots=True)
class HeldBy:
    """Whose a hold is, and whether it was charged."""

    account_id: int
    key_id: str
    gateway_id: int
    kind: str
    charged_at: int | None


@dataclass(frozen=True, slots=True)
class Charge:
    """A charge as the journal has it. Amounts are nano-USD."""

    wallet: str
    key_id: str
    gateway: str
    request_id: str
    paid: dict[str, int]
    """By source."""
    shortfall: int
    model: str | None
    price_version: str | None
    input_tokens: int | None
    output_tokens: int | None
    epoch: int
    booked_at: int
    entry_id: int
    lane: int
    batch: int
    batch_hash: bytes


_HOLD = text("SELECT account_id, key_id, gateway_id, kind, charged_at FROM holds WHERE id = :id")
# The entry of the capture is that in which something came to be consumed; one that is all given back, for
# a capture of nothing, is the last of them.
_CHARGE = text("""
    SELECT a.wallet, h.key_id, g.name, h.request_id, p.paid, h.shortfall, coalesce(u.model, h.model),
           u.price_version, u.input_tokens, u.output_tokens, e.epoch, e.created_at, e.id, e.lane, e.batch,
           b.hash
    FROM holds AS h
    JOIN accounts AS a ON a.id = h.account_id
    JOIN gateways AS g ON g.id = h.gateway_id
    JOIN all_entries AS e ON e.epoch = h.epoch AND e.key = ANY(:keys)
    JOIN journal_batches AS b ON b.lane = e.lane AND b.number = e.batch
    LEFT JOIN all_usage AS u ON u.epoch = h.epoch AND u.hold_id = h.id AND u.number = 1
    CROSS JOIN LATERAL (
        SELECT coalesce(jsonb_object_agg(source, amount), '{}') AS paid FROM (
            SELECT k.source, sum(m.amount) AS amount
            FROM unnest(e.buckets, e.moves, e.amounts) AS m (bucket, move, amount)
            JOIN buckets AS k ON k.id = m.bucket
            WHERE m.move LIKE '%>consumed' GROUP BY k.source
        ) AS by_source
    ) AS p
    WHERE h.id = :id ORDER BY e.id DESC LIMIT 1
""")


def held_by(session: Session, hold_id: str) -> HeldBy | None:
    """Return whose a hold is, if there is one."""
    row = session.execute(_HOLD, {"id": hold_id}).one_or_none()
    return None if row is None else HeldBy(*row)


def charge_of(session: Session, hold_id: str) -> Charge | None:
    """Return the charge of a hold that was captured, or of one that was charged at once."""
    keys = [f"{kind}:{hold_id}" for kind in CHARGED_BY]
    row = session.execute(_CHARGE, {"id": hold_id, "keys": keys}).one_or_none()
    if row is None:
        return None
    paid = {str(source): int(amount) for source, amount in row[4].items()}
    columns: tuple[Any, ...] = (*row[:4], paid, *row[5:15], bytes(row[15]))
    return Charge(*columns)
