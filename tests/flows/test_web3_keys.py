from functools import partial

import jwt
import pytest
from eth_account import Account
from eth_account.messages import encode_defunct
from pydantic import SecretStr
from sqlalchemy.orm import Session, sessionmaker

from entitlement.core.errors import InvalidRequest, SignInRefused
from entitlement.core.events import VvvExitRequested, VvvLocked, VvvStaked
from entitlement.core.keys import NewKey
from entitlement.core.units import Wei, wallet
from entitlement.flows.manage_keys import ManageKeys
from entitlement.flows.shift_clock import ShiftClock
from entitlement.flows.web3_keys import PURPOSE, TOKEN_SECONDS, Web3Keys
from tests.support import NOON, ScriptedChain, Unplaced, follower

Sessions = sessionmaker[Session]
SECRET = SecretStr("s" * 64)
ALICE, BOB = Account.from_key("0x" + "11" * 32), Account.from_key("0x" + "22" * 32)
of_alice = {"wallet": wallet(ALICE.address), "amount": Wei(1)}
stakes = partial(VvvStaked, **of_alice)
locks = partial(VvvLocked, **of_alice)
leaves = partial(VvvExitRequested, **of_alice, ticket=1, claimable_at=0)


@pytest.fixture
def web3_keys(sessions: Sessions) -> Web3Keys:
    return Web3Keys(sessions, ManageKeys(sessions), SECRET)


def after(sessions: Sessions, *events: Unplaced, finality_depth: int = 0) -> None:
    chain = ScriptedChain(finality_depth=finality_depth)
    chain.mine(*events)
    follower(chain, sessions).step()


def signed(token: str, by: object = ALICE) -> str:
    return by.sign_message(encode_defunct(text=token)).signature.to_0x_hex()  # type: ignore[attr-defined]


def refused(
    web3_keys: Web3Keys, token: str, *, address: str = ALICE.address, signature: str | None = None
) -> str:
    signature = signed(token) if signature is None else signature
    with pytest.raises(SignInRefused) as caught:
        web3_keys.create(address=address, signature=signature, token=token, wish=NewKey("k"))
    return str(caught.value)


@pytest.mark.parametrize(("events", "finality_depth"), [((stakes,), 0), ((stakes, locks), 0), ((stakes,), 5)])
def test_a_wallet_that_stakes_makes_a_key_by_signing_a_token(
    sessions: Sessions, web3_keys: Web3Keys, events: tuple[Unplaced, ...], finality_depth: int
) -> None:
    after(sessions, *events, finality_depth=finality_depth)
    token = web3_keys.token()
    made = web3_keys.create(
        address=ALICE.address.lower(), signature=signed(token), token=token, wish=NewKey("k")
    )
    assert made.key.wallet == wallet(ALICE.address)
    assert ManageKeys(sessions).introspect(made.secret)[0] == made.key


def test_a_token_makes_one_key(sessions: Sessions, web3_keys: Web3Keys) -> None:
    after(sessions, stakes)
    token = web3_keys.token()
    web3_keys.create(address=ALICE.address, signature=signed(token), token=token, wish=NewKey("k"))
    assert refused(web3_keys, token).startswith("JWT claims are invalid")


@pytest.mark.parametrize("events", [(), (stakes, leaves)])
def test_a_wallet_without_stake_makes_no_key_and_may_try_again(
    sessions: Sessions, web3_keys: Web3Keys, events: tuple[Unplaced, ...]
) -> None:
    chain = ScriptedChain()
    chain.mine(*events)
    follower(chain, sessions).step()
    token = web3_keys.token()
    assert refused(web3_keys, token).startswith("Wallet has no staked VVV")
    chain.mine(stakes)
    follower(chain, sessions).step()
    web3_keys.create(address=ALICE.address, signature=signed(token), token=token, wish=NewKey("k"))


def test_a_wish_that_cannot_be_granted_does_not_use_the_token_up(
    sessions: Sessions, web3_keys: Web3Keys
) -> None:
    after(sessions, stakes)
    token = web3_keys.token()
    make = partial(web3_keys.create, address=ALICE.address, signature=signed(token), token=token)
    with pytest.raises(InvalidRequest):
        make(wish=NewKey(""))
    make(wish=NewKey("k"))


def test_the_live_systems_messages(sessions: Sessions, web3_keys: Web3Keys, clock: ShiftClock) -> None:
    after(sessions, stakes)
    token = web3_keys.token()
    assert refused(web3_keys, token, address="0x1") == "Invalid wallet address"
    assert refused(web3_keys, token, signature=signed(token, by=BOB)) == "Wallet signature does not match"
    assert refused(web3_keys, token, signature="0x12") == "Could not verify wallet signature"
    assert refused(web3_keys, token, address=BOB.address) == "Wallet signature does not match"
    for malformed in ("", "a.b", "a.b.c", "\0", token[:20]):
        assert refused(web3_keys, malformed) == "JWT is malformed"
    claims = {"jti": "n" * 32, "iat": NOON, "exp": NOON + 900, "aud": PURPOSE}
    forged = jwt.encode(claims, "f" * 64, algorithm="HS256")
    assert refused(web3_keys, forged) == "JWT signature is invalid"
    unsigned = jwt.encode(claims, None, algorithm="none")
    assert refused(web3_keys, unsigned) in ("JWT is malformed", "JWT signature is invalid")
    for changes in ({"aud": "another purpose"}, {"jti": None}, {"aud": None}, {"exp": None}):
        wanting = {name: value for name, value in (claims | changes).items() if value is not None}
        bad = jwt.encode(wanting, SECRET.get_secret_value(), algorithm="HS256")
        assert refused(web3_keys, bad) == "JWT claims are invalid"
    clock.jump_to(NOON + TOKEN_SECONDS + 60)
    assert refused(web3_keys, token) == "JWT has expired"


def test_a_token_that_we_signed_for_a_nonce_that_was_never_given_makes_no_key(
    sessions: Sessions, web3_keys: Web3Keys
) -> None:
    after(sessions, stakes)
    claims = {"jti": "n" * 32, "iat": NOON, "exp": NOON + 900, "aud": PURPOSE}
    token = jwt.encode(claims, SECRET.get_secret_value(), algorithm="HS256")
    assert refused(web3_keys, token).startswith("JWT claims are invalid")
