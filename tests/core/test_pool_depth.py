"""What a pool gives: against the contracts in tests/chain, and here what must hold of any pool."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from entitlement.core.pool_depth import ENOUGH, Depth, PairDepth, RangedDepth, further_limit
from entitlement.core.pool_price import HIGHEST_TICK, LOWEST_TICK, moved_price, sqrt_price_at
from entitlement.core.units import USDC_PER_DOLLAR, Usdc
from tests.machine_market.model import prices

TICK = 60_000


def ranged(liquidity: int, *, usdc_first: bool, stops: tuple[tuple[int, int], ...] = ()) -> RangedDepth:
    return RangedDepth(usdc_first, 3_000, sqrt_price_at(TICK), TICK, 60, liquidity, stops)


depths = st.one_of(
    st.builds(ranged, st.integers(10**9, 10**20), usdc_first=st.booleans()),
    st.builds(
        PairDepth,
        st.booleans(),
        st.just(3_000),
        st.integers(10**6, 10**14),
        st.integers(10**18, 10**26),
    ),
)
amounts = st.integers(1, 10**12).map(Usdc)


def far(depth: Depth) -> int:
    return moved_price(depth.sqrt_price, 500, is_usdc_token0=depth.is_usdc_token0)


@given(st.integers(LOWEST_TICK, HIGHEST_TICK))
def test_the_price_at_a_tick_is_that_of_the_model_that_pools_are_tested_with(tick: int) -> None:
    assert sqrt_price_at(tick) == prices.sqrt_price_at(tick)


@given(depths, amounts, amounts)
def test_more_usdc_never_brings_less_and_never_more_for_each(depth: Depth, one: Usdc, more: Usdc) -> None:
    small, large = depth.fill(one, far(depth)), depth.fill(Usdc(one + more), far(depth))
    assert small.spent <= one
    assert small.bought <= large.bought
    # From a dollar on, what is rounded is less than a hundred-thousandth.
    if small.spent >= USDC_PER_DOLLAR:
        assert large.bought * small.spent * 10**5 <= small.bought * large.spent * (10**5 + 1)


@given(depths, st.integers(1, 400))
def test_a_fill_ends_at_its_limit_and_a_further_limit_takes_no_less(depth: Depth, impact: int) -> None:
    near = further_limit(depth, impact=impact, bound=far(depth))
    fill, further = depth.fill(ENOUGH, near), depth.fill(ENOUGH, far(depth))
    if depth.is_usdc_token0:
        assert fill.sqrt_price >= near
    else:
        assert fill.sqrt_price <= near
    assert fill.spent <= further.spent


@given(depths, amounts)
def test_a_price_that_is_beyond_the_limit_already_buys_nothing(depth: Depth, amount: Usdc) -> None:
    beyond = depth.sqrt_price + (1 if depth.is_usdc_token0 else -1)
    assert depth.fill(amount, beyond).spent == 0


@given(depths, st.integers(1, 500), st.booleans())
def test_the_nearer_of_two_limits_counts(depth: Depth, impact: int, tight: bool) -> None:  # noqa: FBT001 - drawn
    step = -1 if depth.is_usdc_token0 else 1
    bound = depth.sqrt_price + step * (1 if tight else depth.sqrt_price // 3)
    moved = moved_price(depth.sqrt_price, impact, is_usdc_token0=depth.is_usdc_token0)
    assert further_limit(depth, impact=impact, bound=bound) == (
        max(moved, bound) if depth.is_usdc_token0 else min(moved, bound)
    )


@given(st.integers(10**6, 10**14), st.integers(10**18, 10**26), amounts)
def test_the_product_of_a_pair_never_falls(usdc: int, vvv: int, amount: Usdc) -> None:
    pair = PairDepth(is_usdc_token0=True, fee=3_000, usdc=usdc, vvv=vvv)
    fill = pair.fill(amount, 0)
    assert fill.spent == amount
    # As UniswapV2Pair asks for it: three thousandths of what came in do not count.
    assert ((usdc + amount) * 1_000 - 3 * amount) * (vvv - fill.bought) * 1_000 >= usdc * vvv * 1_000**2
    assert ((usdc + amount) * 1_000 - 3 * amount) * (vvv - fill.bought - 1) * 1_000 < usdc * vvv * 1_000**2


@pytest.mark.parametrize("usdc_first", [True, False])
def test_liquidity_that_ends_ahead_makes_a_lot_dearer(usdc_first: bool) -> None:  # noqa: FBT001 - a case
    ahead = TICK - 60 if usdc_first else TICK + 60
    ending = 9 * 10**17 if usdc_first else -9 * 10**17
    whole, short = (ranged(10**18, usdc_first=usdc_first, stops=stops) for stops in ((), ((ahead, ending),)))
    limit = sqrt_price_at(TICK - 300 if usdc_first else TICK + 300)
    assert short.fill(ENOUGH, limit).spent < whole.fill(ENOUGH, limit).spent
    beside = sqrt_price_at(ahead)
    assert short.fill(ENOUGH, beside) == whole.fill(ENOUGH, beside)


def test_an_empty_pool_moves_for_nothing() -> None:
    empty = ranged(0, usdc_first=True)
    fill = empty.fill(Usdc(10**6), sqrt_price_at(TICK - 500))
    assert (fill.spent, fill.bought, fill.sqrt_price) == (0, 0, sqrt_price_at(TICK - 500))
    assert PairDepth(is_usdc_token0=True, fee=3_000, usdc=0, vvv=0).fill(Usdc(5), 1).bought == 0
