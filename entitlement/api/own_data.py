"""Routes for an account's owner: everything that is kept of the account, and deleting what can be."""

from typing import Annotated, Any

from fastapi import APIRouter
from fastapi.responses import StreamingResponse
from pydantic import StringConstraints

from entitlement.api.auth import Manager, TheService
from entitlement.api.schemas import Wire
from entitlement.core.errors import NotAllowed
from entitlement.flows.own_data import KEPT, Deleted

router = APIRouter(prefix="/v1/wallet", tags=["wallets"])


Rows = list[dict[str, Any]]
"""As the tables of docs/data-inventory.md have them; bytes are hex."""


class ExportOut(Wire):
    """Everything that is kept of an account, a list of rows for each part."""

    wallet: str
    exported_at: int
    not_included: dict[str, str]
    """Tables that name the wallet and are left out, each with the reason."""
    account: Rows
    keys: Rows
    rotations: Rows
    key_days: Rows
    sessions: Rows
    webhook: Rows
    deliveries: Rows
    refused_by_rate: Rows
    grants: Rows
    journal: Rows
    holds: Rows
    refused_holds: Rows
    usage: Rows
    purchases: Rows
    memberships: Rows
    adjustments: Rows
    committed: Rows
    acts_of_the_operator: Rows


class DeleteIn(Wire):
    """That it is meant."""

    confirm: Annotated[str, StringConstraints(max_length=80)]
    """The wallet's address."""


class KeptOut(Wire):
    """What stays."""

    what: str
    why: str


class DeletedOut(Wire):
    """What was deleted, and what stays."""

    wallet: str
    deleted_at: int
    before_epoch: int
    """Of requests of days before this one nothing is left but what they cost."""
    deleted: dict[str, int]
    """How many rows of each kind."""
    kept: list[KeptOut]

    @classmethod
    def of(cls, found: Deleted) -> "DeletedOut":
        """Return it as it goes over the wire."""
        return cls(
            wallet=found.wallet,
            deleted_at=found.at,
            before_epoch=found.before_epoch,
            deleted=found.rows,
            kept=[KeptOut(what=what, why=why) for what, why in KEPT.items()],
        )


@router.get("/export", response_model=ExportOut)
def export(flows: TheService, asking: Manager) -> StreamingResponse:
    """Return everything that is kept of the account, as one JSON document, never a secret or its hash."""
    headers = {
        "content-disposition": f'attachment; filename="{asking.wallet}.json"',
        "cache-control": "no-store",
    }
    made = flows.own_data.export(asking.account_id)
    return StreamingResponse(made, media_type="application/json", headers=headers)


@router.delete("/data")
def delete_data(flows: TheService, asking: Manager, body: DeleteIn) -> DeletedOut:
    """End all sessions and keys, and delete what is kept of the account but for the journal of money.

    For the wallet itself, by a session: a key that was lost must not delete what shows how it was used.
    """
    if asking.key is not None:
        raise NotAllowed("deleting takes a session: sign in with the wallet; the key sent cannot do it")
    return DeletedOut.of(flows.own_data.delete(asking.account_id, body.confirm))
