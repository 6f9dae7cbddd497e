"""What public figures are folded from: what the contracts say about themselves, not about wallets.

Each class is one event of one contract. Tokens are wei, USDC its own units, credit nano-USD, times Unix
seconds.
"""

from dataclasses import dataclass

from entitlement.core.epochs import Epoch
from entitlement.core.units import NanoUsd, Usdc, Wei


@dataclass(frozen=True, slots=True)
class Spoken:
    """Where and when a log was written; hashes are `0x` and 64 lower-case hex digits."""

    block: int
    block_hash: str
    time: int
    """Of the block."""
    transaction: str
    log_index: int


@dataclass(frozen=True, slots=True)
class BuybackExecuted:
    """BuybackBurner.BuybackExecuted: a run spent USDC and burned the VVV that it bought."""

    at: Spoken
    run: int
    keeper: str
    usdc: Usdc
    burned: Wei
    reference_price: int
    """Wei of VVV for one whole USDC at the mean price of the window, rounded up."""


@dataclass(frozen=True, slots=True)
class DonationBurned:
    """BuybackBurner.DonationBurned: VVV that somebody had sent there was burned with a run."""

    at: Spoken
    run: int
    amount: Wei


@dataclass(frozen=True, slots=True)
class VvvBurned:
    """VVV.Transfer to the zero address, by which `totalSupply` falls: `burn` or `burnFrom`."""

    at: Spoken
    holder: str
    amount: Wei


@dataclass(frozen=True, slots=True)
class EmissionAccrued:
    """StakedVVV.Accrued: so much VVV was minted, for all stake together. It comes with every stake."""

    block: int
    amount: Wei


@dataclass(frozen=True, slots=True)
class EmissionRateLowered:
    """StakedVVV.EmissionRateLowered: wei of VVV a second, before and from then on."""

    at: Spoken
    previous: Wei
    rate: Wei


@dataclass(frozen=True, slots=True)
class TargetRampStarted:
    """DiemMint.TargetRampStarted: the target rises on a line between two times."""

    at: Spoken
    from_target: Wei
    to_target: Wei
    starts_at: int
    ends_at: int


@dataclass(frozen=True, slots=True)
class RootPublished:
    """EpochRoots.RootPublished: the operator's commitment to what it honoured in an epoch."""

    at: Spoken
    epoch: Epoch
    root: str
    granted: NanoUsd
    spent: NanoUsd
    accounts: int
    file_hash: str


@dataclass(frozen=True, slots=True)
class CallScheduled:
    """Timelock.CallScheduled: one call of an operation, which may be executed `delay` seconds later."""

    at: Spoken
    operation: str
    index: int
    target: str
    value: int
    data: str
    predecessor: str
    delay: int


@dataclass(frozen=True, slots=True)
class CallExecuted:
    """Timelock.CallExecuted: one call of an operation was made."""

    at: Spoken
    operation: str
    index: int


@dataclass(frozen=True, slots=True)
class OperationCancelled:
    """Timelock.Cancelled: an operation will not be executed."""

    at: Spoken
    operation: str


@dataclass(frozen=True, slots=True)
class RoleGranted:
    """Timelock.RoleGranted."""

    at: Spoken
    role: str
    account: str


@dataclass(frozen=True, slots=True)
class RoleRevoked:
    """Timelock.RoleRevoked."""

    at: Spoken
    role: str
    account: str


PublicEvent = (
    BuybackExecuted
    | DonationBurned
    | VvvBurned
    | EmissionAccrued
    | EmissionRateLowered
    | TargetRampStarted
    | RootPublished
    | CallScheduled
    | CallExecuted
    | OperationCancelled
    | RoleGranted
    | RoleRevoked
)
