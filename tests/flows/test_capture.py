import pytest
from sqlalchemy import select
from sqlalchemy.orm import Session, sessionmaker

from entitlement.core.epochs import Epoch, ends_at, epoch_at
from entitlement.core.errors import HoldAlreadyEnded, HoldExpired, InvalidAmount, InvalidRequest
from entitlement.core.holds import LATE_CAPTURE_SECONDS, HoldState, Usage
from entitlement.core.ledger import Source
from entitlement.core.units import NANO_USD_MAX, NanoUsd
from entitlement.flows.expire_credit import ExpireCredit
from entitlement.flows.read_account import ReadAccount
from entitlement.flows.shift_clock import ShiftClock
from entitlement.flows.spend_credit import HoldAnswer, SpendCredit
from entitlement.store import ledger
from entitlement.store.tables import BucketRow, UsageRow
from tests.support import NOON, Holder, assert_books_close, grant, holder

Sessions = sessionmaker[Session]
TODAY = epoch_at(NOON)
MIDNIGHT = ends_at(TODAY)
TTL = 600


@pytest.fixture
def spend(sessions: Sessions) -> SpendCredit:
    return SpendCredit(sessions)


@pytest.fixture(autouse=True)
def the_books_close(sessions: Sessions) -> object:
    yield
    assert_books_close(sessions)


def capture(spend: SpendCredit, alice: Holder, held: HoldAnswer, amount: int) -> HoldAnswer:
    return spend.capture(alice.gateway_id, held.hold.id, NanoUsd(amount), None)


def bucket_of(sessions: Sessions, alice: Holder, epoch: Epoch = TODAY) -> tuple[int, int, int, int]:
    """Available, held, consumed and expired of a day's DIEM credit."""
    query = select(BucketRow).where(BucketRow.account_id == alice.account_id, BucketRow.epoch == epoch)
    with sessions.begin() as session:
        row = session.scalars(query).one()
        return row.available, row.held, row.consumed, row.expired


# --- in time ---------------------------------------------------------------------------------------------


@pytest.mark.parametrize("cost", [0, 1, 40, 99, 100])
def test_a_capture_charges_the_cost_and_gives_back_the_rest(
    sessions: Sessions, spend: SpendCredit, cost: int
) -> None:
    alice = holder(sessions, diem=150)
    held = spend.hold(alice.gateway_id, alice.request(100))
    answer = capture(spend, alice, held, cost)
    assert (answer.hold.state, answer.hold.captured, answer.hold.shortfall) == (HoldState.CAPTURED, cost, 0)
    assert (answer.balance.available, answer.balance.held, answer.balance.spent) == (150 - cost, 0, cost)
    assert bucket_of(sessions, alice) == (150 - cost, 0, cost, 0)


def test_an_overrun_is_taken_from_what_is_available(sessions: Sessions, spend: SpendCredit) -> None:
    alice = holder(sessions, diem=100, prepaid=100)
    held = spend.hold(alice.gateway_id, alice.request(50))
    answer = capture(spend, alice, held, 130)
    assert (answer.hold.captured, answer.hold.shortfall) == (130, 0)
    assert (answer.balance.diem, answer.balance.usd) == (0, 70)


def test_what_nobody_can_pay_is_the_operators_shortfall_and_never_a_debt(
    sessions: Sessions, spend: SpendCredit
) -> None:
    alice = holder(sessions, diem=100)
    held = spend.hold(alice.gateway_id, alice.request(50))
    answer = capture(spend, alice, held, 130)
    assert (answer.hold.captured, answer.hold.shortfall, answer.balance.available) == (100, 30, 0)
    with sessions.begin() as session:
        assert ledger.totals_by_place(session)["operator"] == -30


def test_an_overrun_leaves_what_other_requests_hold(sessions: Sessions, spend: SpendCredit) -> None:
    alice = holder(sessions, diem=100)
    held = spend.hold(alice.gateway_id, alice.request(50))
    other = spend.hold(alice.gateway_id, alice.request(50, "r2"))
    answer = capture(spend, alice, held, 60)
    assert (answer.hold.captured, answer.hold.shortfall, answer.balance.held) == (50, 10, 50)
    assert capture(spend, alice, other, 50).hold.shortfall == 0


@pytest.mark.parametrize("cost", [0, 60, 130])
def test_the_same_capture_again_is_the_same_answer(sessions: Sessions, spend: SpendCredit, cost: int) -> None:
    alice = holder(sessions, diem=100)
    held = spend.hold(alice.gateway_id, alice.request(100))
    first = capture(spend, alice, held, cost)
    again = capture(spend, alice, held, cost)
    assert (first.is_repeated, again.is_repeated) == (False, True)
    assert (again.hold, again.balance) == (first.hold, first.balance)


