"""Rows of the pro-rata policy: the capacity from an epoch on, and where each epoch began on the chain."""

from collections.abc import Iterable, Sequence

from sqlalchemy import delete, func, select, text
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.orm import Session

from entitlement.core.blocks import Header
from entitlement.core.epochs import SECONDS_PER_EPOCH, Epoch, epoch_at, starts_at
from entitlement.core.pro_rata import ADDS_STAKE, OFF, TAKES_STAKE, Basis, EpochStart, Policy, StakeChange
from entitlement.core.units import NanoUsd, Wallet, Wei
from entitlement.store.journey import Answer, Journey
from entitlement.store.raw import array, driver_of, told_as_ours
from entitlement.store.session import fresh
from entitlement.store.tables import BlockRow, ChainState, EpochStartRow, ProRataPolicyRow, StakeTotalRow

# --- the policy ----------------------------------------------------------------------------------------


_POLICY = """
    SELECT capacity, minimum_stake FROM pro_rata_policies
    WHERE from_epoch <= %s::integer ORDER BY from_epoch DESC LIMIT 1
"""


def policy_in(session: Session, epoch: Epoch) -> Policy:
    """Return what is shared in `epoch`; of a day to come, what is planned now."""
    with told_as_ours(session):
        journey = Journey(driver_of(session))
        asked = ask_policy(journey, epoch)
        journey.go()
    return policy_of(asked)


def ask_policy(journey: Journey, epoch: Epoch) -> Answer:
    """Ask what is shared in `epoch`."""
    return journey.ask(_POLICY, [epoch])


def policy_of(asked: Answer) -> Policy:
    """Return the policy, once the journey is made."""
    for capacity, minimum_stake in asked.rows:
        return Policy(NanoUsd(capacity), Wei(int(minimum_stake)))
    return OFF


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
    query = text(f"{_SUM_OF_CHANGES} AND e.block_number <= :number")
    return int(session.execute(query, {"number": number}).scalar_one())


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


_ADDS, _TAKES = (", ".join(f"'{kind.__name__}'" for kind in kinds) for kinds in (ADDS_STAKE, TAKES_STAKE))
_SUM_OF_CHANGES = f"""
    SELECT coalesce(sum(
        CASE WHEN e.kind IN ({_ADDS}) THEN 1 ELSE -1 END * CAST(e.data -> 'amount' AS numeric(78, 0))
    ), 0)
    FROM events AS e WHERE e.kind IN ({_ADDS}, {_TAKES})
"""  # noqa: S608 - our own names
"""The sum of `core.pro_rata.stake_change` over some events."""
_BASES = f"""
    SELECT p.wallet, s.block_number, s.vvv_staked, p.vvv_unlocked + p.vvv_locked - (
        {_SUM_OF_CHANGES} AND e.wallet = p.wallet
            AND e.block_number > s.block_number AND e.block_number <= c.final_number
    )
    FROM epoch_starts AS s
    JOIN chain_state AS c ON c.final_timestamp >= %s::bigint
    JOIN positions AS p ON p.wallet = ANY(%s::text[]) AND NOT p.pending
    WHERE s.epoch = %s::integer AND NOT s.is_disputed
        AND (SELECT capacity FROM ({_POLICY}) AS policy) > 0
"""  # noqa: S608


def ask_bases(journey: Journey, wallets: Iterable[Wallet], epoch: Epoch) -> Answer:
    """Ask what the wallets' shares of `epoch` are computed from.

    A wallet's stake then is its stake now less what its events have changed since: a few rows for each wallet
    that is asked for, and nothing for the others. One statement, so that no step of the follower can come
    between the position and the events.
    """
    return journey.ask(_BASES, [starts_at(epoch), array(wallets), epoch, epoch])


def bases_of(asked: Answer) -> dict[Wallet, Basis]:
    """Return it, once the journey is made; empty without a policy, and before the epoch's start is final."""
    return {
        Wallet(name): Basis(number, Wei(int(stake)), Wei(int(total)))
        for name, number, total, stake in asked.rows
    }


def bases(session: Session, wallets: Iterable[Wallet], epoch: Epoch) -> dict[Wallet, Basis]:
    """Return what the wallets' shares of `epoch` are computed from, as `bases_of` does."""
    with told_as_ours(session):
        journey = Journey(driver_of(session))
        asked = ask_bases(journey, wallets, epoch)
        journey.go()
    return bases_of(asked)
