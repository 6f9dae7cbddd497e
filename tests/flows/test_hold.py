from dataclasses import replace

import pytest
from sqlalchemy import func, select
from sqlalchemy.orm import Session, sessionmaker

from entitlement.core.epochs import ends_at, epoch_at
from entitlement.core.errors import (
    EntitlementError,
    IdempotencyKeyReused,
    InsufficientCredit,
    InvalidAmount,
    InvalidRequest,
    KeyExpired,
    KeyLimitReached,
    KeyRevoked,
    UnknownHold,
    UnknownKey,
)
from entitlement.core.holds import HoldKind, HoldState
from entitlement.core.keys import NewKey, hash_secret
from entitlement.core.ledger import Source
from entitlement.core.limits import KeyLimits
from entitlement.core.units import NanoUsd
from entitlement.flows.manage_keys import ManageKeys
from entitlement.flows.shift_clock import ShiftClock
from entitlement.flows.spend_credit import SpendCredit
from entitlement.store.tables import EntryRow, HoldRow
from tests.support import NOON, Holder, assert_books_close, grant, holder

Sessions = sessionmaker[Session]


@pytest.fixture
def spend(sessions: Sessions) -> SpendCredit:
    return SpendCredit(sessions)


def count(sessions: Sessions, table: type) -> int:
    with sessions.begin() as session:
        return session.scalars(select(func.count()).select_from(table)).one()


# --- holding ---------------------------------------------------------------------------------------------


def test_a_hold_sets_credit_aside(sessions: Sessions, spend: SpendCredit) -> None:
    alice = holder(sessions, diem=100, prepaid=50)
    answer = spend.hold(alice.gateway_id, alice.request(120))
    assert [(part.source, part.amount) for part in answer.parts] == [(Source.DIEM, 100), (Source.PREPAID, 20)]
    assert (answer.hold.amount, answer.hold.state, answer.hold.is_final) == (120, HoldState.OPEN, False)
    assert (answer.hold.epoch, answer.hold.expires_at - answer.hold.created_at) == (epoch_at(NOON), 600)
    balance = answer.balance
    assert (balance.available, balance.held, balance.diem, balance.usd) == (30, 120, 0, 30)
    assert (balance.granted, balance.spent, balance.resets_at) == (100, 0, ends_at(epoch_at(NOON)))
    assert not answer.is_repeated
    assert_books_close(sessions)


def test_a_charge_at_once_has_ended_with_the_moment_it_was_made(
    sessions: Sessions, spend: SpendCredit
) -> None:
    alice = holder(sessions, diem=100)
    made = spend.hold(alice.gateway_id, alice.request(70, kind=HoldKind.CHARGE)).hold
    assert (made.state, made.amount, made.captured, made.shortfall) == (HoldState.CAPTURED, 70, 70, 0)
    assert {made.ended_at, made.charged_at, made.expires_at} == {made.created_at}
    assert spend.hold(alice.gateway_id, alice.request(70, kind=HoldKind.CHARGE)).hold == made, (
        "as it is stored"
    )
    assert_books_close(sessions)


def test_a_charge_that_was_refused_has_charged_nothing(sessions: Sessions, spend: SpendCredit) -> None:
    alice = holder(sessions, diem=100)
    with pytest.raises(InsufficientCredit):
        spend.hold(alice.gateway_id, alice.request(101, kind=HoldKind.CHARGE))
    with sessions.begin() as session:
        row = session.scalars(select(HoldRow)).one()
    assert (row.state, row.amount, row.captured) == (HoldState.REFUSED, 0, 0)
    assert (row.charged_at, row.ended_at, row.expires_at) == (None, None, row.created_at + 600)
    assert count(sessions, EntryRow) == 1, "the grant's"


def test_a_hold_with_a_minimum_takes_what_there_is_and_says_that_it_is_the_last(
    sessions: Sessions, spend: SpendCredit
) -> None:
    alice = holder(sessions, diem=30)
    answer = spend.hold(alice.gateway_id, alice.request(100, minimum=NanoUsd(30)))
    assert (answer.hold.amount, answer.hold.is_final, answer.balance.available) == (30, True, 0)
    with pytest.raises(InsufficientCredit) as caught:
        spend.hold(alice.gateway_id, alice.request(100, "r2", minimum=NanoUsd(1)))
    assert caught.value.facts() == {"wanted": 1, "available": 0, "resets_at": ends_at(epoch_at(NOON))}


