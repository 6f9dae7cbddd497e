"""What a pool gives for USDC, by its state: exact to the wei, so that a node's quote can be checked.

    RangedDepth   Uniswap v3: liquidity that changes at ticks
    PairDepth     a constant product of two reserves, as Uniswap v2 and the volatile pools of Aerodrome are

Both sell up to a limit of the price and take only what it took to get there. Ticks that are not named have no
liquidity to add or take: what a depth knows ends at its last stop, and beyond that it is never asked.
"""

from dataclasses import dataclass
from math import isqrt
from typing import Protocol

from entitlement.core.pool_price import (
    amount0_between,
    amount1_between,
    moved_price,
    price_after,
    sqrt_price_at,
)
from entitlement.core.units import Usdc, Wei, mul_div_down, mul_div_up

MILLION = 1_000_000
ENOUGH = Usdc(2**112)
"""More USDC than a pool takes before it is at any limit."""
_WORD = 256
"""A pool looks for the next tick in words of so many; where a word ends, it rounds once more."""
_STRIDES_MAX = 10_000


@dataclass(frozen=True, slots=True)
class Fill:
    """What a payment brings."""

    spent: Usdc
    """What the pool takes of it: less than was offered where it came to the limit."""
    bought: Wei
    sqrt_price: int
    """After it."""


class Depth(Protocol):
    """What a pool gives for USDC."""

    @property
    def sqrt_price(self) -> int:
        """The price of the moment, as a square root times 2**96 of token1 for one token0."""
        ...

    @property
    def is_usdc_token0(self) -> bool:
        """Whether the price falls when USDC is paid."""
        ...

    def fill(self, offered: Usdc, limit: int) -> Fill:
        """Return what paying up to `offered` brings, no further than to the price `limit`."""
        ...


def further_limit(depth: Depth, *, impact: int, bound: int) -> int:
    """Return where a lot has to end: VVV dearer by `impact` ten-thousandths, or `bound` if that is nearer."""
    moved = moved_price(depth.sqrt_price, impact, is_usdc_token0=depth.is_usdc_token0)
    return max(moved, bound) if depth.is_usdc_token0 else min(moved, bound)


@dataclass(frozen=True, slots=True)
class RangedDepth:
    """A Uniswap v3 pool, as far as it was read."""

    is_usdc_token0: bool
    fee: int
    """In millionths."""
    sqrt_price: int
    tick: int
    spacing: int
    liquidity: int
    stops: tuple[tuple[int, int], ...]
    """Ticks ahead at which liquidity changes, nearest first, each with what is added on the way up."""

    def fill(self, offered: Usdc, limit: int) -> Fill:
        """Return what paying up to `offered` brings; as UniswapV3Pool.swap of an exact input."""
        price, tick, liquidity = self.sqrt_price, self.tick, self.liquidity
        left, bought, changes = int(offered), 0, dict(self.stops)
        down = self.is_usdc_token0
        for _ in range(_STRIDES_MAX):
            if left == 0 or price == limit or (price < limit if down else price > limit):
                return Fill(Usdc(offered - left), Wei(bought), price)
            stop_tick = self._stop_after(tick)
            stop = sqrt_price_at(stop_tick)
            target = max(stop, limit) if down else min(stop, limit)
            price, taken, brought = self._stride(price, target, liquidity, left)
            left, bought = left - taken, bought + brought
            if price == stop:
                liquidity += -changes.get(stop_tick, 0) if down else changes.get(stop_tick, 0)
                tick = stop_tick - 1 if down else stop_tick
        raise AssertionError("the limit lies within a few words of ticks")

    def _stop_after(self, tick: int) -> int:
        """Return the next tick that changes liquidity, or the end of the word."""
        place = tick // self.spacing
        if self.is_usdc_token0:
            end = (place - place % _WORD) * self.spacing
            return max([end, *(stop for stop, _ in self.stops if end <= stop <= tick)])
        place += 1
        end = (place + _WORD - 1 - place % _WORD) * self.spacing
        return min([end, *(stop for stop, _ in self.stops if tick < stop <= end)])

    def _stride(self, start: int, target: int, liquidity: int, left: int) -> tuple[int, int, int]:
        """Return the price reached, what was taken for it, and what it brought. As SwapMath of Uniswap."""
        paid_in, paid_out = amount0_between, amount1_between
        if not self.is_usdc_token0:
            paid_in, paid_out = paid_out, paid_in
        useful = mul_div_down(left, MILLION - self.fee, MILLION)
        needed = paid_in(start, target, liquidity, is_up=True)
        if useful >= needed:
            reached = target
        else:
            reached = price_after(start, liquidity, useful, is_token0=self.is_usdc_token0)
        brought = paid_out(start, reached, liquidity, is_up=False)
        if reached != target:
            return reached, left, brought
        fee = mul_div_up(needed, self.fee, MILLION - self.fee)
        return reached, needed + fee, brought


@dataclass(frozen=True, slots=True)
class PairDepth:
    """Two reserves whose product never falls."""

    is_usdc_token0: bool
    fee: int
    """In millionths: Uniswap v2 keeps 3,000."""
    usdc: int
    """Units of USDC in reserve."""
    vvv: int
    """Wei of VVV in reserve."""

    @property
    def sqrt_price(self) -> int:
        """The price of the moment."""
        return self._sqrt_price(self.usdc, self.vvv)

    def fill(self, offered: Usdc, limit: int) -> Fill:
        """Return what paying up to `offered` brings; as UniswapV2Pair.swap of an exact input."""
        spent = offered if self._is_within(offered, limit) else self._most_within(offered, limit)
        bought = self._bought(spent)
        return Fill(Usdc(spent), Wei(bought), self._sqrt_price(self.usdc + spent, self.vvv - bought))

    def _bought(self, spent: int) -> int:
        useful = spent * (MILLION - self.fee)
        return useful * self.vvv // (self.usdc * MILLION + useful) if self.usdc and self.vvv else 0

    def _is_within(self, spent: int, limit: int) -> bool:
        after = self._sqrt_price(self.usdc + spent, self.vvv - self._bought(spent))
        return after >= limit if self.is_usdc_token0 else after <= limit

    def _most_within(self, offered: int, limit: int) -> int:
        low, high = 0, int(offered)
        while low < high:
            middle = (low + high + 1) // 2
            low, high = (middle, high) if self._is_within(middle, limit) else (low, middle - 1)
        return low

    def _sqrt_price(self, usdc: int, vvv: int) -> int:
        token0, token1 = (usdc, vvv) if self.is_usdc_token0 else (vvv, usdc)
        return isqrt((token1 << 192) // token0) if token0 else 0
