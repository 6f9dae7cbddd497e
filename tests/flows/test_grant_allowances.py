from functools import partial

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from sqlalchemy import delete, func, select, text
from sqlalchemy.orm import Session, sessionmaker

from entitlement.core.allowance import BLIND_SECONDS_MAX, credit_of
from entitlement.core.epochs import SECONDS_PER_EPOCH, Epoch, epoch_at, starts_at
from entitlement.core.errors import InsufficientCredit
from entitlement.core.events import AllowanceChanged
from entitlement.core.ledger import Source
from entitlement.core.units import NanoUsd, Wallet, Wei
from entitlement.flows import grant_allowances
from entitlement.flows.follow_chain import FollowChain
from entitlement.flows.grant_allowances import GrantAllowances
from entitlement.flows.manage_keys import ManageKeys
from entitlement.flows.read_account import ReadAccount
from entitlement.flows.shift_clock import ShiftClock
from entitlement.flows.spend_credit import SpendCredit
from entitlement.store.tables import AccountRow, BlockRow, BucketRow, ChainState, EventRow, PositionRow
from tests.simulation.living_chain import PEOPLE, Act, LivingChain, person
from tests.support import (
    DIEM,
    GENESIS_TIME,
    NOON,
    USD,
    ScriptedChain,
    Unplaced,
    assert_books_close,
    catch_up,
    follower,
    holder,
    wallet_number,
)

Sessions = sessionmaker[Session]
ALICE, BOB = wallet_number(1), wallet_number(2)
TODAY = epoch_at(NOON)
MIDNIGHT = starts_at(Epoch(TODAY + 1))


def says(wallet: Wallet, day: int, current: int, following: int) -> Unplaced:
    """The contract states a right in whole DIEM; `day` is counted from today."""
    return partial(
        AllowanceChanged,
        wallet=wallet,
        epoch=Epoch(TODAY + day),
        current=Wei(current * DIEM),
        next=Wei(following * DIEM),
    )


def granted(sessions: Sessions, wallet: Wallet, epoch: int = TODAY) -> int:
    query = (
        select(func.coalesce(func.sum(BucketRow.granted), 0))
        .join(AccountRow, AccountRow.id == BucketRow.account_id)
        .where(AccountRow.wallet == wallet, BucketRow.source == Source.DIEM, BucketRow.epoch == epoch)
    )
    with sessions.begin() as session:
        return int(session.scalars(query).one())


@pytest.fixture
def chain() -> ScriptedChain:
    return ScriptedChain()


@pytest.fixture
def following(chain: ScriptedChain, sessions: Sessions) -> FollowChain:
    return follower(chain, sessions)


# --- who asks --------------------------------------------------------------------------------------------


@pytest.mark.parametrize("touch", ["hold", "introspect", "account", "sweep"])
def test_whoever_touches_an_account_first_grants_its_day(
    sessions: Sessions, chain: ScriptedChain, following: FollowChain, touch: str
) -> None:
    alice = holder(sessions)
    chain.mine(says(ALICE, 0, 4, 4))
    following.step()
    for again in range(2):
        match touch:
            case "hold":
                SpendCredit(sessions).hold(alice.gateway_id, alice.request(1, f"r{again}"))
            case "introspect":
                ManageKeys(sessions).introspect(alice.secret)
            case "account":
                ReadAccount(sessions).account(ALICE)
            case _:
                assert GrantAllowances(sessions).sweep() == 1 - again
        assert granted(sessions, ALICE) == 4 * USD
    assert_books_close(sessions)


