from functools import partial

import pytest
from sqlalchemy.orm import Session, sessionmaker

from entitlement.core.epochs import ends_at, epoch_at
from entitlement.core.errors import NodeUnavailable
from entitlement.core.events import (
    AllowanceChanged,
    DiemExitRequested,
    DiemStaked,
    VvvExitRequested,
    VvvStaked,
)
from entitlement.core.holds import HoldState
from entitlement.core.positions import Position, Slot, Ticket
from entitlement.core.units import NanoUsd, Wei
from entitlement.flows.expire_credit import ExpireCredit
from entitlement.flows.read_account import ReadAccount
from entitlement.flows.shift_clock import ShiftClock
from entitlement.flows.spend_credit import SpendCredit
from entitlement.store.tables import AccountRow
from tests.support import DIEM, NOON, USD, ScriptedChain, assert_books_close, follower, holder, wallet_number

Sessions = sessionmaker[Session]
ALICE = wallet_number(1)
TODAY = epoch_at(NOON)
stakes = partial(DiemStaked, wallet=ALICE, amount=Wei(4 * DIEM))
says = partial(AllowanceChanged, wallet=ALICE, epoch=TODAY, current=Wei(4 * DIEM), next=Wei(4 * DIEM))


def test_an_account_shows_what_is_final_what_is_pending_and_what_both_give(sessions: Sessions) -> None:
    chain = ScriptedChain(finality_depth=1)
    chain.mine(stakes, says)
    leaves = partial(DiemExitRequested, wallet=ALICE, ticket=1, amount=Wei(3 * DIEM), claimable_at=NOON)
    then = partial(AllowanceChanged, wallet=ALICE, epoch=TODAY, current=Wei(4 * DIEM), next=Wei(DIEM))
    cools = partial(VvvExitRequested, wallet=ALICE, ticket=1, amount=Wei(5), claimable_at=9)
    chain.mine(partial(VvvStaked, wallet=ALICE, amount=Wei(5)), leaves, then, cools)
    follower(chain, sessions).step()
    view = ReadAccount(sessions).account(ALICE)
    slot = Slot(TODAY, Wei(4 * DIEM), Wei(4 * DIEM))
    assert view.final == Position(ALICE, diem_staked=Wei(4 * DIEM), slot=slot)
    assert view.latest == Position(
        ALICE,
        vvv_cooling=Wei(5),
        diem_staked=Wei(DIEM),
        diem_cooling=Wei(3 * DIEM),
        slot=Slot(TODAY, Wei(4 * DIEM), Wei(DIEM)),
    )
    assert view.tickets == [Ticket("diem", 1, Wei(3 * DIEM), NOON), Ticket("vvv", 1, Wei(5), 9)]
    assert (view.final_block, view.latest_block) == (1, 2)
    assert (view.allowance_now, view.allowance_next) == (4 * USD, USD)
    assert (view.balance.available, view.balance.granted) == (4 * USD, 4 * USD)


def test_a_wallet_that_nobody_has_seen_has_an_empty_account(sessions: Sessions) -> None:
    view = ReadAccount(sessions).account(ALICE)
    assert view.final == view.latest == Position(ALICE)
    assert (view.tickets, view.balance.available, view.allowance_next) == ([], 0, 0)


def test_looking_gives_back_what_ran_out(sessions: Sessions, clock: ShiftClock) -> None:
    alice = holder(sessions, diem=100)
    SpendCredit(sessions).hold(alice.gateway_id, alice.request(60))
    assert ReadAccount(sessions).account(alice.wallet).balance.held == 60
    clock.jump_to(NOON + 660)
    balance = ReadAccount(sessions).account(alice.wallet).balance
    assert (balance.available, balance.held) == (100, 0)


def test_health_tells_how_far_following_is_and_what_ails_it(sessions: Sessions, clock: ShiftClock) -> None:
    reads = ReadAccount(sessions)
    assert reads.health() is None
    chain = ScriptedChain(finality_depth=1)
    chain.mine(at=NOON - 30)
    chain.mine(at=NOON - 18)
    following = follower(chain, sessions)
    following.step()
    clock.jump_to(NOON + 600)

    def fail() -> None:
        raise NodeUnavailable(method="head", reason="the line is dead")

    chain.head = fail  # type: ignore[assignment, method-assign]
    with pytest.raises(NodeUnavailable):
        following.step()
    health = reads.health()
    assert health is not None
    assert (health.head_number, health.final_number, health.node_number) == (2, 1, 2)
    assert (health.head_timestamp, health.final_timestamp) == (NOON - 18, NOON - 30)
    assert 540 <= health.seconds_since_step <= 660
    assert 618 <= health.seconds_behind <= 700
    assert "the line is dead" in (health.problem or "")


# --- what the clock ends ---------------------------------------------------------------------------------


def test_the_job_gives_back_what_ran_out_of_every_account_once(sessions: Sessions, clock: ShiftClock) -> None:
    spend, jobs = SpendCredit(sessions), ExpireCredit(sessions)
    people = [holder(sessions, diem=100, number=number) for number in range(1, 4)]
    held = [spend.hold(each.gateway_id, each.request(10, f"r{n}")) for each in people for n in range(2)]
    assert jobs.expire_holds() == 0
    clock.jump_to(NOON + 660)
    assert jobs.expire_holds() == 6
    assert jobs.expire_holds() == 0
    states = [spend.read(answer.hold.gateway_id, answer.hold.id).hold.state for answer in held]
    assert set(states) == {HoldState.EXPIRED}
    assert_books_close(sessions)


def test_the_job_ends_the_credit_of_a_day_that_is_over_once_and_leaves_prepaid_credit(
    sessions: Sessions, clock: ShiftClock
) -> None:
    alice = holder(sessions, diem=100, prepaid=50)
    jobs = ExpireCredit(sessions)
    assert jobs.expire_buckets() == 0
    clock.jump_to(ends_at(TODAY))
    assert jobs.expire_buckets() == 1
    assert jobs.expire_buckets() == 0
    balance = ReadAccount(sessions).account(alice.wallet).balance
    assert (balance.available, balance.usd, balance.diem) == (50, 50, 0)
    assert_books_close(sessions)


def test_what_is_held_over_midnight_is_not_ended_by_the_job(sessions: Sessions, clock: ShiftClock) -> None:
    alice = holder(sessions, diem=100)
    clock.jump_to(ends_at(TODAY) - 60)
    spend = SpendCredit(sessions)
    held = spend.hold(alice.gateway_id, alice.request(70))
    clock.jump_to(ends_at(TODAY) + 60)
    assert ExpireCredit(sessions).expire_buckets() == 1
    assert spend.capture(alice.gateway_id, held.hold.id, NanoUsd(70), None).hold.captured == 70
    assert ExpireCredit(sessions).expire_buckets() == 0
    assert_books_close(sessions)


def test_an_account_is_opened_once(sessions: Sessions) -> None:
    for _ in range(2):
        ReadAccount(sessions).account(ALICE)
    with sessions.begin() as session:
        assert [row.wallet for row in session.query(AccountRow)] == [ALICE]
