"""Routes for gateways: may this key spend this? docs/protocol.md is their contract.

Those about holds and leases are described here and answered by api.door, before FastAPI is asked.
"""

from typing import Annotated, NoReturn

from fastapi import APIRouter, Header, Path

from entitlement.api import calls
from entitlement.api.auth import Gateway, TheService
from entitlement.api.door import BATCH
from entitlement.api.explanation_schemas import OwnExplanationOut, OwnExplanationsOut
from entitlement.api.hold_schemas import (
    BatchIn,
    BatchOut,
    CaptureIn,
    ChargeIn,
    ExtendIn,
    HoldAnswerOut,
    HoldIn,
    LeaseAnswerOut,
    LeaseIn,
    RenewIn,
    ReturnIn,
)
from entitlement.api.schemas import BalanceOut, IntrospectedKeyOut, IntrospectionOut

router = APIRouter(tags=["gateways"])

HoldId = Annotated[str, Path(pattern=r"^[!-~]{1,64}$")]
LeaseId = Annotated[str, Path(pattern=r"^[!-~]{1,64}$")]


@router.post(calls.HOLD.route, status_code=calls.HOLD.status, response_model=HoldAnswerOut)
def hold(asking: Gateway, body: HoldIn) -> NoReturn:
    """Set credit aside for a request. The same request id with the same content gets the same answer."""
    raise _answered_at_the_door(asking, body)


@router.get(calls.READ_HOLD.route, response_model=HoldAnswerOut)
def read_hold(asking: Gateway, hold_id: HoldId) -> NoReturn:
    """Return a hold as it stands."""
    raise _answered_at_the_door(asking, hold_id)


@router.post(calls.CAPTURE.route, response_model=HoldAnswerOut)
def capture(asking: Gateway, hold_id: HoldId, body: CaptureIn) -> NoReturn:
    """Charge what the request did cost, and give back the rest. Repeating it changes nothing."""
    raise _answered_at_the_door(asking, hold_id, body)


@router.post(calls.RELEASE.route, response_model=HoldAnswerOut)
def release(asking: Gateway, hold_id: HoldId) -> NoReturn:
    """Give a whole hold back. Repeating it changes nothing."""
    raise _answered_at_the_door(asking, hold_id)


@router.post(calls.EXTEND.route, response_model=HoldAnswerOut)
def extend(asking: Gateway, hold_id: HoldId, body: ExtendIn) -> NoReturn:
    """Raise a hold to an amount, or to as much as there is. Repeating it changes nothing."""
    raise _answered_at_the_door(asking, hold_id, body)


@router.post(calls.CHARGE.route, status_code=calls.CHARGE.status, response_model=HoldAnswerOut)
def charge(asking: Gateway, body: ChargeIn) -> NoReturn:
    """Take what a request did cost, all of it or nothing: a hold and its capture at once."""
    raise _answered_at_the_door(asking, body)


@router.post(calls.OPEN_LEASE.route, status_code=calls.OPEN_LEASE.status, response_model=LeaseAnswerOut)
def open_lease(asking: Gateway, body: LeaseIn) -> NoReturn:
    """Set credit aside that the gateway spends on its own, for one key and until the lease expires."""
    raise _answered_at_the_door(asking, body)


@router.get(calls.READ_LEASE.route, response_model=LeaseAnswerOut)
def read_lease(asking: Gateway, lease_id: LeaseId) -> NoReturn:
    """Return a lease as it stands."""
    raise _answered_at_the_door(asking, lease_id)


@router.post(calls.RENEW_LEASE.route, response_model=LeaseAnswerOut)
def renew_lease(asking: Gateway, lease_id: LeaseId, body: RenewIn) -> NoReturn:
    """Charge what was spent of a lease, and set aside what it goes on with. Repeating it changes nothing."""
    raise _answered_at_the_door(asking, lease_id, body)


@router.post(calls.RETURN_LEASE.route, response_model=LeaseAnswerOut)
def return_lease(asking: Gateway, lease_id: LeaseId, body: ReturnIn) -> NoReturn:
    """Charge what was spent of a lease, and give back the rest. Repeating it changes nothing."""
    raise _answered_at_the_door(asking, lease_id, body)


@router.post(BATCH, response_model=BatchOut)
def batch(asking: Gateway, body: BatchIn) -> NoReturn:
    """Answer up to 1,000 calls together, in their order, each as if it had come alone."""
    raise _answered_at_the_door(asking, body)


@router.get("/v1/keys/introspect")
def introspect(flows: TheService, asking: Gateway, x_api_key: Annotated[str, Header()]) -> IntrospectionOut:
    """Return a usable key by its secret, and what its account has."""
    del asking
    key, balance = flows.keys.introspect(x_api_key)
    return IntrospectionOut(key=IntrospectedKeyOut.of(key), balance=BalanceOut.of(balance))


@router.get("/v1/requests/{request_id:path}")
def explain(
    flows: TheService,
    asking: Gateway,
    request_id: Annotated[str, Path()],
    x_api_key: Annotated[str | None, Header()] = None,
) -> OwnExplanationsOut:
    """Return why a request of the gateway was charged what it was, or refused. Another gateway's is unknown.

    What a lease paid for is found with `X-Api-Key`, the secret of the key that it was leased for.
    """
    found = flows.explain.explain_to_gateway(asking, request_id, secret=x_api_key)
    return OwnExplanationsOut(request_id=request_id, found=[OwnExplanationOut.of(each) for each in found])


def _answered_at_the_door(*asked: object) -> AssertionError:
    return AssertionError(f"the door lets nobody through who asks for {len(asked)} things of a hold or lease")
