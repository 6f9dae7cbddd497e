"""The operator's view of buybacks: the journal, which asks no node, and beside it what the chain tells.

What a plan's times are drawn from is not told: who knows it knows when each lot goes.
"""

from dataclasses import asdict

from entitlement.api.admin_schemas import (
    AnnouncedOut,
    AttemptOut,
    ChainRunsOut,
    JournalRunOut,
    OperatorBuybacksOut,
    PolicyOut,
    SetPolicyOut,
    VetoOut,
)
from entitlement.api.public_figures import buybacks_out as public_buybacks
from entitlement.core.buyback_policy import Policy
from entitlement.core.buyback_run import Run
from entitlement.core.errors import EntitlementError
from entitlement.store.buyback_rules import Announced, SetPolicy, Veto
from entitlement.wiring.service import Service

CHAIN_RUNS_SHOWN = 30


def buybacks_out(flows: Service) -> OperatorBuybacksOut:
    """Return where buybacks stand. Raises DeploymentMissing."""
    found = flows.oversight.buybacks()
    standing = found.standing
    chain, chain_problem = None, None
    try:
        chain = _chain(flows)
    except EntitlementError as error:
        chain_problem = str(error)
    return OperatorBuybacksOut(
        now=standing.now,
        in_force=_policy(found.in_force),
        policies=[_set(each) for each in reversed(found.policies)],
        veto=None if standing.veto is None else _veto(standing.veto, standing.now),
        announced=None if standing.announced is None else _announced(standing.announced),
        open_run=None if standing.open is None else standing.open.number,
        journal=[_run(each) for each in standing.runs],
        chain=chain,
        chain_problem=chain_problem,
    )


def _chain(flows: Service) -> ChainRunsOut:
    told = public_buybacks(flows.public.figures())
    return ChainRunsOut(
        read=told.read,
        next_run=told.next_run,
        next_run_at=told.next_run_at,
        set_aside=told.set_aside,
        runs=list(reversed(told.runs[-CHAIN_RUNS_SHOWN:])),
    )


def _policy(policy: Policy) -> PolicyOut:
    amounts = {"per_subscription": str(policy.per_subscription), "minimum": str(policy.minimum)}
    return PolicyOut.model_validate(asdict(policy) | amounts)


def _set(found: SetPolicy) -> SetPolicyOut:
    return SetPolicyOut(
        from_epoch=found.since.epoch,
        made_at=found.made_at,
        made_by=found.by.made_by,
        reason=found.by.reason,
        policy=_policy(found.since.policy),
    )


def _veto(found: Veto, now: int) -> VetoOut:
    return VetoOut(
        holds=found.holds_at(now),
        until=found.until,
        made_at=found.made_at,
        made_by=found.by.made_by,
        reason=found.by.reason,
    )


def _announced(found: Announced) -> AnnouncedOut:
    return AnnouncedOut(
        plan=found.id,
        epoch=found.epoch,
        through_epoch=found.through,
        amount=str(found.amount),
        lots=found.lots,
        not_before=found.not_before,
        next_lot_at=found.next_lot_at,
        reason=found.reason,
    )


def _run(run: Run) -> JournalRunOut:
    return JournalRunOut(
        run=run.number,
        plan=run.plan_id,
        state=run.state,
        keeper=run.keeper,
        nonce=run.nonce,
        offered=str(run.usdc),
        minimum=str(run.minimum),
        deadline=run.deadline,
        spent=None if run.spent is None else str(run.spent),
        burned=None if run.burned is None else str(run.burned),
        block=run.block,
        transaction=run.hash,
        reason=run.reason,
        attempts=[
            AttemptOut(
                number=each.number,
                kind=each.kind,
                hash=each.hash,
                max_fee=str(each.max_fee),
                tip=str(each.tip),
                sent_at=each.sent_at,
            )
            for each in run.attempts
        ],
    )
