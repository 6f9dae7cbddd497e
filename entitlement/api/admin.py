"""Routes of the operator's view: reads only, for sessions of the wallets in ENTITLEMENT_OPERATORS.

Whatever changes something is done by the command line, where it is kept with who and why. While the node is
away, what the ledger says is told all the same, and what the chain says with its age or a reason.
"""

from typing import Annotated

from fastapi import APIRouter, Query

from entitlement.api.admin_buybacks import buybacks_out
from entitlement.api.admin_changes import timelock_out
from entitlement.api.admin_health import health_out
from entitlement.api.admin_liabilities import liabilities_out
from entitlement.api.admin_schemas import (
    ActOut,
    ActsOut,
    LiabilitiesOut,
    OperatorBuybacksOut,
    OperatorHealthOut,
    RolesOut,
    TimelockOut,
)
from entitlement.api.auth import AnyCaller, Operator, TheService
from entitlement.api.public_powers import powers_out

router = APIRouter(prefix="/v1", tags=["operator"])

LARGEST_ID = 2**53 - 1


@router.get("/wallet/roles")
def roles(flows: TheService, asking: AnyCaller) -> RolesOut:
    """Return what the caller's session may see beside its own account; of an API key, nothing."""
    return RolesOut(operator=asking.key is None and flows.oversight.is_operator(asking.wallet))


@router.get("/admin/health")
def health(flows: TheService, _: Operator) -> OperatorHealthOut:
    """Return whether the service can be relied on, and what is open, waits and was done last."""
    return health_out(flows)


@router.get("/admin/liabilities")
def liabilities(flows: TheService, _: Operator) -> LiabilitiesOut:
    """Return what is owed now by source, what is held in USDC, and the last 30 daily statements."""
    return liabilities_out(flows)


@router.get("/admin/buybacks")
def buybacks(flows: TheService, _: Operator) -> OperatorBuybacksOut:
    """Return policies, the plan that is announced, the journal's last runs, and the chain's."""
    return buybacks_out(flows)


@router.get("/admin/timelock")
def timelock(flows: TheService, _: Operator) -> TimelockOut:
    """Return every operation of the timelock, and what those that have not ended would change."""
    found = powers_out(flows.public.figures(), flows.public.reasons())
    return timelock_out(found, flows.acts.reasons())


@router.get("/admin/acts")
def acts(
    flows: TheService, _: Operator, cursor: Annotated[int | None, Query(ge=1, le=LARGEST_ID)] = None
) -> ActsOut:
    """Return what was done by hand, newest first, a page of 100; `cursor` is the page's before it."""
    found, has_more = flows.oversight.acts(below=cursor)
    return ActsOut(
        acts=[
            ActOut(
                id=each.id,
                made_at=each.made_at,
                kind=each.kind,
                subject=each.subject,
                reference=each.reference,
                figures={name: str(value) for name, value in each.figures.items()},
                made_by=each.because.made_by,
                reason=each.because.reason,
            )
            for each in found
        ],
        next_cursor=found[-1].id if has_more else None,
    )
