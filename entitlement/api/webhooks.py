"""Routes for those who tell us of payments. Each is only there where its secret is configured."""

from typing import Annotated

from fastapi import APIRouter, Header, Request
from starlette.concurrency import run_in_threadpool
from starlette.exceptions import HTTPException

from entitlement.api.auth import TheService
from entitlement.api.schemas import WebhookOut

router = APIRouter(prefix="/v1/webhooks", tags=["payments"])


@router.post("/stripe")
async def stripe(
    flows: TheService, request: Request, stripe_signature: Annotated[str, Header(max_length=2_000)] = ""
) -> WebhookOut:
    """Take an event of the card provider. The same event again changes nothing."""
    if flows.card is None:
        raise HTTPException(404, "no card payments are taken here")
    # As it was sent: the signature is of these bytes.
    body = await request.body()
    return WebhookOut(effect=await run_in_threadpool(flows.card.take, stripe_signature, body))
