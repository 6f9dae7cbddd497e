"""A flow that dies between any two steps and is run again comes to the same end; nothing happens twice."""

from collections.abc import Callable
from functools import partial

import pytest
from sqlalchemy import delete, func, select
from sqlalchemy.orm import Session, sessionmaker

from entitlement.core.epochs import Epoch, ends_at, epoch_at
from entitlement.core.errors import InsufficientCredit
from entitlement.core.events import AllowanceChanged, Delegated, DiemStaked
from entitlement.core.holds import HoldState
from entitlement.core.units import NanoUsd, Wei
from entitlement.flows.expire_credit import ExpireCredit
from entitlement.flows.grant_allowances import GrantAllowances
from entitlement.flows.shift_clock import ShiftClock
from entitlement.flows.spend_credit import HoldAnswer, SpendCredit
from entitlement.store.tables import BlockRow, BucketRow, ChainState, EventRow, HoldRow, PositionRow
from tests.crashes import Deaths, at_every_point
from tests.support import (
    DIEM,
    NOON,
    USD,
    Holder,
    ScriptedChain,
    assert_books_close,
    assert_follows,
    catch_up,
    follower,
    holder,
    wallet_number,
)

Sessions = sessionmaker[Session]
Work = Callable[[], object]
TODAY = epoch_at(NOON)
ENOUGH = 30
"""Holds to die at: more than a flow has points."""
in_both_ways = pytest.mark.parametrize("by_the_server", [False, True], ids=["it stops", "it is cut off"])


@pytest.fixture
def spend(sessions: Sessions) -> SpendCredit:
    return SpendCredit(sessions)


def rows_of(sessions: Sessions, alice: Holder) -> int:
    query = select(func.count()).select_from(HoldRow).where(HoldRow.account_id == alice.account_id)
    with sessions.begin() as session:
        return session.scalars(query).one()


def many_holds(sessions: Sessions, alice: Holder, amount: int) -> list[HoldAnswer]:
    spend = SpendCredit(sessions)
    return [spend.hold(alice.gateway_id, alice.request(amount, f"r{number}")) for number in range(ENOUGH)]


# --- spending --------------------------------------------------------------------------------------------


@in_both_ways
def test_a_hold(sessions: Sessions, spend: SpendCredit, *, by_the_server: bool) -> None:
    made: dict[int, Holder] = {}

    def prepare(point: int) -> Work:
        alice = made[point] = holder(sessions, diem=100, number=point)
        return partial(spend.hold, alice.gateway_id, alice.request(100))

    for point in at_every_point(Deaths(sessions, by_the_server), prepare):
        alice = made[point]
        answer = spend.hold(alice.gateway_id, alice.request(100))
        assert (answer.hold.state, answer.balance.held, answer.balance.available) == (HoldState.OPEN, 100, 0)
        assert rows_of(sessions, alice) == 1
    assert len(made) > 10
    assert_books_close(sessions)


def test_a_refusal(sessions: Sessions, spend: SpendCredit) -> None:
    made: dict[int, Holder] = {}

    def ask(alice: Holder) -> None:
        with pytest.raises(InsufficientCredit):
            spend.hold(alice.gateway_id, alice.request(100))

    def prepare(point: int) -> Work:
        made[point] = holder(sessions, diem=10, number=point)
        return partial(ask, made[point])

    for point in at_every_point(Deaths(sessions, by_the_server=False), prepare):
        ask(made[point])
        assert rows_of(sessions, made[point]) == 1
    assert len(made) > 5
    assert_books_close(sessions)


@in_both_ways
@pytest.mark.parametrize(
    ("cost", "captured", "shortfall"), [(40, 40, 0), (130, 80, 50)], ids=["less than the hold", "an overrun"]
)
def test_a_capture(
    sessions: Sessions, spend: SpendCredit, *, by_the_server: bool, cost: int, captured: int, shortfall: int
) -> None:
    alice = holder(sessions, diem=80 * ENOUGH)
    held = many_holds(sessions, alice, 80)

    def prepare(point: int) -> Work:
        return partial(spend.capture, alice.gateway_id, held[point].hold.id, NanoUsd(cost), None)

    for point in at_every_point(Deaths(sessions, by_the_server), prepare):
        answer = spend.capture(alice.gateway_id, held[point].hold.id, NanoUsd(cost), None)
        assert (answer.hold.captured, answer.hold.shortfall) == (captured, shortfall)
        assert (answer.balance.spent, answer.balance.held) == (captured * point, 80 * (ENOUGH - point))
    assert_books_close(sessions)


