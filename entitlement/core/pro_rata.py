"""Pro rata: a configured daily capacity, shared among all staked VVV as of the start of the epoch.

This is the model of the time before DIEM, as a policy that can be on beside it:

    share = capacity * own staked VVV // all staked VVV        (unlocked or locked; not cooling)

both as of the boundary: the last block with a timestamp before 00:00 UTC of the epoch. Anyone who can read
the chain can compute it again.

    ... [23:59:46] [23:59:58] | [00:00:10] [00:00:22] ...
                    boundary  |  epoch     as soon as this one is final, the boundary is known for ever

Until then nothing is granted. There is no safe smaller sum to give in advance: a block that still comes
before the boundary may take all of a wallet's stake away, and may bring any amount of other stake.

Shares are rounded down and those of wallets below the smallest stake are given to nobody, so that their sum
never exceeds the capacity.
"""

from collections.abc import Iterable
from dataclasses import dataclass

from entitlement.core.errors import InvalidAmount, InvalidRequest
from entitlement.core.events import ChainEvent, VvvExitCancelled, VvvExitRequested, VvvStaked
from entitlement.core.positions import NO_WEI, Position
from entitlement.core.units import NANO_USD_MAX, NanoUsd, Wei, mul_div_down

ADDS_STAKE = (VvvStaked, VvvExitCancelled)
TAKES_STAKE = (VvvExitRequested,)
"""The events that change what a wallet has staked; locking and unlocking only move it."""


@dataclass(frozen=True, slots=True)
class Policy:
    """What is shared in a day."""

    capacity: NanoUsd
    """Of all wallets together, for one epoch; zero is off."""
    minimum_stake: Wei
    """VVV; a wallet with less gets nothing, and its share goes to nobody."""

    def check(self) -> None:
        """Raise InvalidAmount or InvalidRequest where this cannot be a policy."""
        if not 0 <= self.capacity <= NANO_USD_MAX:
            raise InvalidAmount(field="capacity", amount=self.capacity, smallest=0, largest=NANO_USD_MAX)
        if not 0 <= self.minimum_stake < 2**256:
            raise InvalidRequest(
                f"minimum_stake is {self.minimum_stake}: give wei of VVV", field="minimum_stake"
            )


OFF = Policy(NanoUsd(0), NO_WEI)


@dataclass(frozen=True, slots=True)
class EpochStart:
    """The boundary of an epoch, and what all wallets together had there."""

    block_number: int
    block_hash: str
    vvv_staked: Wei
    is_disputed: bool
    """Another block, final too, was the boundary before: nothing more is shared in this epoch."""


@dataclass(frozen=True, slots=True)
class Basis:
    """What a wallet's share is computed from, as of the boundary."""

    block_number: int
    """The boundary."""
    stake: Wei
    """The wallet's staked VVV."""
    total: Wei
    """All staked VVV."""


def staked_vvv(position: Position) -> Wei:
    """Return the VVV that counts: unlocked or locked, not cooling."""
    return Wei(position.vvv_unlocked + position.vvv_locked)


def stake_change(event: ChainEvent) -> int:
    """Return by how many wei `event` changes the staked VVV of its wallet, and of all together."""
    if isinstance(event, ADDS_STAKE):
        return event.amount
    if isinstance(event, TAKES_STAKE):
        return -event.amount
    return 0


@dataclass(frozen=True, slots=True)
class StakeChange:
    """By how many wei of VVV a block changed what all wallets together have staked."""

    block_number: int
    amount: int
    """Below zero where more left than came."""


def stake_changes(events: Iterable[ChainEvent]) -> list[StakeChange]:
    """Return how `events`, in chain order, change what is staked: once for each block that does."""
    by_block: dict[int, int] = {}
    for event in events:
        change = stake_change(event)
        if change:
            number = event.at.block_number
            by_block[number] = by_block.get(number, 0) + change
    return [StakeChange(number, amount) for number, amount in by_block.items() if amount]


def share(policy: Policy, basis: Basis) -> NanoUsd:
    """Return a wallet's part of the day's capacity, rounded down."""
    assert 0 <= basis.stake <= basis.total, f"more than all is staked: {basis}"
    if basis.stake == 0 or basis.stake < policy.minimum_stake:
        return NanoUsd(0)
    return NanoUsd(mul_div_down(policy.capacity, basis.stake, basis.total))


def rest_of_the_day(today: Policy, wished: Policy) -> Policy:
    """Return what holds until midnight where `wished` is set while `today` is in force.

    Credit that was granted is not taken back, so what gives more holds at once, and what gives less from the
    next epoch on. That keeps the day's grants within the largest capacity of the day, which is its capacity.
    """
    if today.capacity == 0:
        return wished
    if wished.capacity == 0:
        # Switched off: of nothing, a smaller minimum gives nobody more.
        return today
    return Policy(
        capacity=max(today.capacity, wished.capacity),
        minimum_stake=min(today.minimum_stake, wished.minimum_stake),
    )
