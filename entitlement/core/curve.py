"""The mint curve: what minting DIEM locks. The same steps as MintCurve.sol, and so the same wei.

With supply S, target T and y = 2 * (S/T)^3, in wei of sVVV:

    rate(S) = 90 * sum of y^n / n!             F(S) = 90 * S * sum of y^n / (n! * (3n + 1))

    rate |            /      minting d at supply S locks F(S+d) - F(S), the area under the rate;
         |          _/       differences of one function telescope, so that splitting a mint
         |     __---         changes nothing
      90 |-----
         +-----------T----1.5 T   supply

1e27 fixed point. Every step floors a function that never falls, so that F grows by at least 90 wei with every
wei and lies a few wei below its true value (`POTENTIAL_ERROR` at the most).
"""

from collections.abc import Iterator

from entitlement.core.errors import SupplyAboveCap
from entitlement.core.units import WEI_PER_TOKEN, Wei

TARGET_MIN = Wei(WEI_PER_TOKEN)
TARGET_MAX = Wei(1_000_000 * WEI_PER_TOKEN)
POTENTIAL_ERROR = 128

_RAY = 10**27
_BASE = 90
_POWER = 2
_SLOPE_ERROR = 100_000_000
"""More than all terms of the slope together lose by rounding, in the slope's own unit of 1e-27."""
_LOCK_MAX = 2**128 - 1
"""F is far below this at every cap: a larger lock buys the same."""
_ROUNDS_MAX = 32
"""Newton needs 11 rounds in the worst case that was found, from nothing to the cap."""
_TERMS_MAX = 64
"""54 do not vanish at the cap."""


def cap(target: Wei) -> Wei:
    """Return the largest supply at `target`: one and a half times."""
    return Wei(target + target // 2)


def potential(supply: Wei, target: Wei) -> Wei:
    """Return F(supply), rounded down, in wei of sVVV. Raises SupplyAboveCap."""
    return Wei(_potential_and_slope(supply, target)[0])


def rate(supply: Wei, target: Wei) -> Wei:
    """Return the wei of sVVV for one whole DIEM at the margin, rounded down. Raises SupplyAboveCap."""
    return Wei(_potential_and_slope(supply, target)[1] // 10**9)


def lock_for(amount: Wei, supply: Wei, target: Wei) -> Wei:
    """Return the wei of sVVV that minting `amount` wei of DIEM locks. Raises SupplyAboveCap."""
    return Wei(potential(Wei(supply + amount), target) - potential(supply, target))


def amount_for(lock: Wei, supply: Wei, target: Wei) -> tuple[Wei, Wei]:
    """Return the most DIEM that a lock of `lock` wei of sVVV mints, up to the cap, and what it does lock.

    One wei more would lock more than `lock` or pass the cap. Raises SupplyAboveCap.
    """
    # Newton's method from above on a convex function: the tangent at `supply`, and at every later point,
    # bounds the answer from above, and each step is lessened by all that rounding can amount to. So the first
    # amount that is affordable is the answer.
    lock = Wei(min(lock, _LOCK_MAX))
    start, slope = _potential_and_slope(supply, target)
    amount = min((lock + POTENTIAL_ERROR) * _RAY // slope, cap(target) - supply)
    for _ in range(_ROUNDS_MAX):
        reached, slope = _potential_and_slope(supply + amount, target)
        locked = reached - start
        if locked <= lock:
            return Wei(amount), Wei(locked)
        excess = locked - lock
        step = 1
        if excess > POTENTIAL_ERROR:
            step = -(-(excess - POTENTIAL_ERROR) * _RAY // (slope + _SLOPE_ERROR))
        amount -= step
    raise AssertionError("the search does not end: a bug, never a state")


def _potential_and_slope(supply: int, target: int) -> tuple[int, int]:
    """Return F(supply), and its slope times 1e27, in wei of sVVV for each wei of DIEM."""
    total, slope = _RAY, _RAY
    for n, term in enumerate(_terms(_exponent(supply, target)), start=1):
        total += term // (3 * n + 1)
        slope += term
    return supply * _BASE * total // _RAY, _BASE * slope


def _terms(y: int) -> Iterator[int]:
    """Yield y^n / n! for n = 1, 2, ... in 1e27 fixed point, until they vanish."""
    term = _RAY
    for n in range(1, _TERMS_MAX):
        term = term * y // (n * _RAY)
        if term == 0:
            return
        yield term
    raise AssertionError("the terms do not vanish: the exponent is beyond the cap's")


def _exponent(supply: int, target: int) -> int:
    """Return y = 2 * (S/T)^3, times 1e27."""
    assert TARGET_MIN <= target <= TARGET_MAX, f"target {target} is not one that DiemMint takes"
    assert supply >= 0
    if supply > cap(Wei(target)):
        raise SupplyAboveCap(supply=supply, cap=cap(Wei(target)))
    ratio = supply * _RAY // target
    return _POWER * (ratio * ratio // _RAY * ratio // _RAY)
