"""What all accounts together were granted and spent, by day; and what was published about it on the chain."""

from itertools import groupby

from entitlement.api.public_figures import read_out
from entitlement.api.public_schemas import CreditDayOut, CreditOut, RootOut, SourceOut
from entitlement.core.epochs import Epoch, starts_at
from entitlement.core.errors import EntitlementError
from entitlement.core.public_events import RootPublished
from entitlement.flows.kept_answer import Held
from entitlement.flows.read_public import ReadPublic
from entitlement.store.credit_days import DayOfCredit


def credit_out(public: ReadPublic, held: Held[list[DayOfCredit]]) -> CreditOut:
    """Return the days that are over. The ledger's figures are told also while no node can be read."""
    try:
        figures = public.figures()
    except EntitlementError:
        figures = None
    roots = [] if figures is None else figures.value.history.roots
    by_day = groupby(held.value, key=lambda each: each.epoch)
    return CreditOut(
        ledger_age_seconds=int(held.age),
        days=[_day(epoch, list(sources)) for epoch, sources in by_day],
        read=None if figures is None else read_out(figures),
        roots=[_root(each) for each in roots],
    )


def _day(epoch: Epoch, sources: list[DayOfCredit]) -> CreditDayOut:
    return CreditDayOut(
        epoch=epoch,
        starts_at=starts_at(epoch),
        sources=[
            SourceOut(
                source=each.source,
                granted=str(each.granted),
                spent=str(each.spent),
                expired=str(each.expired),
            )
            for each in sources
        ],
        recompute=f"entitlement verify --epoch {epoch}: the day's published file against root and chain",
    )


def _root(root: RootPublished) -> RootOut:
    return RootOut(
        epoch=root.epoch,
        root=root.root,
        granted=str(root.granted),
        spent=str(root.spent),
        accounts=root.accounts,
        file_hash=root.file_hash,
        transaction=root.at.transaction,
        block=root.at.block,
        block_hash=root.at.block_hash,
        block_time=root.at.time,
        recompute=f"cast receipt {root.at.transaction} ; entitlement verify --epoch {root.epoch}",
    )
