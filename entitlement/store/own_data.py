"""Rows of an account as its owner is given them, and what of them can be deleted.

Every table that names an account, a key or a wallet is in `SECTIONS` or in `NOT_EXPORTED`; a test compares.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from sqlalchemy import text
from sqlalchemy.orm import Session

from entitlement.core.epochs import Epoch
from entitlement.core.units import Wallet
from entitlement.store.archive import table_of

ROWS_PER_PAGE = 1_000


@dataclass(frozen=True, slots=True)
class Section:
    """A part of the export: some columns of a table's rows, in an order that pages can go on in."""

    name: str
    table: str
    columns: str
    where: str
    order: tuple[str, ...]
    """Not null, and unique within an account."""
    source: str = ""
    """Where it is read from, if from more than the table."""


OF_ACCOUNT = "account_id = :account_id"
OF_KEYS = "key_id IN (SELECT id FROM api_keys WHERE account_id = :account_id)"
_HOLD = """h.id, h.key_id, h.gateway_id, h.request_id, h.kind, h.state, h.epoch, h.amount, h.is_final,
    h.captured, h.shortfall, h.model, h.created_at, h.expires_at, h.ended_at, h.charged_at, h.refusal,
    h.part_buckets, h.part_sources, h.part_amounts, h.steps, h.told"""


SECTIONS = (
    Section("account", "accounts", "id, wallet, created_at, rate_until", "id = :account_id", ("id",)),
    Section(
        "keys",
        "api_keys",
        "id, last_six, kind, description, limit_diem, limit_usd, limit_period, model_privacy, created_at, "
        "expires_at, revoked_at, suspended_at, paused_at, rotated_at",
        OF_ACCOUNT,
        ("id",),
    ),
    Section("rotations", "retired_secrets", "key_id, retired_at, secret_hash", OF_KEYS, ("secret_hash",)),
    Section(
        "key_days",
        "key_spending",
        "key_id, epoch, diem_spent, diem_held, usd_spent, usd_held, last_used_at, rate_until",
        OF_KEYS,
        ("key_id", "epoch"),
    ),
    Section("sessions", "sessions", "created_at, expires_at, token_hash", OF_ACCOUNT, ("token_hash",)),
    Section("webhook", "webhooks", "id, url, created_at", OF_ACCOUNT, ("id",)),
    Section(
        "deliveries",
        "outbox",
        "id, event_id, kind, epoch, available, granted, created_at, due_at, tries, last_try_at, outcome, "
        "delivered_at",
        OF_ACCOUNT,
        ("id",),
    ),
    Section(
        "refused_by_rate",
        "rate_refusals",
        "slot, number, key_id, model, tier, rate_of, refused_at, times",
        OF_ACCOUNT,
        ("slot",),
    ),
    Section(
        "grants",
        "buckets",
        "id, source, epoch, expires_at, granted, available, held, consumed, expired, closed",
        OF_ACCOUNT,
        ("id",),
    ),
    Section(
        "journal",
        "entries",
        "epoch, key, id, kind, created_at, buckets, moves, amounts, lane, batch",
        OF_ACCOUNT,
        ("epoch", "key"),
        "all_entries",
    ),
    Section(
        "holds",
        "holds",
        f"e.key, {_HOLD}",
        "e.account_id = :account_id AND (e.key LIKE 'hold:%' OR e.key LIKE 'charge:%')",
        ("e.epoch", "e.key"),
        "all_entries AS e JOIN holds AS h ON h.id = split_part(e.key, ':', 2)",
    ),
    Section(
        "refused_holds",
        "holds",
        _HOLD,
        "h.account_id = :account_id AND h.state = 'refused'",
        ("h.id",),
        "holds AS h",
    ),
    Section(
        "usage",
        "usage",
        "created_at, hold_id, number, epoch, key_id, gateway_id, request_id, model, input_tokens, "
        "output_tokens, images, latency_ms, status, price_version, diem, usd, shortfall",
        OF_ACCOUNT,
        ("created_at", "hold_id", "number"),
        "all_usage",
    ),
    Section(
        "purchases",
        "purchases",
        "transaction_hash, number, kind, amount, settled_at",
        OF_ACCOUNT,
        ("transaction_hash", "number"),
    ),
    Section(
        "memberships",
        "memberships",
        "provider, tier, ends_at, starts_at, credit, settled_at",
        OF_ACCOUNT,
        ("provider", "tier", "ends_at"),
    ),
    Section(
        "adjustments",
        "adjustments",
        "reference, kind, amount, reason, made_by, made_at, purchase_hash, purchase_number",
        OF_ACCOUNT,
        ("reference",),
    ),
    Section(
        "committed",
        "epoch_leaves",
        "epoch, diem, pro_rata, spent, salt, place",
        "wallet = :wallet",
        ("epoch",),
    ),
    Section(
        "acts_of_the_operator",
        "admin_acts",
        "id, kind, made_at, made_by, reason, subject, reference, figures",
        "subject = :wallet OR subject IN (SELECT id FROM api_keys WHERE account_id = :account_id)",
        ("id",),
    ),
)

