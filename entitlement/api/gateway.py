"""Routes for gateways: may this key spend this? docs/protocol.md is their contract."""

from typing import Annotated

from fastapi import APIRouter, Header, Path, Response

from entitlement.api.auth import Gateway, TheService
from entitlement.api.schemas import BalanceOut, CaptureIn, HoldAnswerOut, HoldIn, IntrospectionOut, KeyOut
from entitlement.core.holds import HoldRequest
from entitlement.core.keys import hash_secret
from entitlement.core.units import NanoUsd
from entitlement.flows.spend_credit import HoldAnswer

router = APIRouter(prefix="/v1", tags=["gateways"])

HoldId = Annotated[str, Path(pattern=r"^[!-~]{1,64}$")]


@router.post("/holds", status_code=201)
def hold(flows: TheService, asking: Gateway, body: HoldIn, response: Response) -> HoldAnswerOut:
    """Set credit aside for a request. The same request id with the same content gets the same answer."""
    request = HoldRequest(
        request_id=body.request_id,
        key_hash=hash_secret(body.key),
        amount=NanoUsd(body.amount),
        minimum=NanoUsd(body.amount if body.minimum is None else body.minimum),
        ttl=body.ttl,
        model=body.model,
    )
    return _answer(flows.spend.hold(asking, request), response)


@router.get("/holds/{hold_id}")
def read_hold(flows: TheService, asking: Gateway, hold_id: HoldId) -> HoldAnswerOut:
    """Return a hold as it stands."""
    return HoldAnswerOut.of(flows.spend.read(asking, hold_id))


@router.post("/holds/{hold_id}/capture")
def capture(
    flows: TheService, asking: Gateway, hold_id: HoldId, body: CaptureIn, response: Response
) -> HoldAnswerOut:
    """Charge what the request did cost, and give back the rest. Repeating it changes nothing."""
    usage = None if body.usage is None else body.usage.to_core()
    return _answer(flows.spend.capture(asking, hold_id, NanoUsd(body.amount), usage), response)


@router.post("/holds/{hold_id}/release")
def release(flows: TheService, asking: Gateway, hold_id: HoldId, response: Response) -> HoldAnswerOut:
    """Give a whole hold back. Repeating it changes nothing."""
    return _answer(flows.spend.release(asking, hold_id), response)


@router.get("/keys/introspect")
def introspect(flows: TheService, asking: Gateway, x_api_key: Annotated[str, Header()]) -> IntrospectionOut:
    """Return a usable key by its secret, and what its account has."""
    del asking
    key, balance = flows.keys.introspect(x_api_key)
    return IntrospectionOut(key=KeyOut.of(key), balance=BalanceOut.of(balance))


def _answer(answer: HoldAnswer, response: Response) -> HoldAnswerOut:
    if answer.is_repeated:
        response.headers["Idempotency-Replayed"] = "true"
    return HoldAnswerOut.of(answer)
