"""The live mint curve: a table of steps, each with one rate, from which a mint takes its parts.

    rate |         ____          step i ends at a supply of bounds[i];
         |     ____|             within it a whole DIEM costs rates[i] wei of sVVV;
         | ____|                 a mint that crosses a bound pays each step's rate for its part
         +----+----+----  supply

The live table has 256 steps of 500 DIEM. Its rates are those of the curve 90 * exp(2 * (S/T)^3) at the END of
each step, computed in double precision: `exponential` gives the five that are recorded to within 2.5e-16.

Rounding goes against the caller in every step; how the live contract rounds is not known.
"""

from collections.abc import Sequence
from dataclasses import dataclass

from entitlement.core.errors import SupplyAboveCap
from entitlement.core.units import WEI_PER_TOKEN, Wei, mul_div_down, mul_div_up

STEPS = 256
"""Of the live table."""

_SCALE = 10**45
_BASE = 90
_POWER = 2
_TERMS_MAX = 1_024
"""At 3.2 times the target, where the live table ends, about 300 do not vanish."""


@dataclass(frozen=True, slots=True)
class StepCurve:
    """A table of steps from nothing upward."""

    bounds: tuple[Wei, ...]
    """Supply of DIEM at which each step ends; rising."""
    rates: tuple[Wei, ...]
    """Wei of sVVV for one whole DIEM within each step."""

    def __post_init__(self) -> None:
        """Assert that it is a curve: who reads one from a chain has checked that."""
        assert len(self.bounds) == len(self.rates) > 0
        assert is_curve(self.bounds, self.rates), "the bounds do not rise, or a rate is zero"

    def rate_at(self, supply: Wei) -> Wei:
        """Return the wei of sVVV for one whole DIEM at the margin. Raises `SupplyAboveCap` past the table.

        At a bound it is the next step's: the next wei is minted there.
        """
        for bound, rate in zip(self.bounds, self.rates, strict=True):
            if supply < bound:
                return rate
        raise SupplyAboveCap(supply=supply, cap=self.bounds[-1])

    def amount_for(self, lock: Wei, supply: Wei) -> Wei:
        """Return the wei of DIEM that a lock of `lock` wei of sVVV mints at `supply` (`getDiemAmountOut`).

        Raises `SupplyAboveCap` where a part of the lock is left when the table ends.
        """
        amount, left = 0, lock
        for bound, rate in zip(self.bounds, self.rates, strict=True):
            if supply >= bound:
                continue
            room = bound - supply
            cost = mul_div_up(room, rate, WEI_PER_TOKEN)
            if left < cost:
                return Wei(amount + mul_div_down(left, WEI_PER_TOKEN, rate))
            amount, left, supply = amount + room, Wei(left - cost), bound
        if left:
            raise SupplyAboveCap(supply=supply, cap=self.bounds[-1])
        return Wei(amount)


def is_curve(bounds: Sequence[int], rates: Sequence[int]) -> bool:
    """Tell whether the bounds rise from above nothing and every rate is more than nothing."""
    return all(low < high for low, high in zip((0, *bounds), bounds, strict=False)) and min(rates) > 0


def exponential(*, target: Wei, width: Wei, steps: int = STEPS) -> StepCurve:
    """Return the table for 90 * exp(2 * (S/T)^3) in steps of `width` wei, each with the rate at its end."""
    bounds = tuple(Wei(width * step) for step in range(1, steps + 1))
    return StepCurve(bounds, tuple(_rate(bound, target) for bound in bounds))


def _rate(supply: int, target: int) -> Wei:
    """90 * exp(2 * (S/T)^3) in wei, rounded down but for what 45 decimals leave out."""
    exponent = _POWER * supply**3 * _SCALE // target**3
    total = term = _SCALE
    for n in range(1, _TERMS_MAX):
        term = term * exponent // (n * _SCALE)
        total += term
        if term == 0:
            return Wei(mul_div_down(_BASE * WEI_PER_TOKEN, total, _SCALE))
    raise AssertionError("the terms do not vanish: the supply is beyond any table")