def test_a_late_capture(sessions: Sessions, spend: SpendCredit, clock: ShiftClock) -> None:
    alice = holder(sessions, diem=100 * ENOUGH)
    held = many_holds(sessions, alice, 100)
    clock.jump_to(NOON + 660)
    ExpireCredit(sessions).expire_holds()

    def prepare(point: int) -> Work:
        return partial(spend.capture, alice.gateway_id, held[point].hold.id, NanoUsd(70), None)

    for point in at_every_point(Deaths(sessions, by_the_server=False), prepare):
        answer = spend.capture(alice.gateway_id, held[point].hold.id, NanoUsd(70), None)
        assert (answer.hold.state, answer.hold.captured) == (HoldState.EXPIRED, 70)
        assert answer.balance.spent == 70 * point
    assert_books_close(sessions)


def test_a_release(sessions: Sessions, spend: SpendCredit) -> None:
    alice = holder(sessions, diem=10 * ENOUGH)
    held = many_holds(sessions, alice, 10)

    def prepare(point: int) -> Work:
        return partial(spend.release, alice.gateway_id, held[point].hold.id)

    for point in at_every_point(Deaths(sessions, by_the_server=False), prepare):
        answer = spend.release(alice.gateway_id, held[point].hold.id)
        assert (answer.hold.state, answer.balance.available) == (HoldState.RELEASED, 10 * point)
    assert_books_close(sessions)


# --- the jobs --------------------------------------------------------------------------------------------


def test_the_jobs_of_the_clock(sessions: Sessions, spend: SpendCredit, clock: ShiftClock) -> None:
    people = [holder(sessions, diem=100, number=number) for number in (1, 2)]
    for alice in people:
        spend.hold(alice.gateway_id, alice.request(80))
    jobs, deaths = ExpireCredit(sessions), Deaths(sessions, by_the_server=True)
    for moment, job in ((NOON + 660, jobs.expire_holds), (ends_at(TODAY), jobs.expire_buckets)):
        clock.jump_to(moment)
        points = [assert_books_close(sessions) for _ in at_every_point(deaths, lambda _, job=job: job)]
        assert len(points) > 10
        assert job() == 0, "what died was done by the next one"
    with sessions.begin() as session:
        ended = session.execute(select(BucketRow.available, BucketRow.held, BucketRow.expired)).all()
    assert [tuple(row) for row in ended] == [(0, 0, 100)] * 2


def test_a_sweep_of_grants(sessions: Sessions) -> None:
    old = wallet_number(1)

    def prepare(point: int) -> Work:
        forget_chain(sessions)
        chain = ScriptedChain()
        stake = Wei(point * DIEM)
        says = partial(AllowanceChanged, wallet=old, epoch=TODAY, current=stake, next=stake)
        chain.mine(says, partial(says, wallet=wallet_number(1 + point)))
        follower(chain, sessions).step()
        return GrantAllowances(sessions).sweep

    for point in at_every_point(Deaths(sessions, by_the_server=False), prepare):
        GrantAllowances(sessions).sweep()
        with sessions.begin() as session:
            granted = session.scalars(select(BucketRow.granted).order_by(BucketRow.granted)).all()
        assert granted == sorted([point * USD, *(number * USD for number in range(1, point + 1))])
    assert_books_close(sessions)


# --- following -------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("depth", "by_the_server"),
    [(None, False), (0, True), (3, False), (6, False), (6, True)],
    ids=["the first step", "going on", "undone", "undone below finality", "undone and cut off"],
)
def test_a_step_of_following(sessions: Sessions, depth: int | None, *, by_the_server: bool) -> None:
    alice, bob = wallet_number(1), wallet_number(2)
    stakes = partial(DiemStaked, wallet=alice, amount=Wei(5))
    gives = partial(Delegated, wallet=alice, receiver=bob, delegation=1, amount=Wei(3), until_epoch=Epoch(9))
    made: dict[int, ScriptedChain] = {}

    def prepare(point: int) -> Work:
        forget_chain(sessions)
        chain = made[point] = ScriptedChain(finality_depth=4)
        for _ in range(5):
            chain.mine(stakes)
            chain.mine(gives)
        if depth is not None:
            follower(chain, sessions).step()
            chain.drop(depth)
            chain.mine(gives)
        chain.mine(stakes)
        return follower(chain, sessions, may_undo_final=True).step

    for point in at_every_point(Deaths(sessions, by_the_server), prepare):
        catch_up(follower(made[point], sessions, may_undo_final=True))
        assert_follows(made[point], sessions)
    assert len(made) > 10


def forget_chain(sessions: Sessions) -> None:
    with sessions.begin() as session:
        for table in (ChainState, BlockRow, EventRow, PositionRow):
            session.execute(delete(table))
