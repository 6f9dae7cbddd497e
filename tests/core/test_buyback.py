"""Plans: what is owed, and lots that the contract, the pool and the policy all allow."""

from dataclasses import replace
from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from entitlement.core.blocks import Header
from entitlement.core.buyback import (
    DEADLINE_SECONDS,
    LOTS_MAX,
    SMALLEST_LOT,
    Bounds,
    Lot,
    Market,
    Plan,
    Verdict,
    differs,
    disagreement,
    lot_sizes,
    plan_buyback,
    runs_within,
    worst_loss,
)
from entitlement.core.buyback_policy import (
    DayTaken,
    Owed,
    Policy,
    Schedule,
    Since,
    counts_through,
    is_due,
    owed,
    policy_on,
)
from entitlement.core.epochs import Epoch
from entitlement.core.errors import InvalidRequest
from entitlement.core.pool_depth import Fill, RangedDepth
from entitlement.core.pool_price import sqrt_price_at
from entitlement.core.units import NANO_USD_PER_USD, USDC_PER_DOLLAR, NanoUsd, Usdc, Wallet, Wei

USD, DOLLAR = NANO_USD_PER_USD, USDC_PER_DOLLAR
NOW = 2_000_000_000
KEEPER = Wallet("0x" + "1" * 40)
TICK = 262_421
"""Of USDC as token0 at about 4 dollars for a VVV."""
PLAIN = Policy(revenue_share=5_000, spacing=0, jitter=0)


def market(*, usdc_first: bool = True, liquidity: int = 10**18, **changes: object) -> Market:
    tick = TICK if usdc_first else -TICK
    price = sqrt_price_at(tick)
    depth = RangedDepth(usdc_first, 3_000, price, tick, 60, liquidity, ())
    square = price * price
    worth = DOLLAR * square // 2**192 if usdc_first else (DOLLAR << 192) // square
    plain = Market(
        at=Header(100, "0xa", "0xb", NOW),
        bounds=Bounds(Usdc(10_000 * DOLLAR), 14_400, 1_800, 150, 9_800),
        keeper=KEEPER,
        next_run=7,
        next_run_at=NOW - 1,
        paused_until=0,
        held=Usdc(100_000 * DOLLAR),
        reference_price=Wei(worth + 1),
        mean_tick=tick,
        spot_tick=tick,
        depth=depth,
    )
    return replace(plain, **changes)  # type: ignore[arg-type]


def owing(dollars: int, *, bought: int = 0) -> Owed:
    amount = Usdc(dollars * DOLLAR)
    return Owed(Epoch(1), Epoch(9), amount, Usdc(0), Usdc(0), Usdc(bought * DOLLAR))


def plan(
    dollars: int, policy: Policy = PLAIN, *, now: int = NOW, most: int | None = None, **changes: object
) -> Plan:
    limit = None if most is None else Usdc(most * DOLLAR)
    return plan_buyback(owing(dollars), policy, market(**changes), now=now, seed="a", most=limit)  # type: ignore[arg-type]


# --- what is owed ---------------------------------------------------------------------------------------

days = st.lists(
    st.builds(
        DayTaken,
        epoch=st.integers(0, 30).map(Epoch),
        spent=st.integers(-(10**12), 10**15).map(NanoUsd),
        subscriptions=st.integers(0, 100),
        purchased=st.integers(-(10**12), 10**15).map(NanoUsd),
    ),
    max_size=20,
    unique_by=lambda day: day.epoch,
)
shares = st.integers(0, 10_000)
policies = st.dictionaries(
    st.integers(0, 25).map(Epoch), st.builds(Policy, revenue_share=shares, purchase_share=shares), max_size=4
).map(lambda found: [Since(epoch, found[epoch]) for epoch in sorted(found)])
usdc = st.integers(0, 10**13).map(Usdc)


@given(policies, days, usdc)
def test_no_more_is_owed_than_the_shares_of_what_came_in_less_what_was_bought(
    held: list[Since], taken: list[DayTaken], bought: Usdc
) -> None:
    found = owed(held, taken, through=Epoch(30), bought=bought)
    exact = sum(
        day.spent * policy_on(held, day.epoch).revenue_share
        + day.purchased * policy_on(held, day.epoch).purchase_share
        for day in taken
        if held and day.epoch >= held[0].epoch
    )
    # Both sides in units of a ten-thousandth of a nano-dollar, so that nothing is rounded here.
    assert (found.of_revenue + found.of_purchases) * 1_000 * 10_000 <= exact
    assert 0 <= found.wanted <= max(0, found.of_revenue + found.of_purchases + found.of_subscriptions)


@given(policies, days, usdc, st.integers(0, 10**9).map(Usdc))
def test_what_is_bought_is_never_owed_again(
    held: list[Since], taken: list[DayTaken], bought: Usdc, more: Usdc
) -> None:
    before = owed(held, taken, through=Epoch(30), bought=bought).wanted
    after = owed(held, taken, through=Epoch(30), bought=Usdc(bought + more)).wanted
    assert after == max(0, before - more) or before == 0


