"""Credit by day: of the days that are named alone, with what was given back, and what nobody could pay."""

from sqlalchemy.orm import Session, sessionmaker

from entitlement.core.adjustments import Wish
from entitlement.core.epochs import SECONDS_PER_EPOCH, Epoch, epoch_at
from entitlement.core.ledger import Source
from entitlement.core.units import NanoUsd
from entitlement.flows.adjust_credit import AdjustCredit
from entitlement.flows.expire_credit import ExpireCredit
from entitlement.flows.shift_clock import ShiftClock
from entitlement.flows.spend_credit import SpendCredit
from entitlement.store.credit_days import DayOfCredit, credit_by_day
from tests.support import USD, grant, holder

LATE_CAPTURE_SECONDS = 3_600

Sums = list[tuple[int, str, int, int]]


def sums(sessions: sessionmaker[Session], first: int, after_last: int) -> Sums:
    """Day, source, granted and spent."""
    with sessions.begin() as session:
        found: list[DayOfCredit] = credit_by_day(session, Epoch(first), Epoch(after_last))
    return [(each.epoch, each.source, each.granted, each.spent) for each in found]


def test_what_was_charged_and_given_back_and_what_nobody_could_pay(sessions: sessionmaker[Session]) -> None:
    who, spend, clock = holder(sessions, prepaid=10 * USD), SpendCredit(sessions), moving(sessions)
    today = epoch_at(clock.now())
    held = spend.hold(who.gateway_id, who.request(4 * USD)).hold
    spend.capture(who.gateway_id, held.id, NanoUsd(3 * USD), None)
    AdjustCredit(sessions).correct(Wish("case 1", who.wallet, NanoUsd(USD), reason="too much", made_by="ada"))
    assert sums(sessions, today, today + 1) == [(today, "prepaid", 10 * USD, 2 * USD)]
    held = spend.hold(who.gateway_id, who.request(8 * USD, "r2")).hold
    spend.capture(who.gateway_id, held.id, NanoUsd(9 * USD), None)
    assert sums(sessions, today, today + 1) == [
        (today, "operator", 0, USD),
        (today, "prepaid", 10 * USD, 10 * USD),
    ]


def test_credit_of_a_day_is_told_of_that_day_also_when_it_is_charged_later(
    sessions: sessionmaker[Session],
) -> None:
    who, spend, clock = holder(sessions, diem=5 * USD), SpendCredit(sessions), moving(sessions)
    first = epoch_at(clock.now())
    clock.jump_to((first + 1) * SECONDS_PER_EPOCH - 30)
    held = spend.hold(who.gateway_id, who.request(2 * USD)).hold
    clock.jump_to((first + 1) * SECONDS_PER_EPOCH + 30)
    spend.capture(who.gateway_id, held.id, NanoUsd(2 * USD), None)
    grant(sessions, who.account_id, Source.DIEM, 7 * USD)
    clock.jump_to((first + 1) * SECONDS_PER_EPOCH + 2 * LATE_CAPTURE_SECONDS)
    assert ExpireCredit(sessions).expire_buckets() > 0
    one, other = (first, "diem", 5 * USD, 2 * USD), (first + 1, "diem", 7 * USD, 0)
    assert sums(sessions, first, first + 1) == [one]
    assert sums(sessions, first + 1, first + 2) == [other]
    assert sums(sessions, first, first + 2) == [one, other]
    assert sums(sessions, first - 5, first) == []


def test_what_a_request_of_the_day_before_took_of_a_days_credit_is_told_of_that_day(
    sessions: sessionmaker[Session],
) -> None:
    who, spend, clock = holder(sessions, diem=5 * USD), SpendCredit(sessions), moving(sessions)
    first = epoch_at(clock.now())
    clock.jump_to((first + 1) * SECONDS_PER_EPOCH - 30)
    held = spend.hold(who.gateway_id, who.request(2 * USD)).hold
    clock.jump_to((first + 1) * SECONDS_PER_EPOCH + 30)
    grant(sessions, who.account_id, Source.DIEM, 7 * USD)
    spend.extend(who.gateway_id, held.id, amount=NanoUsd(3 * USD), minimum=NanoUsd(3 * USD))
    spend.capture(who.gateway_id, held.id, NanoUsd(6 * USD), None)
    other = (first + 1, "diem", 7 * USD, 4 * USD)
    assert sums(sessions, first, first + 1) == [(first, "diem", 5 * USD, 2 * USD)]
    assert sums(sessions, first + 1, first + 2) == [other]
    assert sums(sessions, first, first + 2) == [(first, "diem", 5 * USD, 2 * USD), other]


def moving(sessions: sessionmaker[Session]) -> ShiftClock:
    return ShiftClock(sessions, network="tests", is_devnet=True)
