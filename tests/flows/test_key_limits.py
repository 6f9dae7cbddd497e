from datetime import UTC, datetime

import pytest
from sqlalchemy.orm import Session, sessionmaker

from entitlement.core.epochs import SECONDS_PER_EPOCH, ends_at, epoch_at
from entitlement.core.errors import InsufficientCredit, KeyLimitReached, RateLimited
from entitlement.core.keys import NewKey
from entitlement.core.ledger import Source
from entitlement.core.limits import KeyLimits, LimitPeriod
from entitlement.core.tiers import rates_of
from entitlement.core.units import NanoUsd
from entitlement.flows.manage_keys import ManageKeys
from entitlement.flows.read_standing import ReadStanding
from entitlement.flows.shift_clock import ShiftClock
from entitlement.flows.spend_credit import SpendCredit
from entitlement.store import access, books
from tests.support import NOON, Holder, assert_books_close, grant, holder

Sessions = sessionmaker[Session]
NEXT_DAY = NOON + SECONDS_PER_EPOCH
NEXT_MONTH = int(datetime(2039, 10, 1, 12, tzinfo=UTC).timestamp())


@pytest.fixture
def spend(sessions: Sessions) -> SpendCredit:
    return SpendCredit(sessions)


def wish(period: LimitPeriod = LimitPeriod.EPOCH, **limits: int) -> NewKey:
    return NewKey(
        "limited", limits=KeyLimits(**{name: NanoUsd(n) for name, n in limits.items()}, period=period)
    )


def left(spend: SpendCredit, alice: Holder, name: str) -> int:
    """How much the key can still hold, found by asking for too much."""
    with pytest.raises(KeyLimitReached) as caught:
        spend.hold(alice.gateway_id, alice.request(900, name))
    return caught.value.available


def test_the_tests_month_ends_where_it_says() -> None:
    assert datetime.fromtimestamp(NOON, UTC).strftime("%Y-%m") == "2039-09"


def test_what_is_held_counts_as_spent_until_it_is_given_back(sessions: Sessions, spend: SpendCredit) -> None:
    alice = holder(sessions, diem=1_000, wish=wish(diem=100))
    held = spend.hold(alice.gateway_id, alice.request(70))
    assert left(spend, alice, "r2") == 30
    spend.capture(alice.gateway_id, held.hold.id, NanoUsd(20), None)
    assert left(spend, alice, "r3") == 80
    other = spend.hold(alice.gateway_id, alice.request(80, "r4"))
    assert other.hold.is_final, "the account has more, this key does not"
    spend.release(alice.gateway_id, other.hold.id)
    assert left(spend, alice, "r5") == 80


def test_a_hold_that_ran_out_no_longer_counts(
    sessions: Sessions, spend: SpendCredit, clock: ShiftClock
) -> None:
    alice = holder(sessions, diem=1_000, wish=wish(diem=100))
    spend.hold(alice.gateway_id, alice.request(100))
    clock.jump_to(NOON + 660)
    assert spend.hold(alice.gateway_id, alice.request(100, "r2")).hold.amount == 100


