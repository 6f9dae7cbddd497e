from datetime import UTC, datetime
from functools import partial

import pytest
from eth_account import Account
from eth_account.messages import encode_defunct
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from sqlalchemy import func, select
from sqlalchemy.orm import Session, sessionmaker

from entitlement.core.errors import NotAuthenticated, SignInRefused
from entitlement.core.units import wallet
from entitlement.flows.expire_credit import ExpireCredit
from entitlement.flows.shift_clock import ShiftClock
from entitlement.flows.sign_in import (
    LONGEST_MESSAGE,
    NONCE_SECONDS,
    SESSION_SECONDS,
    Audience,
    SignIn,
)
from entitlement.flows.wallet_signatures import recover
from entitlement.store.tables import NonceRow, SessionRow
from tests.support import CHAIN_ID, NOON

Sessions = sessionmaker[Session]
ALICE = Account.from_key("0x" + "11" * 32)
BOB = Account.from_key("0x" + "22" * 32)
DOMAIN = "app.example:8000"


@pytest.fixture
def sign_in(sessions: Sessions) -> SignIn:
    return SignIn(sessions, Audience(frozenset({DOMAIN, "localhost"}), CHAIN_ID))


def stamp(seconds: int) -> str:
    return datetime.fromtimestamp(seconds, UTC).strftime("%Y-%m-%dT%H:%M:%SZ")


def message(fresh: str, *more: str, **changes: object) -> str:
    """An EIP-4361 message as wallets show it."""
    part = {
        "domain": DOMAIN,
        "address": ALICE.address,
        "version": 1,
        "chain": CHAIN_ID,
        "nonce": fresh,
        "issued": stamp(NOON),
    } | changes
    lines = [
        f"{part['domain']} wants you to sign in with your Ethereum account:",
        str(part["address"]),
        "",
        "Sign in to see and spend your daily credit.",
        "",
        "URI: http://app.example:8000",
        f"Version: {part['version']}",
        f"Chain ID: {part['chain']}",
        f"Nonce: {part['nonce']}",
        f"Issued At: {part['issued']}",
    ]
    return "\n".join([*lines, *more])


def signed(text: str, by: object = ALICE) -> str:
    return by.sign_message(encode_defunct(text=text)).signature.to_0x_hex()  # type: ignore[attr-defined]


def refused(sign_in: SignIn, text: str, signature: str | None = None) -> str:
    """The kind of the refusal."""
    with pytest.raises(SignInRefused) as caught:
        sign_in.sign_in(text, signed(text) if signature is None else signature)
    return caught.value.kind


# --- signing in ------------------------------------------------------------------------------------------


def test_a_signed_message_opens_a_session_of_its_wallet(sign_in: SignIn) -> None:
    nonce, expires_at = sign_in.nonce()
    assert NOON + NONCE_SECONDS <= expires_at <= NOON + NONCE_SECONDS + 60
    text = message(nonce)
    opened = sign_in.sign_in(text, signed(text))
    assert opened.signed_in.wallet == ALICE.address.lower()
    assert sign_in.authenticate(opened.token) == opened.signed_in


def test_signing_in_again_is_the_same_account_and_another_session(sign_in: SignIn) -> None:
    texts = [message(sign_in.nonce()[0]) for _ in range(2)]
    first, second = [sign_in.sign_in(text, signed(text)) for text in texts]
    assert first.signed_in.account_id == second.signed_in.account_id
    assert first.token != second.token


@pytest.mark.parametrize(
    "more",
    [
        (f"Expiration Time: {stamp(NOON + 3_600)}", f"Not Before: {stamp(NOON - 60)}", "Request ID: 7"),
        ("Resources:", "- https://app.example/terms", "- ipfs://bafy"),
    ],
)
def test_everything_that_the_standard_allows_may_be_in_the_message(sign_in: SignIn, more: tuple[str]) -> None:
    text = message(sign_in.nonce()[0], *more)
    sign_in.sign_in(text, signed(text))


@pytest.mark.parametrize("issued", ["2039-09-18T12:00:00.123Z", "2039-09-18T14:00:00+02:00"])
def test_a_time_may_have_fractions_or_a_zone(sign_in: SignIn, issued: str) -> None:
    text = message(sign_in.nonce()[0], issued=issued)
    sign_in.sign_in(text, signed(text))


# --- refusals --------------------------------------------------------------------------------------------


def test_a_message_works_once(sign_in: SignIn) -> None:
    text = message(sign_in.nonce()[0])
    sign_in.sign_in(text, signed(text))
    assert refused(sign_in, text) == "nonce_used_or_unknown"


def test_a_nonce_of_somebody_else_is_unknown(sign_in: SignIn) -> None:
    assert refused(sign_in, message("0123456789abcdef")) == "nonce_used_or_unknown"


def test_a_nonce_expires(sign_in: SignIn, clock: ShiftClock) -> None:
    nonce, expires_at = sign_in.nonce()
    clock.jump_to(expires_at)
    assert refused(sign_in, message(nonce)) == "nonce_used_or_unknown"


