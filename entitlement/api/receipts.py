"""Routes for what the operator signs: receipts, and whose signature they bear."""

from typing import Annotated, Any

from fastapi import APIRouter, Path

from entitlement.api.auth import AnyCaller, Gateway, TheService
from entitlement.api.schemas import Wire

router = APIRouter(prefix="/v1")

HoldId = Annotated[str, Path(pattern=r"^[!-~]{1,64}$")]
Signed = dict[str, Any]
"""Typed data (EIP-712) with `operator` and `signature` beside it; integers in `message` are decimal text."""


class OperatorOut(Wire):
    """Who signs, and for which deployment."""

    operator: str
    chain_id: int
    verifying_contract: str


@router.get("/public/operator", tags=["public"])
def operator(flows: TheService) -> OperatorOut:
    """Return whose signature is under receipts and statements."""
    found = flows.receipts.attester()
    return OperatorOut(
        operator=found.account.address,
        chain_id=found.domain.chain_id,
        verifying_contract=found.domain.verifying_contract,
    )


@router.get("/wallet/receipts/{hold_id}", tags=["wallets"])
def receipt_of_wallet(flows: TheService, asking: AnyCaller, hold_id: HoldId) -> Signed:
    """Return a signed receipt of what was charged for a request of the caller's own."""
    return flows.receipts.of_account(hold_id, asking.account_id, key_id=asking.only_key)


@router.get("/receipts/{hold_id}", tags=["gateways"])
def receipt_of_gateway(flows: TheService, asking: Gateway, hold_id: HoldId) -> Signed:
    """Return a signed receipt of what was charged for a hold of the gateway's own."""
    return flows.receipts.of_gateway(hold_id, asking)
