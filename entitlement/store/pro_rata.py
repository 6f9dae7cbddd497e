"""Rows of the pro-rata policy: the capacity from an epoch on, and where each epoch began on the chain."""

from collections.abc import Iterable, Sequence
from decimal import Decimal

from sqlalchemy import Numeric, Select, case, cast, delete, func, select, text
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.orm import Session

from entitlement.core.blocks import Header
from entitlement.core.epochs import SECONDS_PER_EPOCH, Epoch, epoch_at, starts_at
from entitlement.core.pro_rata import ADDS_STAKE, OFF, TAKES_STAKE, Basis, EpochStart, Policy, StakeChange
from entitlement.core.units import NanoUsd, Wallet, Wei
from entitlement.store.bulk import any_word
from entitlement.store.session import fresh
from entitlement.store.tables import (
    BlockRow,
    ChainState,
    EpochStartRow,
    EventRow,
    PositionRow,
    ProRataPolicyRow,
    StakeTotalRow,
    Uint256,
)

# --- the policy ----------------------------------------------------------------------------------------


def policy_in(session: Session, epoch: Epoch) -> Policy:
    """Return what is shared in `epoch`; of a day to come, what is planned now."""
    query = select(ProRataPolicyRow).where(ProRataPolicyRow.from_epoch <= epoch)
    row = session.scalars(fresh(query).order_by(ProRataPolicyRow.from_epoch.desc()).limit(1)).one_or_none()
    return OFF if row is None else Policy(NanoUsd(row.capacity), Wei(row.minimum_stake))


def lock_policies(session: Session) -> None:
    """Wait until nobody who has read a policy is still granting by it, and let nobody read one meanwhile."""
    session.execute(text("LOCK TABLE pro_rata_policies IN ACCESS EXCLUSIVE MODE"))


def put_policy(session: Session, policy: Policy, *, from_epoch: Epoch, now: int) -> None:
    """Let `policy` hold from an epoch on; the caller holds the lock and has seen to what may not fall."""
    values = {"capacity": policy.capacity, "minimum_stake": policy.minimum_stake, "set_at": now}
    session.execute(
        insert(ProRataPolicyRow)
        .values(from_epoch=from_epoch, **values)
        .on_conflict_do_update(index_elements=[ProRataPolicyRow.from_epoch], set_=values)
    )


# --- where epochs began --------------------------------------------------------------------------------


def note_stake(
    session: Session, *, start: Header, above: Header, to: Header, changes: Sequence[StakeChange]
) -> None:
    """Keep the running total of staked VVV, and where the epochs began whose first final block is new.

    For the transaction that moves the final block from `above` to `to`, when these blocks are stored.
    `changes` are those of the events between, in order; `start` is the block before the first that is
    followed. In most steps there is nothing to do.
    """
    first = Epoch(epoch_at(above.timestamp) + 1)
    last = epoch_at(to.timestamp)
    is_first = above.number == start.number
    if to.number == above.number or not (changes or is_first or first <= last):
        return
    # What an older chain left counts for nothing.
    total = 0 if is_first else _total_at(session, above)
    rest = list(changes)
    ends = _last_blocks_of_days(session, above.number, to.number) if first <= last else []
    for number, block_hash, next_day in ends:
        total += sum(change.amount for change in rest if change.block_number <= number)
        rest = [change for change in rest if change.block_number > number]
        # A day without a block began where the next one did.
        _put_starts(session, range(first, next_day + 1), number, block_hash, total)
        first = Epoch(next_day + 1)
    assert first > last, f"day {first} begins in none of the blocks {above.number} to {to.number}"
    _put_total(session, to.number, total + sum(change.amount for change in rest))


def forget_total(session: Session) -> None:
    """Drop the running total: for whoever undoes a final block. It is counted anew from the journal."""
    session.execute(delete(StakeTotalRow))


def _total_at(session: Session, block: Header) -> int:
    kept = session.scalars(select(StakeTotalRow.vvv_staked)).one_or_none()
    # None also in a database that was followed before there was a total.
    return _staked_up_to(session, block.number) if kept is None else kept


def _put_total(session: Session, number: int, total: int) -> None:
    values = {"block_number": number, "vvv_staked": total}
    session.execute(
        insert(StakeTotalRow)
        .values(singleton=True, **values)
        .on_conflict_do_update(index_elements=[StakeTotalRow.singleton], set_=values)
    )


