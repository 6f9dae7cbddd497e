"""Health: live says that the process answers, ready that its answers can be relied on."""

from fastapi import APIRouter, Response

from entitlement.api.auth import TheService
from entitlement.api.schemas import LiveOut, ReadyOut

router = APIRouter(prefix="/health", tags=["health"])


@router.get("/live")
async def live() -> LiveOut:
    """Answer, also while every thread waits for the database."""
    return LiveOut()


@router.get("/ready", responses={503: {"model": ReadyOut}})
def ready(flows: TheService, response: Response) -> ReadyOut:
    """Compare the followed head with the node's and the clock; 503 when stalled, behind or in trouble."""
    found = flows.accounts.health()
    reasons = flows.readiness.reasons(found)
    if reasons:
        response.status_code = 503
    return ReadyOut(
        status="not_ready" if reasons else "ready",
        reasons=reasons,
        chain_id=found.chain_id if found else None,
        head_block=found.head_number if found else None,
        final_block=found.final_number if found else None,
        blocks_behind=max(0, found.node_number - found.head_number) if found else None,
        seconds_behind=found.seconds_behind if found else None,
        seconds_since_step=found.seconds_since_step if found else None,
    )
