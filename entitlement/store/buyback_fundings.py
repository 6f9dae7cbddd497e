"""Rows of USDC that was sent to the burner: each is written before it is sent, and one at a time is open."""

from dataclasses import dataclass

from sqlalchemy import func, insert, select, update
from sqlalchemy.orm import Session

from entitlement.core.buyback_funding import FundingState
from entitlement.core.units import Usdc, Wallet
from entitlement.store.buyback_tables import BuybackFundingRow
from entitlement.store.session import fresh


@dataclass(frozen=True, slots=True)
class Transfer:
    """A transfer, as it is kept."""

    id: int
    sender: Wallet
    nonce: int
    amount: Usdc
    state: FundingState
    hash: str
    raw: bytes
    block: int | None
    """The final block that has it."""
    made_at: int


def add(
    session: Session,
    burner: Wallet,
    *,
    sender: Wallet,
    nonce: int,
    amount: Usdc,
    signed: tuple[str, bytes],
    now: int,
) -> Transfer:
    """Keep what was signed (its hash and bytes), before it is sent; a second open one is an error."""
    transaction_hash, raw = signed
    made = session.scalars(
        insert(BuybackFundingRow)
        .values(
            burner=burner,
            sender=sender,
            nonce=nonce,
            amount=amount,
            state=FundingState.SIGNED,
            hash=transaction_hash,
            raw=raw,
            made_at=now,
        )
        .returning(BuybackFundingRow)
    ).one()
    return _transfer(made)


def open_transfer(session: Session, burner: Wallet) -> Transfer | None:
    """Return the transfer that no final block has decided, if there is one."""
    query = select(BuybackFundingRow).where(
        BuybackFundingRow.burner == burner, BuybackFundingRow.state == FundingState.SIGNED
    )
    row = session.scalars(fresh(query)).one_or_none()
    return None if row is None else _transfer(row)


def newest(session: Session, burner: Wallet, *, limit: int) -> list[Transfer]:
    """Return the last transfers, newest first."""
    query = select(BuybackFundingRow).where(BuybackFundingRow.burner == burner)
    rows = session.scalars(fresh(query.order_by(BuybackFundingRow.id.desc()).limit(limit)))
    return [_transfer(row) for row in rows]


def sum_sent(session: Session, burner: Wallet) -> Usdc:
    """Return what all transfers together have brought to the burner, in final blocks."""
    query = select(func.coalesce(func.sum(BuybackFundingRow.amount), 0)).where(
        BuybackFundingRow.burner == burner, BuybackFundingRow.state == FundingState.FINAL
    )
    return Usdc(int(session.scalars(query).one()))


def end(session: Session, transfer: Transfer, state: FundingState, block: int | None, now: int) -> None:
    """Write down how it ended."""
    session.execute(
        update(BuybackFundingRow)
        .where(BuybackFundingRow.id == transfer.id, BuybackFundingRow.state == FundingState.SIGNED)
        .values(state=state, block_number=block, ended_at=now)
    )


def _transfer(row: BuybackFundingRow) -> Transfer:
    return Transfer(
        row.id,
        Wallet(row.sender),
        row.nonce,
        Usdc(row.amount),
        FundingState(row.state),
        row.hash,
        row.raw,
        row.block_number,
        row.made_at,
    )