def _last_blocks_of_days(session: Session, first: int, last: int) -> list[tuple[int, str, int]]:
    """Return (number, hash, day of the next block) of the blocks that a midnight follows, in order.

    Others may have been thinned out already: those that a midnight follows are kept until this was asked, and
    what is kept of a day ends with its last block.
    """
    day = BlockRow.timestamp // SECONDS_PER_EPOCH
    days = (
        select(
            BlockRow.number,
            BlockRow.hash,
            day.label("day"),
            func.lead(day).over(order_by=BlockRow.number).label("next_day"),
        )
        .where(BlockRow.number >= first, BlockRow.number <= last)
        .subquery()
    )
    rows = session.execute(
        select(days.c.number, days.c.hash, days.c.next_day)
        .where(days.c.day < days.c.next_day)
        .order_by(days.c.number)
    )
    return [(row[0], row[1], row[2]) for row in rows]


def _staked_up_to(session: Session, number: int) -> int:
    return int(session.scalars(_sum_of_changes().where(EventRow.block_number <= number)).one())


def _put_starts(session: Session, days: Iterable[int], number: int, block_hash: str, total: int) -> None:
    statement = insert(EpochStartRow)
    changed = EpochStartRow.is_disputed | (EpochStartRow.block_hash != statement.excluded.block_hash)
    session.execute(
        statement.on_conflict_do_update(
            index_elements=[EpochStartRow.epoch],
            set_={
                "block_number": statement.excluded.block_number,
                "block_hash": statement.excluded.block_hash,
                "vvv_staked": statement.excluded.vvv_staked,
                "is_disputed": changed,
            },
        ),
        [
            {
                "epoch": day,
                "block_number": number,
                "block_hash": block_hash,
                "vvv_staked": total,
                "is_disputed": False,
            }
            for day in days
        ],
    )


def epoch_start(session: Session, epoch: Epoch) -> EpochStart | None:
    """Return where `epoch` began, or None before that is final."""
    query = (
        select(EpochStartRow)
        .join(ChainState, ChainState.final_timestamp >= starts_at(epoch))
        .where(EpochStartRow.epoch == epoch)
    )
    row = session.scalars(fresh(query)).one_or_none()
    return row and EpochStart(row.block_number, row.block_hash, Wei(row.vvv_staked), row.is_disputed)


# --- what a share is computed from ---------------------------------------------------------------------


def bases(session: Session, wallets: Iterable[Wallet], epoch: Epoch) -> dict[Wallet, Basis]:
    """Return what the wallets' shares of `epoch` are computed from; empty before its start is final.

    A wallet's stake then is its stake now less what its events have changed since: a few rows for each wallet
    that is asked for, and nothing for the others. One statement, so that no step of the follower can come
    between the position and the events.
    """
    since = (
        _sum_of_changes()
        .where(
            EventRow.wallet == PositionRow.wallet,
            EventRow.block_number > EpochStartRow.block_number,
            EventRow.block_number <= ChainState.final_number,
        )
        .correlate(PositionRow, EpochStartRow, ChainState)
        .scalar_subquery()
    )
    stake = cast(PositionRow.vvv_unlocked + PositionRow.vvv_locked - since, Uint256)
    query = (
        select(PositionRow.wallet, EpochStartRow.block_number, stake, EpochStartRow.vvv_staked)
        .join(EpochStartRow, EpochStartRow.epoch == epoch)
        .join(ChainState, ChainState.final_timestamp >= starts_at(epoch))
        .where(
            PositionRow.wallet == any_word(wallets),
            PositionRow.pending.is_(False),
            EpochStartRow.is_disputed.is_(False),
        )
    )
    return {
        Wallet(name): Basis(number, Wei(stake), Wei(total))
        for name, number, stake, total in session.execute(query)
    }


def _sum_of_changes() -> Select[Decimal]:
    """Return the query for the sum of `core.pro_rata.stake_change` over some events."""
    adds = [kind.__name__ for kind in ADDS_STAKE]
    takes = [kind.__name__ for kind in TAKES_STAKE]
    amount = cast(EventRow.data["amount"], Numeric(78, 0))
    change = case((EventRow.kind.in_(adds), amount), else_=-amount)
    return select(func.coalesce(func.sum(change), Decimal(0))).where(EventRow.kind.in_(adds + takes))
