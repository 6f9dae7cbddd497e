"""What a buyback paid, against the mean price that its contract took, and whether a report of them adds up.

Prices are units of USDC (1e-6 dollars) for one whole VVV, rounded up: against whoever bought.
"""

from collections.abc import Iterable
from dataclasses import dataclass

from entitlement.core.public_events import (
    BuybackExecuted,
    DonationBurned,
    EmissionAccrued,
    PublicEvent,
    Spoken,
    VvvBurned,
)
from entitlement.core.units import USDC_PER_DOLLAR, WEI_PER_TOKEN, Usdc, Wei, mul_div_up

MILLION = 1_000_000


@dataclass(frozen=True, slots=True)
class BuybackLine:
    """One run of BuybackBurner."""

    at: Spoken
    run: int
    keeper: str
    usdc: Usdc
    bought: Wei
    """VVV that the run bought, and burned."""
    donated: Wei
    """VVV that was burned with it, and that somebody else had sent there."""
    reference_price: int
    """Wei of VVV for one whole USDC, as the contract rounded it: up."""

    @property
    def burned(self) -> Wei:
        """By how much the run lowered the supply of VVV."""
        return Wei(self.bought + self.donated)

    @property
    def price_paid(self) -> Usdc:
        """For one whole VVV, fees of the pool included."""
        return Usdc(mul_div_up(self.usdc, WEI_PER_TOKEN, self.bought))

    @property
    def price_mean(self) -> Usdc:
        """For one whole VVV at the mean price of the contract's window."""
        return Usdc(mul_div_up(USDC_PER_DOLLAR, WEI_PER_TOKEN, self.reference_price))

    @property
    def over_mean(self) -> int:
        """How much more was paid than at the mean price, in millionths, rounded up; below zero for less."""
        at_mean = self.bought * USDC_PER_DOLLAR
        return mul_div_up(self.usdc * self.reference_price - at_mean, MILLION, at_mean)


def buyback_lines(events: Iterable[PublicEvent]) -> list[BuybackLine]:
    """Return the runs among `events`, in their order, each with what was burned beside what it bought."""
    known = list(events)
    donated = {each.run: each.amount for each in known if isinstance(each, DonationBurned)}
    return [
        BuybackLine(
            each.at, each.run, each.keeper, each.usdc, each.burned,
            donated.get(each.run, Wei(0)), each.reference_price,
        )
        for each in known
        if isinstance(each, BuybackExecuted)
    ]  # fmt: skip


@dataclass(frozen=True, slots=True)
class SupplyChange:
    """Why `totalSupply` of VVV is another one after some blocks than before them. Wei."""

    before: Wei
    after: Wei
    genesis: Wei
    """Where the first of the blocks made the token; otherwise 0."""
    emitted: Wei
    burned_by_others: Wei
    burned_by_burner: Wei
    """By VVV's own logs, which no run of BuybackBurner takes part in writing."""

    @property
    def fall(self) -> Wei:
        """By how much the burner made it fall: what nothing else explains."""
        grown = self.before + self.genesis + self.emitted - self.burned_by_others
        return Wei(grown - self.after)


def supply_change(
    events: Iterable[PublicEvent], *, burner: str, before: Wei, after: Wei, genesis: Wei
) -> SupplyChange:
    """Return what `events`, all public ones of these blocks, say of the supply; `burner` as they spell it."""
    emitted = others = own = 0
    for event in events:
        match event:
            case EmissionAccrued(amount=amount):
                emitted += amount
            case VvvBurned(holder=holder, amount=amount) if holder == burner:
                own += amount
            case VvvBurned(amount=amount):
                others += amount
            case _:
                pass
    return SupplyChange(before, after, genesis, Wei(emitted), Wei(others), Wei(own))
