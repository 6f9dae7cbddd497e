"""Who is asking: a gateway by its service token, a wallet by its session or by one of its API keys."""

from dataclasses import dataclass
from typing import Annotated

from fastapi import Depends, Request
from fastapi.security import HTTPAuthorizationCredentials, HTTPBearer

from entitlement.api.verdicts import judging
from entitlement.core.errors import NotAllowed, NotAuthenticated
from entitlement.core.keys import SECRET_PREFIX, ApiKey, KeyKind
from entitlement.core.units import Wallet
from entitlement.wiring.service import Service

_bearer = HTTPBearer(auto_error=False, description="a session, an API key or a gateway's service token")
Bearer = Annotated[HTTPAuthorizationCredentials | None, Depends(_bearer)]


@dataclass(frozen=True, slots=True)
class Caller:
    """A wallet's account, and whether the caller may change it."""

    account_id: int
    wallet: Wallet
    may_manage: bool
    key: ApiKey | None = None
    """The key that was sent; None for a session."""

    @property
    def only_key(self) -> str | None:
        """The key whose requests alone the caller may see; None for all of the account's."""
        return None if self.may_manage or self.key is None else self.key.id


def service(request: Request) -> Service:
    """Return the flows that this process was started with."""
    found = request.app.state.service
    assert isinstance(found, Service)
    return found


TheService = Annotated[Service, Depends(service)]


def gateway(request: Request, flows: TheService, bearer: Bearer) -> int:
    """Return the gateway that is asking. Raises NotAuthenticated."""
    if bearer is None:
        raise NotAuthenticated("no service token was sent: Authorization: Bearer gw_...")
    with judging(request.scope):
        return flows.gateways.authenticate(bearer.credentials)


def caller(request: Request, flows: TheService, bearer: Bearer) -> Caller:
    """Return the wallet that is asking. Raises NotAuthenticated, UnknownKey and what else refuses a key."""
    if bearer is None:
        raise NotAuthenticated("nobody is signed in: send a session or an API key as Authorization: Bearer")
    with judging(request.scope):
        if bearer.credentials.startswith(SECRET_PREFIX):
            key = flows.keys.authenticate(bearer.credentials)
            return Caller(key.account_id, key.wallet, may_manage=key.kind is KeyKind.ADMIN, key=key)
        signed_in = flows.sign_in.authenticate(bearer.credentials)
    return Caller(signed_in.account_id, signed_in.wallet, may_manage=True)


def manager(asking: Annotated[Caller, Depends(caller)]) -> Caller:
    """Return the caller if it may manage keys. Raises NotAllowed."""
    if not asking.may_manage:
        raise NotAllowed(
            "this takes a session or an API key of type ADMIN; the key sent is of type INFERENCE"
        )
    return asking


def operator(flows: TheService, asking: Annotated[Caller, Depends(caller)]) -> Caller:
    """Return the caller if it may look at the whole service. Raises NotAllowed.

    Sessions alone: an API key lies about in programs and leaks easier, of whatever type it is.
    """
    if asking.key is not None:
        raise NotAllowed("the operator's view takes a session, not an API key: sign in with the wallet")
    if not flows.oversight.is_operator(asking.wallet):
        raise NotAllowed(
            f"{asking.wallet} is no operator's wallet: name it in ENTITLEMENT_OPERATORS of the API, "
            "and start that again"
        )
    return asking


Gateway = Annotated[int, Depends(gateway)]
AnyCaller = Annotated[Caller, Depends(caller)]
Manager = Annotated[Caller, Depends(manager)]
Operator = Annotated[Caller, Depends(operator)]
