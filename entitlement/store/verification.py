"""The outcome of the last comparison of what is stored with the contracts' own views."""

from dataclasses import dataclass

from sqlalchemy import func, select, update
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.orm import Session

from entitlement.core.units import Wallet
from entitlement.store.chain import bounded
from entitlement.store.session import fresh
from entitlement.store.tables import ChainState, PositionRow, VerificationRow


@dataclass(frozen=True, slots=True)
class Verified:
    """What the last verification came to."""

    block_number: int
    verified_at: int
    wallets: int
    differences: int
    next_after: str | None
    """The last wallet of a sample, after which the next begins; None where it begins from the first."""


def last(session: Session) -> Verified | None:
    """Return the last outcome, or None before the first."""
    row = session.scalars(fresh(select(VerificationRow))).one_or_none()
    if row is None:
        return None
    return Verified(row.block_number, row.verified_at, row.wallets, row.differences, row.next_after)


def keep(session: Session, outcome: Verified, *, first_difference: str | None, is_whole: bool) -> None:
    """Keep an outcome. One with a difference stops granting, until a whole one has none."""
    values = {
        "block_number": outcome.block_number,
        "verified_at": outcome.verified_at,
        "wallets": outcome.wallets,
        "differences": outcome.differences,
        "next_after": outcome.next_after,
    }
    statement = insert(VerificationRow).values(singleton=True, **values)
    session.execute(statement.on_conflict_do_update(index_elements=["singleton"], set_=values))
    if first_difference is not None:
        found = f"at block {outcome.block_number} {outcome.differences} differences"
        why = bounded(f"{found}, the first: {first_difference}")
        session.execute(update(ChainState).values(check_failed=why))
    elif is_whole:
        session.execute(update(ChainState).values(check_failed=None))


def doubt(session: Session, why: str) -> None:
    """Stop granting for what kept a verification from its end, until a whole one finds no difference."""
    session.execute(update(ChainState).values(check_failed=bounded(why)))


SUMMED = ("vvv_unlocked", "vvv_locked", "vvv_cooling", "diem_minted", "diem_staked", "diem_cooling")


def sums(session: Session) -> dict[str, int]:
    """Return what all wallets have together at the final block, in wei by the names of `Position`."""
    columns = [func.coalesce(func.sum(getattr(PositionRow, name)), 0) for name in SUMMED]
    row = session.execute(select(*columns).where(PositionRow.pending.is_(False))).one()
    return {name: int(amount) for name, amount in zip(SUMMED, row, strict=True)}


def last_wallet(wallets: list[Wallet], limit: int) -> str | None:
    """Return after which wallet the next sample begins: after these, or from the first where they ended."""
    return wallets[-1] if len(wallets) == limit else None
