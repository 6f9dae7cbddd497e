"""StakedVVV: the emission, shared among all stake by an index that moves when somebody is settled.

    scaled = rate * seconds * 1e27 + remainder      step = scaled / total, down to a multiple of five
    remainder = scaled - step * total               unlocked stake earns the step, locked stake 4/5 of it,
                                                    the treasury the last fifth

Nothing is emitted for time without stake. What an account earned is rounded down at each settling.
"""

from collections import defaultdict
from dataclasses import dataclass

from entitlement.core.epochs import SECONDS_PER_EPOCH
from tests.machine.model.brake import Brake
from tests.machine.model.station import Station, Ticket
from tests.machine.model.tokens import Token
from tests.machine.names import (
    EMISSION_PER_SECOND,
    EMISSION_START,
    ORIGIN,
    PEOPLE,
    Clock,
    Facts,
    Question,
    Refusal,
    demand,
    unless,
)

RAY = 10**27


@dataclass
class Earner:
    """An account of the station, or the treasury with its share of all locked stake."""

    unlocked: int = 0
    locked: int = 0
    owed: int = 0
    index: int = 0
    """Up to which it is settled."""


class StakedVVV(Station):
    def __init__(self, vvv: Token, brake: Brake, clock: Clock) -> None:
        super().__init__("StakedVVV", vvv, brake, clock, 7 * SECONDS_PER_EPOCH)
        self.refused.add("DiemMint")
        self.earners: defaultdict[str, Earner] = defaultdict(Earner)
        self.fifth = Earner()
        """The treasury's share: of `locked`, all there is."""
        self.rate = int(EMISSION_PER_SECOND)
        self.accrued_at = EMISSION_START
        self.index, self.remainder = 0, 0

    # --- what people do -------------------------------------------------------------------------------------

    def claim(self, caller: str) -> tuple[int]:
        paid = self.collect(caller)
        self.token.move(self.name, caller, paid)
        return (paid,)

    def compound(self, caller: str) -> tuple[int]:
        demand(self.brake.closed())
        restaked = self.collect(caller)
        self.earners[caller].unlocked += restaked
        return (restaked,)

    def accrue(self, _: str) -> tuple[()]:
        self.bring_up_to_date()
        return ()

    def pay_treasury(self, _: str) -> tuple[int]:
        self.bring_up_to_date()
        self.settle_treasury()
        paid, self.fifth.owed = self.fifth.owed, 0
        self.token.move(self.name, "treasury", paid)
        return (paid,)

    def lower_emission_rate(self, caller: str, rate: int) -> tuple[()]:
        demand(
            unless(caller == "timelock", "OnlyTimelock", caller),
            unless(rate < self.rate, "EmissionRateMustFall", self.rate, rate),
        )
        self.bring_up_to_date()
        self.rate = rate
        return ()

    # --- what DiemMint does ---------------------------------------------------------------------------------

    def cannot_leave(self, account: str, amount: int) -> list[Refusal]:
        has = self.earners[account].unlocked
        return unless(amount <= has, "InsufficientUnlocked", account, has, amount)

    def lock(self, account: str, amount: int) -> None:
        """Or unlock, by a negative amount."""
        self.settle(account)
        self.settle_treasury()
        self.earners[account].unlocked -= amount
        self.earners[account].locked += amount

    # --- how rewards come about -----------------------------------------------------------------------------

    def accrued(self) -> tuple[int, int, int]:
        """What is emitted up to now, and the index and remainder after it."""
        total, seconds = self.total(), max(0, self.clock.now - self.accrued_at)
        emitted = self.rate * seconds if total else 0
        if not emitted:
            return 0, self.index, self.remainder
        scaled = emitted * RAY + self.remainder
        step = scaled // total // 5 * 5
        return emitted, self.index + step, scaled - step * total

    def bring_up_to_date(self) -> None:
        emitted, self.index, self.remainder = self.accrued()
        self.accrued_at = max(self.accrued_at, self.clock.now)
        self.token.balances[self.name] += emitted

    def settle(self, account: str) -> None:
        self.bring_up_to_date()
        earner = self.earners[account]
        earner.owed += self.earned(earner, self.index)
        earner.index = self.index

    def settle_treasury(self) -> None:
        self.fifth.owed += self.earned_by_treasury(self.index)
        self.fifth.index = self.index

    def collect(self, account: str) -> int:
        self.settle(account)
        owed, self.earners[account].owed = self.earners[account].owed, 0
        return owed

    @staticmethod
    def earned(earner: Earner, index: int) -> int:
        return (5 * earner.unlocked + 4 * earner.locked) * (index - earner.index) // (5 * RAY)

    def earned_by_treasury(self, index: int) -> int:
        return self.total_locked() * (index - self.fifth.index) // (5 * RAY)

    # --- the station ----------------------------------------------------------------------------------------

    def total(self) -> int:
        return sum(earner.unlocked + earner.locked for earner in self.earners.values())

    def total_locked(self) -> int:
        return sum(earner.locked for earner in self.earners.values())

    def enter(self, account: str, amount: int) -> None:
        self.settle(account)
        self.earners[account].unlocked += amount

    def leave(self, account: str, amount: int) -> None:
        self.settle(account)
        self.earners[account].unlocked -= amount

    def come_back(self, account: str, ticket: Ticket) -> None:
        self.enter(account, ticket.amount)

    def facts(self) -> Facts:
        yield from super().facts()
        _, index, _ = self.accrued()
        for person in PEOPLE:
            earner = self.earners[person]
            pending = earner.owed + self.earned(earner, index)
            yield Question(self.name, "balanceOf", (person,)), (earner.unlocked + earner.locked,)
            yield Question(self.name, "balanceOfUnlocked", (person,)), (earner.unlocked,)
            yield Question(self.name, "balanceOfLocked", (person,)), (earner.locked,)
            yield Question(self.name, "pendingRewards", (person,)), (pending,)
        yield Question(self.name, "pendingTreasury"), (self.fifth.owed + self.earned_by_treasury(index),)
        yield Question(self.name, "totalLocked"), (self.total_locked(),)
        yield Question(self.name, "unlockedIndex"), (self.index,)
        yield Question(self.name, "lockedIndex"), (self.index // 5 * 4,)
        yield Question(self.name, "emissionRatePerSecond"), (self.rate,)
        yield Question(self.name, "lastRewardTimestamp"), (ORIGIN + self.accrued_at,)
