"""Routes of what is committed to each day: files for everybody, an account's own proof for its owner."""

from typing import Annotated

from fastapi import APIRouter, Path, Query, Request
from fastapi.responses import FileResponse, Response

from entitlement.api.auth import AnyCaller, TheService
from entitlement.api.schemas import Wire
from entitlement.core.account_proof import AccountProof
from entitlement.core.epochs import Epoch
from entitlement.flows.read_proofs import MOST_EPOCHS
from entitlement.store.roots import Closed, hexed

router = APIRouter(tags=["proofs"])

LARGEST_EPOCH = 2**31 - 1
FOREVER = "public, max-age=31536000, immutable"
"""An epoch's file never changes."""
EpochNumber = Annotated[int, Path(ge=0, le=LARGEST_EPOCH)]


class EpochOut(Wire):
    """A day that was committed to; credit in nano-USD."""

    epoch: int
    root: str
    accounts: int
    granted: int
    granted_diem: int
    granted_pro_rata: int
    spent: int
    file_hash: str
    """SHA-256 of the public file."""
    block: int | None
    """The final block that the root stands in; null until it does."""
    transaction: str | None

    @classmethod
    def of(cls, closed: Closed) -> "EpochOut":
        """Return what is told of an epoch whose file was made."""
        assert closed.file_hash is not None, "the others are not told of"
        return cls(
            epoch=closed.epoch,
            root=hexed(closed.root),
            accounts=closed.accounts,
            granted=closed.granted,
            granted_diem=closed.diem,
            granted_pro_rata=closed.pro_rata,
            spent=closed.spent,
            file_hash=closed.file_hash,
            block=closed.published_block,
            transaction=closed.published_transaction,
        )


class EpochsOut(Wire):
    """Days that were committed to, newest first."""

    epochs: list[EpochOut]


class ProofOut(Wire):
    """What opens an account's leaf; docs/proofs.md says how to check it."""

    format: str
    chain_id: int
    contract: str
    """EpochRoots."""
    epoch: int
    account: str
    diem: int
    pro_rata: int
    granted: int
    spent: int
    salt: str
    """Whoever has it can see what was spent."""
    spending: str
    leaf: str
    proof: list[str]
    root: str
    file_hash: str
    block: int | None
    transaction: str | None

    @classmethod
    def of(cls, proof: AccountProof) -> "ProofOut":
        """Return a proof as `entitlement proof check` reads it."""
        return cls(**proof.plain())


@router.get("/v1/public/proofs")
def epochs(
    flows: TheService,
    response: Response,
    below: Annotated[int | None, Query(ge=0, le=LARGEST_EPOCH)] = None,
    limit: Annotated[int, Query(ge=1, le=MOST_EPOCHS)] = MOST_EPOCHS,
) -> EpochsOut:
    """Return the days that were committed to, newest first, from the one under `below` on."""
    found = flows.proofs.published(below=None if below is None else Epoch(below), limit=limit)
    response.headers["cache-control"] = "public, max-age=60"
    return EpochsOut(epochs=[EpochOut.of(each) for each in found])


@router.get(
    "/v1/public/proofs/{epoch}",
    response_class=FileResponse,
    responses={200: {"content": {"application/json": {}}}, 304: {"description": "It is the same file."}},
)
def epoch_file(flows: TheService, request: Request, epoch: EpochNumber) -> Response:
    """Return a day's public file, whose SHA-256 is on the chain: who was granted what."""
    path, file_hash = flows.proofs.file(Epoch(epoch))
    headers = {"etag": f'"{file_hash}"', "cache-control": FOREVER}
    if headers["etag"] in request.headers.get("if-none-match", ""):
        return Response(status_code=304, headers=headers)
    return FileResponse(path, media_type="application/json", filename=path.name, headers=headers)


@router.get("/v1/wallet/proofs")
def own_proof(
    flows: TheService,
    asking: AnyCaller,
    epoch: Annotated[int | None, Query(ge=0, le=LARGEST_EPOCH)] = None,
) -> ProofOut:
    """Return the caller's own proof of a day, or of the newest: what it was granted and spent.

    The salt in it opens what the public file hides: keep it as private as the spending.
    """
    return ProofOut.of(flows.proofs.account(asking.wallet, None if epoch is None else Epoch(epoch)))
