from dataclasses import replace

import pytest

from entitlement.core.errors import EntitlementError, InvalidAmount, InvalidRequest, KeyExpired, KeyRevoked
from entitlement.core.keys import (
    LONGEST_DESCRIPTION,
    ApiKey,
    KeyKind,
    ModelPrivacy,
    NewKey,
    hash_secret,
)
from entitlement.core.limits import KeyLimits
from entitlement.core.units import NANO_USD_MAX, NanoUsd, Wallet

NOW = 1_000
KEY = ApiKey(
    id="key_1",
    account_id=1,
    wallet=Wallet("0xa"),
    last_six="abcdef",
    kind=KeyKind.INFERENCE,
    description="a key",
    limits=KeyLimits(),
    model_privacy=ModelPrivacy.ALL,
    created_at=0,
    expires_at=None,
    revoked_at=None,
)


@pytest.mark.parametrize(
    "wish",
    [
        NewKey("k"),
        NewKey("k" * LONGEST_DESCRIPTION),
        NewKey("k", limits=KeyLimits(diem=NanoUsd(0), usd=NANO_USD_MAX)),
        NewKey("k", expires_at=NOW + 1),
    ],
)
def test_a_wish_within_the_bounds_is_granted(wish: NewKey) -> None:
    wish.check(NOW)


@pytest.mark.parametrize(
    ("wish", "error", "field"),
    [
        (NewKey(""), InvalidRequest, "description"),
        (NewKey("k" * (LONGEST_DESCRIPTION + 1)), InvalidRequest, "description"),
        (NewKey("a\0b"), InvalidRequest, "description"),
        (NewKey("k", limits=KeyLimits(diem=NanoUsd(-1))), InvalidAmount, "limits.diem"),
        (NewKey("k", limits=KeyLimits(usd=NanoUsd(NANO_USD_MAX + 1))), InvalidAmount, "limits.usd"),
        (NewKey("k", expires_at=NOW), InvalidRequest, "expires_at"),
        (NewKey("k", expires_at=2**63), InvalidRequest, "expires_at"),
    ],
)
def test_a_wish_outside_the_bounds_is_refused_by_its_field(
    wish: NewKey, error: type[EntitlementError], field: str
) -> None:
    with pytest.raises(error) as caught:
        wish.check(NOW)
    assert caught.value.facts()["field"] == field


def test_a_key_without_an_end_can_always_be_used() -> None:
    KEY.check_usable(10**12)


def test_a_key_is_refused_from_its_expiry_on() -> None:
    ending = replace(KEY, expires_at=NOW)
    ending.check_usable(NOW - 1)
    with pytest.raises(KeyExpired):
        ending.check_usable(NOW)


def test_a_revoked_key_is_said_to_be_revoked_even_if_it_has_expired_too() -> None:
    with pytest.raises(KeyRevoked) as caught:
        replace(KEY, revoked_at=5, expires_at=6).check_usable(NOW)
    assert caught.value.revoked_at == 5


def test_a_secret_is_kept_as_its_sha256() -> None:
    assert hash_secret("abc").hex() == "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad"


def test_a_secret_that_no_client_could_have_sent_in_utf8_is_only_unknown() -> None:
    assert hash_secret("\ud800") != hash_secret("\ud801")
