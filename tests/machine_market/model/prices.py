"""Prices as a Uniswap v3 pool has them: square roots times 2**96, and ticks, each 1.0001 of the last.

Written from the whitepaper and the comments of Uniswap's TickMath; the factors are computed, not copied.
"""

from functools import cache
from math import isqrt

Q96 = 2**96
_PRECISION = 512
_LOWEST_TICK, _HIGHEST_TICK = -887_272, 887_272


def ceil_div(value: int, divisor: int) -> int:
    return -(-value // divisor)


@cache
def _factors() -> tuple[int, ...]:
    """2**128 / 1.0001**(2**bit / 2), to the nearest, for each bit of a tick."""
    power = isqrt((10_000 << 2 * _PRECISION) // 10_001)
    found: list[int] = []
    for _ in range(20):
        found.append((power + (1 << _PRECISION - 129)) >> (_PRECISION - 128))
        power = power * power >> _PRECISION
    return tuple(found)


@cache
def sqrt_price_at(tick: int) -> int:
    """The square root of the price at a tick, times 2**96, rounded up as a pool does it."""
    assert _LOWEST_TICK <= tick <= _HIGHEST_TICK
    root = 2**128
    for bit, factor in enumerate(_factors()):
        if abs(tick) >> bit & 1:
            root = root * factor >> 128
    if tick > 0:
        root = (2**256 - 1) // root
    return ceil_div(root, 2**32)


def tick_at(sqrt_price: int) -> int:
    """The last tick whose price is not above this one."""
    low, high = _LOWEST_TICK, _HIGHEST_TICK
    while low < high:
        middle = (low + high + 1) // 2
        if sqrt_price_at(middle) <= sqrt_price:
            low = middle
        else:
            high = middle - 1
    return low


def amount0_between(one: int, other: int, liquidity: int, *, is_up: bool) -> int:
    """What of token0 lies between two prices: rounded up for whoever pays it, down for whoever gets it."""
    low, high = sorted((one, other))
    numerator = (liquidity << 96) * (high - low)
    return ceil_div(ceil_div(numerator, high), low) if is_up else numerator // high // low


def amount1_between(one: int, other: int, liquidity: int, *, is_up: bool) -> int:
    """What of token1 lies between two prices."""
    product = liquidity * abs(one - other)
    return ceil_div(product, Q96) if is_up else product // Q96


def after_paying(price: int, liquidity: int, amount: int, *, is_token0: bool) -> int:
    """The price after a payment, rounded against the payer. Only for amounts that the pool can take."""
    if is_token0:
        assert amount * price < 2**256
        return ceil_div((liquidity << 96) * price, (liquidity << 96) + amount * price) if amount else price
    return price + (amount << 96) // liquidity
