"""Leases: what a gateway spends on its own is never more than was set aside, whatever becomes of it."""

import pytest
from sqlalchemy.orm import Session, sessionmaker

from entitlement.core.epochs import ends_at, epoch_at
from entitlement.core.errors import (
    HoldAlreadyEnded,
    HoldExpired,
    InsufficientCredit,
    InvalidRequest,
    KeyLimitReached,
    KeyRevoked,
    UnknownHold,
)
from entitlement.core.holds import (
    LATE_CAPTURE_SECONDS,
    HoldKind,
    HoldState,
    LeaseReport,
    LeaseRequest,
    Usage,
)
from entitlement.core.keys import NewKey
from entitlement.core.ledger import Source
from entitlement.core.limits import KeyLimits
from entitlement.core.units import NanoUsd
from entitlement.flows.expire_credit import ExpireCredit
from entitlement.flows.manage_keys import ManageKeys
from entitlement.flows.shift_clock import ShiftClock
from entitlement.flows.spend_credit import HoldAnswer, SpendCredit
from tests.support import NOON, Holder, assert_books_close, grant, holder

Sessions = sessionmaker[Session]
TODAY = epoch_at(NOON)


@pytest.fixture
def spend(sessions: Sessions) -> SpendCredit:
    return SpendCredit(sessions)


def report(
    spent: int, amount: int, *, minimum: int | None = None, told: tuple[tuple[int, int], ...] | None = None
) -> LeaseReport:
    requests = None
    if told is not None:
        requests = tuple(
            LeaseRequest(number, f"q{number}", NanoUsd(cost), Usage(model="m")) for number, cost in told
        )
    least = amount if minimum is None else minimum
    return LeaseReport(NanoUsd(spent), NanoUsd(amount), NanoUsd(least), 60, requests)


def opened(spend: SpendCredit, alice: Holder, amount: int, **changes: object) -> HoldAnswer:
    request = alice.request(amount, "lease", kind=HoldKind.LEASE, ttl=60, **changes)
    return spend.hold(alice.gateway_id, request)


def remaining(answer: HoldAnswer) -> int:
    return sum(part.amount for part in answer.hold.parts)


def test_a_lease_is_set_aside_charged_as_it_is_told_and_given_back(
    sessions: Sessions, spend: SpendCredit
) -> None:
    alice = holder(sessions, diem=100)
    lease = opened(spend, alice, 60)
    assert (lease.balance.available, lease.balance.held) == (40, 60)
    renewed = spend.renew(alice.gateway_id, lease.hold.id, report(25, 60))
    assert (remaining(renewed), renewed.hold.captured, renewed.balance.available) == (60, 25, 15)
    again = spend.renew(alice.gateway_id, lease.hold.id, report(25, 60))
    assert (remaining(again), again.hold.captured, again.balance.available) == (60, 25, 15)
    lowered = spend.renew(alice.gateway_id, lease.hold.id, report(30, 10))
    assert (remaining(lowered), lowered.balance.available) == (10, 60)
    returned = spend.renew(alice.gateway_id, lease.hold.id, report(33, 0))
    assert (returned.hold.state, returned.hold.captured) == (HoldState.CAPTURED, 33)
    assert (returned.balance.available, returned.balance.held) == (67, 0)
    assert spend.renew(alice.gateway_id, lease.hold.id, report(33, 0)).balance == returned.balance
    with pytest.raises(HoldAlreadyEnded):
        spend.renew(alice.gateway_id, lease.hold.id, report(34, 0))
    assert_books_close(sessions)


def test_a_report_that_comes_late_out_of_its_order_changes_nothing_back(
    sessions: Sessions, spend: SpendCredit
) -> None:
    alice = holder(sessions, diem=100)
    lease = opened(spend, alice, 50)
    spend.renew(alice.gateway_id, lease.hold.id, report(20, 50))
    older = spend.renew(alice.gateway_id, lease.hold.id, report(5, 50))
    assert older.hold.captured == 20
    assert_books_close(sessions)


def test_a_report_that_comes_late_leaves_the_lease_as_large_and_as_long_as_it_is(
    sessions: Sessions, spend: SpendCredit, clock: ShiftClock
) -> None:
    alice = holder(sessions, diem=100)
    lease = opened(spend, alice, 50)
    newer = spend.renew(alice.gateway_id, lease.hold.id, report(20, 50))
    clock.jump_to(NOON + 20)
    for amount in (10, 80, 0):
        older = spend.renew(alice.gateway_id, lease.hold.id, report(5, amount))
        assert (older.hold, older.balance) == (newer.hold, newer.balance)
    assert_books_close(sessions)


