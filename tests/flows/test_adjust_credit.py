"""What a person grants, takes back or corrects: with a reason, once, and never below nothing."""

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from functools import partial

import pytest
from sqlalchemy import select
from sqlalchemy.orm import Session, sessionmaker

from entitlement.core.adjustments import Wish
from entitlement.core.epochs import ends_at, epoch_at
from entitlement.core.errors import (
    EntitlementError,
    IdempotencyKeyReused,
    InvalidAmount,
    InvalidRequest,
    NotThatMuchToTakeBack,
    UnknownPurchase,
)
from entitlement.core.units import NANO_USD_MAX, NanoUsd, Wallet
from entitlement.flows.adjust_credit import AdjustCredit
from entitlement.flows.grant_purchases import GrantPurchases
from entitlement.flows.shift_clock import ShiftClock
from entitlement.flows.spend_credit import SpendCredit
from entitlement.store.tables import AdjustmentRow, BucketRow
from tests.crashes import Deaths, at_every_point
from tests.flows.test_grant_purchases import pays
from tests.support import (
    NOON,
    USD,
    Holder,
    ScriptedChain,
    assert_books_close,
    follower,
    holder,
    wallet_number,
)

Sessions = sessionmaker[Session]
ALICE = wallet_number(1)


def wish(amount: int, reference: str = "case 1", wallet: Wallet = ALICE, **changes: str) -> Wish:
    plain = Wish(reference, wallet, NanoUsd(amount), reason="they asked nicely", made_by="ada")
    return replace(plain, **changes)


@pytest.fixture
def adjust(sessions: Sessions) -> AdjustCredit:
    return AdjustCredit(sessions)


@pytest.fixture
def paid(sessions: Sessions) -> str:
    """The transaction in which alice bought five dollars of credit, twice."""
    chain = ScriptedChain()
    chain.mine(pays(), pays())
    follower(chain, sessions).step()
    GrantPurchases(sessions).sweep()
    return chain.headers_[-1].hash


def prepaid(sessions: Sessions) -> tuple[int, int, int, int]:
    query = select(BucketRow.granted, BucketRow.available, BucketRow.held, BucketRow.consumed)
    with sessions.begin() as session:
        row = session.execute(query.where(BucketRow.source == "prepaid")).one()
    return (row[0], row[1], row[2], row[3])


def spend(sessions: Sessions, alice: Holder, amount: int, cost: int | None, request_id: str = "r") -> None:
    """Hold `amount`, and capture the cost unless it is None."""
    flow = SpendCredit(sessions)
    hold = flow.hold(alice.gateway_id, alice.request(amount, request_id)).hold
    if cost is not None:
        flow.capture(alice.gateway_id, hold.id, NanoUsd(cost), None)


def test_a_grant_is_prepaid_credit_with_who_and_why(sessions: Sessions, adjust: AdjustCredit) -> None:
    done = adjust.grant(wish(3 * USD))
    assert (done.balance.available, done.balance.usd, done.is_repeated) == (3 * USD, 3 * USD, False)
    with sessions.begin() as session:
        (row,) = session.scalars(select(AdjustmentRow)).all()
    assert (row.kind, row.amount, row.reason, row.made_by) == ("grant", 3 * USD, "they asked nicely", "ada")
    assert_books_close(sessions)


def test_no_grant_and_no_correction_takes_an_account_above_what_an_answer_can_carry(
    sessions: Sessions, adjust: AdjustCredit
) -> None:
    alice = holder(sessions, diem=3 * USD)
    spend(sessions, alice, 2 * USD, None)
    spend(sessions, alice, USD, USD, "r2")
    largest = NANO_USD_MAX - 2 * USD
    with pytest.raises(InvalidRequest, match=f"beside the {2 * USD} that {ALICE} has"):
        adjust.grant(wish(largest + 1))
    done = adjust.grant(wish(largest))
    assert done.balance.available + done.balance.held == NANO_USD_MAX
    assert adjust.grant(wish(largest)).is_repeated
    for more in (adjust.grant, adjust.correct):
        with pytest.raises(InvalidRequest, match="more than the 9007199254740991 an account may hold"):
            more(wish(1, "case 2"))
    assert_books_close(sessions)


def test_the_same_reference_again_is_the_same_adjustment_and_with_other_content_an_error(
    sessions: Sessions, adjust: AdjustCredit
) -> None:
    adjust.grant(wish(USD))
    assert adjust.grant(wish(USD)).is_repeated
    others = [
        partial(adjust.grant, wish(2 * USD)),
        partial(adjust.grant, wish(USD, wallet=wallet_number(2))),
        partial(adjust.grant, wish(USD, reason="another")),
        partial(adjust.correct, wish(USD)),
    ]
    for other in others:
        with pytest.raises(IdempotencyKeyReused):
            other()
    assert prepaid(sessions)[:2] == (USD, USD)


