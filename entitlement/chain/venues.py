"""Where a buyback trades, behind one small port: a Uniswap v3 pool, or a pair with a constant product.

Whatever it is, the burner knows one address that speaks as a v3 pool does. What is behind it tells itself
apart: a real pool has a tick spacing, what stands in front of a pair has a `pair`.
"""

from typing import Any, Protocol

from web3 import Web3

from entitlement.chain.raw_calls import ask, ask_each
from entitlement.core.errors import InconsistentNode, TransactionFailed
from entitlement.core.pool_depth import Depth, PairDepth, RangedDepth

TICKS_READ_MAX = 1_000
"""Twice what the widest bounds span in a pool of the narrowest spacing."""
PAIR_FEE = 3_000
"""Millionths that a Uniswap v2 pair keeps; a venue that says another fee is believed."""


class Venue(Protocol):
    """A place to trade USDC for VVV."""

    def depth(self, block: str, *, mean_tick: int, deviation: int) -> Depth:
        """Return what it gives at a block (its hash), at least as far as a run may move the price.

        Raises `NodeUnavailable`, `InconsistentNode`, `TransactionFailed`.
        """
        ...


class RangedVenue:
    """A Uniswap v3 pool, read by its ticks."""

    def __init__(self, web3: Web3, pool: str, usdc: str, spacing: int) -> None:
        self._web3, self._pool, self._usdc, self._spacing = web3, pool, usdc, spacing

    def depth(self, block: str, *, mean_tick: int, deviation: int) -> RangedDepth:
        """Return the liquidity of every tick from the price to where a run ends."""
        (token0,) = self._ask("token0()", ["address"], block)
        (fee,) = self._ask("fee()", ["uint24"], block)
        (liquidity,) = self._ask("liquidity()", ["uint128"], block)
        sqrt_price, tick, *_ = self._ask(
            "slot0()", ["uint160", "int24", "uint16", "uint16", "uint16", "uint8", "bool"], block
        )
        is_down = token0.lower() == self._usdc.lower()
        end = mean_tick + (-deviation if is_down else deviation)
        ahead = self._ticks_between(tick, end, is_down=is_down)
        read = ask_each(self._web3, self._pool, [("ticks(int24)", [each]) for each in ahead], _TICK, block)
        stops = tuple((each, net) for each, (gross, net, *_) in zip(ahead, read, strict=True) if gross)
        return RangedDepth(is_down, fee, sqrt_price, tick, self._spacing, liquidity, stops)

    def _ticks_between(self, tick: int, end: int, *, is_down: bool) -> list[int]:
        """Return the ticks that may change liquidity from the price on, one beyond the end, nearest first."""
        spacing = self._spacing
        if is_down:
            first, last = tick // spacing, end // spacing
            found = range(first, last - 1, -1)
        else:
            first, last = tick // spacing + 1, -(-end // spacing)
            found = range(first, last + 1)
        if len(found) > TICKS_READ_MAX:
            # The price is so far away that no run may begin: what is read then is not acted on.
            found = found[:TICKS_READ_MAX]
        return [place * spacing for place in found]

    def _ask(self, signature: str, answers: list[str], block: str) -> tuple[Any, ...]:
        return ask(self._web3, self._pool, (signature, ()), answers, block)


class PairVenue:
    """A pair of two reserves, behind a contract that speaks to the burner as a pool does."""

    def __init__(self, web3: Web3, pair: str, usdc: str, fee: int = PAIR_FEE) -> None:
        self._web3, self._pair, self._usdc, self._fee = web3, pair, usdc, fee

    def depth(self, block: str, *, mean_tick: int, deviation: int) -> PairDepth:
        """Return the reserves; how far a run may go changes nothing about them."""
        del mean_tick, deviation
        (token0,) = ask(self._web3, self._pair, ("token0()", ()), ["address"], block)
        reserves = ask(self._web3, self._pair, ("getReserves()", ()), ["uint112", "uint112", "uint32"], block)
        is_first = token0.lower() == self._usdc.lower()
        usdc, vvv = reserves[:2] if is_first else reserves[1::-1]
        return PairDepth(is_first, self._fee, usdc, vvv)


def venue_at(web3: Web3, pool: str, usdc: str, block: str) -> Venue:
    """Return the venue that the burner's pool is; raises `InconsistentNode` for neither."""
    try:
        (spacing,) = ask(web3, pool, ("tickSpacing()", ()), ["int24"], block)
    except TransactionFailed:
        pass
    else:
        if not 0 < spacing < 2**15:
            raise InconsistentNode(f"the tick spacing of {pool} is {spacing}")
        return RangedVenue(web3, pool, usdc, spacing)
    try:
        (pair,) = ask(web3, pool, ("pair()", ()), ["address"], block)
    except TransactionFailed:
        raise InconsistentNode(f"{pool} is neither a pool with ticks nor in front of a pair") from None
    return PairVenue(web3, pair, usdc)


_TICK = ["uint128", "int128", "uint256", "uint256", "int56", "uint160", "uint32", "bool"]