def test_a_lease_is_the_last_credit_only_while_there_is_no_more(
    sessions: Sessions, spend: SpendCredit
) -> None:
    alice = holder(sessions, diem=50)
    lease = opened(spend, alice, 50, minimum=NanoUsd(1))
    assert lease.hold.is_final
    assert spend.renew(alice.gateway_id, lease.hold.id, report(0, 50)).hold.is_final
    assert not spend.renew(alice.gateway_id, lease.hold.id, report(0, 20)).hold.is_final
    assert spend.renew(alice.gateway_id, lease.hold.id, report(0, 50)).hold.is_final
    grant(sessions, alice.account_id, Source.PREPAID, 1_000)
    assert not spend.renew(alice.gateway_id, lease.hold.id, report(0, 50)).hold.is_final
    assert_books_close(sessions)


def test_a_renewal_that_gets_no_more_still_charges_what_was_spent(
    sessions: Sessions, spend: SpendCredit
) -> None:
    alice = holder(sessions, diem=50)
    lease = opened(spend, alice, 50)
    refused = spend.renew(alice.gateway_id, lease.hold.id, report(48, 40))
    assert isinstance(refused.refusal, InsufficientCredit)
    assert (refused.hold.captured, remaining(refused)) == (48, 2)
    assert spend.read(alice.gateway_id, lease.hold.id).hold.captured == 48
    partly = spend.renew(alice.gateway_id, lease.hold.id, report(48, 40, minimum=1))
    assert partly.refusal is None
    assert (remaining(partly), partly.hold.is_final) == (2, True)


def test_what_is_spent_beyond_a_lease_is_taken_from_what_there_is_and_the_rest_is_the_operators(
    sessions: Sessions, spend: SpendCredit
) -> None:
    alice = holder(sessions, diem=50)
    lease = opened(spend, alice, 20)
    over = spend.renew(alice.gateway_id, lease.hold.id, report(70, 0))
    assert (over.hold.captured, over.hold.shortfall, over.balance.available) == (50, 20, 0)
    assert_books_close(sessions)


def test_a_key_that_is_revoked_gets_no_more_and_pays_what_it_spent(
    sessions: Sessions, spend: SpendCredit
) -> None:
    alice = holder(sessions, diem=100)
    lease = opened(spend, alice, 50)
    ManageKeys(sessions).revoke(alice.account_id, alice.key_id)
    ended = spend.renew(alice.gateway_id, lease.hold.id, report(10, 50))
    assert isinstance(ended.refusal, KeyRevoked)
    assert (ended.hold.state, ended.hold.captured, ended.balance.held) == (HoldState.EXPIRED, 10, 0)
    assert ended.balance.available == 90
    late = spend.renew(alice.gateway_id, lease.hold.id, report(17, 50))
    assert (late.hold.state, late.hold.captured, late.balance.available) == (HoldState.EXPIRED, 17, 83)
    assert_books_close(sessions)


def test_a_leases_credit_counts_towards_the_keys_limit_until_it_is_given_back(
    sessions: Sessions, spend: SpendCredit
) -> None:
    alice = holder(sessions, diem=100, wish=NewKey("limited", limits=KeyLimits(diem=NanoUsd(30))))
    lease = opened(spend, alice, 25)
    with pytest.raises(KeyLimitReached):
        spend.hold(alice.gateway_id, alice.request(6, "other"))
    more = spend.renew(alice.gateway_id, lease.hold.id, report(10, 25))
    assert isinstance(more.refusal, KeyLimitReached)
    spend.renew(alice.gateway_id, lease.hold.id, report(10, 0))
    assert spend.hold(alice.gateway_id, alice.request(20, "another")).hold.amount == 20
    assert_books_close(sessions)


