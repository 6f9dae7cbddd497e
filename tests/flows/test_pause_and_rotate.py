"""A key that its owner paused, or gave a new secret: what it asks from then on, and what it had begun."""

from collections.abc import Callable

import pytest
from sqlalchemy.orm import Session, sessionmaker

from entitlement.core.errors import (
    EntitlementError,
    InvalidRequest,
    KeyPaused,
    KeyRotated,
    UnknownApiKeyId,
    UnknownKey,
)
from entitlement.core.holds import HoldKind, HoldState, LeaseReport
from entitlement.core.keys import KeyChange, KeyKind, ModelPrivacy, NewKey
from entitlement.core.limits import KeyLimits, LimitPeriod
from entitlement.core.units import NanoUsd
from entitlement.flows import manage_keys
from entitlement.flows.manage_keys import ManageKeys
from entitlement.flows.spend_credit import SpendCredit
from tests.support import NOON, Holder, assert_books_close, holder

Sessions = sessionmaker[Session]
Act = Callable[[ManageKeys, Holder], object]
PAUSE, RESUME = KeyChange(is_paused=True), KeyChange(is_paused=False)


def pause(keys: ManageKeys, who: Holder) -> None:
    keys.change(who.account_id, who.key_id, PAUSE)


def rotate(keys: ManageKeys, who: Holder) -> None:
    keys.rotate(who.account_id, who.key_id)


REFUSALS = pytest.mark.parametrize(("act", "refusal"), [(pause, KeyPaused), (rotate, KeyRotated)])


@REFUSALS
def test_nothing_more_is_held_charged_leased_or_told_by_the_secret(
    sessions: Sessions, act: Act, refusal: type[EntitlementError]
) -> None:
    alice = holder(sessions, diem=100)
    spend, keys = SpendCredit(sessions), ManageKeys(sessions)
    act(keys, alice)
    for kind in HoldKind:
        with pytest.raises(refusal):
            spend.hold(alice.gateway_id, alice.request(10, f"r {kind}", kind=kind, ttl=60))
    with pytest.raises(refusal):
        keys.introspect(alice.secret)
    with pytest.raises(refusal):
        keys.authenticate(alice.secret)
    assert_books_close(sessions)


@REFUSALS
def test_what_was_held_before_can_be_captured_and_released_but_not_raised(
    sessions: Sessions, act: Act, refusal: type[EntitlementError]
) -> None:
    alice = holder(sessions, diem=100)
    spend = SpendCredit(sessions)
    first, second = (spend.hold(alice.gateway_id, alice.request(10, name)).hold for name in ("r1", "r2"))
    act(ManageKeys(sessions), alice)
    with pytest.raises(refusal):
        spend.extend(alice.gateway_id, first.id, amount=NanoUsd(20), minimum=NanoUsd(20))
    spend.capture(alice.gateway_id, first.id, NanoUsd(7), None)
    spend.release(alice.gateway_id, second.id)
    again = spend.hold(alice.gateway_id, alice.request(10, "r1"))
    assert (again.is_repeated, again.hold.captured, again.balance.available) == (True, 7, 93)
    assert_books_close(sessions)


@REFUSALS
def test_an_open_lease_is_charged_what_it_spent_and_ends_at_its_renewal(
    sessions: Sessions, act: Act, refusal: type[EntitlementError]
) -> None:
    alice = holder(sessions, diem=100)
    spend = SpendCredit(sessions)
    lease = spend.hold(alice.gateway_id, alice.request(50, "lease", kind=HoldKind.LEASE, ttl=60)).hold
    act(ManageKeys(sessions), alice)
    wants = LeaseReport(NanoUsd(10), NanoUsd(50), NanoUsd(50), 60, None)
    ended = spend.renew(alice.gateway_id, lease.id, wants)
    assert isinstance(ended.refusal, refusal)
    assert (ended.hold.state, ended.hold.captured, ended.balance.held) == (HoldState.EXPIRED, 10, 0)
    late = spend.renew(
        alice.gateway_id, lease.id, LeaseReport(NanoUsd(17), NanoUsd(50), NanoUsd(50), 60, None)
    )
    assert (late.hold.captured, late.balance.available) == (17, 83)
    assert_books_close(sessions)