def test_the_sweep_grants_to_every_wallet_with_a_right_and_opens_their_accounts(
    sessions: Sessions, chain: ScriptedChain, following: FollowChain, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(grant_allowances, "WALLETS_PER_PAGE", 4)
    monkeypatch.setattr(grant_allowances, "ACCOUNTS_PER_SWEEP_STEP", 3)
    wallets = [wallet_number(number) for number in range(1, 10)]
    chain.mine(*(says(wallet, 0, 1, 0) for wallet in wallets[:-2]))
    chain.mine(says(wallets[-2], -1, 0, 1), says(wallets[-1], -1, 5, 0))
    following.step()
    assert GrantAllowances(sessions).sweep() == len(wallets) - 1
    assert granted(sessions, wallets[-2]) == USD
    assert granted(sessions, wallets[-1]) == 0, "its right ended yesterday"
    assert GrantAllowances(sessions).sweep() == 0


def test_without_a_followed_chain_nothing_is_granted(sessions: Sessions) -> None:
    assert GrantAllowances(sessions).sweep() == 0
    assert ReadAccount(sessions).account(ALICE).allowance_now == 0


# --- up to -----------------------------------------------------------------------------------------------


def test_one_process_grants_each_block_what_it_gives_and_what_was_mended_within_a_minute(
    sessions: Sessions, chain: ScriptedChain, following: FollowChain, clock: ShiftClock
) -> None:
    alice, spend = holder(sessions), SpendCredit(sessions)
    for number, current in enumerate((4, 7)):
        chain.mine(says(ALICE, 0, current, current))
        following.step()
        spend.hold(alice.gateway_id, alice.request(1, f"r{number}"))
        assert granted(sessions, ALICE) == current * USD
    with sessions.begin() as session:
        session.execute(text("UPDATE positions SET slot_current = :wei"), {"wei": 9 * DIEM})
    clock.jump_to(clock.now() + 60)
    spend.hold(alice.gateway_id, alice.request(1, "mended"))
    assert granted(sessions, ALICE) == 9 * USD


def test_a_grant_rises_during_the_day_and_never_falls(
    sessions: Sessions, chain: ScriptedChain, following: FollowChain
) -> None:
    for current, expected in ((4, 4), (7, 7), (2, 7), (7, 7), (9, 9), (0, 9)):
        chain.mine(says(ALICE, 0, current, current))
        following.step()
        GrantAllowances(sessions).sweep()
        assert granted(sessions, ALICE) == expected * USD
    assert_books_close(sessions)


def test_what_was_spent_is_not_granted_again(
    sessions: Sessions, chain: ScriptedChain, following: FollowChain
) -> None:
    alice = holder(sessions)
    chain.mine(says(ALICE, 0, 4, 4))
    following.step()
    spend = SpendCredit(sessions)
    held = spend.hold(alice.gateway_id, alice.request(4 * USD))
    spend.capture(alice.gateway_id, held.hold.id, NanoUsd(4 * USD), None)
    with pytest.raises(InsufficientCredit):
        spend.hold(alice.gateway_id, alice.request(1, "r2"))
    chain.mine(says(ALICE, 0, 5, 5))
    following.step()
    assert spend.hold(alice.gateway_id, alice.request(USD, "r3")).hold.is_final


def test_every_day_has_its_own_grant(
    sessions: Sessions, chain: ScriptedChain, following: FollowChain, clock: ShiftClock
) -> None:
    chain.mine(says(ALICE, 0, 4, 6))
    following.step()
    GrantAllowances(sessions).sweep()
    for day in (1, 2):
        chain.mine(at=MIDNIGHT + (day - 1) * SECONDS_PER_EPOCH)
        following.step()
        clock.jump_to(NOON + day * SECONDS_PER_EPOCH)
        GrantAllowances(sessions).sweep()
    assert [granted(sessions, ALICE, TODAY + day) for day in range(3)] == [4 * USD, 6 * USD, 6 * USD]


# --- finality and midnight -------------------------------------------------------------------------------


def test_stake_counts_when_it_is_final(sessions: Sessions) -> None:
    chain = ScriptedChain(finality_depth=2)
    following = follower(chain, sessions)
    chain.mine(says(ALICE, 0, 4, 4))
    for expected in (0, 0, 4):
        following.step()
        GrantAllowances(sessions).sweep()
        assert granted(sessions, ALICE) == expected * USD
        chain.mine()


def test_until_finality_has_passed_midnight_the_smaller_state_counts_and_then_the_final_one(
    sessions: Sessions, clock: ShiftClock
) -> None:
    chain = ScriptedChain(finality_depth=2)
    following = follower(chain, sessions)
    chain.mine(says(ALICE, 0, 9, 9), says(BOB, 0, 4, 4), at=NOON)
    for _ in range(3):
        chain.mine()
    chain.mine(says(ALICE, 0, 9, 0), says(BOB, 0, 4, 13), at=MIDNIGHT - 1)  # a delegation in the last second
    chain.mine(at=MIDNIGHT + 11)
    following.step()
    clock.jump_to(MIDNIGHT + 12)
    expected = []
    for _ in range(4):
        GrantAllowances(sessions).sweep()
        expected.append(tuple(granted(sessions, wallet, TODAY + 1) // USD for wallet in (ALICE, BOB)))
        chain.mine()
        following.step()
    assert expected == [(0, 4), (0, 13), (0, 13), (0, 13)]


def test_who_leaves_in_the_last_second_is_not_paid_for_the_next_day(
    sessions: Sessions, clock: ShiftClock
) -> None:
    chain = ScriptedChain(finality_depth=5)
    following = follower(chain, sessions)
    chain.mine(says(ALICE, 0, 9, 9), at=NOON)
    for _ in range(6):
        chain.mine()
    chain.mine(says(ALICE, 0, 9, 0), at=MIDNIGHT - 1)
    following.step()
    clock.jump_to(MIDNIGHT)
    for _ in range(8):
        GrantAllowances(sessions).sweep()
        assert granted(sessions, ALICE, TODAY + 1) == 0
        chain.mine()
        following.step()


@pytest.mark.parametrize(("blind", "dollars"), [(BLIND_SECONDS_MAX, 4), (BLIND_SECONDS_MAX + 1, 0)])
def test_when_following_stopped_long_before_midnight_nothing_is_granted_until_it_goes_on(
    sessions: Sessions,
    chain: ScriptedChain,
    following: FollowChain,
    clock: ShiftClock,
    blind: int,
    dollars: int,
) -> None:
    chain.mine(says(ALICE, 0, 4, 4), at=MIDNIGHT - blind)
    following.step()
    clock.jump_to(MIDNIGHT + 60)
    GrantAllowances(sessions).sweep()
    assert granted(sessions, ALICE, TODAY + 1) == dollars * USD
    chain.mine(says(ALICE, 0, 4, 1), at=MIDNIGHT - 1)  # what had not been seen
    chain.mine(at=MIDNIGHT + 1)
    following.step()
    GrantAllowances(sessions).sweep()
    assert granted(sessions, ALICE, TODAY + 1) == (dollars or 1) * USD


# --- never more than is staked ---------------------------------------------------------------------------

small = st.integers(min_value=0, max_value=40)
stakers = st.builds(
    Act, kind=st.sampled_from([5, 5, 6, 6, 7, 8, 9, 9, 10]), who=small, whom=small, number=small
)
blocks = st.tuples(st.lists(stakers, max_size=3), st.sampled_from([600, 3_600, 20_000, 40_000]))


@settings(max_examples=15, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(st.lists(blocks, min_size=8, max_size=20), st.integers(min_value=0, max_value=3))
def test_no_day_grants_more_than_the_diem_that_is_staked(
    sessions: Sessions, history: list[tuple[list[Act], int]], finality_depth: int
) -> None:
    with sessions.begin() as session:
        for table in (ChainState, BlockRow, EventRow, PositionRow):
            session.execute(delete(table))
    # Buckets cannot be emptied: the days of each example follow those of the one before.
    clock = ShiftClock(sessions, network="tests", is_devnet=True)
    first_day = starts_at(Epoch(epoch_at(clock.now()) + 2))
    chain = LivingChain(finality_depth=finality_depth)
    chain.live(seconds=first_day - GENESIS_TIME)
    following = follower(chain, sessions)
    for acts, seconds in history:
        before = chain.headers_[-1].timestamp
        chain.live(*acts, seconds=seconds)
        now = before + seconds
        catch_up(following)
        clock.jump_to(now)
        GrantAllowances(sessions).sweep()
        for day, total in granted_by_day(sessions, first=epoch_at(first_day)).items():
            assert total * 10**9 <= diem_inside(chain, day)
    for _ in range(finality_depth):
        chain.live(seconds=1)
    catch_up(following)
    GrantAllowances(sessions).sweep()
    today = epoch_at(chain.headers_[-1].timestamp)
    for number in range(PEOPLE):
        assert granted(sessions, person(number), today) == credit_of(Wei(chain.state().right(person(number))))
    assert_books_close(sessions)


def granted_by_day(sessions: Sessions, *, first: int) -> dict[int, int]:
    query = (
        select(BucketRow.epoch, func.sum(BucketRow.granted))
        .where(BucketRow.source == Source.DIEM, BucketRow.epoch >= first)
        .group_by(BucketRow.epoch)
    )
    with sessions.begin() as session:
        return {row[0]: int(row[1]) for row in session.execute(query)}


def diem_inside(chain: LivingChain, day: int) -> int:
    """The DIEM wei in the contract after the last block of a day: what left before gave it no right."""
    last = max(header.number for header in chain.headers_ if epoch_at(header.timestamp) <= day)
    return chain.state(last).diem_inside
