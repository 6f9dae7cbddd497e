import math

import pytest
from hypothesis import given
from hypothesis import strategies as st

from entitlement.core import curve
from entitlement.core.errors import SupplyAboveCap
from entitlement.core.step_curve import STEPS, StepCurve, exponential, is_curve
from entitlement.core.units import Wei

ONE = 10**18
TARGET, WIDTH = Wei(40_000 * ONE), Wei(500 * ONE)
LIVE = exponential(target=TARGET, width=WIDTH)

# Read from the live table on 2026-09-19; the last three were recorded to 16 digits.
EXACT = {0: 90000351563186634752, 1: 90002812543945768960}
SIXTEEN_DIGITS = {78: "617.5396420419053", 79: "665.0150489037585", 80: "717.4843076907099"}

STAIRS = StepCurve((Wei(10 * ONE), Wei(20 * ONE), Wei(30 * ONE)), (Wei(2 * ONE), Wei(3 * ONE), Wei(7 * ONE)))
amounts = st.integers(0, 110 * ONE)


def digits(text: str) -> int:
    whole, decimals = text.split(".")
    return int(whole + decimals.ljust(18, "0"))


@pytest.mark.parametrize("step", [*EXACT, *SIXTEEN_DIGITS])
def test_a_live_rate_is_the_curve_s_at_the_end_of_its_step(step: int) -> None:
    live = EXACT.get(step) or digits(SIXTEEN_DIGITS[step])
    assert LIVE.bounds[step] == 500 * (step + 1) * ONE
    # Within 2.5e-16 of it: what double precision leaves of a number.
    assert abs(live - LIVE.rates[step]) * 4 * 10**15 <= live


@pytest.mark.parametrize("step", [*EXACT, *SIXTEEN_DIGITS])
def test_a_live_rate_is_not_the_curve_s_elsewhere_in_its_step(step: int) -> None:
    live = EXACT.get(step) or digits(SIXTEEN_DIGITS[step])
    middle = curve.rate(Wei(LIVE.bounds[step] - WIDTH // 2), TARGET)
    assert abs(live - middle) * 10**7 > live


@pytest.mark.parametrize("step", [*EXACT, *SIXTEEN_DIGITS])
def test_in_double_precision_it_is_the_live_rate_to_the_last_digit(step: int) -> None:
    double = int(90 * math.exp(2 * (500 * (step + 1) / 40_000) ** 3) * 1e18)
    if step in EXACT:
        assert double == EXACT[step]
    else:
        assert repr(double / 1e18) == SIXTEEN_DIGITS[step]


def test_the_table_agrees_with_the_smooth_curve_up_to_its_cap() -> None:
    under_cap = [bound for bound in LIVE.bounds if bound <= curve.cap(TARGET)]
    assert len(under_cap) == 120
    for bound, rate in zip(under_cap, LIVE.rates, strict=False):
        assert abs(rate - curve.rate(bound, TARGET)) <= 1


def test_the_live_table_has_256_rising_steps() -> None:
    assert len(LIVE.bounds) == STEPS == 256
    assert list(LIVE.rates) == sorted(set(LIVE.rates))
    assert LIVE.bounds[-1] == 128_000 * ONE


@pytest.mark.parametrize(
    ("case", "supply", "lock", "amount"),
    [
        ("within a step", 0, 10 * ONE, 5 * ONE),
        ("to the end of a step", 0, 20 * ONE, 10 * ONE),
        ("over a bound", 9 * ONE, 5 * ONE, 2 * ONE),
        ("over two bounds", 9 * ONE, 2 * ONE + 30 * ONE + 7 * ONE, 12 * ONE),
        ("at a bound", 10 * ONE, 3 * ONE, ONE),
        ("to the very end", 0, 120 * ONE, 30 * ONE),
        ("rounded down", 20 * ONE, 6, 0),
        ("nothing", 5 * ONE, 0, 0),
    ],
)
def test_a_mint_pays_each_step_s_rate(case: str, supply: int, lock: int, amount: int) -> None:
    assert STAIRS.amount_for(Wei(lock), Wei(supply)) == amount, case


def test_the_rest_of_a_step_costs_its_price_rounded_up() -> None:
    odd = StepCurve((Wei(5), Wei(10)), (Wei(ONE + 1), Wei(ONE + 1)))
    assert [odd.amount_for(Wei(lock), Wei(0)) for lock in (5, 6, 7)] == [4, 5, 5]


def test_past_the_table_nothing_is_minted() -> None:
    with pytest.raises(SupplyAboveCap):
        STAIRS.amount_for(Wei(120 * ONE + 1), Wei(0))
    with pytest.raises(SupplyAboveCap):
        STAIRS.rate_at(Wei(30 * ONE))


@pytest.mark.parametrize(("supply", "rate"), [(0, 2), (10 * ONE - 1, 2), (10 * ONE, 3), (30 * ONE - 1, 7)])
def test_the_rate_at_a_bound_is_the_next_step_s(supply: int, rate: int) -> None:
    assert STAIRS.rate_at(Wei(supply)) == rate * ONE


@given(amounts, amounts)
def test_splitting_a_mint_never_gains_and_loses_a_wei_for_each_part(one: int, other: int) -> None:
    if one + other > 110 * ONE:
        other = 110 * ONE - one
    whole = STAIRS.amount_for(Wei(one + other), Wei(0))
    first = STAIRS.amount_for(Wei(one), Wei(0))
    second = STAIRS.amount_for(Wei(other), first)
    assert whole - 2 <= first + second <= whole


@given(amounts, st.integers(0, 9 * ONE))
def test_a_lock_never_buys_more_than_it_pays_for(lock: int, supply: int) -> None:
    lock = min(lock, 100 * ONE)
    reached = supply + STAIRS.amount_for(Wei(lock), Wei(supply))
    worth = lowest = 0
    for bound, rate in zip(STAIRS.bounds, STAIRS.rates, strict=True):
        worth += max(min(reached, bound) - max(supply, lowest), 0) * rate
        lowest = bound
    assert worth <= lock * ONE


@pytest.mark.parametrize(
    ("bounds", "rates"), [((0, 5), (1, 1)), ((5, 5), (1, 1)), ((5, 4), (1, 1)), ((5, 6), (1, 0))]
)
def test_what_does_not_rise_is_no_curve(bounds: tuple[int, ...], rates: tuple[int, ...]) -> None:
    assert not is_curve(bounds, rates)
