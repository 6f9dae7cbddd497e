"""Dues: what the chain gives wallets in an epoch, as far as it is known now, from each source.

the daily right of staked DIEM                          -> `diem`
a share of the day's capacity, if a policy is on        -> `pro_rata`
"""

from collections.abc import Mapping
from dataclasses import dataclass

from entitlement.core.allowance import allowance
from entitlement.core.epochs import Epoch
from entitlement.core.ledger import Source
from entitlement.core.positions import Slot
from entitlement.core.pro_rata import Basis, Policy, share
from entitlement.core.units import NanoUsd, Wallet

DAILY_SOURCES = (Source.DIEM, Source.PRO_RATA)
"""What the chain gives for a day; the other sources are paid for."""

Due = tuple[Wallet, Source]
"""Whose, and from what."""


@dataclass(frozen=True, slots=True)
class Right:
    """A wallet's slots at the final block and at the newest one, and when these blocks were made."""

    final: Slot
    latest: Slot
    final_timestamp: int
    latest_timestamp: int


@dataclass(frozen=True, slots=True)
class Grounds:
    """What dues are decided from, of some wallets."""

    may_grant: bool
    """Whether the chain is followed, and neither following nor a verification has stopped granting."""
    rights: Mapping[Wallet, Right]
    """Of the wallets that the chain said anything of."""
    policy: Policy
    """The epoch's."""
    bases: Mapping[Wallet, Basis]
    """Empty without a policy, and before the epoch's start is final."""


def dues(grounds: Grounds, epoch: Epoch) -> dict[Due, NanoUsd]:
    """Return what is due in `epoch`; no zeros. Nothing while granting is stopped."""
    if not grounds.may_grant:
        return {}
    found: dict[Due, NanoUsd] = {}
    for wallet, right in grounds.rights.items():
        found[wallet, Source.DIEM] = allowance(
            final=right.final,
            latest=right.latest,
            final_timestamp=right.final_timestamp,
            latest_timestamp=right.latest_timestamp,
            epoch=epoch,
        )
    if grounds.policy.capacity:
        for wallet, basis in grounds.bases.items():
            found[wallet, Source.PRO_RATA] = share(grounds.policy, basis)
    return {due: amount for due, amount in found.items() if amount}
