"""Routes under /api/v1/x402: prepaid credit of a wallet, bought on the chain.

The live system relays a signed authorisation of USDC. Ours is bought on the chain: `top-up` answers 402 with
what to call, and takes the hash of the transaction that called it. Amounts are dollars, as in the other
routes that clients of the live system know.
"""

from decimal import Decimal
from typing import Annotated, Literal

from fastapi import APIRouter, Path, Response
from pydantic import BaseModel, ConfigDict, PlainSerializer, StringConstraints
from starlette.responses import JSONResponse

from entitlement.api.auth import AnyCaller, Caller, TheService
from entitlement.core.errors import NotAllowed
from entitlement.core.units import USDC_PER_DOLLAR, NanoUsd, Wallet, wallet
from entitlement.flows.read_purchases import Shop, TopUp

router = APIRouter(prefix="/api/v1/x402", tags=["compatible"])

SMALLEST_TOP_UP, LARGEST_TOP_UP = 5, 10_000
"""Dollars. The first is CreditSales' own; the second is what the live system asks for at the most."""
PAYMENT_SECONDS = 3_600
Dollars = Annotated[Decimal, PlainSerializer(float, return_type=float, when_used="json")]
Address = Annotated[str, Path(max_length=80)]
TransactionHash = Annotated[str, StringConstraints(pattern="^0x[0-9a-fA-F]{64}$")]


class Said(BaseModel):
    """Names as clients of the live system write them."""

    model_config = ConfigDict(extra="forbid", frozen=True)


class Balance(Said):
    """What is prepaid and not held."""

    walletAddress: str  # noqa: N815 - the live system's name, here and below
    balanceUsd: Dollars  # noqa: N815
    canConsume: bool  # noqa: N815
    minimumTopUpUsd: int = SMALLEST_TOP_UP  # noqa: N815
    maximumTopUpUsd: int = LARGEST_TOP_UP  # noqa: N815


class BalanceAnswer(Said):
    """The balance."""

    success: Literal[True] = True
    data: Balance


class Transaction(Said):
    """A top-up."""

    transactionHash: str  # noqa: N815
    amountUsd: Dollars  # noqa: N815
    refundedUsd: Dollars  # noqa: N815
    status: Literal["credited", "pending"]
    creditedAt: int | None  # noqa: N815


class TransactionsAnswer(Said):
    """Top-ups, newest first."""

    success: Literal[True] = True
    data: list[Transaction]


class TopUpWish(Said):
    """The transaction that paid; without one the answer says how to pay."""

    transaction: TransactionHash | None = None


class Receipt(Said):
    """What a transaction bought, for whomever."""

    transactionHash: str  # noqa: N815
    creditedUsd: Dollars  # noqa: N815
    pendingUsd: Dollars  # noqa: N815
    status: Literal["credited", "pending"]


class TopUpAnswer(Said):
    """The receipt; with status 202 while some of it is not final."""

    success: Literal[True] = True
    data: Receipt


@router.get("/balance/{address}")
def balance(flows: TheService, asking: AnyCaller, address: Address) -> BalanceAnswer:
    """Return the caller's own prepaid credit."""
    name = _own(asking, address)
    there_is = flows.bought.prepaid(name)
    data = Balance(walletAddress=name, balanceUsd=_dollars(there_is), canConsume=there_is > 0)
    return BalanceAnswer(data=data)


@router.get("/transactions/{address}")
def transactions(flows: TheService, asking: AnyCaller, address: Address) -> TransactionsAnswer:
    """Return the caller's own top-ups, newest first."""
    found = flows.bought.of_wallet(_own(asking, address))
    return TransactionsAnswer(data=[_transaction(each) for each in found])


@router.post("/top-up", response_model=TopUpAnswer, responses={202: {"model": TopUpAnswer}, 402: {}})
def top_up(flows: TheService, body: TopUpWish, response: Response) -> TopUpAnswer | JSONResponse:
    """Return how to pay, as 402; or what the transaction that paid has bought."""
    if body.transaction is None:
        return _payment_required(flows.bought.shop(), "pay by calling topUp or topUpWithPermit of payTo")
    name = body.transaction.lower()
    credited, pending = flows.bought.of_transaction(name)
    if not credited and not pending:
        reason = f"no top-up in transaction {name} is known yet: ask again when it is in a block"
        return _payment_required(flows.bought.shop(), reason)
    response.status_code = 202 if pending else 200
    receipt = Receipt(
        transactionHash=name,
        creditedUsd=_dollars(credited),
        pendingUsd=_dollars(pending),
        status="pending" if pending else "credited",
    )
    return TopUpAnswer(data=receipt)


def _payment_required(shop: Shop, reason: str) -> JSONResponse:
    """Return what x402 calls payment requirements, of a scheme of our own: the payer sends it itself."""
    accepted = {
        "scheme": "credit-sales",
        "network": f"eip155:{shop.chain_id}",
        "asset": shop.usdc,
        "payTo": shop.sales,
        "minAmountRequired": str(SMALLEST_TOP_UP * USDC_PER_DOLLAR),
        "maxAmountRequired": str(LARGEST_TOP_UP * USDC_PER_DOLLAR),
        "resource": f"{router.prefix}/top-up",
        "description": "Prepaid credit, dollar for dollar, for the account that the call names",
        "mimeType": "application/json",
        "maxTimeoutSeconds": PAYMENT_SECONDS,
        "extra": {
            "call": "topUpWithPermit(address,uint256,uint256,uint8,bytes32,bytes32)",
            "afterApproval": "topUp(address,uint256)",
        },
    }
    body = {"x402Version": 1, "error": reason, "code": "payment_required", "accepts": [accepted]}
    return JSONResponse(body, 402)


def _own(asking: Caller, address: str) -> Wallet:
    name = wallet(address)
    if name != asking.wallet:
        raise NotAllowed(f"{name} is not the account that is signed in ({asking.wallet})")
    return name


def _transaction(each: TopUp) -> Transaction:
    return Transaction(
        transactionHash=each.transaction_hash,
        amountUsd=_dollars(each.amount),
        refundedUsd=_dollars(each.refunded),
        status="pending" if each.credited_at is None else "credited",
        creditedAt=each.credited_at,
    )


def _dollars(amount: NanoUsd) -> Decimal:
    return Decimal(amount).scaleb(-9)
