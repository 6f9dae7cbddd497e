"""Tiers: what an account may do besides paying.

In their order:

    free        any account
    pro         100 staked VVV at a final block (unlocked or locked, not cooling), or a subscription that runs
"""

from dataclasses import dataclass
from enum import StrEnum

from entitlement.core.rates import Rate
from entitlement.core.units import WEI_PER_TOKEN, Wei

PRO_STAKE = Wei(100 * WEI_PER_TOKEN)
"""VVV, as the live system asks for."""
MINUTE = 60


class Tier(StrEnum):
    """What an account may do."""

    FREE = "free"
    PRO = "pro"


@dataclass(frozen=True, slots=True)
class TierRates:
    """How fast an account of a tier may ask: all of its keys together, and each of them."""

    account: Rate
    key: Rate


def rates_of(free: int, pro: int) -> dict[Tier, TierRates]:
    """Return the rates of those who can ask for credit, from the requests a minute that a tier's account has.

    One key of an account has half of them: what runs wild leaves the other keys something.
    """
    return {
        tier: TierRates(account=Rate(requests, MINUTE), key=Rate(max(1, requests // 2), MINUTE))
        for tier, requests in ((Tier.FREE, free), (Tier.PRO, pro))
    }


FREE_REQUESTS, PRO_REQUESTS = 600, 60_000
"""A minute. The live system publishes no figures for its tiers: these are ours."""
RATES = rates_of(FREE_REQUESTS, PRO_REQUESTS)


def tier_of(staked: Wei, subscribed_until: int | None, now: int) -> Tier:
    """Return the tier of an account with `staked` VVV at the final block, at Unix time `now`."""
    if staked >= PRO_STAKE or (subscribed_until is not None and now < subscribed_until):
        return Tier.PRO
    return Tier.FREE
