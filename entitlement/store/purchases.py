"""Rows of purchases: which logs of CreditSales have had their effect, and which still wait for it."""

from dataclasses import dataclass
from typing import get_args

from sqlalchemy import func, select, text
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.orm import Session

from entitlement.core.events import CreditBought, LogPlace, Purchase
from entitlement.core.units import NanoUsd, Usdc, Wallet
from entitlement.store.session import fresh
from entitlement.store.tables import AdjustmentRow, PurchaseRow

CREDIT, MEMBERSHIP = "credit", "membership"
_KINDS = {kind.__name__: kind for kind in get_args(Purchase)}

# A log is numbered among those of its transaction for its wallet, of both kinds; only final ones count, and
# none while following or a verification has stopped granting.
_FINAL = """
    SELECT e.*, row_number() OVER (PARTITION BY e.wallet, e.transaction_hash ORDER BY e.log_index) AS number
    FROM events AS e
    JOIN chain_state AS c ON e.block_number <= c.final_number
        AND c.granting_stopped IS NULL AND c.check_failed IS NULL
    WHERE e.kind IN ('CreditBought', 'MembershipBought')
"""
_WHETHER_WAITS = """
    NOT EXISTS (
        SELECT FROM purchases AS p JOIN accounts AS a ON a.id = p.account_id
        WHERE a.wallet = f.wallet AND p.transaction_hash = f.transaction_hash AND p.number = f.number
        {each_by_itself}
    )
"""
_WAITS = _WHETHER_WAITS.format(each_by_itself="")
# For a few of them: PostgreSQL would read all that is settled.
_WAITS_AMONG_FEW = _WHETHER_WAITS.format(each_by_itself="OFFSET 0")
_WAITING, _WAITING_AMONG_FEW = (
    text(
        f"SELECT DISTINCT f.wallet FROM ({_FINAL} AND e.block_number > :above) AS f "  # noqa: S608 - our own words
        f"WHERE {waits} LIMIT :limit"
    )
    for waits in (_WAITS, _WAITS_AMONG_FEW)
)
_OF_WALLET = text(
    "SELECT f.block_number, f.log_index, f.block_hash, f.transaction_hash, f.kind, f.data, f.number, "  # noqa: S608 - likewise
    f"{_WAITS} AS waits FROM ({_FINAL} AND e.wallet = :wallet) AS f "
    "ORDER BY f.block_number, f.log_index"
)


_NUMBERED = """
    SELECT e.*, row_number() OVER (PARTITION BY e.wallet, e.transaction_hash ORDER BY e.log_index) AS number
    FROM events AS e WHERE e.kind IN ('CreditBought', 'MembershipBought')
"""
_PENDING_OF_WALLET, _PENDING_OF_TRANSACTION = (
    text(
        f"SELECT f.transaction_hash, (f.data->>'usdc')::numeric "  # noqa: S608 - likewise
        f"FROM ({_NUMBERED} AND e.{column} = :wanted) AS f "
        f"WHERE f.kind = 'CreditBought' AND {_WAITS_AMONG_FEW} ORDER BY f.block_number DESC, f.log_index DESC"
    )
    for column in ("wallet", "transaction_hash")
)


@dataclass(frozen=True, slots=True)
class Bought:
    """A purchase at or below the final block."""

    event: Purchase
    number: int
    """Among those of the transaction for this wallet, from 1 on."""
    waits: bool
    """Whether it has had no effect yet."""


@dataclass(frozen=True, slots=True)
class Pending:
    """A top-up that was seen in a block, final or not, and is not credit yet."""

    transaction_hash: str
    usdc: Usdc


@dataclass(frozen=True, slots=True)
class Credited:
    """A top-up that became credit."""

    transaction_hash: str
    number: int
    amount: NanoUsd
    refunded: NanoUsd
    """Of it, what was taken back."""
    settled_at: int


def wallets_waiting(session: Session, *, above: int | None, limit: int) -> list[Wallet]:
    """Return up to `limit` wallets with final purchases that have had no effect yet.

    Of those `above` a block, which should be few; or of all where it is None.
    """
    query = _WAITING if above is None else _WAITING_AMONG_FEW
    asked = {"above": -1 if above is None else above, "limit": limit}
    return [Wallet(name) for name in session.scalars(query, asked)]


def purchases_of(session: Session, wallet: Wallet) -> list[Bought]:
    """Return all final purchases for a wallet, in chain order."""
    rows = session.execute(_OF_WALLET, {"wallet": wallet})
    return [
        Bought(
            _KINDS[kind](at=LogPlace(block, index, block_hash, hash_), wallet=wallet, **data), number, waits
        )
        for block, index, block_hash, hash_, kind, data, number, waits in rows
    ]


def pending_of_wallet(session: Session, wallet: Wallet) -> list[Pending]:
    """Return a wallet's top-ups that are not credit yet, newest first."""
    rows = session.execute(_PENDING_OF_WALLET, {"wanted": wallet})
    return [Pending(transaction_hash, Usdc(int(usdc))) for transaction_hash, usdc in rows]


def pending_of_transaction(session: Session, transaction_hash: str) -> list[Pending]:
    """Return a transaction's top-ups that are not credit yet."""
    rows = session.execute(_PENDING_OF_TRANSACTION, {"wanted": transaction_hash})
    return [Pending(transaction_hash, Usdc(int(usdc))) for transaction_hash, usdc in rows]


def credited_by_transaction(session: Session, transaction_hash: str) -> NanoUsd:
    """Return what a transaction's top-ups became, for all accounts together."""
    query = select(func.coalesce(func.sum(PurchaseRow.amount), 0))
    query = query.where(PurchaseRow.transaction_hash == transaction_hash, PurchaseRow.kind == CREDIT)
    return NanoUsd(int(session.scalars(query).one()))


def settle(session: Session, account_id: int, bought: Bought, *, amount: NanoUsd, now: int) -> None:
    """Keep that a purchase has had its effect; doing so twice is an error."""
    session.execute(
        insert(PurchaseRow).values(
            transaction_hash=bought.event.at.transaction_hash,
            account_id=account_id,
            number=bought.number,
            kind=CREDIT if isinstance(bought.event, CreditBought) else MEMBERSHIP,
            amount=amount,
            settled_at=now,
        )
    )


def credited(session: Session, account_id: int) -> list[Credited]:
    """Return an account's top-ups, newest first, with what was refunded of each."""
    refunded = (
        select(func.coalesce(func.sum(AdjustmentRow.amount), 0))
        .where(
            AdjustmentRow.account_id == PurchaseRow.account_id,
            AdjustmentRow.purchase_hash == PurchaseRow.transaction_hash,
            AdjustmentRow.purchase_number == PurchaseRow.number,
        )
        .scalar_subquery()
    )
    rows = session.execute(
        fresh(select(PurchaseRow, refunded))
        .where(PurchaseRow.account_id == account_id, PurchaseRow.kind == CREDIT)
        .order_by(PurchaseRow.settled_at.desc(), PurchaseRow.transaction_hash, PurchaseRow.number)
    )
    return [
        Credited(row.transaction_hash, row.number, NanoUsd(row.amount), NanoUsd(int(taken)), row.settled_at)
        for row, taken in rows
    ]
