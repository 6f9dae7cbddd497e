"""Routes for wallet holders: sign in, look at the account, make, change, rotate and revoke keys."""

from collections.abc import Sequence
from typing import Annotated

from fastapi import APIRouter, Path

from entitlement.api.auth import AnyCaller, Bearer, Manager, TheService
from entitlement.api.schemas import (
    AccountOut,
    EndedSessionsOut,
    KeyChangeIn,
    KeyIn,
    KeyOut,
    KeysOut,
    MadeKeyOut,
    NonceOut,
    SessionOut,
    SignInIn,
)
from entitlement.core.errors import NotAllowed
from entitlement.core.keys import ApiKey
from entitlement.core.units import wallet
from entitlement.wiring.service import Service

router = APIRouter(prefix="/v1", tags=["wallets"])

KeyId = Annotated[str, Path(pattern=r"^[!-~]{1,64}$")]


@router.post("/sign-in/nonce", status_code=201)
def nonce(flows: TheService) -> NonceOut:
    """Return a number to put into an EIP-4361 message; it works once, within ten minutes."""
    made, expires_at = flows.sign_in.nonce()
    audience = flows.audience
    return NonceOut(
        nonce=made, expires_at=expires_at, domains=sorted(audience.domains), chain_id=audience.chain_id
    )


@router.post("/sign-in", status_code=201)
def sign_in(flows: TheService, body: SignInIn) -> SessionOut:
    """Open a session for the wallet that signed the message."""
    made = flows.sign_in.sign_in(body.message, body.signature)
    return SessionOut(token=made.token, wallet=made.signed_in.wallet, expires_at=made.signed_in.expires_at)


@router.post("/sign-out", status_code=204)
def sign_out(flows: TheService, bearer: Bearer) -> None:
    """End the session that is sent."""
    if bearer is not None:
        flows.sign_in.sign_out(bearer.credentials)


@router.delete("/wallet/sessions")
def sign_out_everywhere(flows: TheService, asking: AnyCaller) -> EndedSessionsOut:
    """End all sessions of the wallet, that which is sent too. Keys go on: they are revoked one by one.

    By a session: a key that leaked must not sign its owner out.
    """
    if asking.key is not None:
        raise NotAllowed(
            "ending sessions takes a session: sign in with the wallet; the key sent cannot do it"
        )
    return EndedSessionsOut(ended=flows.sign_in.sign_out_everywhere(asking.account_id))


@router.get("/accounts/{address}")
def account(flows: TheService, asking: AnyCaller, address: Annotated[str, Path(max_length=80)]) -> AccountOut:
    """Return the caller's own account: what is on the chain is public, what was spent is not."""
    name = wallet(address)
    if name != asking.wallet:
        raise NotAllowed(f"{name} is not the account that is signed in ({asking.wallet})")
    return AccountOut.of(flows.accounts.account(name))


@router.post("/keys", status_code=201)
def create_key(flows: TheService, asking: Manager, body: KeyIn) -> MadeKeyOut:
    """Make an API key. Its secret is in this answer and never again."""
    made = flows.keys.create(asking.account_id, body.to_core())
    return MadeKeyOut(key=KeyOut.of(made.key), secret=made.secret)


@router.get("/keys")
def list_keys(flows: TheService, asking: Manager) -> KeysOut:
    """Return the account's keys that are not revoked."""
    return KeysOut(keys=_with_use(flows, flows.keys.list(asking.account_id)))


@router.patch("/keys/{key_id}")
def change_key(flows: TheService, asking: Manager, key_id: KeyId, body: KeyChangeIn) -> KeyOut:
    """Change a key, pause it or let it go on: from the next request on, what it says now holds."""
    return _with_use(flows, [flows.keys.change(asking.account_id, key_id, body.to_core())])[0]


@router.post("/keys/{key_id}/rotate")
def rotate_key(flows: TheService, asking: Manager, key_id: KeyId) -> MadeKeyOut:
    """Give a key another secret, which is in this answer and never again; the old one is refused at once."""
    made = flows.keys.rotate(asking.account_id, key_id)
    return MadeKeyOut(key=_with_use(flows, [made.key])[0], secret=made.secret)


@router.delete("/keys/{key_id}")
def revoke_key(flows: TheService, asking: Manager, key_id: KeyId) -> KeyOut:
    """Refuse a key from now on. Repeating it changes nothing."""
    return _with_use(flows, [flows.keys.revoke(asking.account_id, key_id)])[0]


def _with_use(flows: Service, found: Sequence[ApiKey]) -> list[KeyOut]:
    uses = flows.keys.uses(found)
    return [KeyOut.of(key, uses[key.id]) for key in found]