@given(policies, days, st.integers(0, 30))
def test_more_revenue_never_makes_less_owed(held: list[Since], taken: list[DayTaken], day: int) -> None:
    more = [*taken, DayTaken(Epoch(day), NanoUsd(USD), 1, NanoUsd(USD))]
    one = owed(held, taken, through=Epoch(30), bought=Usdc(0)).wanted
    assert owed(held, more, through=Epoch(30), bought=Usdc(0)).wanted >= one


def test_each_day_goes_by_the_policy_that_held_on_it_and_days_before_any_by_none() -> None:
    held = [
        Since(Epoch(10), Policy(revenue_share=5_000)),
        Since(Epoch(12), Policy(per_subscription=Usdc(3 * DOLLAR))),
        Since(Epoch(13), Policy(purchase_share=1_000)),
    ]
    taken = [DayTaken(Epoch(each), NanoUsd(100 * USD), 2, NanoUsd(40 * USD)) for each in range(8, 20)]
    found = owed(held, taken, through=Epoch(14), bought=Usdc(10 * DOLLAR))
    assert (found.of_revenue, found.of_subscriptions, found.of_purchases) == (
        *(2 * 50 * DOLLAR, 2 * 3 * DOLLAR),
        2 * 4 * DOLLAR,
    )
    assert found.wanted == (100 + 6 + 8 - 10) * DOLLAR


@pytest.mark.parametrize(
    ("schedule", "today", "last", "due", "through"),
    [
        (Schedule.OFF, 20_000, None, False, 19_999),
        (Schedule.THRESHOLD, 20_000, 20_000, True, 19_999),
        # Day 4 was the first Monday, day 31 the first of February.
        (Schedule.WEEKLY, 4, None, True, 3),
        (Schedule.WEEKLY, 10, 4, False, 3),
        (Schedule.WEEKLY, 11, 4, True, 10),
        (Schedule.WEEKLY, 13, 4, True, 10),
        (Schedule.MONTHLY, 30, 0, False, -1),
        (Schedule.MONTHLY, 31, 30, True, 30),
        (Schedule.MONTHLY, 40, 30, True, 30),
    ],
)
def test_a_plan_is_due_once_in_its_period_and_counts_the_periods_that_are_over(
    schedule: Schedule,
    today: int,
    last: int | None,
    due: bool,  # noqa: FBT001 - a case
    through: int,
) -> None:
    day = None if last is None else Epoch(last)
    assert is_due(schedule, today=Epoch(today), last=day) is due
    assert counts_through(schedule, today=Epoch(today)) == through


@pytest.mark.parametrize(
    "wrong",
    [
        {"revenue_share": 10_001},
        {"revenue_share": -1},
        {"purchase_share": 10_001},
        {"minimum": 0},
        {"impact": 0},
        {"impact": 501},
        {"slippage": 501},
        {"spacing": -1},
        {"veto": 31 * 86_400},
    ],
)
def test_a_policy_outside_its_limits_is_refused(wrong: dict[str, int]) -> None:
    Policy().check()
    with pytest.raises(InvalidRequest, match=next(iter(wrong))):
        replace(Policy(), **wrong).check()  # type: ignore[arg-type]


# --- lots -------------------------------------------------------------------------------------------------


@given(st.integers(1, 10**12).map(Usdc), st.integers(1, 10**11).map(Usdc))
def test_lots_are_alike_and_never_more_than_the_most_or_than_the_amount(amount: Usdc, most: Usdc) -> None:
    sizes = lot_sizes(amount, most)
    assert sum(sizes) == min(amount, most * LOTS_MAX)
    assert max(sizes) <= most
    assert max(sizes) - min(sizes) <= 1
    assert len(sizes) <= LOTS_MAX