@pytest.mark.parametrize(
    ("changes", "more", "kind"),
    [
        ({"domain": "evil.example"}, (), "wrong_domain"),
        ({"domain": "app.example"}, (), "wrong_domain"),
        ({"chain": 8_453}, (), "wrong_chain"),
        ({"issued": stamp(NOON + 300)}, (), "not_yet_valid"),
        ({}, (f"Not Before: {stamp(NOON + 300)}",), "not_yet_valid"),
        ({}, (f"Expiration Time: {stamp(NOON)}",), "expired"),
        ({"version": 2}, (), "malformed_message"),
        ({"address": ALICE.address.lower()}, (), "malformed_message"),
        ({"address": "0x1"}, (), "malformed_message"),
        ({"chain": -1}, (), "malformed_message"),
        ({"nonce": "short"}, (), "malformed_message"),
        ({"nonce": "a\0bcdefgh"}, (), "malformed_message"),
        ({"issued": "yesterday"}, (), "malformed_message"),
        ({"issued": "2039-13-45T25:61:61Z"}, (), "malformed_message"),
        ({"issued": "2039-09-18T12:00:60Z"}, (), "malformed_message"),
        ({}, ("Request ID: " + "7" * LONGEST_MESSAGE,), "malformed_message"),
    ],
)
def test_a_message_that_is_not_for_us_or_not_for_now_is_refused_by_its_kind(
    sign_in: SignIn, changes: dict[str, object], more: tuple[str, ...], kind: str
) -> None:
    nonce = sign_in.nonce()[0]
    assert refused(sign_in, message(nonce, *more, **changes)) == kind
    text = message(nonce)
    sign_in.sign_in(text, signed(text))  # a refusal does not use the nonce up


@pytest.mark.parametrize("text", ["", "hello", "\ud800", "\0", "x" * 10_000])
def test_what_is_no_message_is_malformed(sign_in: SignIn, text: str) -> None:
    assert refused(sign_in, text, signed("hello")) == "malformed_message"


def test_a_message_that_somebody_else_signed_is_refused(sign_in: SignIn) -> None:
    text = message(sign_in.nonce()[0])
    assert refused(sign_in, text, signed(text, by=BOB)) == "wrong_signer"


def test_a_message_that_was_changed_after_it_was_signed_is_refused(sign_in: SignIn) -> None:
    text = message(sign_in.nonce()[0])
    assert refused(sign_in, text.replace("credit", "money"), signed(text)) == "wrong_signer"


SIGNATURE = signed("x")


@pytest.mark.parametrize(
    "signature",
    [
        "",
        "0x",
        "0x1234",
        SIGNATURE[:-2],
        SIGNATURE + "00",
        "0x" + "zz" * 65,
        "0x" + "00" * 65,
        "\u0661",
        "\ud800",
    ],
)
def test_what_is_no_signature_is_malformed(sign_in: SignIn, signature: str) -> None:
    assert refused(sign_in, message(sign_in.nonce()[0]), signature) == "malformed_signature"


@given(st.binary(min_size=65, max_size=65) | st.binary(max_size=80))
def test_no_bytes_whatever_sign_for_a_wallet_or_break_the_door(signature: bytes) -> None:
    try:
        found: str = recover("x", "0x" + signature.hex())
    except SignInRefused as refusal:
        found = refusal.kind
    assert found == "malformed_signature" or wallet(found) != wallet(ALICE.address)


@settings(max_examples=30, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(st.text(max_size=300))
def test_no_text_whatever_breaks_the_door(sign_in: SignIn, text: str) -> None:
    ask = partial(sign_in.sign_in, message("0123456789abcdef") + "\n" + text, SIGNATURE)
    with pytest.raises(SignInRefused):
        ask()


# --- sessions --------------------------------------------------------------------------------------------


def open_session(sign_in: SignIn) -> str:
    text = message(sign_in.nonce()[0])
    return sign_in.sign_in(text, signed(text)).token


def test_a_session_ends_after_a_day(sign_in: SignIn, clock: ShiftClock) -> None:
    token = open_session(sign_in)
    expires_at = sign_in.authenticate(token).expires_at
    assert NOON + SESSION_SECONDS <= expires_at <= NOON + SESSION_SECONDS + 60
    clock.jump_to(expires_at)
    with pytest.raises(NotAuthenticated, match="expired"):
        sign_in.authenticate(token)


def test_a_session_that_was_signed_out_is_unknown_and_others_go_on(sign_in: SignIn) -> None:
    left, kept = open_session(sign_in), open_session(sign_in)
    for _ in range(2):
        sign_in.sign_out(left)
        with pytest.raises(NotAuthenticated, match="no session"):
            sign_in.authenticate(left)
    sign_in.authenticate(kept)


@pytest.mark.parametrize("token", ["", "ses_guess", "\0", "\ud800"])
def test_a_token_that_nobody_has_is_unknown(sign_in: SignIn, token: str) -> None:
    with pytest.raises(NotAuthenticated):
        sign_in.authenticate(token)


def test_sessions_and_nonces_are_forgotten_when_they_have_expired(
    sessions: Sessions, sign_in: SignIn, clock: ShiftClock
) -> None:
    open_session(sign_in)
    clock.jump_to(NOON + SESSION_SECONDS - 60)
    sign_in.nonce()
    assert ExpireCredit(sessions).forget_sign_ins() == 1, "the nonce that was used"
    clock.jump_to(NOON + SESSION_SECONDS + 60)
    assert ExpireCredit(sessions).forget_sign_ins() == 1, "the session"
    with sessions.begin() as session:
        counts = [session.scalars(select(func.count()).select_from(t)).one() for t in (NonceRow, SessionRow)]
    assert counts == [1, 0]