@pytest.mark.parametrize(
    ("changes", "error"),
    [
        ({"amount": 0, "minimum": 0}, InvalidAmount),
        ({"minimum": 11}, InvalidAmount),
        ({"ttl": 0}, InvalidRequest),
        ({"request_id": ""}, InvalidRequest),
        ({"request_id": "a\0b"}, InvalidRequest),
        ({"model": "a\nprompt"}, InvalidRequest),
    ],
)
def test_a_request_outside_the_bounds_leaves_nothing(
    sessions: Sessions, spend: SpendCredit, changes: dict[str, object], error: type[EntitlementError]
) -> None:
    alice = holder(sessions, diem=100)
    with pytest.raises(error):
        spend.hold(alice.gateway_id, replace(alice.request(10), **changes))  # type: ignore[arg-type]
    assert count(sessions, HoldRow) == 0


# --- the same request again ------------------------------------------------------------------------------


def test_a_retry_of_the_hold_that_emptied_the_wallet_still_succeeds(
    sessions: Sessions, spend: SpendCredit
) -> None:
    alice = holder(sessions, diem=100)
    first = spend.hold(alice.gateway_id, alice.request(100))
    again = spend.hold(alice.gateway_id, alice.request(100))
    assert again.is_repeated
    assert (again.hold, again.parts, again.balance) == (first.hold, first.parts, first.balance)
    assert count(sessions, HoldRow) == 1
    assert_books_close(sessions)


def test_a_retry_after_the_holds_time_ran_out_is_not_told_that_it_is_open(
    sessions: Sessions, spend: SpendCredit, clock: ShiftClock
) -> None:
    alice = holder(sessions, diem=100)
    first = spend.hold(alice.gateway_id, alice.request(100, ttl=5))
    clock.jump_to(first.hold.expires_at)
    again = spend.hold(alice.gateway_id, alice.request(100, ttl=5))
    assert (again.hold.id, again.hold.state, again.is_repeated) == (first.hold.id, HoldState.EXPIRED, True)
    assert (again.balance.available, again.balance.held) == (100, 0)
    assert_books_close(sessions)


def test_looking_at_a_key_gives_back_what_ran_out(
    sessions: Sessions, spend: SpendCredit, clock: ShiftClock
) -> None:
    alice = holder(sessions, diem=100)
    first = spend.hold(alice.gateway_id, alice.request(60, ttl=5))
    clock.jump_to(first.hold.expires_at)
    balance = ManageKeys(sessions).introspect(alice.secret)[1]
    assert (balance.available, balance.held) == (100, 0)


def test_a_retry_is_answered_after_the_hold_has_ended_and_the_key_was_revoked(
    sessions: Sessions, spend: SpendCredit
) -> None:
    alice = holder(sessions, diem=100)
    first = spend.hold(alice.gateway_id, alice.request(100))
    spend.capture(alice.gateway_id, first.hold.id, NanoUsd(60), None)
    ManageKeys(sessions).revoke(alice.account_id, alice.key_id)
    again = spend.hold(alice.gateway_id, alice.request(100))
    assert (again.hold.id, again.hold.state, again.hold.captured) == (first.hold.id, HoldState.CAPTURED, 60)


def test_a_refusal_stays_refused_with_its_figures_and_another_id_succeeds_after_a_top_up(
    sessions: Sessions, spend: SpendCredit
) -> None:
    alice = holder(sessions, diem=10)
    with pytest.raises(InsufficientCredit) as first:
        spend.hold(alice.gateway_id, alice.request(100))
    grant(sessions, alice.account_id, Source.PREPAID, 1_000)
    with pytest.raises(InsufficientCredit) as again:
        spend.hold(alice.gateway_id, alice.request(100))
    assert again.value.facts() == first.value.facts()
    assert str(again.value) == str(first.value)
    assert spend.hold(alice.gateway_id, alice.request(100, "r2")).hold.amount == 100
    assert count(sessions, EntryRow) == 3


def test_a_refusal_by_the_keys_limit_stays_refused_with_its_figures(
    sessions: Sessions, spend: SpendCredit
) -> None:
    alice = holder(sessions, diem=100, wish=NewKey("small", limits=KeyLimits(diem=NanoUsd(10))))
    refusals = []
    for _ in range(2):
        with pytest.raises(KeyLimitReached) as caught:
            spend.hold(alice.gateway_id, alice.request(20))
        refusals.append((str(caught.value), caught.value.facts()))
    assert refusals[0] == refusals[1]
    assert refusals[0][1]["limit"] == "diem"


@pytest.mark.parametrize(
    "changes",
    [{"amount": 11}, {"minimum": 9}, {"ttl": 601}, {"model": "another"}],
    ids=lambda c: next(iter(c)),
)
@pytest.mark.parametrize("credit", [100, 1], ids=["held", "refused"])
def test_a_request_id_that_comes_with_another_content_is_refused(
    sessions: Sessions, spend: SpendCredit, changes: dict[str, object], credit: int
) -> None:
    alice = holder(sessions, diem=credit)
    try:
        spend.hold(alice.gateway_id, alice.request(10))
    except InsufficientCredit:
        assert credit == 1
    with pytest.raises(IdempotencyKeyReused) as caught:
        spend.hold(alice.gateway_id, replace(alice.request(10), **changes))  # type: ignore[arg-type]
    assert caught.value.request_id == "r1"
    assert count(sessions, HoldRow) == 1
    assert_books_close(sessions)


