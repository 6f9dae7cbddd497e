from dataclasses import replace

import pytest
from sqlalchemy import insert
from sqlalchemy.orm import Session, sessionmaker

from entitlement.core.errors import (
    EntitlementError,
    InvalidAmount,
    InvalidRequest,
    KeyExpired,
    KeyRevoked,
    NotADevnet,
    NotAuthenticated,
    TooManyKeys,
    UnknownApiKeyId,
    UnknownKey,
)
from entitlement.core.keys import MOST_KEYS_OF_AN_ACCOUNT, KeyKind, ModelPrivacy, NewKey
from entitlement.core.limits import KeyLimits, LimitPeriod
from entitlement.core.units import NanoUsd
from entitlement.flows.manage_gateways import ManageGateways
from entitlement.flows.manage_keys import ManageKeys
from entitlement.flows.shift_clock import ShiftClock
from entitlement.store.tables import ApiKeyRow
from tests.support import NOON, holder

Sessions = sessionmaker[Session]
EVERYTHING = NewKey(
    "a key",
    KeyKind.ADMIN,
    KeyLimits(diem=NanoUsd(5), usd=NanoUsd(0), period=LimitPeriod.MONTH),
    ModelPrivacy.PRIVATE_ONLY,
    expires_at=NOON + 1_000,
)


@pytest.fixture
def keys(sessions: Sessions) -> ManageKeys:
    return ManageKeys(sessions)


# --- keys ------------------------------------------------------------------------------------------------


def test_a_key_is_what_was_wished_for_and_its_secret_is_shown_once(
    sessions: Sessions, keys: ManageKeys
) -> None:
    alice = holder(sessions)
    made = keys.create(alice.account_id, EVERYTHING)
    assert made.secret.startswith("ent_")
    assert made.key.last_six == made.secret[-6:]
    assert (
        NewKey(
            made.key.description, made.key.kind, made.key.limits, made.key.model_privacy, made.key.expires_at
        )
        == EVERYTHING
    )
    assert keys.read(alice.account_id, made.key.id) == made.key
    assert keys.introspect(made.secret)[0] == made.key


@pytest.mark.parametrize(
    ("changes", "error"),
    [
        ({"description": ""}, InvalidRequest),
        ({"expires_at": NOON - 1}, InvalidRequest),
        ({"expires_at": 10**30}, InvalidRequest),
        ({"limits": KeyLimits(diem=NanoUsd(-1))}, InvalidAmount),
    ],
)
def test_a_wish_that_cannot_be_granted_makes_no_key(
    sessions: Sessions, keys: ManageKeys, changes: dict[str, object], error: type[EntitlementError]
) -> None:
    alice = holder(sessions)
    with pytest.raises(error):
        keys.create(alice.account_id, replace(EVERYTHING, **changes))  # type: ignore[arg-type]
    assert len(keys.list(alice.account_id)) == 1


def test_an_account_has_five_hundred_keys_at_the_most_and_revoking_makes_room(
    sessions: Sessions, keys: ManageKeys
) -> None:
    alice = holder(sessions)
    plain = {"account_id": alice.account_id, "last_six": "", "kind": "INFERENCE", "description": "k"}
    plain |= {"limit_period": "epoch", "model_privacy": "ALL", "created_at": 0}
    with sessions.begin() as session:
        numbers = range(MOST_KEYS_OF_AN_ACCOUNT - 1)
        session.execute(
            insert(ApiKeyRow), [plain | {"id": f"k{n}", "secret_hash": n.to_bytes(4, "big")} for n in numbers]
        )
    with pytest.raises(TooManyKeys):
        keys.create(alice.account_id, NewKey("one too many"))
    keys.revoke(alice.account_id, "k7")
    keys.create(alice.account_id, NewKey("the last"))


def test_revoked_keys_are_not_listed_and_revoking_again_keeps_the_first_time(
    sessions: Sessions, keys: ManageKeys, clock: ShiftClock
) -> None:
    alice = holder(sessions)
    revoked = keys.revoke(alice.account_id, alice.key_id)
    clock.jump_to(NOON + 500)
    assert keys.revoke(alice.account_id, alice.key_id).revoked_at == revoked.revoked_at
    assert keys.list(alice.account_id) == []
    with pytest.raises(KeyRevoked):
        keys.introspect(alice.secret)


def test_the_keys_of_others_are_unknown(sessions: Sessions, keys: ManageKeys) -> None:
    alice, bob = holder(sessions), holder(sessions, number=2)
    for ask in (keys.read, keys.revoke):
        for key_id in (bob.key_id, "key_nobody", "key_\0", ""):
            with pytest.raises(UnknownApiKeyId):
                ask(alice.account_id, key_id)
    assert [key.id for key in keys.list(bob.account_id)] == [bob.key_id]


def test_looking_a_key_up_tells_its_balance_and_why_it_is_refused(
    sessions: Sessions, keys: ManageKeys, clock: ShiftClock
) -> None:
    alice = holder(sessions, diem=70, wish=NewKey("short", expires_at=NOON + 100))
    assert keys.introspect(alice.secret)[1].available == 70
    with pytest.raises(UnknownKey):
        keys.introspect("ent_guess")
    clock.jump_to(NOON + 100)
    with pytest.raises(KeyExpired):
        keys.introspect(alice.secret)


# --- gateways --------------------------------------------------------------------------------------------


def test_a_new_token_of_a_gateway_ends_the_old_one_and_the_gateway_stays(sessions: Sessions) -> None:
    gateways = ManageGateways(sessions)
    old = gateways.issue_token("edge")
    gateway_id = gateways.authenticate(old)
    new = gateways.issue_token("edge")
    assert gateways.authenticate(new) == gateway_id
    with pytest.raises(NotAuthenticated):
        gateways.authenticate(old)


def test_a_revoked_gateway_is_refused_until_it_gets_a_new_token(sessions: Sessions) -> None:
    gateways = ManageGateways(sessions)
    token = gateways.issue_token("edge")
    gateways.revoke("edge")
    with pytest.raises(NotAuthenticated):
        gateways.authenticate(token)
    gateways.authenticate(gateways.issue_token("edge"))


@pytest.mark.parametrize("name", ["", "x" * 65, "a\nb", "a\0b"])
def test_a_gateways_name_is_printable(sessions: Sessions, name: str) -> None:
    with pytest.raises(InvalidRequest):
        ManageGateways(sessions).issue_token(name)


@pytest.mark.parametrize("name", ["nobody", "a\0b"])
def test_a_gateway_that_never_was_cannot_be_revoked(sessions: Sessions, name: str) -> None:
    with pytest.raises(InvalidRequest):
        ManageGateways(sessions).revoke(name)


# --- the clock -------------------------------------------------------------------------------------------


def test_the_clock_goes_forward_and_on_from_there(clock: ShiftClock) -> None:
    clock.jump_to(NOON + 10_000)
    assert NOON + 10_000 <= clock.now() <= NOON + 10_060
    with pytest.raises(InvalidRequest):
        clock.jump_to(NOON)


def test_the_clock_of_a_real_network_does_not_jump_and_a_moved_one_is_found(sessions: Sessions) -> None:
    real = ShiftClock(sessions, network="base", is_devnet=False)
    with pytest.raises(NotADevnet):
        real.jump_to(NOON + 10_000)
    with pytest.raises(NotADevnet):  # the tests themselves have moved it
        real.check()
    ShiftClock(sessions, network="anvil", is_devnet=True).check()
