import json
import random
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st
from mpmath import floor, hyp1f1, mpf, workdps

from entitlement.core.curve import TARGET_MAX, TARGET_MIN, amount_for, cap, lock_for, potential, rate
from entitlement.core.errors import SupplyAboveCap
from entitlement.core.units import WEI_PER_TOKEN, Wei

FOLDER = Path(__file__).parent / "vectors"
VECTORS = json.loads((FOLDER / "curve.json").read_text())
CONTRACT = json.loads((FOLDER / "curve_contract.json").read_text())
"""What MintCurve.sol answers, called on a chain: F below its true value to the very wei."""
CENT = WEI_PER_TOKEN // 100


def diem(tokens: int) -> Wei:
    return Wei(tokens * WEI_PER_TOKEN)


T = diem(38_000)
targets = st.integers(min_value=TARGET_MIN, max_value=TARGET_MAX).map(Wei)


@st.composite
def targets_and_supplies(draw: st.DrawFn) -> tuple[Wei, Wei]:
    target = draw(targets)
    return target, Wei(draw(st.integers(min_value=0, max_value=cap(target) - 1)))


def test_the_vectors_of_the_closed_form_are_met_over_the_whole_range() -> None:
    assert VECTORS["columns"] == ["target", "supply", "potential", "rate", "potential_error_max"]
    assert len(VECTORS["cases"]) == VECTORS["count"] > 300
    for case in VECTORS["cases"]:
        target, supply, true_potential, true_rate, error = map(int, case)
        assert 0 <= true_potential - potential(Wei(supply), Wei(target)) <= error, case
        assert 0 <= true_rate - rate(Wei(supply), Wei(target)) <= 1, case


def test_the_contract_and_this_curve_are_equal_to_the_wei() -> None:
    assert CONTRACT["columns"] == ["target", "supply", "lock", "potential", "amount", "locked"]
    assert len(CONTRACT["cases"]) == CONTRACT["count"] > 100
    for case in CONTRACT["cases"]:
        target, supply, lock, its_potential, amount, locked = (Wei(int(number)) for number in case)
        assert potential(supply, target) == its_potential, case
        assert amount_for(lock, supply, target) == (amount, locked), case


@pytest.mark.parametrize("target", [diem(38_000), diem(40_000)])
def test_the_potential_lies_at_most_four_wei_below_the_true_one_at_any_supply(target: Wei) -> None:
    """At the first target and the live one; at supplies that a seed draws, half of them near the cap."""
    seeded = random.Random(target)
    for _ in range(500):
        for lowest in (0, cap(target) - target // 1_000):
            supply = Wei(seeded.randint(lowest, cap(target)))
            with workdps(50):
                y = 2 * (mpf(supply) / target) ** 3
                true = int(floor(90 * mpf(supply) * hyp1f1(mpf(1) / 3, mpf(4) / 3, y)))
            assert 0 <= true - potential(supply, target) <= 4, supply


@pytest.mark.parametrize(
    ("bucket", "table_rate"),
    [
        (0, 90_000351563186634752),
        (1, 90_002812543945768960),
        (78, 617_539642041905300000),
        (79, 665_015048903758500000),
        (80, 717_484307690709900000),
    ],
)
def test_the_live_table_is_this_curve_at_the_upper_edges_of_its_buckets(bucket: int, table_rate: int) -> None:
    """Buckets of 500 DIEM at a target of 40,000. The table was computed in double precision: 16 digits."""
    edge = diem(500 * (bucket + 1))
    assert abs(rate(edge, diem(40_000)) - table_rate) <= table_rate // 10**15


@pytest.mark.parametrize(("tokens", "cents"), [(0, 90_00), (10_000, 93_34)])
def test_the_known_rates_of_the_first_target(tokens: int, cents: int) -> None:
    assert abs(rate(diem(tokens), T) - cents * CENT) <= CENT // 2


@pytest.mark.parametrize(("tokens", "cents"), [(0, 0), (10_000, 908_287_04), (38_000, 6_816_553_64)])
def test_the_known_potentials_of_the_first_target(tokens: int, cents: int) -> None:
    assert abs(potential(diem(tokens), T) - cents * CENT) <= CENT // 2


@given(targets_and_supplies())
def test_every_wei_costs_at_least_ninety(curve: tuple[Wei, Wei]) -> None:
    target, supply = curve
    assert potential(Wei(supply + 1), target) - potential(supply, target) >= 90


@given(targets_and_supplies(), st.data())
def test_the_rate_never_falls_as_the_supply_rises(curve: tuple[Wei, Wei], data: st.DataObject) -> None:
    target, supply = curve
    higher = Wei(data.draw(st.integers(min_value=supply, max_value=cap(target))))
    assert rate(supply, target) <= rate(higher, target)


@given(targets_and_supplies(), st.data())
def test_splitting_a_mint_locks_the_same_to_the_wei(curve: tuple[Wei, Wei], data: st.DataObject) -> None:
    target, supply = curve
    amount = Wei(data.draw(st.integers(min_value=0, max_value=cap(target) - supply)))
    first = Wei(data.draw(st.integers(min_value=0, max_value=amount)))
    rest = lock_for(Wei(amount - first), Wei(supply + first), target)
    assert lock_for(first, supply, target) + rest == lock_for(amount, supply, target)


@given(targets_and_supplies(), st.integers(min_value=0, max_value=2**130))
def test_the_amount_for_a_lock_is_the_largest_that_it_buys(curve: tuple[Wei, Wei], lock: int) -> None:
    target, supply = curve
    amount, locked = amount_for(Wei(lock), supply, target)
    assert locked == lock_for(amount, supply, target) <= lock
    if supply + amount < cap(target):
        assert lock_for(Wei(amount + 1), supply, target) > lock


@given(targets_and_supplies(), st.data())
def test_the_amount_for_the_price_of_an_amount_is_that_amount(
    curve: tuple[Wei, Wei], data: st.DataObject
) -> None:
    target, supply = curve
    amount = Wei(data.draw(st.integers(min_value=0, max_value=cap(target) - supply)))
    lock = lock_for(amount, supply, target)
    assert amount_for(lock, supply, target) == (amount, lock)


@given(targets_and_supplies(), targets)
def test_a_rising_target_only_makes_minting_cheaper(curve: tuple[Wei, Wei], other: Wei) -> None:
    target, supply = curve
    assert potential(supply, Wei(max(target, other))) <= potential(supply, target)


@given(targets)
def test_there_is_no_curve_beyond_the_cap(target: Wei) -> None:
    potential(cap(target), target)
    with pytest.raises(SupplyAboveCap) as caught:
        potential(Wei(cap(target) + 1), target)
    assert caught.value.cap == cap(target)


def test_the_largest_lock_mints_up_to_the_cap_and_no_further() -> None:
    everything = potential(cap(T), T)
    assert amount_for(Wei(2**256 - 1), Wei(0), T) == (cap(T), everything)
    assert amount_for(Wei(everything - 1), Wei(0), T)[0] == cap(T) - 1
    assert amount_for(Wei(2**256 - 1), cap(T), T) == (0, 0)