def test_a_capture_of_another_amount_is_refused(sessions: Sessions, spend: SpendCredit) -> None:
    alice = holder(sessions, diem=100)
    held = spend.hold(alice.gateway_id, alice.request(100))
    capture(spend, alice, held, 60)
    with pytest.raises(HoldAlreadyEnded) as caught:
        capture(spend, alice, held, 61)
    assert caught.value.facts() == {"hold": held.hold.id, "state": "captured", "captured": 60}


@pytest.mark.parametrize("amount", [-1, NANO_USD_MAX + 1])
def test_an_amount_that_cannot_be_is_refused(sessions: Sessions, spend: SpendCredit, amount: int) -> None:
    alice = holder(sessions, diem=100)
    held = spend.hold(alice.gateway_id, alice.request(100))
    with pytest.raises(InvalidAmount):
        capture(spend, alice, held, amount)
    assert spend.read(alice.gateway_id, held.hold.id).hold.state is HoldState.OPEN


def test_counts_and_times_are_kept_once_and_nothing_else(sessions: Sessions, spend: SpendCredit) -> None:
    alice = holder(sessions, diem=100)
    held = spend.hold(alice.gateway_id, alice.request(100))
    told = Usage("m", 10, 2**53 - 1, 1_234, 200, images=4)
    for _ in range(2):
        spend.capture(alice.gateway_id, held.hold.id, NanoUsd(9), told)
    with sessions.begin() as session:
        row = session.scalars(select(UsageRow)).one()
        assert (row.model, row.input_tokens, row.output_tokens, row.latency_ms, row.status) == (
            ("m", 10, 2**53 - 1, 1_234, 200)
        )
        assert (row.images, row.price_version) == (4, None)


def test_a_model_name_that_could_be_a_prompt_is_not_kept(sessions: Sessions, spend: SpendCredit) -> None:
    alice = holder(sessions, diem=100)
    held = spend.hold(alice.gateway_id, alice.request(100))
    with pytest.raises(InvalidRequest):
        spend.capture(alice.gateway_id, held.hold.id, NanoUsd(9), Usage("write me a poem " * 100))
    assert spend.read(alice.gateway_id, held.hold.id).hold.state is HoldState.OPEN


# --- release ---------------------------------------------------------------------------------------------


def test_a_release_gives_everything_back_and_repeating_it_changes_nothing(
    sessions: Sessions, spend: SpendCredit
) -> None:
    alice = holder(sessions, diem=100)
    held = spend.hold(alice.gateway_id, alice.request(70))
    first = spend.release(alice.gateway_id, held.hold.id)
    again = spend.release(alice.gateway_id, held.hold.id)
    assert (first.hold.state, first.balance.available, first.is_repeated) == (HoldState.RELEASED, 100, False)
    assert (again.hold, again.balance, again.is_repeated) == (first.hold, first.balance, True)


def test_what_was_released_can_not_be_captured_and_the_other_way_round(
    sessions: Sessions, spend: SpendCredit
) -> None:
    alice = holder(sessions, diem=100)
    released = spend.hold(alice.gateway_id, alice.request(10))
    spend.release(alice.gateway_id, released.hold.id)
    with pytest.raises(HoldAlreadyEnded):
        capture(spend, alice, released, 5)
    captured = spend.hold(alice.gateway_id, alice.request(10, "r2"))
    capture(spend, alice, captured, 5)
    with pytest.raises(HoldAlreadyEnded):
        spend.release(alice.gateway_id, captured.hold.id)


# --- too late --------------------------------------------------------------------------------------------


def test_a_hold_that_ran_out_is_given_back_at_the_next_touch(
    sessions: Sessions, spend: SpendCredit, clock: ShiftClock
) -> None:
    alice = holder(sessions, diem=100)
    held = spend.hold(alice.gateway_id, alice.request(100))
    clock.jump_to(NOON + TTL + 60)
    assert spend.hold(alice.gateway_id, alice.request(100, "r2")).hold.amount == 100
    assert spend.read(alice.gateway_id, held.hold.id).hold.state is HoldState.EXPIRED


def test_a_late_capture_charges_what_its_buckets_still_have_once(
    sessions: Sessions, spend: SpendCredit, clock: ShiftClock
) -> None:
    alice = holder(sessions, diem=100, prepaid=100)
    held = spend.hold(alice.gateway_id, alice.request(80))
    clock.jump_to(NOON + TTL + 60)
    spend.hold(alice.gateway_id, alice.request(70, "r2"))
    first = capture(spend, alice, held, 50)
    assert (first.hold.state, first.hold.captured, first.hold.shortfall) == (HoldState.EXPIRED, 30, 20)
    assert first.balance.usd == 100, "the prepaid credit had no part in the hold"
    again = capture(spend, alice, held, 50)
    assert (again.is_repeated, again.hold) == (True, first.hold)
    with pytest.raises(HoldAlreadyEnded):
        capture(spend, alice, held, 51)
    with pytest.raises(HoldAlreadyEnded):
        spend.release(alice.gateway_id, held.hold.id)


