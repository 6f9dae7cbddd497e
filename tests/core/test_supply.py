"""The definition of supply, and the fold of what the contracts say about themselves."""

from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from entitlement.core.buyback_lines import BuybackLine, buyback_lines, supply_change
from entitlement.core.epochs import SECONDS_PER_EPOCH, epoch_at
from entitlement.core.public_events import (
    BuybackExecuted,
    DonationBurned,
    EmissionAccrued,
    PublicEvent,
    RoleGranted,
    RoleRevoked,
    Spoken,
    VvvBurned,
)
from entitlement.core.public_history import History, fold, holders
from entitlement.core.supply import Supply
from entitlement.core.units import Usdc, Wei

BURNER, OTHER = "0xBurner", "0xOther"
amounts = st.integers(0, 2**96)
SUPPLY = Supply(*map(Wei, (100, 20, 5, 115, 0, 7, 40, 10, 8, 50, 3, 4, 6)))


def at(block: int, time: int = 0) -> Spoken:
    return Spoken(block, f"0x{block:064x}", time, f"0x{block:064x}", 0)


def test_the_lines_of_the_definition_add_up() -> None:
    assert (SUPPLY.minted_ever, SUPPLY.effective, SUPPLY.unlocked, SUPPLY.rewards) == (120, 108, 30, 2)
    inside = SUPPLY.unlocked + SUPPLY.locked + SUPPLY.cooling + SUPPLY.rewards
    assert SUPPLY.circulating == SUPPLY.effective - inside - SUPPLY.in_contracts == 55
    assert SUPPLY.wallets == 55 - 4 - 6
    assert all(check.holds for check in SUPPLY.checks())


@pytest.mark.parametrize(
    "changes", [{"emitted": 21}, {"burned": 4}, {"in_station": 47}, {"locked": 41}, {"pool": 50}]
)
def test_what_does_not_add_up_is_noticed(changes: dict[str, int]) -> None:
    assert not all(check.holds for check in replace(SUPPLY, **changes).checks())  # type: ignore[arg-type]


@given(st.lists(st.tuples(st.sampled_from(["emit", BURNER, OTHER]), amounts)))
def test_the_fold_in_two_parts_is_the_fold_at_once(said: list[tuple[str, int]]) -> None:
    events: list[PublicEvent] = [
        EmissionAccrued(number, Wei(amount))
        if who == "emit"
        else VvvBurned(at(number, number * SECONDS_PER_EPOCH // 3), who, Wei(amount))
        for number, (who, amount) in enumerate(said, start=1)
    ]
    half, end = len(events) // 2, len(events) + 1
    start = History(0, "")
    whole = fold(start, events, burner=BURNER, to=(end, "end"))
    parts = fold(start, events[:half], burner=BURNER, to=(half, "half"))
    assert fold(parts, events[half:], burner=BURNER, to=(end, "end")) == whole
    assert whole.emitted == sum(amount for who, amount in said if who == "emit")
    assert whole.burned == sum(amount for who, amount in said if who != "emit")
    assert whole.burned_by_burner == sum(amount for who, amount in said if who == BURNER)
    assert sum(amount for _, amount in whole.burned_by_day) == whole.burned
    assert all(day == epoch_at(day * SECONDS_PER_EPOCH) for day, _ in whole.burned_by_day)


def test_what_was_folded_is_not_folded_again() -> None:
    once = fold(History(0, ""), [EmissionAccrued(3, Wei(1))], burner=BURNER, to=(3, "three"))
    with pytest.raises(AssertionError):
        fold(once, [EmissionAccrued(3, Wei(1))], burner=BURNER, to=(4, "four"))


def test_a_role_that_was_taken_is_held_by_nobody() -> None:
    events = [
        RoleGranted(at(1), "role", "b"),
        RoleGranted(at(2), "role", "a"),
        RoleGranted(at(3), "other", "c"),
    ]
    assert holders(events) == {"role": ["a", "b"], "other": ["c"]}
    assert holders([*events, RoleRevoked(at(4), "other", "c")]) == {"role": ["a", "b"], "other": []}


def line(usdc: int, bought: int, reference: int) -> BuybackLine:
    return BuybackLine(at(1), 0, "keeper", Usdc(usdc), Wei(bought), Wei(0), reference)


@pytest.mark.parametrize(
    ("usdc", "bought", "reference", "paid", "mean", "over"),
    [
        # A dollar for a quarter of a VVV, which is the mean price.
        (10**6, 10**18 // 4, 10**18 // 4, 4_000_000, 4_000_000, 0),
        # A hundredth more than the mean was paid, and a hundredth less.
        (1_010_000, 10**18 // 4, 10**18 // 4, 4_040_000, 4_000_000, 10_000),
        (990_000, 10**18 // 4, 10**18 // 4, 3_960_000, 4_000_000, -10_000),
        # What does not divide is told against whoever bought.
        (1, 3, 10**18, 333_333_333_333_333_334, 1_000_000, 333_333_333_332_333_334),
    ],
)
def test_prices_are_of_a_whole_vvv_and_rounded_against_the_buyer(
    usdc: int, bought: int, reference: int, paid: int, mean: int, over: int
) -> None:
    found = line(usdc, bought, reference)
    assert (found.price_paid, found.price_mean) == (paid, mean)
    assert found.over_mean == over


@given(st.integers(1, 10**12), st.integers(1, 2**90), st.integers(1, 2**90))
def test_over_the_mean_is_never_told_as_less_than_it_was(usdc: int, bought: int, reference: int) -> None:
    over = line(usdc, bought, reference).over_mean
    at_mean = bought * 10**6
    assert (over - 1) * at_mean < (usdc * reference - at_mean) * 10**6 <= over * at_mean


def test_a_gift_is_told_with_the_run_that_burned_it_and_with_no_other() -> None:
    runs = [BuybackExecuted(at(n), n, "keeper", Usdc(1), Wei(10), 1) for n in (1, 2)]
    first, second = buyback_lines([runs[0], DonationBurned(at(2), 2, Wei(5)), runs[1]])
    assert (first.burned, second.burned, second.donated) == (10, 15, 5)


def test_the_fall_of_the_supply_is_what_nothing_else_explains() -> None:
    events = [EmissionAccrued(1, Wei(50)), VvvBurned(at(2), OTHER, Wei(7)), VvvBurned(at(3), BURNER, Wei(20))]
    change = supply_change(events, burner=BURNER, before=Wei(1_000), after=Wei(1_023), genesis=Wei(0))
    assert (change.fall, change.burned_by_burner, change.burned_by_others) == (20, 20, 7)
    change = supply_change(events[1:], burner=BURNER, before=Wei(0), after=Wei(1_023), genesis=Wei(1_000))
    assert change.fall == -30, "emission that the logs do not have makes the report not add up"
