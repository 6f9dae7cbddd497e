"""Prices as a Uniswap v3 pool has them, in integers alone.

A price is token1 for one token0, kept as its square root times 2**96. A tick t is the price 1.0001**t.
Sources: the whitepaper of Uniswap v3, sections 6.1 and 6.2, and PoolPrice.sol, to which these are equal to
the digit.
"""

from functools import cache
from math import isqrt

from entitlement.core.units import mul_div_down, mul_div_up

Q96 = 2**96
LOWEST_TICK, HIGHEST_TICK = -887_272, 887_272
_PRECISION = 512
_TICK_BITS = 20


@cache
def _factors() -> tuple[int, ...]:
    """Return 2**128 / 1.0001**(2**bit / 2), to the nearest, for each bit of a tick."""
    power = isqrt((10_000 << 2 * _PRECISION) // 10_001)
    found: list[int] = []
    for _ in range(_TICK_BITS):
        found.append((power + (1 << _PRECISION - 129)) >> (_PRECISION - 128))
        power = power * power >> _PRECISION
    return tuple(found)


@cache
def sqrt_price_at(tick: int) -> int:
    """Return the square root of the price at a tick, times 2**96, rounded up."""
    assert LOWEST_TICK <= tick <= HIGHEST_TICK, f"no pool has a price at tick {tick}"
    root = 1 << 128
    for bit, factor in enumerate(_factors()):
        if abs(tick) >> bit & 1:
            root = root * factor >> 128
    if tick > 0:
        root = (2**256 - 1) // root
    return mul_div_up(root, 1, 2**32)


def amount0_between(one: int, other: int, liquidity: int, *, is_up: bool) -> int:
    """Return what of token0 lies between two prices: rounded up for who pays it, down for who gets it."""
    low, high = sorted((one, other))
    numerator = (liquidity << 96) * (high - low)
    if is_up:
        return mul_div_up(mul_div_up(numerator, 1, high), 1, low)
    return numerator // high // low


def amount1_between(one: int, other: int, liquidity: int, *, is_up: bool) -> int:
    """Return what of token1 lies between two prices, rounded as `amount0_between` is."""
    rounded = mul_div_up if is_up else mul_div_down
    return rounded(liquidity, abs(one - other), Q96)


def price_after(sqrt_price: int, liquidity: int, paid: int, *, is_token0: bool) -> int:
    """Return the square root of the price once `paid` is in the pool, rounded against who pays."""
    assert liquidity > 0, "an empty range moves for nothing, and no further than to its end"
    if paid == 0:
        return sqrt_price
    if is_token0:
        held = liquidity << 96
        return mul_div_up(held, sqrt_price, held + paid * sqrt_price)
    return sqrt_price + (paid << 96) // liquidity


def moved_price(sqrt_price: int, parts: int, *, is_usdc_token0: bool) -> int:
    """Return the price at which VVV costs `parts` ten-thousandths more, never more than that."""
    square = sqrt_price * sqrt_price
    if is_usdc_token0:  # the price is in VVV for a USDC: it falls
        lowest = mul_div_up(square, 10_000, 10_000 + parts)
        root = isqrt(lowest)
        return root if root * root == lowest else root + 1
    return isqrt(mul_div_down(square, 10_000 + parts, 10_000))