def test_a_lease_ends_with_its_day_and_what_it_spent_is_charged_to_that_day(
    sessions: Sessions, spend: SpendCredit, clock: ShiftClock
) -> None:
    alice = holder(sessions, diem=100)
    clock.jump_to(ends_at(TODAY) - 20)
    lease = opened(spend, alice, 50)
    assert lease.hold.expires_at == ends_at(TODAY)
    renewed = spend.renew(alice.gateway_id, lease.hold.id, report(1, 50))
    assert renewed.hold.expires_at == ends_at(TODAY)
    clock.jump_to(ends_at(TODAY) + 5)
    late = spend.renew(alice.gateway_id, lease.hold.id, report(11, 50))
    assert late.hold.state is HoldState.EXPIRED
    # The day's credit is over, so that nothing but the operator is left to pay.
    assert (late.hold.captured, late.hold.shortfall) == (1, 10)
    assert_books_close(sessions)


def test_a_crashed_gateways_lease_comes_back_less_what_it_had_told(
    sessions: Sessions, spend: SpendCredit, clock: ShiftClock
) -> None:
    alice = holder(sessions, diem=100)
    lease = opened(spend, alice, 50)
    spend.renew(alice.gateway_id, lease.hold.id, report(20, 50))
    clock.jump_to(clock.now() + 60)
    assert ExpireCredit(sessions).expire_holds() == 1
    assert spend.read(alice.gateway_id, lease.hold.id).balance.available == 80
    late = spend.renew(alice.gateway_id, lease.hold.id, report(30, 50))
    assert (late.hold.state, late.hold.captured, late.balance.available) == (HoldState.EXPIRED, 30, 70)
    assert remaining(late) == 50, "what it had, which nobody holds any more"
    assert late.balance.held == 0
    clock.jump_to(clock.now() + LATE_CAPTURE_SECONDS)
    with pytest.raises(HoldExpired):
        spend.renew(alice.gateway_id, lease.hold.id, report(40, 50))
    assert_books_close(sessions)


def test_each_request_of_a_lease_is_told_once_with_its_cost(sessions: Sessions, spend: SpendCredit) -> None:
    alice = holder(sessions, diem=30, prepaid=100)
    lease = opened(spend, alice, 60)
    spend.renew(alice.gateway_id, lease.hold.id, report(25, 60, told=((1, 5), (2, 20))))
    # The answer was lost; what was told comes again beside what is new.
    spend.renew(alice.gateway_id, lease.hold.id, report(45, 60, told=((1, 5), (2, 20), (4, 20))))
    with pytest.raises(InvalidRequest, match="cost 7 nano-USD together, but 5 more was spent"):
        spend.renew(alice.gateway_id, lease.hold.id, report(50, 60, told=((5, 7),)))
    with sessions.begin() as session:
        rows = session.connection().exec_driver_sql(
            "SELECT number, request_id, diem, usd FROM usage ORDER BY number"
        )
        assert [tuple(row) for row in rows] == [(1, "q1", 5, 0), (2, "q2", 20, 0), (4, "q4", 5, 15)]
    assert_books_close(sessions)


def test_a_request_that_cost_nothing_is_told_too_and_once(sessions: Sessions, spend: SpendCredit) -> None:
    alice = holder(sessions, diem=100)
    lease = opened(spend, alice, 50)
    for _ in range(2):
        spend.renew(alice.gateway_id, lease.hold.id, report(0, 50, told=((1, 0), (2, 0))))
    spend.renew(alice.gateway_id, lease.hold.id, report(5, 50, told=((3, 5),)))
    with sessions.begin() as session:
        rows = session.connection().exec_driver_sql("SELECT number, diem FROM usage ORDER BY number")
        assert [tuple(row) for row in rows] == [(1, 0), (2, 0), (3, 5)]
    assert_books_close(sessions)


def test_a_lease_is_neither_captured_nor_extended_nor_anothers(
    sessions: Sessions, spend: SpendCredit
) -> None:
    alice, bob = holder(sessions, diem=100), holder(sessions, diem=100, number=2)
    lease = opened(spend, alice, 50).hold.id
    hold = spend.hold(alice.gateway_id, alice.request(10, "hold")).hold.id
    with pytest.raises(UnknownHold):
        spend.capture(alice.gateway_id, lease, NanoUsd(1), None)
    with pytest.raises(UnknownHold):
        spend.release(alice.gateway_id, lease)
    with pytest.raises(HoldAlreadyEnded):
        spend.extend(alice.gateway_id, lease, amount=NanoUsd(90), minimum=NanoUsd(90))
    with pytest.raises(UnknownHold):
        spend.renew(alice.gateway_id, hold, report(1, 10))
    with pytest.raises(UnknownHold):
        spend.renew(bob.gateway_id, lease, report(1, 10))