def test_a_paused_key_goes_on_as_it_was_when_it_is_let(sessions: Sessions) -> None:
    alice = holder(sessions, diem=100)
    spend, keys = SpendCredit(sessions), ManageKeys(sessions)
    first = keys.change(alice.account_id, alice.key_id, PAUSE).paused_at
    assert first is not None
    assert keys.change(alice.account_id, alice.key_id, PAUSE).paused_at == first
    assert keys.change(alice.account_id, alice.key_id, KeyChange(description="x")).paused_at == first
    assert keys.change(alice.account_id, alice.key_id, RESUME).paused_at is None
    assert keys.change(alice.account_id, alice.key_id, RESUME).paused_at is None
    assert spend.hold(alice.gateway_id, alice.request(10)).hold.amount == 10


def test_a_new_secret_is_of_the_same_key_with_its_limits_and_what_it_has_spent(sessions: Sessions) -> None:
    limits = KeyLimits(diem=NanoUsd(30), period=LimitPeriod.MONTH)
    alice = holder(sessions, diem=100, wish=NewKey("a key", limits=limits))
    spend, keys = SpendCredit(sessions), ManageKeys(sessions)
    held = spend.hold(alice.gateway_id, alice.request(20)).hold
    spend.capture(alice.gateway_id, held.id, NanoUsd(20), None)
    made = keys.rotate(alice.account_id, alice.key_id)
    assert (made.key.id, made.key.limits, made.key.last_six) == (alice.key_id, limits, made.secret[-6:])
    assert made.secret != alice.secret
    assert keys.uses([made.key])[made.key.id].period_diem == 20
    key, balance = keys.introspect(made.secret)
    assert (key.id, balance.available) == (alice.key_id, 80)
    assert keys.authenticate(made.secret).rotated_at == made.key.rotated_at


def test_every_secret_that_a_key_ever_had_is_told_that_there_is_a_newer_one(sessions: Sessions) -> None:
    alice = holder(sessions, diem=100)
    spend, keys = SpendCredit(sessions), ManageKeys(sessions)
    second = keys.rotate(alice.account_id, alice.key_id).secret
    third = keys.rotate(alice.account_id, alice.key_id).secret
    for secret in (alice.secret, second):
        with pytest.raises(KeyRotated):
            keys.authenticate(secret)
    with pytest.raises(KeyRotated):
        spend.hold(alice.gateway_id, alice.request(1))
    assert keys.authenticate(third).id == alice.key_id
    with pytest.raises(UnknownKey):
        keys.authenticate("ent_never")


def test_a_key_is_given_a_new_secret_so_many_times_and_a_revoked_one_never(
    sessions: Sessions, monkeypatch: pytest.MonkeyPatch
) -> None:
    alice = holder(sessions)
    keys = ManageKeys(sessions)
    monkeypatch.setattr(manage_keys, "MOST_ROTATIONS_OF_A_KEY", 2)
    for _ in range(2):
        keys.rotate(alice.account_id, alice.key_id)
    with pytest.raises(InvalidRequest, match="2 times: make a new key"):
        keys.rotate(alice.account_id, alice.key_id)
    keys.revoke(alice.account_id, alice.key_id)
    for ask in (keys.rotate, lambda account, key: keys.change(account, key, PAUSE)):
        with pytest.raises(UnknownApiKeyId):
            ask(alice.account_id, alice.key_id)


def test_a_change_leaves_what_it_does_not_name(sessions: Sessions) -> None:
    privacy = ModelPrivacy.PRIVATE_ONLY
    wish = NewKey("mine", KeyKind.INFERENCE, KeyLimits(diem=NanoUsd(3)), privacy, expires_at=NOON * 2)
    alice = holder(sessions, wish=wish)
    keys = ManageKeys(sessions)
    before = keys.read(alice.account_id, alice.key_id)
    assert keys.change(alice.account_id, alice.key_id, KeyChange()) == before
    changed = keys.change(alice.account_id, alice.key_id, KeyChange(model_privacy=ModelPrivacy.ALL))
    assert changed.model_privacy is ModelPrivacy.ALL
    assert (changed.limits, changed.expires_at, changed.description) == (
        before.limits,
        before.expires_at,
        before.description,
    )
