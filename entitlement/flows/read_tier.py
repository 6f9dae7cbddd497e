"""Read a tier: what an account may do, by its stake at the final block or by a membership."""

from dataclasses import dataclass

from sqlalchemy.orm import Session

from entitlement.core.positions import Position
from entitlement.core.pro_rata import staked_vvv
from entitlement.core.tiers import Tier, tier_of
from entitlement.core.units import Wallet, Wei
from entitlement.store import chain, memberships


@dataclass(frozen=True, slots=True)
class TierView:
    """An account's tier, and what it rests on."""

    tier: Tier
    staked: Wei
    """VVV at the final block, unlocked or locked."""
    subscribed_until: int | None
    """Unix time; None where no membership was ever paid for."""


def read_tier(session: Session, wallet: Wallet, now: int) -> TierView:
    """Return the tier of a wallet's account at `now`."""
    position = chain.positions(session, [wallet], pending=False).get(wallet, Position(wallet))
    staked = staked_vvv(position)
    until = memberships.subscribed_until(session, [wallet]).get(wallet)
    return TierView(tier_of(staked, until, now), staked, until)
