"""DiemMint: a mint of d at supply S locks F(S+d) - F(S); a burn gives back the burner's own average.

The target T moves in a straight line from one value to a higher one, by 0.25 % a day at the most.
"""

from collections import defaultdict
from dataclasses import dataclass

from entitlement.core import curve
from entitlement.core.epochs import SECONDS_PER_EPOCH
from entitlement.core.units import Wei
from tests.machine.model.brake import Brake
from tests.machine.model.staked_vvv import StakedVVV
from tests.machine.model.tokens import Token
from tests.machine.names import (
    OPENS_AT,
    ORIGIN,
    PEOPLE,
    TARGET,
    Clock,
    Facts,
    Question,
    Refusal,
    demand,
    unless,
)


@dataclass
class Position:
    locked: int = 0
    minted: int = 0


@dataclass(frozen=True)
class Ramp:
    """Times in seconds from the origin, before which the first one begins."""

    low: int
    high: int
    starts_at: int
    ends_at: int


class DiemMint:
    def __init__(self, staked: StakedVVV, diem: Token, brake: Brake, clock: Clock, deployed_at: int) -> None:
        self.staked, self.diem, self.brake, self.clock = staked, diem, brake, clock
        self.positions: defaultdict[str, Position] = defaultdict(Position)
        self.ramp = Ramp(TARGET, TARGET, deployed_at, deployed_at)

    def mint_diem(self, caller: str, lock: int, minimum: int) -> tuple[int, int]:
        amount, locked = self.amount_for(lock)
        demand(
            self.closed(),
            unless(amount > 0 and amount >= minimum, "OutputBelowMinimum", amount, minimum),
            self.staked.cannot_leave(caller, locked),
        )
        self.mint(caller, amount, locked)
        return amount, locked

    def mint_exact_out(self, caller: str, amount: int, maximum: int) -> tuple[int]:
        after = self.supply + amount
        cap = curve.cap(self.target)
        demand(
            self.closed(),
            unless(amount > 0, "ZeroAmount"),
            unless(after <= cap, "SupplyAboveCap", after, cap),
        )
        locked = curve.lock_for(Wei(amount), self.supply, self.target)
        demand(
            unless(locked <= maximum, "LockExceedsMaximum", locked, maximum),
            self.staked.cannot_leave(caller, locked),
        )
        self.mint(caller, amount, locked)
        return (locked,)

    def burn_diem(self, caller: str, amount: int) -> tuple[int]:
        position = self.positions[caller]
        demand(
            unless(amount > 0, "ZeroAmount"),
            unless(amount <= position.minted, "BurnExceedsMinted", caller, position.minted, amount),
            self.diem.cannot_pay(caller, amount),
        )
        unlocked = position.locked * amount // position.minted
        position.locked -= unlocked
        position.minted -= amount
        self.staked.lock(caller, -unlocked)
        self.diem.balances[caller] -= amount
        return (unlocked,)

    def raise_target(self, caller: str, target: int, duration: int) -> tuple[()]:
        now, seconds = self.target, self.shortest_ramp(target)
        demand(
            unless(caller == "timelock", "OnlyTimelock", caller),
            unless(target > now, "TargetMayOnlyRise", now, target),
            unless(duration >= seconds, "RampTooSteep", duration, seconds),
            unless(
                target <= curve.TARGET_MAX,
                "TargetOutOfBounds",
                target,
                curve.TARGET_MIN,
                curve.TARGET_MAX,
            ),
        )
        self.ramp = Ramp(now, target, self.clock.now, self.clock.now + duration)
        return ()

    @property
    def target(self) -> Wei:
        low, high, starts_at, ends_at = self.ramp.low, self.ramp.high, self.ramp.starts_at, self.ramp.ends_at
        if self.clock.now >= ends_at:
            return Wei(high)
        return Wei(low + (high - low) * (self.clock.now - starts_at) // (ends_at - starts_at))

    @property
    def supply(self) -> Wei:
        return Wei(sum(position.minted for position in self.positions.values()))

    def amount_for(self, lock: int) -> tuple[int, int]:
        """The most that a lock buys; that it is the most is looked at once more, from the other side."""
        supply, target = self.supply, self.target
        amount, locked = curve.amount_for(Wei(lock), supply, target)
        assert locked == curve.lock_for(amount, supply, target) <= lock
        if supply + amount < curve.cap(target):
            assert curve.lock_for(Wei(amount + 1), supply, target) > lock
        return amount, locked

    def price_of(self, amount: int) -> int:
        """Of what can still be minted."""
        amount = min(amount, curve.cap(self.target) - self.supply)
        return curve.lock_for(Wei(amount), self.supply, self.target)

    def shortest_ramp(self, target: int) -> int:
        """Seconds for a rise to `target`, at a four-hundredth of the present one a day, rounded up."""
        return -(-(target - self.target) * 400 * SECONDS_PER_EPOCH // self.target)

    def mint(self, caller: str, amount: int, locked: int) -> None:
        self.positions[caller].locked += locked
        self.positions[caller].minted += amount
        self.staked.lock(caller, locked)
        self.diem.balances[caller] += amount

    def closed(self) -> list[Refusal]:
        return unless(self.clock.now >= OPENS_AT, "MintingNotOpen", ORIGIN + OPENS_AT) + self.brake.closed()

    def facts(self) -> Facts:
        for person in PEOPLE:
            position = self.positions[person]
            yield Question("DiemMint", "lockedStakes", (person,)), (position.locked, position.minted)
        yield Question("DiemMint", "target"), (self.target,)
        yield Question("DiemMint", "rate"), (curve.rate(self.supply, self.target),)
        yield (
            Question("DiemMint", "ramp"),
            (
                self.ramp.low,
                self.ramp.high,
                ORIGIN + self.ramp.starts_at,
                ORIGIN + self.ramp.ends_at,
            ),
        )
