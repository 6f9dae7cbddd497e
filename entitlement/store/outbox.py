"""Rows of webhooks and of what is to be delivered to them."""

import secrets
from collections.abc import Sequence
from dataclasses import dataclass

from sqlalchemy import delete, select, text, update
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.orm import Session

from entitlement.core.epochs import Epoch
from entitlement.core.units import NanoUsd, Wallet
from entitlement.core.webhooks import CreditEvent
from entitlement.store.raw import Cursor
from entitlement.store.tables import OutboxRow, WebhookRow

DELIVERIES_SHOWN = 20
"""To a webhook's owner: the newest."""


@dataclass(frozen=True, slots=True)
class Webhook:
    """Where an account's owner is told."""

    id: str
    account_id: int
    url: str
    created_at: int


@dataclass(frozen=True, slots=True)
class NewEvent:
    """Something to tell an account's owner, if there is a webhook."""

    account_id: int
    kind: CreditEvent
    epoch: Epoch
    available: NanoUsd
    granted: NanoUsd
    """What the running day gave."""
    at: int


@dataclass(frozen=True, slots=True)
class Delivery:
    """An event of the outbox, and how its delivery stands."""

    id: int
    event_id: str
    kind: CreditEvent
    epoch: Epoch
    available: NanoUsd
    granted: NanoUsd
    created_at: int
    due_at: int | None
    tries: int
    last_try_at: int | None
    outcome: str | None
    delivered_at: int | None


@dataclass(frozen=True, slots=True)
class Claimed:
    """A delivery that this process has taken on, with where it goes."""

    delivery: Delivery
    webhook: Webhook
    wallet: Wallet


# Whoever has no webhook costs a look at an index, and whoever was told today, another.
_ADD = b"""
INSERT INTO outbox (event_id, account_id, kind, epoch, available, granted, created_at, due_at, tries)
SELECT n.event_id, n.account_id, n.kind, n.epoch, n.available, n.granted, n.at, n.at, 0
FROM unnest(%s::text[], %s::bigint[], %s::text[], %s::integer[], %s::bigint[], %s::bigint[], %s::bigint[])
    AS n (event_id, account_id, kind, epoch, available, granted, at)
JOIN webhooks AS w ON w.account_id = n.account_id
ON CONFLICT (account_id, kind, epoch) DO NOTHING
"""

_CLAIM = text("""
    UPDATE outbox AS o SET due_at = :until, tries = o.tries + 1, last_try_at = :now
    FROM (SELECT d.id FROM outbox AS d WHERE d.due_at <= :now
          ORDER BY d.due_at, d.id LIMIT :limit FOR UPDATE SKIP LOCKED) AS due
    WHERE o.id = due.id RETURNING o.id
""")


def add(cursor: Cursor, events: Sequence[NewEvent]) -> None:
    """Put events into the outbox, in the transaction that made them happen. One statement.

    What an account was told today is not told again, and an account without a webhook is told nothing.
    """
    if events:
        cursor.execute(
            _ADD,
            (
                [f"evt_{secrets.token_hex(12)}" for _ in events],
                [each.account_id for each in events],
                [each.kind.value for each in events],
                [each.epoch for each in events],
                [each.available for each in events],
                [each.granted for each in events],
                [each.at for each in events],
            ),
        )


def claim(session: Session, now: int, *, until: int, limit: int) -> list[Claimed]:
    """Take up to `limit` deliveries whose time has come; until `until` nobody else takes them.

    The try is counted now: a process that dies while it delivers has tried.
    """
    ids = list(session.scalars(_CLAIM, {"now": now, "until": until, "limit": limit}))
    rows = session.execute(
        text("""
            SELECT o.id, o.event_id, o.kind, o.epoch, o.available, o.granted, o.created_at, o.due_at, o.tries,
                   o.last_try_at, o.outcome, o.delivered_at, w.id, w.account_id, w.url, w.created_at, a.wallet
            FROM outbox AS o JOIN webhooks AS w ON w.account_id = o.account_id
            JOIN accounts AS a ON a.id = o.account_id WHERE o.id = ANY(:ids) ORDER BY o.id
        """),
        {"ids": ids},
    )
    return [Claimed(_delivery(row[:12]), Webhook(*row[12:16]), Wallet(row[16])) for row in rows]


def settle(
    session: Session, delivery: Delivery, *, outcome: str, due_at: int | None, delivered_at: int | None
) -> None:
    """Note what came of a try; of one that somebody else has taken on meanwhile, nothing."""
    session.execute(
        update(OutboxRow)
        .where(
            OutboxRow.id == delivery.id,
            OutboxRow.tries == delivery.tries,
            # Done with, once its webhook was deleted.
            OutboxRow.due_at.is_not(None),
        )
        .values(outcome=outcome, due_at=due_at, delivered_at=delivered_at)
    )


def put_webhook(session: Session, account_id: int, webhook_id: str, url: str, now: int) -> None:
    """Set an account's webhook, in the place of the one it had."""
    values = {"id": webhook_id, "url": url, "created_at": now}
    session.execute(
        insert(WebhookRow)
        .values(account_id=account_id, **values)
        .on_conflict_do_update(index_elements=[WebhookRow.account_id], set_=values)
    )


def delete_webhook(session: Session, account_id: int, now: int) -> None:
    """Forget an account's webhook; what was still to be delivered to it is given up."""
    session.execute(delete(WebhookRow).where(WebhookRow.account_id == account_id))
    session.execute(
        update(OutboxRow)
        .where(OutboxRow.account_id == account_id, OutboxRow.due_at.is_not(None))
        .values(due_at=None, outcome="the webhook was deleted", last_try_at=now)
    )


def webhook_of(session: Session, account_id: int) -> Webhook | None:
    """Return an account's webhook, if it has one."""
    row = session.execute(
        select(WebhookRow.id, WebhookRow.account_id, WebhookRow.url, WebhookRow.created_at).where(
            WebhookRow.account_id == account_id
        )
    ).one_or_none()
    return None if row is None else Webhook(*row)


def deliveries(session: Session, account_id: int) -> list[Delivery]:
    """Return the account's newest deliveries, newest first."""
    rows = session.execute(
        text("""
            SELECT id, event_id, kind, epoch, available, granted, created_at, due_at, tries, last_try_at,
                   outcome, delivered_at
            FROM outbox WHERE account_id = :account_id ORDER BY epoch DESC, id DESC LIMIT :limit
        """),
        {"account_id": account_id, "limit": DELIVERIES_SHOWN},
    )
    return [_delivery(row) for row in rows]


def _delivery(row: Sequence[object]) -> Delivery:
    values = list(row)
    values[2] = CreditEvent(str(values[2]))
    return Delivery(*values)  # pyright: ignore[reportArgumentType] - in the order of the columns