@pytest.mark.parametrize("is_given_back_by_the_job", [True, False])
def test_a_capture_within_the_grace_hour_is_taken_and_after_it_is_refused(
    sessions: Sessions, spend: SpendCredit, clock: ShiftClock, *, is_given_back_by_the_job: bool
) -> None:
    alice = holder(sessions, diem=100)
    in_time, too_late = (spend.hold(alice.gateway_id, alice.request(10, name)) for name in ("r1", "r2"))
    clock.jump_to(NOON + TTL + LATE_CAPTURE_SECONDS - 60)
    if is_given_back_by_the_job:
        assert ExpireCredit(sessions).expire_holds() == 2
    assert capture(spend, alice, in_time, 10).hold.captured == 10
    clock.jump_to(too_late.hold.expires_at + LATE_CAPTURE_SECONDS)
    with pytest.raises(HoldExpired) as caught:
        capture(spend, alice, too_late, 10)
    assert caught.value.expired_at == too_late.hold.expires_at
    assert bucket_of(sessions, alice) == (90, 0, 10, 0)


def test_releasing_a_hold_that_ran_out_says_that_it_expired(
    sessions: Sessions, spend: SpendCredit, clock: ShiftClock
) -> None:
    alice = holder(sessions, diem=100)
    held = spend.hold(alice.gateway_id, alice.request(10))
    clock.jump_to(NOON + TTL + 60)
    answer = spend.release(alice.gateway_id, held.hold.id)
    assert (answer.hold.state, answer.is_repeated, answer.balance.available) == (HoldState.EXPIRED, True, 100)


# --- midnight --------------------------------------------------------------------------------------------


def test_a_capture_after_midnight_charges_the_old_day_and_the_rest_expires(
    sessions: Sessions, spend: SpendCredit, clock: ShiftClock
) -> None:
    alice = holder(sessions, diem=100)
    clock.jump_to(MIDNIGHT - 60)
    held = spend.hold(alice.gateway_id, alice.request(80))
    clock.jump_to(MIDNIGHT + 60)
    grant(sessions, alice.account_id, Source.DIEM, 500)
    answer = capture(spend, alice, held, 30)
    assert (answer.hold.epoch, answer.hold.captured) == (TODAY, 30)
    assert bucket_of(sessions, alice) == (20, 0, 30, 50), "yesterday's leftover waits for the job, or is gone"
    assert (answer.balance.available, answer.balance.spent) == (500, 0), "today's credit is untouched"
    ExpireCredit(sessions).expire_buckets()
    assert bucket_of(sessions, alice) == (0, 0, 30, 70)


def test_what_is_held_over_midnight_is_told_until_it_ends(
    sessions: Sessions, spend: SpendCredit, clock: ShiftClock
) -> None:
    alice = holder(sessions, diem=100, prepaid=10)
    clock.jump_to(MIDNIGHT - 60)
    held = spend.hold(alice.gateway_id, alice.request(80))
    clock.jump_to(MIDNIGHT + 60)
    told = spend.read(alice.gateway_id, held.hold.id).balance
    assert (told.available, told.held) == (10, 80)
    account = ReadAccount(sessions).account(alice.wallet)
    assert account.balance.held == 80
    assert [(each.source, each.available, each.held, each.expires_at) for each in account.credit] == [
        (Source.DIEM, 0, 80, MIDNIGHT),
        (Source.PREPAID, 10, 0, None),
    ]
    assert capture(spend, alice, held, 30).balance.held == 0


def test_an_overrun_after_midnight_is_taken_from_today(
    sessions: Sessions, spend: SpendCredit, clock: ShiftClock
) -> None:
    alice = holder(sessions, diem=100)
    clock.jump_to(MIDNIGHT - 60)
    held = spend.hold(alice.gateway_id, alice.request(80))
    clock.jump_to(MIDNIGHT + 60)
    grant(sessions, alice.account_id, Source.DIEM, 15)
    answer = capture(spend, alice, held, 100)
    assert (answer.hold.captured, answer.hold.shortfall) == (95, 5)
    assert bucket_of(sessions, alice) == (20, 0, 80, 0), "what was left of yesterday cannot be spent today"


def test_a_hold_over_midnight_that_nobody_ends_expires_with_its_day(
    sessions: Sessions, spend: SpendCredit, clock: ShiftClock
) -> None:
    alice = holder(sessions, diem=100)
    clock.jump_to(MIDNIGHT - 60)
    held = spend.hold(alice.gateway_id, alice.request(80))
    clock.jump_to(MIDNIGHT + TTL)
    answer = spend.read(alice.gateway_id, held.hold.id)
    assert (answer.hold.state, answer.balance.available) == (HoldState.EXPIRED, 0)
    assert bucket_of(sessions, alice) == (20, 0, 0, 80)
    late = capture(spend, alice, held, 80)
    assert (late.hold.captured, late.hold.shortfall) == (0, 80), "its day is over"
