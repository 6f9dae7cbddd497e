from functools import partial

import pytest
from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import strategies as st
from sqlalchemy import delete, func, select
from sqlalchemy.orm import Session, sessionmaker

from entitlement.core.epochs import SECONDS_PER_EPOCH, Epoch, epoch_at, starts_at
from entitlement.core.errors import InvalidAmount
from entitlement.core.events import (
    AllowanceChanged,
    VvvExitCancelled,
    VvvExitRequested,
    VvvLocked,
    VvvStaked,
)
from entitlement.core.ledger import Source
from entitlement.core.pro_rata import OFF, Basis, Policy, share
from entitlement.core.units import NanoUsd, Wallet, Wei
from entitlement.flows import grant_allowances
from entitlement.flows.expire_credit import ExpireCredit
from entitlement.flows.grant_allowances import GrantAllowances
from entitlement.flows.manage_keys import ManageKeys
from entitlement.flows.read_account import ReadAccount
from entitlement.flows.set_pro_rata import SetProRata
from entitlement.flows.shift_clock import ShiftClock
from entitlement.flows.spend_credit import SpendCredit
from entitlement.store import chain as chain_rows
from entitlement.store import grants as grant_rows
from entitlement.store.tables import (
    AccountRow,
    BlockRow,
    BucketRow,
    ChainState,
    EpochStartRow,
    EventRow,
    PositionRow,
    StakeTotalRow,
)
from tests.crashes import Deaths, at_every_point
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
    reach,
    wallet_number,
)

Sessions = sessionmaker[Session]
ALICE, BOB, CAROL = (wallet_number(number) for number in (1, 2, 3))
VVV = DIEM
TODAY = epoch_at(NOON)
TOMORROW = Epoch(TODAY + 1)
MIDNIGHT = starts_at(TOMORROW)
shared_by_policy = pytest.mark.usefixtures("policy")
HUNDRED = Policy(NanoUsd(100 * USD), Wei(VVV))


def stakes(wallet: Wallet, vvv: int) -> Unplaced:
    return partial(VvvStaked, wallet=wallet, amount=Wei(vvv * VVV))


def exits(wallet: Wallet, vvv: int) -> Unplaced:
    return partial(VvvExitRequested, wallet=wallet, ticket=1, amount=Wei(vvv * VVV), claimable_at=9)


def granted(sessions: Sessions, wallet: Wallet, epoch: int = TOMORROW) -> int:
    query = (
        select(func.coalesce(func.sum(BucketRow.granted), 0))
        .join(AccountRow, AccountRow.id == BucketRow.account_id)
        .where(AccountRow.wallet == wallet, BucketRow.source == Source.PRO_RATA, BucketRow.epoch == epoch)
    )
    with sessions.begin() as session:
        return int(session.scalars(query).one())


def granted_in(sessions: Sessions, epoch: int) -> int:
    query = select(func.coalesce(func.sum(BucketRow.granted), 0)).where(
        BucketRow.source == Source.PRO_RATA, BucketRow.epoch == epoch
    )
    with sessions.begin() as session:
        return int(session.scalars(query).one())


def all_starts(sessions: Sessions) -> dict[int, tuple[int, str, int]]:
    with sessions.begin() as session:
        rows = session.scalars(select(EpochStartRow).order_by(EpochStartRow.epoch))
        return {row.epoch: (row.block_number, row.block_hash, row.vvv_staked) for row in rows}


@pytest.fixture
def chain() -> ScriptedChain:
    """Alice has one VVV and Bob three, at noon."""
    chain = ScriptedChain()
    chain.mine(stakes(ALICE, 1), stakes(BOB, 3), at=NOON)
    return chain


@pytest.fixture
def policy(sessions: Sessions) -> SetProRata:
    made = SetProRata(sessions)
    made.set(HUNDRED)
    return made


def pass_midnight(chain: ScriptedChain, sessions: Sessions, clock: ShiftClock) -> None:
    chain.mine(at=MIDNIGHT)
    catch_up(follower(chain, sessions))
    reach(clock, MIDNIGHT + 60)


# --- who gets what ---------------------------------------------------------------------------------------


