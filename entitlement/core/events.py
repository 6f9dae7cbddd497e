"""Events: what the contracts said, decoded. A fold of these is the whole on-chain state of a wallet.

Each class is one event of one contract. `wallet` is always the account the event is about; amounts are wei,
or units of USDC where something is bought.
"""

from collections.abc import Iterable
from typing import get_args

from entitlement.core.epochs import Epoch
from entitlement.core.record import ordered_record, record
from entitlement.core.units import Usdc, Wallet, Wei


@ordered_record
class LogPlace:
    """Where a log stands in the chain. Ordered as the chain orders logs."""

    block_number: int
    log_index: int
    block_hash: str
    transaction_hash: str


@record
class VvvStaked:
    """StakedVVV.Staked: VVV became unlocked stake of `wallet`, paid by anyone (or by its own rewards)."""

    at: LogPlace
    wallet: Wallet
    amount: Wei


@record
class VvvExitRequested:
    """StakedVVV.UnstakeRequested: unlocked stake went into a ticket that pays from `claimable_at`."""

    at: LogPlace
    wallet: Wallet
    ticket: int
    amount: Wei
    claimable_at: int


@record
class VvvExitCancelled:
    """StakedVVV.UnstakeCancelled: a ticket became unlocked stake again."""

    at: LogPlace
    wallet: Wallet
    ticket: int
    amount: Wei


@record
class VvvExitClaimed:
    """StakedVVV.UnstakeClaimed: a ticket was paid out."""

    at: LogPlace
    wallet: Wallet
    ticket: int
    amount: Wei


@record
class RewardsClaimed:
    """StakedVVV.RewardsClaimed: emission was paid to the wallet, or compounded (then VvvStaked follows)."""

    at: LogPlace
    wallet: Wallet
    amount: Wei


@record
class VvvLocked:
    """StakedVVV.Locked: unlocked stake went behind minted DIEM."""

    at: LogPlace
    wallet: Wallet
    amount: Wei


@record
class VvvUnlocked:
    """StakedVVV.Unlocked: stake came back from behind burned DIEM."""

    at: LogPlace
    wallet: Wallet
    amount: Wei


@record
class DiemMinted:
    """DiemMint.DiemMinted: `amount` DIEM for `locked` VVV; `supply` is the DIEM supply after it."""

    at: LogPlace
    wallet: Wallet
    amount: Wei
    locked: Wei
    supply: Wei


@record
class DiemBurned:
    """DiemMint.DiemBurned: `amount` DIEM gave back `unlocked` VVV; `supply` is the DIEM supply after it."""

    at: LogPlace
    wallet: Wallet
    amount: Wei
    unlocked: Wei
    supply: Wei


@record
class DiemStaked:
    """InferenceStake.Staked: DIEM became the wallet's stake, paid by anyone."""

    at: LogPlace
    wallet: Wallet
    amount: Wei


@record
class DiemExitRequested:
    """InferenceStake.UnstakeRequested: staked DIEM went into a ticket that pays from `claimable_at`."""

    at: LogPlace
    wallet: Wallet
    ticket: int
    amount: Wei
    claimable_at: int


@record
class DiemExitCancelled:
    """InferenceStake.UnstakeCancelled: a ticket became staked DIEM again."""

    at: LogPlace
    wallet: Wallet
    ticket: int
    amount: Wei


@record
class DiemExitClaimed:
    """InferenceStake.UnstakeClaimed: a ticket was paid out."""

    at: LogPlace
    wallet: Wallet
    ticket: int
    amount: Wei


@record
class AllowanceChanged:
    """InferenceStake.AllowanceChanged: the wallet's daily right, whole, as of this log."""

    at: LogPlace
    wallet: Wallet
    epoch: Epoch
    current: Wei
    next: Wei


@record
class Delegated:
    """InferenceStake.Delegated: `wallet` gave the right of `amount` DIEM to `receiver` until an epoch."""

    at: LogPlace
    wallet: Wallet
    receiver: Wallet
    delegation: int
    amount: Wei
    until_epoch: Epoch


@record
class DelegationEnded:
    """InferenceStake.DelegationEnded: the right of `amount` DIEM went back to `wallet`."""

    at: LogPlace
    wallet: Wallet
    receiver: Wallet
    delegation: int
    amount: Wei


@record
class CreditBought:
    """CreditSales.TopUp: prepaid credit of `wallet`, dollar for dollar, paid by anyone."""

    at: LogPlace
    wallet: Wallet
    usdc: Usdc


@record
class MembershipBought:
    """CreditSales.Subscribed: months of `tier` for `wallet`, which now last `until`; paid by anyone."""

    at: LogPlace
    wallet: Wallet
    tier: int
    until: int
    """Unix time: the membership holds before it."""
    bought_at: int = 0
    """The time of the block it stands in. The log does not say it: who reads the log does."""


PositionEvent = (
    VvvStaked
    | VvvExitRequested
    | VvvExitCancelled
    | VvvExitClaimed
    | RewardsClaimed
    | VvvLocked
    | VvvUnlocked
    | DiemMinted
    | DiemBurned
    | DiemStaked
    | DiemExitRequested
    | DiemExitCancelled
    | DiemExitClaimed
    | AllowanceChanged
    | Delegated
    | DelegationEnded
)
"""What moves something of a wallet's position."""

Purchase = CreditBought | MembershipBought
"""What was paid for: it changes no position."""

ChainEvent = PositionEvent | Purchase

EVENT_KINDS: dict[str, type[ChainEvent]] = {kind.__name__: kind for kind in get_args(ChainEvent)}
"""Every event class by its name, which is also its name in the journal of events."""


# As tuples: a follower asks each event, and a union of types is made anew wherever it is written.
PURCHASES = (CreditBought, MembershipBought)
"""What is bought becomes credit (flows/grant_purchases.py): a wallet that only buys has no position."""
DELEGATIONS = (Delegated, DelegationEnded)
"""What is about two wallets."""


def wallets_in(events: Iterable[ChainEvent]) -> set[Wallet]:
    """Return the wallets whose positions `events` change: of a delegation both, of a purchase nobody's."""
    found: set[Wallet] = set()
    for event in events:
        if isinstance(event, PURCHASES):
            continue
        found.add(event.wallet)
        if isinstance(event, DELEGATIONS):
            found.add(event.receiver)
    return found
