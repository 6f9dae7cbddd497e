"""Routes for what the operator signs: receipts, daily statements, and whose signature they bear."""

from typing import Annotated, Any

from fastapi import APIRouter, Path, Query, Response

from entitlement.api.auth import AnyCaller, Gateway, TheService
from entitlement.api.schemas import Wire
from entitlement.core.epochs import Epoch
from entitlement.core.holds import LARGEST_COUNT

router = APIRouter(prefix="/v1")

HoldId = Annotated[str, Path(pattern=r"^[!-~]{1,64}$")]
LAST_EPOCH = 2**31 - 1
"""That the column of days holds."""
Signed = dict[str, Any]
"""Typed data (EIP-712) with `operator` and `signature` beside it; integers in `message` are decimal text.

A receipt also has `journal`: its entry, and the path from it to the batch's hash that was signed.
"""
Number = Annotated[int, Path(ge=1, le=LARGEST_COUNT)]
LAST_LANE = 2**31 - 1
Lane = Annotated[int, Path(ge=0, le=LAST_LANE)]


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


class StatementMadeOut(Wire):
    """A day that has a statement."""

    epoch: int
    made_at: int


class StatementsOut(Wire):
    """The days that have statements, newest first."""

    statements: list[StatementMadeOut]


@router.get("/public/statements", tags=["public"])
def statements(flows: TheService, response: Response) -> StatementsOut:
    """Return which days have a statement of what is owed and what is held."""
    response.headers["Cache-Control"] = "public, max-age=60"
    made = [StatementMadeOut(epoch=epoch, made_at=made_at) for epoch, made_at in flows.statements.made()]
    return StatementsOut(statements=made)


@router.get("/public/statements/{epoch}", tags=["public"])
def statement(
    flows: TheService, response: Response, epoch: Annotated[int, Path(ge=0, le=LAST_EPOCH)]
) -> Signed:
    """Return a day's statement as the operator signed it; it is never rewritten."""
    found = flows.statements.of(Epoch(epoch))
    response.headers["Cache-Control"] = "public, max-age=86400, immutable"
    return found


@router.get("/wallet/receipts/{hold_id}", tags=["wallets"])
def receipt_of_wallet(flows: TheService, asking: AnyCaller, hold_id: HoldId) -> Signed:
    """Return a signed receipt of what was charged for a request of the caller's own."""
    return flows.receipts.of_account(hold_id, asking.account_id, key_id=asking.only_key)


@router.get("/receipts/{hold_id}", tags=["gateways"])
def receipt_of_gateway(flows: TheService, asking: Gateway, hold_id: HoldId) -> Signed:
    """Return a signed receipt of what was charged for a hold of the gateway's own."""
    return flows.receipts.of_gateway(hold_id, asking)


@router.get("/wallet/receipts/{hold_id}/{number}", tags=["wallets"])
def lease_receipt_of_wallet(flows: TheService, asking: AnyCaller, hold_id: HoldId, number: Number) -> Signed:
    """Return a signed receipt of one request that a lease paid for, by its number in the lease."""
    return flows.receipts.of_account(hold_id, asking.account_id, key_id=asking.only_key, number=number)


@router.get("/receipts/{hold_id}/{number}", tags=["gateways"])
def lease_receipt_of_gateway(flows: TheService, asking: Gateway, hold_id: HoldId, number: Number) -> Signed:
    """Return a signed receipt of one request of a lease of the gateway's own."""
    return flows.receipts.of_gateway(hold_id, asking, number=number)


class JournalBatchOut(Wire):
    """A batch of the journal, but for the hash of the one before it."""

    number: int
    root: str
    entry_count: int
    written_at: int


class JournalBatchesOut(Wire):
    """The batches that came next in a lane, up to 1,000 of them."""

    batches: list[JournalBatchOut]


@router.get("/wallet/journal/{lane}", tags=["wallets"])
def journal(
    flows: TheService,
    asking: AnyCaller,  # noqa: ARG001 - when others spend is nobody's business who has no account
    lane: Lane,
    after: Annotated[int, Query(ge=0, le=LARGEST_COUNT)] = 0,
) -> JournalBatchesOut:
    """Return what leads from a receipt's batch to a published head of the journal: the batches after it."""
    found = flows.receipts.following(lane, after=after)
    return JournalBatchesOut(
        batches=[
            JournalBatchOut(
                number=each.number,
                root=f"0x{each.root.hex()}",
                entry_count=each.entry_count,
                written_at=each.written_at,
            )
            for each in found
        ]
    )
