"""A Uniswap v3 pool with a single position over the whole range, in integers alone.

    pay p of a token: 0.3 % of it is kept, the rest moves the price along x * y = L**2
    a swap stops at the limit it is given, and takes only what it took to get there

The swap goes in strides: a pool looks for the next lent tick in words of 256, and where there is none stops
at the word's end and rounds once more. The mean is summed here from each second's tick.
"""

from dataclasses import dataclass

from tests.machine.model.tokens import Token
from tests.machine.names import Clock, Facts, Question
from tests.machine_market.model.prices import (
    after_paying,
    amount0_between,
    amount1_between,
    ceil_div,
    sqrt_price_at,
    tick_at,
)
from tests.machine_market.names import CARDINALITY, POOL

MILLION, FEE = 1_000_000, 3_000
SPACING, WORD = 60, 256
LONG_AGO = -(10**9)


@dataclass(frozen=True)
class Swap:
    """What a swap would come to; nothing has moved yet."""

    price: int
    tick: int
    paid: int
    got: int


class Pool:
    def __init__(self, clock: Clock, vvv: Token, usdc: Token, *, is_dollar_first: bool, price: int) -> None:
        self.clock, self.price, self.tick, self.liquidity = clock, price, tick_at(price), 0
        self.tokens = (usdc, vvv) if is_dollar_first else (vvv, usdc)
        self._ticks = [(LONG_AGO, self.tick)]
        """Since when there is which tick, in order."""
        self._written_at, self._index, self._cardinality = LONG_AGO, 0, 1

    def is_token0(self, token: str) -> bool:
        return self.tokens[0].name == token

    def swap(self, token: str, amount: int, limit: int) -> Swap:
        """What paying up to `amount` of a token brings, no further than to the price `limit`."""
        is_token0, left, got = self.is_token0(token), amount, 0
        price, tick = self.price, self.tick
        while left and price != limit:
            stop_tick = _stop_after(tick, is_down=is_token0)
            stop = sqrt_price_at(stop_tick)
            start, target = price, max(stop, limit) if is_token0 else min(stop, limit)
            price, taken, brought = self._stride(start, target, left, is_token0=is_token0)
            left, got = left - taken, got + brought
            if price == stop:
                tick = stop_tick - 1 if is_token0 else stop_tick
            elif price != start:
                tick = tick_at(price)
        return Swap(price, tick, amount - left, got)

    def settle(self, token: str, swap: Swap, payer: str, receiver: str) -> None:
        """Let a swap that was quoted happen."""
        paid, brought = self.tokens if self.is_token0(token) else self.tokens[::-1]
        paid.move(payer, POOL, swap.paid)
        brought.move(POOL, receiver, swap.got)
        if swap.tick != self.tick:
            self._write()
            self._ticks.append((self.clock.now, swap.tick))
        self.price, self.tick = swap.price, swap.tick

    def lend(self, lender: str, lower: int, upper: int, liquidity: int) -> None:
        """The one position. Its tokens are rounded up."""
        assert self.liquidity == 0
        low, high = sqrt_price_at(lower), sqrt_price_at(upper)
        self._write()
        self.liquidity = liquidity
        self.tokens[0].move(lender, POOL, amount0_between(self.price, high, liquidity, is_up=True))
        self.tokens[1].move(lender, POOL, amount1_between(low, self.price, liquidity, is_up=True))

    def mean_tick(self, window: int) -> int:
        """Of the last so many seconds, rounded down."""
        total, until = 0, self.clock.now
        for since, tick in reversed(self._ticks):
            start = max(since, self.clock.now - window)
            total += tick * max(0, until - start)
            until = min(until, start)
        return total // window

    def moments(self, window: int) -> list[int]:
        """When the newest tick fills a window's first and last second."""
        since = self._ticks[-1][0]
        return [since + 1, since + window]

    def _stride(self, start: int, target: int, left: int, *, is_token0: bool) -> tuple[int, int, int]:
        """Up to the target or as far as it goes: the price, what was taken for it, and what it brought."""
        paid_in, paid_out = amount0_between, amount1_between
        if not is_token0:
            paid_in, paid_out = paid_out, paid_in
        useful = left * (MILLION - FEE) // MILLION
        needed = paid_in(start, target, self.liquidity, is_up=True)
        if useful >= needed:
            fee = ceil_div(needed * FEE, MILLION - FEE)
            return target, needed + fee, paid_out(start, target, self.liquidity, is_up=False)
        price = after_paying(start, self.liquidity, useful, is_token0=is_token0)
        brought = paid_out(start, price, self.liquidity, is_up=False)
        if price == target:
            needed = paid_in(start, price, self.liquidity, is_up=True)
            return price, needed + ceil_div(needed * FEE, MILLION - FEE), brought
        return price, left, brought

    def _write(self) -> None:
        """The pool remembers one price for each second in which its tick was about to change."""
        if self._written_at == self.clock.now:
            return
        if self._index == self._cardinality - 1:
            self._cardinality = CARDINALITY
        self._index = (self._index + 1) % self._cardinality
        self._written_at = self.clock.now

    def facts(self) -> Facts:
        is_unlocked, fee_of_uniswap = 1, 0
        yield (
            Question(POOL, "slot0"),
            (
                *(self.price, self.tick, self._index, self._cardinality),
                *(CARDINALITY, fee_of_uniswap, is_unlocked),
            ),
        )
        yield Question(POOL, "liquidity"), (self.liquidity,)


def _stop_after(tick: int, *, is_down: bool) -> int:
    """The end of the word of ticks in which a swap looks for lent ones."""
    place = tick // SPACING
    if is_down:
        return (place - place % WORD) * SPACING
    place += 1
    return (place + WORD - 1 - place % WORD) * SPACING
