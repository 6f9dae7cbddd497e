from collections.abc import Sequence
from dataclasses import fields

import pytest
from hypothesis import given
from hypothesis import strategies as st

from entitlement.core.epochs import Epoch
from entitlement.core.errors import InvalidAmount, InvalidRequest
from entitlement.core.events import (
    EVENT_KINDS,
    ChainEvent,
    LogPlace,
    VvvExitCancelled,
    VvvExitRequested,
    VvvLocked,
    VvvStaked,
)
from entitlement.core.positions import Position, Slot, apply_event
from entitlement.core.pro_rata import (
    OFF,
    Basis,
    Policy,
    StakeChange,
    rest_of_the_day,
    share,
    stake_change,
    stake_changes,
    staked_vvv,
)
from entitlement.core.units import NANO_USD_MAX, NANO_USD_PER_USD, WEI_PER_TOKEN, NanoUsd, Wallet, Wei
from tests.support import wallet_number

VVV, USD = WEI_PER_TOKEN, NANO_USD_PER_USD
wei = st.one_of(st.integers(0, 20), st.integers(0, 10**27))
capacities = st.one_of(st.integers(0, 20), st.integers(0, NANO_USD_MAX))
policies = st.builds(Policy, capacity=capacities.map(NanoUsd), minimum_stake=wei.map(Wei))
stakes_of_all = st.lists(wei, min_size=1, max_size=20)


def shares(policy: Policy, stakes: Sequence[int]) -> list[int]:
    return [share(policy, Basis(1, Wei(stake), Wei(sum(stakes)))) for stake in stakes]


@pytest.mark.parametrize(
    ("case", "stakes", "expected"),
    [
        ("the only one gets all", [5 * VVV], [100 * USD]),
        ("by stake", [1 * VVV, 3 * VVV], [25 * USD, 75 * USD]),
        ("rounded down to a nano-dollar", [VVV, VVV, VVV], [33_333_333_333] * 3),
        ("below the smallest stake nothing, and nobody gets it instead", [VVV - 1, VVV + 1], [0, 50 * USD]),
        ("nobody has anything", [0, 0], [0, 0]),
        ("one among very many rounds to nothing", [0, 10**29, VVV], [0, 99_999_999_999, 0]),
    ],
)
def test_the_capacity_is_shared_by_stake(case: str, stakes: list[int], expected: list[int]) -> None:
    assert shares(Policy(NanoUsd(100 * USD), Wei(VVV)), stakes) == expected, case


@given(policies, stakes_of_all)
def test_all_shares_together_never_exceed_the_capacity(policy: Policy, stakes: list[int]) -> None:
    assert sum(shares(policy, stakes)) <= policy.capacity


@given(capacities, stakes_of_all)
def test_rounding_loses_less_than_a_nano_dollar_a_wallet(capacity: int, stakes: list[int]) -> None:
    given_out = sum(shares(Policy(NanoUsd(capacity), Wei(0)), stakes))
    assert capacity - given_out < len(stakes) or sum(stakes) == 0


@given(policies, stakes_of_all, st.data())
def test_splitting_a_stake_over_two_wallets_never_earns_more(
    policy: Policy, stakes: list[int], data: st.DataObject
) -> None:
    part = data.draw(st.integers(0, stakes[0]))
    split = shares(policy, [part, stakes[0] - part, *stakes[1:]])
    assert split[0] + split[1] <= shares(policy, stakes)[0]


@given(policies, st.lists(policies, max_size=6), stakes_of_all)
def test_whatever_is_wished_during_a_day_its_grants_stay_within_its_largest_capacity_and_never_fall(
    first: Policy, wishes: list[Policy], stakes: list[int]
) -> None:
    today = first
    granted = shares(today, stakes)
    for wished in wishes:
        today = rest_of_the_day(today, wished)
        now = shares(today, stakes)
        assert all(after >= before for before, after in zip(granted, now, strict=True))
        granted = now
    assert sum(granted) <= today.capacity <= max(each.capacity for each in (first, *wishes))


@pytest.mark.parametrize(
    ("case", "today", "wished", "expected"),
    [
        ("more at once", (100, 5), (200, 5), (200, 5)),
        ("less from tomorrow", (100, 5), (50, 5), (100, 5)),
        ("a smaller minimum at once", (100, 5), (100, 2), (100, 2)),
        ("a larger minimum from tomorrow", (100, 5), (100, 9), (100, 5)),
        ("switched on at once, with its minimum", (0, 0), (70, 9), (70, 9)),
        ("switched off from tomorrow, as it is until then", (70, 9), (0, 0), (70, 9)),
    ],
)
def test_only_what_gives_more_holds_at_once(
    case: str, today: tuple[int, int], wished: tuple[int, int], expected: tuple[int, int]
) -> None:
    def policy(figures: tuple[int, int]) -> Policy:
        return Policy(NanoUsd(figures[0]), Wei(figures[1]))

    assert rest_of_the_day(policy(today), policy(wished)) == policy(expected), case


@pytest.mark.parametrize("capacity", [-1, NANO_USD_MAX + 1])
def test_a_capacity_that_no_answer_could_carry_is_refused(capacity: int) -> None:
    with pytest.raises(InvalidAmount):
        Policy(NanoUsd(capacity), Wei(0)).check()
    Policy(NANO_USD_MAX, Wei(0)).check()


@pytest.mark.parametrize("minimum", [-1, 2**256])
def test_a_minimum_that_is_no_amount_of_tokens_is_refused(minimum: int) -> None:
    with pytest.raises(InvalidRequest):
        Policy(NanoUsd(1), Wei(minimum)).check()
    OFF.check()


@pytest.mark.parametrize("kind", EVENT_KINDS.values(), ids=EVENT_KINDS)
def test_the_change_of_stake_is_the_folds_own_for_every_event_there_is(kind: type[ChainEvent]) -> None:
    wallet = wallet_number(1)
    before = Position(
        wallet, *([Wei(1_000)] * (len(fields(Position)) - 2)), slot=Slot(Epoch(1), Wei(5), Wei(5))
    )
    event = _event(kind, wallet)
    after = apply_event(before, event)
    assert staked_vvv(after) - staked_vvv(before) == stake_change(event)


def _event(kind: type[ChainEvent], wallet: Wallet) -> ChainEvent:
    given_values = {"at": LogPlace(1, 0, "0x", "0x"), "wallet": wallet, "receiver": wallet_number(2)}
    return kind(**{field.name: given_values.get(field.name, 7) for field in fields(kind)})  # type: ignore[arg-type]


def test_the_changes_of_each_block_are_summed_and_blocks_without_any_are_left_out() -> None:
    wallet, other = wallet_number(1), wallet_number(2)

    def at(block: int) -> LogPlace:
        return LogPlace(block, 0, "0x", "0x")

    events = [
        VvvStaked(at(3), wallet, Wei(5)),
        VvvLocked(at(3), wallet, Wei(4)),
        VvvExitRequested(at(3), other, 1, Wei(7), 0),
        VvvStaked(at(5), wallet, Wei(2)),
        VvvExitRequested(at(5), wallet, 2, Wei(2), 0),
        VvvExitCancelled(at(8), other, 1, Wei(7)),
    ]
    assert stake_changes(events) == [StakeChange(3, -2), StakeChange(8, 7)]