@shared_by_policy
@pytest.mark.parametrize("touch", ["hold", "introspect", "account", "sweep"])
def test_whoever_touches_an_account_first_grants_its_share(
    sessions: Sessions, chain: ScriptedChain, clock: ShiftClock, touch: str
) -> None:
    alice = holder(sessions)
    pass_midnight(chain, sessions, clock)
    for again in range(2):
        match touch:
            case "hold":
                SpendCredit(sessions).hold(alice.gateway_id, alice.request(1, f"r{again}"))
            case "introspect":
                ManageKeys(sessions).introspect(alice.secret)
            case "account":
                ReadAccount(sessions).account(ALICE)
            case _:
                assert GrantAllowances(sessions).sweep() == 2 - 2 * again
        assert granted(sessions, ALICE) == 25 * USD
    assert granted(sessions, BOB) == (75 * USD if touch == "sweep" else 0)
    assert_books_close(sessions)


@shared_by_policy
@pytest.mark.parametrize(
    ("case", "before", "after", "shares"),
    [
        ("who stakes before midnight counts", [stakes(CAROL, 4)], [], (125, 375, 500)),
        ("who stakes after it does not", [], [stakes(CAROL, 4)], (250, 750, 0)),
        ("who leaves before midnight gets nothing", [exits(BOB, 3)], [], (1000, 0, 0)),
        ("who leaves after it is still paid", [], [exits(BOB, 3)], (250, 750, 0)),
        ("who leaves and comes back after it", [], [exits(BOB, 3), stakes(BOB, 9)], (250, 750, 0)),
        (
            "who leaves before and comes back after it",
            [exits(BOB, 2)],
            [partial(VvvExitCancelled, wallet=BOB, ticket=1, amount=Wei(2 * VVV))],
            (500, 500, 0),
        ),
        ("locked stake counts", [partial(VvvLocked, wallet=BOB, amount=Wei(3 * VVV))], [], (250, 750, 0)),
        (
            "what is locked later counts too",
            [],
            [partial(VvvLocked, wallet=BOB, amount=Wei(3 * VVV))],
            (250, 750, 0),
        ),
    ],
)
def test_the_stake_after_the_last_block_before_midnight_counts(
    sessions: Sessions,
    chain: ScriptedChain,
    clock: ShiftClock,
    case: str,
    before: list[Unplaced],
    after: list[Unplaced],
    shares: tuple[int, ...],
) -> None:
    chain.mine(*before, at=MIDNIGHT - 1)
    chain.mine(*after, at=MIDNIGHT)
    pass_midnight(chain, sessions, clock)
    GrantAllowances(sessions).sweep()
    found = tuple(granted(sessions, wallet) * 10 // USD for wallet in (ALICE, BOB, CAROL))
    assert found == shares, case


@shared_by_policy
def test_who_has_less_than_the_smallest_stake_gets_nothing_and_no_account(
    sessions: Sessions, chain: ScriptedChain, clock: ShiftClock
) -> None:
    chain.mine(partial(VvvStaked, wallet=CAROL, amount=Wei(VVV - 1)))
    pass_midnight(chain, sessions, clock)
    assert GrantAllowances(sessions).sweep() == 2
    with sessions.begin() as session:
        assert set(session.scalars(select(AccountRow.wallet))) == {ALICE, BOB}


def test_off_is_the_default_and_shares_nothing(
    sessions: Sessions, chain: ScriptedChain, clock: ShiftClock
) -> None:
    pass_midnight(chain, sessions, clock)
    assert GrantAllowances(sessions).sweep() == 0
    assert ReadAccount(sessions).account(ALICE).pro_rata is None
    assert SetProRata(sessions).read().next == OFF


# --- what it is worth ------------------------------------------------------------------------------------


@shared_by_policy
def test_it_is_spent_after_diem_and_before_what_was_paid_for_and_gone_with_the_day(
    sessions: Sessions, chain: ScriptedChain, clock: ShiftClock
) -> None:
    alice = holder(sessions, prepaid=USD)
    two = Wei(2 * DIEM)
    chain.mine(partial(AllowanceChanged, wallet=ALICE, epoch=TODAY, current=two, next=two))
    pass_midnight(chain, sessions, clock)
    spend = SpendCredit(sessions)
    held = spend.hold(alice.gateway_id, alice.request(28 * USD))
    assert [(part.source, part.amount // USD) for part in held.parts] == [
        (Source.DIEM, 2),
        (Source.PRO_RATA, 25),
        (Source.PREPAID, 1),
    ]
    spend.capture(alice.gateway_id, held.hold.id, NanoUsd(7 * USD), None)
    view = ReadAccount(sessions).account(ALICE)
    left = view.balance
    assert (left.available, left.diem, left.usd, left.pro_rata) == (21 * USD, 0, 21 * USD, 20 * USD)
    assert (left.granted, left.spent) == (2 * USD, 2 * USD), "of DIEM alone"
    assert view.allowance_now == 2 * USD
    assert view.pro_rata is not None
    assert (view.pro_rata.basis, view.pro_rata.amount) == (Basis(2, Wei(VVV), Wei(4 * VVV)), 25 * USD)
    clock.jump_to(MIDNIGHT + SECONDS_PER_EPOCH)
    assert ReadAccount(sessions).account(ALICE).balance.pro_rata == 0
    assert ExpireCredit(sessions).expire_buckets() == 1
    assert_books_close(sessions)


# --- finality --------------------------------------------------------------------------------------------


@shared_by_policy
def test_before_a_block_of_the_day_is_final_nothing_is_shared(sessions: Sessions, clock: ShiftClock) -> None:
    chain = ScriptedChain(finality_depth=2)
    chain.mine(stakes(ALICE, 1), stakes(BOB, 3), at=NOON)
    chain.mine(at=MIDNIGHT - 12)
    chain.mine(at=MIDNIGHT)
    following = follower(chain, sessions)
    clock.jump_to(MIDNIGHT + 60)
    sweeps, found = GrantAllowances(sessions), []
    for _ in range(4):
        following.step()
        sweeps.sweep()
        found.append(granted(sessions, ALICE) // USD)
        chain.mine()
    assert found == [0, 0, 25, 25]


@shared_by_policy
@pytest.mark.parametrize("depth", [1, 2, 3])
def test_a_reorganisation_over_midnight_leaves_what_the_new_chain_says(
    sessions: Sessions, clock: ShiftClock, depth: int
) -> None:
    chain = ScriptedChain(finality_depth=3)
    chain.mine(stakes(ALICE, 1), stakes(BOB, 3), at=NOON)
    chain.mine(stakes(CAROL, 4), at=MIDNIGHT - 24)
    chain.mine(at=MIDNIGHT - 12)
    chain.mine(at=MIDNIGHT)
    following = follower(chain, sessions)
    following.step()
    clock.jump_to(MIDNIGHT + 60)
    assert GrantAllowances(sessions).sweep() == 0
    chain.drop(depth)
    chain.mine(exits(ALICE, 1), at=MIDNIGHT - 6)
    for _ in range(5):
        chain.mine()
        following.step()
        GrantAllowances(sessions).sweep()
    expected = (0, 100 * USD, 0) if depth == 3 else (0, 3 * 100 * USD // 7, 4 * 100 * USD // 7)
    assert tuple(granted(sessions, wallet) for wallet in (ALICE, BOB, CAROL)) == expected


# --- where epochs began ----------------------------------------------------------------------------------


@pytest.mark.parametrize("blocks_per_step", [1, 2, 100])
def test_whoever_was_down_over_midnights_knows_how_every_day_began(
    sessions: Sessions, chain: ScriptedChain, blocks_per_step: int
) -> None:
    for day in range(1, 4):
        chain.mine(stakes(CAROL, day), at=MIDNIGHT + day * SECONDS_PER_EPOCH - 7)
        chain.mine(at=MIDNIGHT + day * SECONDS_PER_EPOCH)
    chain.mine(exits(CAROL, 6), at=MIDNIGHT + 6 * SECONDS_PER_EPOCH + 5)
    chain.mine(at=MIDNIGHT + 7 * SECONDS_PER_EPOCH)
    catch_up(follower(chain, sessions, blocks_per_step=blocks_per_step))
    blocks = {1: 1, 2: 2, 3: 4, 4: 6, 5: 7, 6: 7, 7: 7, 8: 8}
    totals = {1: 4, 2: 5, 3: 7, 4: 10, 5: 10, 6: 10, 7: 10, 8: 4}
    assert all_starts(sessions) == {
        TODAY + day: (number, chain.headers_[number].hash, totals[day] * VVV)
        for day, number in blocks.items()
    }


@pytest.mark.parametrize("blocks_per_step", [700, 5_000])
@pytest.mark.parametrize("finality_depth", [0, 50])
def test_blocks_that_are_thinned_out_hide_no_midnight(
    sessions: Sessions, blocks_per_step: int, finality_depth: int
) -> None:
    chain = ScriptedChain(finality_depth=finality_depth)
    for day, blocks in enumerate((5, 1_500, 300, 1, 3_000)):
        # Twice as far each time, so that there are days without a block.
        chain.mine(stakes(ALICE, 1), at=GENESIS_TIME + 2**day * SECONDS_PER_EPOCH + 40)
        for _ in range(blocks):
            chain.mine()
    catch_up(follower(chain, sessions, blocks_per_step=blocks_per_step))
    expected: dict[int, tuple[int, str, int]] = {}
    for epoch in range(TODAY + 1, TODAY + 2**4 + 1):
        last = max(header.number for header in chain.headers_ if header.timestamp < starts_at(Epoch(epoch)))
        expected[epoch] = (last, chain.headers_[last].hash, len(chain.all_events(to=last)) * VVV)
    assert all_starts(sessions) == expected


def test_a_database_that_was_followed_before_there_were_starts_knows_the_next_one(
    sessions: Sessions, chain: ScriptedChain
) -> None:
    chain.mine(at=MIDNIGHT)
    catch_up(follower(chain, sessions))
    with sessions.begin() as session:
        for table in (EpochStartRow, StakeTotalRow):
            session.execute(delete(table))
    chain.mine(exits(BOB, 1))
    chain.mine(at=MIDNIGHT + SECONDS_PER_EPOCH)
    catch_up(follower(chain, sessions))
    assert all_starts(sessions) == {TOMORROW + 1: (3, chain.headers_[3].hash, 3 * VVV)}


@pytest.mark.parametrize("by_the_server", [False, True], ids=["it stops", "it is cut off"])
def test_a_step_over_midnight_that_dies_anywhere_comes_to_the_same_start(
    sessions: Sessions, *, by_the_server: bool
) -> None:
    made = ScriptedChain()
    made.mine(stakes(ALICE, 1), stakes(BOB, 3), at=MIDNIGHT - 1)
    made.mine(exits(BOB, 3), at=MIDNIGHT)

    def prepare(_: int) -> object:
        forget_chain(sessions)
        return follower(made, sessions).step

    for _ in at_every_point(Deaths(sessions, by_the_server), prepare):  # type: ignore[arg-type]
        catch_up(follower(made, sessions))
        assert all_starts(sessions) == {TOMORROW: (1, made.headers_[1].hash, 4 * VVV)}


# --- a final block that is undone ------------------------------------------------------------------------


@shared_by_policy
def test_where_the_days_start_was_undone_no_more_is_shared_of_it(
    sessions: Sessions, chain: ScriptedChain, clock: ShiftClock
) -> None:
    chain.mine(at=MIDNIGHT - 5)
    pass_midnight(chain, sessions, clock)
    ReadAccount(sessions).account(ALICE)
    assert granted(sessions, ALICE) == 25 * USD
    chain.drop(2)
    chain.mine(exits(ALICE, 1), at=MIDNIGHT - 4)
    following = follower(chain, sessions, may_undo_final=True)
    assert catch_up(following) == 2
    GrantAllowances(sessions).sweep()
    chain.mine(at=MIDNIGHT + 1)
    chain.mine()
    catch_up(following)
    GrantAllowances(sessions).sweep()
    assert (granted(sessions, ALICE), granted(sessions, BOB)) == (25 * USD, 0), "all would be 100 for Bob"
    start = SetProRata(sessions).read().start
    assert start is not None
    assert (start.block_hash, start.is_disputed) == (chain.headers_[2].hash, True)
    chain.mine(at=MIDNIGHT + SECONDS_PER_EPOCH)
    catch_up(following)
    clock.jump_to(MIDNIGHT + SECONDS_PER_EPOCH)
    GrantAllowances(sessions).sweep()
    assert granted(sessions, BOB, TOMORROW + 1) == 100 * USD, "the next day is sound"


@shared_by_policy
def test_where_only_blocks_of_the_day_itself_were_undone_sharing_goes_on(
    sessions: Sessions, chain: ScriptedChain, clock: ShiftClock
) -> None:
    pass_midnight(chain, sessions, clock)
    ReadAccount(sessions).account(ALICE)
    chain.drop(1)
    chain.mine(exits(BOB, 3), at=MIDNIGHT + 5)
    assert catch_up(follower(chain, sessions, may_undo_final=True)) == 1
    GrantAllowances(sessions).sweep()
    assert (granted(sessions, ALICE), granted(sessions, BOB)) == (25 * USD, 75 * USD)


def test_what_an_undone_block_had_staked_is_in_no_later_start(
    sessions: Sessions, chain: ScriptedChain
) -> None:
    chain.mine(stakes(CAROL, 5))
    catch_up(follower(chain, sessions))
    chain.drop(1)
    chain.mine()
    chain.mine(stakes(CAROL, 2))
    chain.mine(at=MIDNIGHT)
    assert catch_up(follower(chain, sessions, may_undo_final=True)) == 1
    assert all_starts(sessions) == {TOMORROW: (3, chain.headers_[3].hash, 6 * VVV)}


# --- the policy ------------------------------------------------------------------------------------------


def test_a_raise_holds_at_once_and_a_reduction_from_the_next_epoch(
    sessions: Sessions, chain: ScriptedChain, policy: SetProRata, clock: ShiftClock
) -> None:
    pass_midnight(chain, sessions, clock)
    sweeps = GrantAllowances(sessions)
    expected = {100: 25, 200: 50, 40: 50, 300: 75, 0: 75}
    for capacity, alices in expected.items():
        plan = policy.set(Policy(NanoUsd(capacity * USD), Wei(VVV)))
        assert (plan.epoch, plan.next.capacity) == (TOMORROW, capacity * USD)
        sweeps.sweep()
        assert granted(sessions, ALICE) == alices * USD
        assert granted_in(sessions, TOMORROW) == policy.read().granted <= plan.today.capacity
    chain.mine(at=MIDNIGHT + SECONDS_PER_EPOCH)
    catch_up(follower(chain, sessions))
    clock.jump_to(MIDNIGHT + SECONDS_PER_EPOCH)
    assert sweeps.sweep() == 0
    assert policy.read().today.capacity == 0


def test_a_policy_nobody_could_show_is_refused_and_nothing_changes(policy: SetProRata) -> None:
    with pytest.raises(InvalidAmount):
        policy.set(Policy(NanoUsd(2**53), Wei(0)))
    assert policy.read().next == HUNDRED


# --- the sweep -------------------------------------------------------------------------------------------


def test_after_the_first_sweep_of_a_day_only_who_the_chain_spoke_of_is_looked_at(
    sessions: Sessions,
    chain: ScriptedChain,
    policy: SetProRata,
    clock: ShiftClock,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    sweeps = GrantAllowances(sessions)
    pages: list[str] = []
    everybody = grant_rows.wallets_with_position

    def watched(session: Session, *, after: str, limit: int) -> list[Wallet]:
        pages.append(after)
        return everybody(session, after=after, limit=limit)

    monkeypatch.setattr(grant_rows, "wallets_with_position", watched)
    monkeypatch.setattr(grant_allowances, "RECENT_WALLETS_MAX", 2)
    chain.mine(at=MIDNIGHT - 1)
    catch_up(follower(chain, sessions))
    clock.jump_to(MIDNIGHT)
    assert sweeps.sweep() == 0
    pass_midnight(chain, sessions, clock)
    assert (sweeps.sweep(), len(pages)) == (2, 2), "once more, since the day's start is final now"
    two = Wei(2 * DIEM)
    chain.mine(partial(AllowanceChanged, wallet=CAROL, epoch=TOMORROW, current=two, next=two))
    following = follower(chain, sessions)
    following.step()
    assert (sweeps.sweep(), sweeps.sweep(), len(pages)) == (1, 0, 2)
    chain.mine(*(stakes(wallet_number(number), 1) for number in range(10, 13)))
    following.step()
    assert (sweeps.sweep(), len(pages)) == (0, 3), "too many to name: all are looked at"
    policy.set(Policy(NanoUsd(200 * USD), Wei(VVV)))
    assert (sweeps.sweep(), len(pages)) == (2, 4), "a raise is for everybody"


# --- whatever happens ------------------------------------------------------------------------------------

small = st.integers(min_value=0, max_value=40)
acts = st.builds(Act, kind=st.sampled_from([0, 0, 0, 2, 3, 4, 4, 7, 8]), who=small, whom=small, number=small)
blocks = st.tuples(st.lists(acts, max_size=3), st.sampled_from([600, 3_600, 20_000, 40_000, 200_000]))
capacities = st.none() | st.integers(0, 3).map(lambda dollars: dollars * USD)
happenings = st.tuples(blocks, st.integers(0, 3), capacities, st.integers(1, 4), small)


@settings(
    max_examples=15,
    phases=[Phase.generate],
    deadline=None,
    suppress_health_check=[HealthCheck.function_scoped_fixture],
)
@given(st.lists(happenings, min_size=6, max_size=16), st.integers(0, 3), st.booleans())
def test_no_day_shares_more_than_its_capacity_and_every_start_is_what_the_contracts_held(
    sessions: Sessions,
    history: list[tuple[tuple[list[Act], int], int, int | None, int, int]],
    finality_depth: int,
    final_may_go: bool,  # noqa: FBT001 - Hypothesis gives it by place
) -> None:
    forget_chain(sessions)
    # Buckets cannot be emptied: the days of each example follow those of the one before.
    clock = ShiftClock(sessions, network="tests", is_devnet=True)
    first_day = starts_at(Epoch(epoch_at(clock.now()) + 2))
    policy = SetProRata(sessions)
    policy.set(Policy(NanoUsd(USD), Wei(0)))
    clock.jump_to(first_day)
    capacity_of: dict[int, int] = {}
    chain = LivingChain(finality_depth=finality_depth)
    chain.live(seconds=first_day - GENESIS_TIME)
    for (block, seconds), undone, capacity, step, who in history:
        depth = min(undone, len(chain.headers_) - 2, 3 if final_may_go else finality_depth)
        now = chain.headers_[-1].timestamp
        turn(chain, depth)
        chain.live(*block, seconds=seconds)
        clock.jump_to(now + seconds)
        if capacity is not None:
            policy.set(Policy(NanoUsd(capacity), Wei(10 * who * VVV // 10)))
        today = policy.read()
        capacity_of[today.epoch] = max(capacity_of.get(today.epoch, 0), today.today.capacity)
        ReadAccount(sessions).account(person(who))
        catch_up(follower(chain, sessions, blocks_per_step=step, may_undo_final=final_may_go))
        ReadAccount(sessions).account(person(who + 1))
        if who % 2:
            GrantAllowances(sessions).sweep()
        for epoch, most in capacity_of.items():
            assert granted_in(sessions, epoch) <= most
    starts_are_the_contracts_own(sessions, chain)
    GrantAllowances(sessions).sweep()
    if not final_may_go:
        shares_are_of_the_contracts_own(sessions, chain, policy)
    assert_books_close(sessions)


def turn(chain: LivingChain, depth: int) -> None:
    """Blocks are taken back, and as many come in the same time, with nothing in them."""
    times = [header.timestamp for header in chain.headers_[len(chain.headers_) - depth :]]
    chain.drop(depth)
    for timestamp in times:
        chain.live(seconds=timestamp - chain.headers_[-1].timestamp)


def starts_are_the_contracts_own(sessions: Sessions, chain: LivingChain) -> None:
    with sessions.begin() as session:
        followed = chain_rows.followed(session)
    assert followed is not None
    found = all_starts(sessions)
    for epoch in range(epoch_at(GENESIS_TIME) + 1, epoch_at(followed.final.timestamp) + 1):
        boundary = max(header.number for header in chain.headers_ if epoch_at(header.timestamp) < epoch)
        total = sum(stakes_at(chain, boundary))
        assert found[epoch] == (boundary, chain.headers_[boundary].hash, total)


def shares_are_of_the_contracts_own(sessions: Sessions, chain: LivingChain, policy: SetProRata) -> None:
    """Everybody has what the last policy gives, or more by an earlier one of the same day."""
    plan = policy.read()
    final = chain.final_head()
    if epoch_at(final.timestamp) < plan.epoch:
        assert granted_in(sessions, plan.epoch) == 0
        return
    boundary = max(header.number for header in chain.headers_ if epoch_at(header.timestamp) < plan.epoch)
    stakes = stakes_at(chain, boundary)
    for number, stake in enumerate(stakes):
        due = share(plan.today, Basis(boundary, Wei(stake), Wei(sum(stakes))))
        assert granted(sessions, person(number), plan.epoch) == due


def stakes_at(chain: LivingChain, number: int) -> list[int]:
    state = chain.state(number)
    positions = [state.position(person(who)) for who in range(PEOPLE)]
    return [each.vvv_unlocked + each.vvv_locked for each in positions]


def forget_chain(sessions: Sessions) -> None:
    with sessions.begin() as session:
        for table in (ChainState, BlockRow, EventRow, PositionRow, EpochStartRow):
            session.execute(delete(table))
