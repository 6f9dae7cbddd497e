"""CreditSales: credit by the dollar, memberships by the month, paid straight to the revenue address."""

from collections import Counter

from tests.machine.model.brake import Brake
from tests.machine.names import (
    NOBODY,
    ORIGIN,
    PEOPLE,
    Clock,
    Facts,
    Question,
    Refusal,
    Refused,
    demand,
    unless,
)
from tests.machine_market.model.money import Dollar
from tests.machine_market.names import DOLLAR, REVENUE

SALES = "CreditSales"
TOP_UP_MINIMUM = 5 * DOLLAR
MONTH, MONTHS_MAXIMUM = 30 * 86_400, 12
PRICE_LIMITS = (DOLLAR, 1_000 * DOLLAR)


class Sales:
    def __init__(self, usdc: Dollar, brake: Brake, clock: Clock) -> None:
        self.usdc, self.brake, self.clock = usdc, brake, clock
        self.prices = [18 * DOLLAR, 68 * DOLLAR]
        self.until: Counter[tuple[str, int]] = Counter()
        """(account, tier) -> Unix time."""

    def top_up(self, caller: str, account: str, amount: int) -> tuple[()]:
        demand(
            self._closed_to(account),
            unless(amount >= TOP_UP_MINIMUM, "TopUpBelowMinimum", amount, TOP_UP_MINIMUM),
            self._cannot_pay(caller, amount),
        )
        self._collect(caller, amount)
        return ()

    def subscribe(self, caller: str, account: str, tier: int, months: int, maximum: int) -> tuple[int]:
        demand(
            self._closed_to(account),
            unless(0 < months <= MONTHS_MAXIMUM, "MonthsOutOfBounds", months, MONTHS_MAXIMUM),
            self._unknown(tier),
        )
        cost = months * self.prices[tier - 1]
        demand(unless(cost <= maximum, "CostAboveMaximum", cost, maximum), self._cannot_pay(caller, cost))
        until = max(ORIGIN + self.clock.now, self.until[account, tier]) + months * MONTH
        self.until[account, tier] = until
        self._collect(caller, cost)
        return (until,)

    def top_up_with_permit(
        self, caller: str, account: str, amount: int, deadline: int, nonce: int
    ) -> tuple[()]:
        undo = self._allow(caller, amount, deadline, nonce)
        try:
            return self.top_up(caller, account, amount)
        except Refused:
            self.usdc.allowances, self.usdc.nonces = undo
            raise

    def subscribe_with_permit(
        self, caller: str, account: str, tier: int, months: int, maximum: int, deadline: int, nonce: int
    ) -> tuple[int]:
        undo = self._allow(caller, maximum, deadline, nonce)
        try:
            return self.subscribe(caller, account, tier, months, maximum)
        except Refused:
            self.usdc.allowances, self.usdc.nonces = undo
            raise

    def set_price(self, caller: str, tier: int, price: int) -> tuple[()]:
        low, high = PRICE_LIMITS
        demand(
            unless(caller == "timelock", "OnlyTimelock", caller),
            self._unknown(tier),
            unless(low <= price <= high, "PriceOutOfBounds", price, low, high),
        )
        self.prices[tier - 1] = price
        return ()

    def _allow(
        self, owner: str, value: int, deadline: int, nonce: int
    ) -> tuple[dict[tuple[str, str], int], Counter[str]]:
        """Hand in a permit if it is good, whatever comes of it, and return what was before."""
        before = dict(self.usdc.allowances), self.usdc.nonces.copy()
        if not self.usdc.cannot_permit(owner, deadline, nonce):
            self.usdc.permit(owner, owner, SALES, value, deadline, nonce)
        return before

    def _closed_to(self, account: str) -> list[Refusal]:
        return self.brake.closed() + unless(account not in (NOBODY, SALES), "AccountRefused", account)

    def _unknown(self, tier: int) -> list[Refusal]:
        return unless(0 < tier <= len(self.prices), "NoSuchTier", tier, len(self.prices))

    def _cannot_pay(self, payer: str, amount: int) -> list[Refusal]:
        return (
            self.usdc.cannot_spend(payer, SALES, amount)
            + self.usdc.cannot_move(payer, REVENUE, amount)
            + unless(payer != REVENUE, "PaymentNotReceived", amount, 0)
        )

    def _collect(self, payer: str, amount: int) -> None:
        self.usdc.spend(payer, SALES, amount)
        self.usdc.move(payer, REVENUE, amount)

    def facts(self) -> Facts:
        yield Question(SALES, "tierCount"), (len(self.prices),)
        for tier, price in enumerate(self.prices, start=1):
            yield Question(SALES, "priceOf", (tier,)), (price,)
            for person in PEOPLE:
                yield Question(SALES, "memberUntil", (person, tier)), (self.until[person, tier],)