NOT_EXPORTED = {
    "events": "what the chain said, public there; /v1/public/wallets/{address} tells it",
    "positions": "the fold of those events; /v1/public/wallets/{address} tells it",
}
"""Tables that name a wallet and are left out, each with the reason."""

NEVER_TOLD = frozenset({"secret_hash", "token_hash"})
"""Only to go on from: a hash of a secret is nobody's to read."""


def page(
    session: Session, section: Section, account_id: int, wallet: Wallet, after: Sequence[object] | None
) -> list[dict[str, Any]]:
    """Return up to `ROWS_PER_PAGE` rows of a section, from the one after `after` on: values of its order.

    Columns of `NEVER_TOLD` are in them, for going on.
    """
    order = ", ".join(section.order)
    places = ", ".join(f":after{number}" for number in range(len(section.order)))
    beyond = "" if after is None else f"AND ({order}) > ({places})"
    query = (
        f"SELECT {section.columns} FROM {section.source or section.table} "  # noqa: S608 - our own names
        f"WHERE ({section.where}) {beyond} ORDER BY {order} LIMIT {ROWS_PER_PAGE}"
    )
    values = {f"after{number}": value for number, value in enumerate(after or ())}
    rows = session.execute(text(query), {"account_id": account_id, "wallet": wallet} | values)
    return [dict(row) for row in rows.mappings()]


# --- deleting ------------------------------------------------------------------------------------------


_OPEN = text("""
    SELECT count(*), coalesce(max(expires_at), 0) FROM holds WHERE state = 'open' AND account_id = :account_id
""")
_DAYS = text("""
    SELECT DISTINCT s.epoch FROM api_keys AS k JOIN key_spending AS s ON s.key_id = k.id
    WHERE k.account_id = :account_id AND s.epoch < :before ORDER BY s.epoch
""")


def open_holds(session: Session, account_id: int) -> tuple[int, int]:
    """Return how many holds and leases of the account are open, and when the last of them ends by itself."""
    row = session.execute(_OPEN, {"account_id": account_id}).one()
    return row[0], row[1]


def delete_now(session: Session, account_id: int, now: int) -> dict[str, int]:
    """Delete what nothing else rests on; return how many rows of each kind. The caller holds the lock."""
    statements = {
        "sessions ended": "DELETE FROM sessions WHERE account_id = :account_id",
        "keys revoked": "UPDATE api_keys SET revoked_at = :now "
        "WHERE account_id = :account_id AND revoked_at IS NULL",
        "descriptions of keys": "UPDATE api_keys SET description = '' "
        "WHERE account_id = :account_id AND description <> ''",
        "webhook": "DELETE FROM webhooks WHERE account_id = :account_id",
        "deliveries to the webhook": "DELETE FROM outbox WHERE account_id = :account_id",
        "requests refused by a rate": "DELETE FROM rate_refusals WHERE account_id = :account_id",
    }
    return {
        what: len(
            session.execute(text(f"{statement} RETURNING 1"), {"account_id": account_id, "now": now}).all()
        )
        for what, statement in statements.items()
    }


def days_of_use(session: Session, account_id: int, before: Epoch) -> list[Epoch]:
    """Return the days before `before` on which a key of the account asked for credit."""
    rows = session.scalars(_DAYS, {"account_id": account_id, "before": before})
    return [Epoch(epoch) for epoch in rows]


_FORGET_USAGE = """
    UPDATE {usage} SET model = NULL, input_tokens = NULL, output_tokens = NULL, images = NULL,
                     latency_ms = NULL, status = NULL, price_version = NULL
    WHERE epoch = :epoch AND account_id = :account_id
        AND num_nonnulls(model, input_tokens, output_tokens, images, latency_ms, status, price_version) > 0
    RETURNING 1
"""
_FORGET_MODELS = text("""
    UPDATE holds SET model = NULL WHERE model IS NOT NULL AND id IN (
        SELECT split_part(key, ':', 2) FROM all_entries
        WHERE epoch = :epoch AND account_id = :account_id AND (key LIKE 'hold:%' OR key LIKE 'charge:%')
    ) RETURNING 1
""")
_FORGET_REFUSED = text("""
    UPDATE holds SET model = NULL
    WHERE account_id = :account_id AND state = 'refused' AND epoch < :before AND model IS NOT NULL
    RETURNING 1
""")


def forget_day(session: Session, account_id: int, epoch: Epoch) -> tuple[int, int]:
    """Empty what is kept of a day's requests besides their cost; return how many records and holds it was."""
    values = {"account_id": account_id, "epoch": epoch}
    forget_usage = text(_FORGET_USAGE.format(usage=table_of(session, "usage", epoch)))
    return len(session.execute(forget_usage, values).all()), len(
        session.execute(_FORGET_MODELS, values).all()
    )


def forget_refused(session: Session, account_id: int, before: Epoch) -> int:
    """Empty the models of refused holds of days before `before`; return how many it was."""
    return len(session.execute(_FORGET_REFUSED, {"account_id": account_id, "before": before}).all())