def test_a_request_id_that_comes_with_the_key_of_another_account_is_refused(
    sessions: Sessions, spend: SpendCredit
) -> None:
    alice, bob = holder(sessions, diem=100), holder(sessions, diem=100, number=2)
    spend.hold(alice.gateway_id, alice.request(10))
    with pytest.raises(IdempotencyKeyReused):
        spend.hold(alice.gateway_id, bob.request(10))


def test_two_gateways_may_use_the_same_request_id(sessions: Sessions, spend: SpendCredit) -> None:
    alice, bob = holder(sessions, diem=100), holder(sessions, diem=100, number=2)
    assert alice.gateway_id != bob.gateway_id
    first = spend.hold(alice.gateway_id, alice.request(10))
    second = spend.hold(bob.gateway_id, alice.request(10))
    assert first.hold.id != second.hold.id
    assert second.balance.held == 20


# --- keys ------------------------------------------------------------------------------------------------


def test_a_secret_that_nobody_has_is_unknown(sessions: Sessions, spend: SpendCredit) -> None:
    alice = holder(sessions, diem=100)
    with pytest.raises(UnknownKey):
        spend.hold(alice.gateway_id, alice.request(10, key_hash=hash_secret("ent_guess")))
    assert count(sessions, HoldRow) == 0


def test_an_expired_key_holds_nothing_and_its_last_second_still_does(
    sessions: Sessions, spend: SpendCredit, clock: ShiftClock
) -> None:
    ends = NOON + 1_000
    alice = holder(sessions, diem=100, wish=NewKey("short", expires_at=ends))
    clock.jump_to(ends - 60)
    spend.hold(alice.gateway_id, alice.request(10))
    clock.jump_to(ends)
    with pytest.raises(KeyExpired) as caught:
        spend.hold(alice.gateway_id, alice.request(10, "r2"))
    assert caught.value.expired_at == ends


def test_a_revoked_key_holds_nothing_and_what_it_held_can_be_captured(
    sessions: Sessions, spend: SpendCredit
) -> None:
    alice = holder(sessions, diem=100)
    held = spend.hold(alice.gateway_id, alice.request(10))
    ManageKeys(sessions).revoke(alice.account_id, alice.key_id)
    with pytest.raises(KeyRevoked):
        spend.hold(alice.gateway_id, alice.request(10, "r2"))
    spend.capture(alice.gateway_id, held.hold.id, NanoUsd(10), None)
    assert_books_close(sessions)


# --- holds of others -------------------------------------------------------------------------------------


def ask(spend: SpendCredit, question: str, gateway_id: int, hold_id: str) -> None:
    match question:
        case "capture":
            spend.capture(gateway_id, hold_id, NanoUsd(1), None)
        case "release":
            spend.release(gateway_id, hold_id)
        case _:
            spend.read(gateway_id, hold_id)


QUESTIONS = pytest.mark.parametrize("question", ["capture", "release", "read"])


@QUESTIONS
def test_the_hold_of_another_gateway_is_unknown(
    sessions: Sessions, spend: SpendCredit, question: str
) -> None:
    alice, bob = holder(sessions, diem=100), holder(sessions, number=2)
    held = spend.hold(alice.gateway_id, alice.request(10))
    with pytest.raises(UnknownHold):
        ask(spend, question, bob.gateway_id, held.hold.id)
    assert spend.read(alice.gateway_id, held.hold.id).hold.state is HoldState.OPEN


@QUESTIONS
@pytest.mark.parametrize("hold_id", ["", "hold_nobody", "hold_\0", "x" * 10_000])
def test_a_hold_that_never_was_is_unknown(
    sessions: Sessions, spend: SpendCredit, question: str, hold_id: str
) -> None:
    alice: Holder = holder(sessions)
    with pytest.raises(UnknownHold):
        ask(spend, question, alice.gateway_id, hold_id)


@QUESTIONS
def test_a_refused_request_has_no_hold(sessions: Sessions, spend: SpendCredit, question: str) -> None:
    alice = holder(sessions)
    with pytest.raises(InsufficientCredit):
        spend.hold(alice.gateway_id, alice.request(10))
    with sessions.begin() as session:
        refused = session.scalars(select(HoldRow.id)).one()
    with pytest.raises(UnknownHold):
        ask(spend, question, alice.gateway_id, refused)
