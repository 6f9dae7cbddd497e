"""The operator's view of what is owed, and of what is there for it. The rule is `core.statements`' own."""

from typing import Any, cast

from entitlement.api.admin_schemas import (
    DailyStatementOut,
    FlowOut,
    HoldingOut,
    LiabilitiesOut,
    OwedOut,
    StandingOut,
    VaultOut,
)
from entitlement.core.attested import Document
from entitlement.core.errors import EntitlementError
from entitlement.flows.kept_answer import Held
from entitlement.flows.oversee import Vault
from entitlement.wiring.service import Service

STATEMENTS_SHOWN = 30


def liabilities_out(flows: Service) -> LiabilitiesOut:
    """Return the running day, and the last ones as they were signed; without a node the ledger alone."""
    found = flows.oversight.liabilities()
    books, held = found.value.books, found.value.held
    vault, usdc_problem = None, None
    try:
        vault = _vault(flows.oversight.vault())
    except EntitlementError as error:
        usdc_problem = str(error)
    return LiabilitiesOut(
        epoch=found.value.epoch,
        made_at=books.made_at,
        age_seconds=int(found.age),
        is_stale=found.is_stale,
        problem=found.problem,
        diem_staked=str(books.diem_staked),
        day=[
            FlowOut(
                source=each.source,
                granted=str(each.granted),
                spent=str(each.spent),
                expired=str(each.expired),
            )
            for each in books.day
        ],
        owed=[
            OwedOut(
                source=each.source,
                granted=str(each.granted),
                spent=str(each.spent),
                expired=str(each.expired),
                outstanding=str(each.outstanding),
                held=str(held.get(each.source, 0)),
            )
            for each in books.standing
        ],
        acts=len(books.acts),
        usdc=vault,
        usdc_problem=usdc_problem,
        statements=[_statement(each) for each in flows.statements.newest(STATEMENTS_SHOWN)],
    )


def _vault(found: Held[Vault]) -> VaultOut:
    block = found.value.block
    return VaultOut(
        block=block.number,
        block_hash=block.hash,
        block_time=block.timestamp,
        age_seconds=int(found.age),
        is_stale=found.is_stale,
        problem=found.problem,
        holdings=[
            HoldingOut(what=each.what, holder=each.holder, amount=str(each.amount))
            for each in found.value.usdc
        ],
    )


def _statement(document: Document) -> DailyStatementOut:
    """Return what a statement says; integers are decimal text in it, and its form was checked when made."""
    said = cast("dict[str, Any]", document["message"])
    return DailyStatementOut(
        epoch=int(said["epoch"]),
        made_at=int(said["made_at"]),
        block=int(said["block_number"]),
        diem_staked=said["diem_staked"],
        day=[FlowOut(**each) for each in said["day"]],
        standing=[StandingOut(**each) for each in said["standing"]],
        usdc=[HoldingOut(**each) for each in said["usdc"]],
        acts=int(said["acts"]),
    )
