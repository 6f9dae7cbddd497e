"""Membership: which months were paid for, and the credit that comes with each.

CreditSales sells months of 30 days, one after another for each tier: a purchase begins where the membership
of that tier ends, or at once where there is none. A log says only where it ends then:

    bought_at                            until
       |----month----|----month----|----month----|     a first purchase, of 3
                                                 |----month----|----month----|     renewed in advance by 2
                                                                             until

A month bundles credit by its tier's terms when it was paid for. The credit is granted when the month begins
and is gone with it. Once for an account there may be credit on upgrade, which is prepaid and stays; it comes
with a paid month and never with a stake, which anybody could take to the next wallet and show again.
"""

from collections.abc import Iterable
from dataclasses import dataclass
from enum import StrEnum

from entitlement.core.epochs import SECONDS_PER_EPOCH
from entitlement.core.errors import InvalidAmount, InvalidRequest
from entitlement.core.events import MembershipBought
from entitlement.core.units import NANO_USD_MAX, NanoUsd

MONTH_SECONDS = 30 * SECONDS_PER_EPOCH
"""CreditSales' month."""
MONTHS_PER_PURCHASE_MAX = 12
"""CreditSales sells no more at once."""
TIER_MAX = 8
"""CreditSales has no more tiers."""


class Provider(StrEnum):
    """By which way a month was paid for."""

    CHAIN = "chain"
    CARD = "card"


@dataclass(frozen=True, slots=True)
class Month:
    """A month of a tier, half-open; Unix times."""

    tier: int
    starts_at: int
    ends_at: int


@dataclass(frozen=True, slots=True)
class Terms:
    """What goes with a tier, in nano-USD."""

    credit: NanoUsd
    """With each month."""
    upgrade_credit: NanoUsd
    """Once for an account, with its first month; zero is off."""

    def check(self, tier: int) -> None:
        """Raise InvalidAmount or InvalidRequest where these cannot be the terms of `tier`."""
        if not 1 <= tier <= TIER_MAX:
            raise InvalidRequest(f"there is no tier {tier}: give one from 1 to {TIER_MAX}", field="tier")
        for field, amount in (("credit", self.credit), ("upgrade_credit", self.upgrade_credit)):
            if not 0 <= amount <= NANO_USD_MAX:
                raise InvalidAmount(field=field, amount=amount, smallest=0, largest=NANO_USD_MAX)


NO_TERMS = Terms(NanoUsd(0), NanoUsd(0))
"""Of a tier for which none were set."""


def months_paid(purchases: Iterable[MembershipBought]) -> list[tuple[Month, ...]]:
    """Return, for each of one wallet's purchases in chain order, the months that it paid for.

    Counted back from where the membership ends. Where an earlier purchase is not known, which only a database
    that began to follow sales late can lack, there may be too few of them, and never too many.
    """
    ends: dict[int, int] = {}
    found: list[tuple[Month, ...]] = []
    for bought in purchases:
        start = max(bought.bought_at, ends.get(bought.tier, 0))
        count = min(MONTHS_PER_PURCHASE_MAX, max(0, bought.until - start) // MONTH_SECONDS)
        first = bought.until - count * MONTH_SECONDS
        starts = (first + number * MONTH_SECONDS for number in range(count))
        found.append(tuple(Month(bought.tier, each, each + MONTH_SECONDS) for each in starts))
        ends[bought.tier] = bought.until
    return found