@given(
    wanted=st.integers(0, 200_000),
    held=st.integers(0, 200_000),
    lot=st.integers(1, 25_000),
    impact=st.integers(1, 500),
    slippage=st.integers(0, 500),
    liquidity=st.integers(10**13, 10**19),
    usdc_first=st.booleans(),
    jitter=st.integers(0, 86_400),
    spacing=st.integers(0, 86_400),
)
def test_no_plan_spends_more_than_is_owed_held_or_bounded_nor_asks_for_less_than_the_floor(  # noqa: PLR0917
    wanted: int,
    held: int,
    lot: int,
    impact: int,
    slippage: int,
    liquidity: int,
    usdc_first: bool,  # noqa: FBT001 - drawn
    jitter: int,
    spacing: int,
) -> None:
    policy = replace(PLAIN, impact=impact, slippage=slippage, jitter=jitter, spacing=spacing)
    bounds = Bounds(Usdc(lot * DOLLAR), 14_400, 1_800, 150, 9_800)
    made = plan(
        wanted, policy, held=Usdc(held * DOLLAR), bounds=bounds, liquidity=liquidity, usdc_first=usdc_first
    )
    assert (made.verdict is Verdict.ACT) == bool(made.lots)
    assert made.amount <= min(wanted, held) * DOLLAR
    for each in made.lots:
        assert SMALLEST_LOT // 2 < each.usdc <= lot * DOLLAR
        assert each.minimum >= each.floor == made.market.floor_of(each.usdc)
        assert each.quote >= each.floor
        assert each.minimum * 10_000 >= each.quote * (10_000 - slippage)
        # What it moves the price by, but for the rounding of a unit of USDC: squares, since prices are roots.
        after = made.market.depth.fill(Usdc(each.usdc - 1), made.market.bound).sqrt_price
        before = made.market.depth.sqrt_price
        dear, cheap = (before, after) if usdc_first else (after, before)
        assert dear * dear * 10_000 <= cheap * cheap * (10_000 + impact)
    for earlier, later in pairwise(made.lots):
        assert max(spacing, 14_400) <= later.at - earlier.at <= max(spacing, 14_400) + jitter


def test_the_same_seed_gives_the_same_times_and_another_others() -> None:
    policy, found = replace(PLAIN, jitter=10_000), market()
    one, two, other = (
        plan_buyback(owing(50_000), policy, found, now=NOW, seed=seed) for seed in ("a", "a", "b")
    )
    assert one == two
    assert [lot.at for lot in one.lots] != [lot.at for lot in other.lots]


@pytest.mark.parametrize(
    ("case", "changes", "verdict", "said"),
    [
        ("all is well", {}, Verdict.ACT, "3000000000 units of USDC in 1 lot"),
        ("nothing set aside", {"held": Usdc(0)}, Verdict.PERSON, "send it what is owed"),
        ("paused", {"paused_until": NOW + 1}, Verdict.REFUSED, "the guardian has paused"),
        ("away above", {"mean_tick": TICK - 151}, Verdict.REFUSED, "the price is at tick"),
        ("away below", {"mean_tick": TICK + 151}, Verdict.REFUSED, "the price is at tick"),
        ("drained", {"liquidity": 10**11}, Verdict.REFUSED, "the pool takes"),
        ("a mean far better", {"reference_price": Wei(10**18)}, Verdict.REFUSED, "the contract asks for"),
    ],
)
def test_a_plan_says_why_it_does_nothing(
    case: str, changes: dict[str, object], verdict: Verdict, said: str
) -> None:
    made = plan(3_000, **changes)  # type: ignore[arg-type]
    assert (made.verdict, said in made.reason) == (verdict, True), (case, made.reason)


def test_less_than_the_minimum_waits_but_the_rest_of_an_announced_plan_does_not() -> None:
    assert plan(99).verdict is Verdict.NOTHING
    assert plan(100).verdict is Verdict.ACT
    rest = plan(5_000, most=40)
    assert (rest.verdict, rest.amount) == (Verdict.ACT, 40 * DOLLAR)
    assert plan(30, most=40).amount == 30 * DOLLAR
    assert plan(0, most=40).verdict is Verdict.NOTHING


def test_before_its_time_the_first_lot_waits_for_the_contract() -> None:
    assert plan(3_000, next_run_at=NOW + 777).lots[0].at == NOW + 777
    assert plan(3_000, next_run_at=NOW - 777).lots[0].at == NOW


def test_a_nodes_trial_has_to_agree_with_the_pools_state() -> None:
    lot = Lot(Usdc(1_000), Wei(1_000_000), Wei(1), Wei(1), NOW)
    for bought, agrees in (
        (1_000_000, True),
        (1_001_000, True),
        (998_999, False),
        (1_001_001, False),
        (0, False),
    ):
        assert (differs(lot, Fill(Usdc(1_000), Wei(bought), 0)) is None) is agrees, bought
    assert differs(lot, Fill(Usdc(999), Wei(1_000_000), 0)) is not None


@pytest.mark.parametrize(
    "change", [{"held": Usdc(1)}, {"next_run": 8}, {"keeper": Wallet("0x" + "2" * 40)}, {"mean_tick": 1}]
)
def test_two_nodes_that_differ_about_anything_are_noticed(change: dict[str, object]) -> None:
    one = market()
    assert disagreement(one, market()) is None
    assert next(iter(change)) in (disagreement(one, replace(one, **change)) or "")  # type: ignore[arg-type]


def test_a_stolen_key_costs_what_the_floor_leaves_open_once_in_a_hop() -> None:
    bounds = market().bounds
    assert runs_within(86_400, bounds) == 7
    assert worst_loss(bounds, 1) == 200 * DOLLAR
    assert worst_loss(bounds, runs_within(86_400, bounds)) == 1_400 * DOLLAR
    assert bounds.hop > DEADLINE_SECONDS
