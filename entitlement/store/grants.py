"""What grants are decided from, for many wallets in one statement; and which wallets there are to look at."""

from collections.abc import Collection
from dataclasses import dataclass

from sqlalchemy import literal, select, true, union
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.orm import Session

from entitlement.core.epochs import Epoch
from entitlement.core.ledger import Source
from entitlement.core.positions import Slot
from entitlement.core.units import NanoUsd, Wallet, Wei
from entitlement.store.bulk import any_word, rows_of
from entitlement.store.tables import AccountRow, BucketRow, ChainState, EventRow, PositionRow


@dataclass(frozen=True, slots=True)
class Right:
    """A wallet's slots at the final block and at the newest one, and when these blocks were made."""

    final: Slot
    latest: Slot
    final_timestamp: int
    latest_timestamp: int


def rights(session: Session, wallets: Collection[Wallet]) -> dict[Wallet, Right]:
    """Return what the chain says of the daily rights of `wallets`; nothing of those it said nothing of."""
    rows = session.execute(
        select(
            PositionRow.wallet,
            PositionRow.pending,
            PositionRow.slot_epoch,
            PositionRow.slot_current,
            PositionRow.slot_next,
            ChainState.final_timestamp,
            ChainState.head_timestamp,
        )
        .join(ChainState, true())
        .where(PositionRow.wallet == any_word(wallets))
        .order_by(PositionRow.pending)
    )
    found: dict[Wallet, Right] = {}
    for name, pending, epoch, current, following, final_timestamp, latest_timestamp in rows:
        wallet, slot = Wallet(name), Slot(Epoch(epoch), Wei(current), Wei(following))
        known = found.get(wallet)
        # The final row comes first; where there is only a pending one, nothing is final yet.
        final = known.final if known else (Slot() if pending else slot)
        found[wallet] = Right(final, slot, final_timestamp, latest_timestamp)
    return found


def granted(
    session: Session, wallets: Collection[Wallet], epoch: Epoch
) -> dict[tuple[Wallet, Source], NanoUsd]:
    """Return what was granted to `wallets` in `epoch`, by source."""
    rows = session.execute(
        select(AccountRow.wallet, BucketRow.source, BucketRow.granted)
        .join(BucketRow, BucketRow.account_id == AccountRow.id)
        .where(AccountRow.wallet == any_word(wallets), BucketRow.epoch == epoch)
    )
    return {(Wallet(name), Source(source)): NanoUsd(amount) for name, source, amount in rows}


def open_accounts(session: Session, wallets: Collection[Wallet], now: int) -> None:
    """Make accounts for the wallets that have none; in one order, so that no two wait for each other."""
    new = rows_of(words={"wallet": sorted(wallets)})
    session.execute(
        insert(AccountRow)
        .from_select(
            ["wallet", "created_at", "rate_until"],
            select(new.c.wallet, literal(now), literal(0)).order_by(new.c.wallet),
        )
        .on_conflict_do_nothing()
    )


def accounts_of(session: Session, wallets: Collection[Wallet]) -> list[int]:
    """Return the accounts of these wallets."""
    return list(session.scalars(select(AccountRow.id).where(AccountRow.wallet == any_word(wallets))))


# --- whom to look at -----------------------------------------------------------------------------------


def wallets_with_position(session: Session, *, after: str, limit: int) -> list[Wallet]:
    """Return up to `limit` wallets that have or had anything at a final block, from the one after `after`."""
    rows = session.scalars(
        select(PositionRow.wallet)
        .where(PositionRow.pending.is_(False), PositionRow.wallet > after)
        .order_by(PositionRow.wallet)
        .limit(limit)
    )
    return [Wallet(name) for name in rows]


def wallets_in_events(session: Session, *, above: int, limit: int) -> list[Wallet]:
    """Return up to `limit` wallets that the blocks above `above` say anything of, in no order."""
    recent = EventRow.block_number > above
    names = union(
        select(EventRow.wallet).where(recent),
        select(EventRow.receiver).where(recent, EventRow.receiver.is_not(None)),
    )
    return [Wallet(name) for name in session.scalars(names.limit(limit))]