def test_of_one_reference_used_at_once_one_adjustment_is_made(sessions: Sessions) -> None:
    def grant(number: int) -> bool:
        try:
            return AdjustCredit(sessions).grant(wish(USD, wallet=wallet_number(number % 2))).is_repeated
        except IdempotencyKeyReused:
            return True

    with ThreadPoolExecutor(8) as pool:
        assert list(pool.map(grant, range(16))).count(False) == 1
    assert prepaid(sessions)[0] == USD


def test_a_refund_takes_back_what_is_left_of_a_top_up_and_no_more(
    sessions: Sessions, adjust: AdjustCredit, paid: str
) -> None:
    adjust.refund(wish(2 * USD, "a"), paid)
    assert adjust.refund(wish(2 * USD, "a"), paid).is_repeated
    with pytest.raises(NotThatMuchToTakeBack, match="4000000000 nano-USD are wanted, 3000000000 can"):
        adjust.refund(wish(4 * USD, "b"), paid)
    adjust.refund(wish(3 * USD, "b"), paid)
    with pytest.raises(NotThatMuchToTakeBack, match="0 can be taken back"):
        adjust.refund(wish(1, "c"), paid)
    adjust.refund(wish(5 * USD, "c"), paid, number=2)
    assert prepaid(sessions) == (0, 0, 0, 0)
    refunded = [(each.amount, each.refunded) for each in adjust.top_ups(ALICE)]
    assert refunded == [(5 * USD, 5 * USD)] * 2
    assert_books_close(sessions)


def test_what_is_spent_or_held_of_a_top_up_cannot_be_refunded(
    sessions: Sessions, adjust: AdjustCredit, paid: str
) -> None:
    alice = holder(sessions)
    spend(sessions, alice, 4 * USD, 4 * USD, "spent")
    spend(sessions, alice, 3 * USD, None, "held")
    with pytest.raises(NotThatMuchToTakeBack) as refused:
        adjust.refund(wish(4 * USD), paid)
    assert (refused.value.wanted, refused.value.available) == (4 * USD, 3 * USD)
    adjust.refund(wish(3 * USD), paid)
    assert prepaid(sessions) == (7 * USD, 0, 3 * USD, 4 * USD)
    assert_books_close(sessions)


def test_a_top_up_of_somebody_else_or_of_nobody_cannot_be_refunded(adjust: AdjustCredit, paid: str) -> None:
    for wallet, transaction_hash, number in (
        (wallet_number(2), paid, 1),
        (ALICE, "0xfeed", 1),
        (ALICE, paid, 3),
    ):
        with pytest.raises(UnknownPurchase):
            adjust.refund(wish(1, wallet=wallet), transaction_hash, number)


def test_a_correction_gives_back_what_was_charged_last_and_never_more_than_was(
    sessions: Sessions, adjust: AdjustCredit
) -> None:
    alice = holder(sessions, diem=2 * USD, prepaid=3 * USD)
    spend(sessions, alice, 4 * USD, 4 * USD)
    done = adjust.correct(wish(3 * USD))
    assert (done.balance.diem, done.balance.usd) == (USD, 3 * USD)
    assert done.balance.spent == USD
    with pytest.raises(NotThatMuchToTakeBack) as refused:
        adjust.correct(wish(2 * USD, "more"))
    assert refused.value.available == USD
    assert_books_close(sessions)


def test_a_charge_to_credit_that_is_gone_is_not_given_back_to_it(
    sessions: Sessions, adjust: AdjustCredit, clock: ShiftClock
) -> None:
    alice = holder(sessions, diem=2 * USD)
    spend(sessions, alice, USD, USD)
    clock.jump_to(ends_at(epoch_at(NOON)))
    with pytest.raises(NotThatMuchToTakeBack) as refused:
        adjust.correct(wish(USD))
    assert refused.value.available == 0


@pytest.mark.parametrize(
    ("wrong", "expected"),
    [
        (wish(0), InvalidAmount),
        (wish(NANO_USD_MAX + 1), InvalidAmount),
        (wish(1, reason=" "), InvalidRequest),
        (wish(1, reason="x" * 201), InvalidRequest),
        (wish(1, "a\nb"), InvalidRequest),
        (wish(1, "upgrade:1"), InvalidRequest),
        (wish(1, made_by=""), InvalidRequest),
    ],
)
def test_an_adjustment_without_amount_reason_or_name_is_refused(
    adjust: AdjustCredit, wrong: Wish, expected: type[EntitlementError]
) -> None:
    for way in (adjust.grant, adjust.correct):
        with pytest.raises(expected):
            way(wrong)


def test_an_adjustment_that_dies_anywhere_is_made_by_the_next_try(
    sessions: Sessions, adjust: AdjustCredit, paid: str
) -> None:
    def prepare(point: int) -> Callable[[], object]:
        return partial(adjust.refund, wish(USD // 100, f"case {point}"), paid)

    points = 0
    for point in at_every_point(Deaths(sessions, by_the_server=False), prepare):
        points = point
        adjust.refund(wish(USD // 100, f"case {point}"), paid)
        assert prepaid(sessions)[0] == 10 * USD - point * (USD // 100)
    assert points > 8
    assert_books_close(sessions)