@pytest.mark.parametrize(
    ("period", "tomorrow_and_next_month", "resets_at"),
    [
        (LimitPeriod.EPOCH, (100, 100), ends_at(epoch_at(NOON))),
        (LimitPeriod.MONTH, (60, 100), NEXT_MONTH - SECONDS_PER_EPOCH // 2),
        (LimitPeriod.LIFETIME, (60, 60), None),
    ],
)
@pytest.mark.parametrize("currency", ["diem", "usd"])
def test_a_limit_counts_over_its_period(
    sessions: Sessions,
    spend: SpendCredit,
    clock: ShiftClock,
    period: LimitPeriod,
    tomorrow_and_next_month: tuple[int, int],
    resets_at: int | None,
    currency: str,
) -> None:
    alice = holder(sessions, wish=wish(period, **{currency: 100}))

    def refill() -> None:
        if currency == "diem":
            grant(sessions, alice.account_id, Source.DIEM, 1_000)

    if currency == "usd":
        grant(sessions, alice.account_id, Source.PREPAID, 10_000)
    refill()
    held = spend.hold(alice.gateway_id, alice.request(40))
    spend.capture(alice.gateway_id, held.hold.id, NanoUsd(40), None)
    with pytest.raises(KeyLimitReached) as caught:
        spend.hold(alice.gateway_id, alice.request(61, "too much"))
    assert caught.value.facts() == {
        "limit": currency,
        "period": period,
        "wanted": 61,
        "available": 60,
        "resets_at": resets_at,
    }
    for moment, expected in zip((NEXT_DAY, NEXT_MONTH), tomorrow_and_next_month, strict=True):
        clock.jump_to(moment)
        refill()
        assert left(spend, alice, f"at {moment}") == expected


@pytest.mark.parametrize("period", LimitPeriod)
def test_who_cannot_extend_a_hold_of_yesterday_is_told_a_time_to_come(
    sessions: Sessions, spend: SpendCredit, clock: ShiftClock, period: LimitPeriod
) -> None:
    alice = holder(sessions, prepaid=10_000, wish=wish(period, usd=100))
    # The last minute of a month: each of the periods that end is over with it.
    midnight = int(datetime(2039, 10, 1, tzinfo=UTC).timestamp())
    clock.jump_to(midnight - 60)
    held = spend.hold(alice.gateway_id, alice.request(90, ttl=600)).hold
    clock.jump_to(midnight + 60)
    with pytest.raises(KeyLimitReached) as caught:
        spend.extend(alice.gateway_id, held.id, amount=NanoUsd(110), minimum=NanoUsd(110))
    assert caught.value.available == 10
    expected = {
        LimitPeriod.EPOCH: midnight + SECONDS_PER_EPOCH,
        LimitPeriod.MONTH: midnight + 31 * SECONDS_PER_EPOCH,
        LimitPeriod.LIFETIME: None,
    }
    assert caught.value.resets_at == expected[period]


def test_a_hold_counts_on_its_own_day_also_when_it_is_captured_on_the_next(
    sessions: Sessions, spend: SpendCredit, clock: ShiftClock
) -> None:
    alice = holder(sessions, prepaid=10_000, wish=wish(usd=100))
    clock.jump_to(ends_at(epoch_at(NOON)) - 60)
    held = spend.hold(alice.gateway_id, alice.request(100))
    clock.jump_to(ends_at(epoch_at(NOON)) + 60)
    today = spend.hold(alice.gateway_id, alice.request(30, "r2"))
    answer = spend.capture(alice.gateway_id, held.hold.id, NanoUsd(120), None)
    assert (answer.hold.captured, answer.hold.shortfall) == (100, 20), "yesterday's limit has no more room"
    spend.capture(alice.gateway_id, today.hold.id, NanoUsd(30), None)
    assert left(spend, alice, "r3") == 70
    assert_books_close(sessions)


def test_a_limit_holds_where_midnight_falls_between_the_clock_and_the_keys(
    sessions: Sessions, spend: SpendCredit, clock: ShiftClock, monkeypatch: pytest.MonkeyPatch
) -> None:
    alice = holder(sessions, prepaid=10_000, wish=wish(usd=100))
    clock.jump_to(ends_at(epoch_at(NOON)) - 60)
    spend.hold(alice.gateway_id, alice.request(100))
    # The statements of a group go one after the other: by the time of this one it is the next day.
    monkeypatch.setattr(books, "KEYS", books.KEYS.replace("service_time()", "service_time() + 120"))
    assert left(spend, alice, "r2") == 0
    assert_books_close(sessions)


def test_a_keys_rate_goes_on_over_midnight(sessions: Sessions, clock: ShiftClock) -> None:
    spend = SpendCredit(sessions, rates_of(4, 4))
    alice = holder(sessions, prepaid=10_000)
    clock.jump_to(ends_at(epoch_at(NOON)) - 5)
    for name in ("r1", "r2"):
        spend.hold(alice.gateway_id, alice.request(1, name))
    clock.jump_to(ends_at(epoch_at(NOON)) + 1)
    with pytest.raises(RateLimited) as caught:
        spend.hold(alice.gateway_id, alice.request(1, "r3"))
    assert caught.value.of == "key"
    with sessions.begin() as session:
        key = access.key_by_id(session, alice.key_id)
    told = ReadStanding(sessions, rates_of(4, 4)).standing(alice.account_id, alice.wallet, key)
    assert told.key_rate is not None
    assert told.key_rate.remaining == 0


def test_a_key_whose_diem_is_used_up_goes_on_with_dollars(sessions: Sessions, spend: SpendCredit) -> None:
    alice = holder(sessions, diem=1_000, prepaid=1_000, wish=wish(diem=50))
    answer = spend.hold(alice.gateway_id, alice.request(80))
    assert [(part.source, part.amount) for part in answer.parts] == [(Source.DIEM, 50), (Source.PREPAID, 30)]


def test_a_key_that_must_not_spend_dollars_has_a_limit_of_none(
    sessions: Sessions, spend: SpendCredit
) -> None:
    alice = holder(sessions, diem=100, prepaid=1_000, wish=wish(usd=0))
    spend.hold(alice.gateway_id, alice.request(100))
    with pytest.raises(KeyLimitReached) as caught:
        spend.hold(alice.gateway_id, alice.request(1, "r2"))
    assert (caught.value.limit, caught.value.available) == ("usd", 0)


def test_an_empty_account_is_not_blamed_on_the_keys_limit(sessions: Sessions, spend: SpendCredit) -> None:
    alice = holder(sessions, diem=10, wish=wish(diem=5))
    with pytest.raises(InsufficientCredit):
        spend.hold(alice.gateway_id, alice.request(11))


def test_another_key_of_the_account_has_its_own_limits(sessions: Sessions, spend: SpendCredit) -> None:
    alice = holder(sessions, diem=1_000, wish=wish(diem=100))
    spend.hold(alice.gateway_id, alice.request(100))
    made = ManageKeys(sessions).create(alice.account_id, NewKey("unlimited"))
    other = Holder(alice.account_id, alice.wallet, made.key.id, made.secret, alice.gateway_id)
    assert spend.hold(alice.gateway_id, other.request(900, "r2")).hold.amount == 900


def test_an_overrun_and_a_late_capture_keep_to_the_limit(
    sessions: Sessions, spend: SpendCredit, clock: ShiftClock
) -> None:
    alice = holder(sessions, diem=1_000, wish=wish(diem=100))
    held = spend.hold(alice.gateway_id, alice.request(50))
    answer = spend.capture(alice.gateway_id, held.hold.id, NanoUsd(70), None)
    assert (answer.hold.captured, answer.hold.shortfall) == (70, 0)
    late = spend.hold(alice.gateway_id, alice.request(30, "r2"))
    clock.jump_to(NOON + 660)
    spend.hold(alice.gateway_id, alice.request(25, "r3"))
    answer = spend.capture(alice.gateway_id, late.hold.id, NanoUsd(30), None)
    assert (answer.hold.captured, answer.hold.shortfall) == (5, 25)
    assert left(spend, alice, "r4") == 0
    assert_books_close(sessions)
