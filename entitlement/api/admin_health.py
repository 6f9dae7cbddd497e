"""The operator's view of whether the service can be relied on."""

from entitlement.api.admin_schemas import (
    FollowingOut,
    LastRunsOut,
    OpenOut,
    OperatorHealthOut,
    RootsOut,
    UndeliveredOut,
    VerifiedOut,
)
from entitlement.core.health import FollowHealth
from entitlement.core.holds import HoldKind
from entitlement.store.oversight import NOTHING_OPEN, Open
from entitlement.store.verification import Verified
from entitlement.wiring.service import Service


def health_out(flows: Service) -> OperatorHealthOut:
    """Return what `/health/ready` rests on, and what the records of the service say beside it."""
    following, verified = flows.accounts.health(), flows.accounts.verified()
    found = flows.oversight.condition()
    reasons = flows.readiness.reasons(following)
    leases = found.open.get(HoldKind.LEASE, NOTHING_OPEN)
    others = [each for kind, each in found.open.items() if kind != HoldKind.LEASE]
    return OperatorHealthOut(
        now=found.now,
        ready=not reasons,
        reasons=reasons,
        following=None if following is None else _following(following),
        verified=None if verified is None else _verified(verified),
        holds=_open(Open(sum(each.count for each in others), sum(each.amount for each in others))),
        leases=_open(leases),
        webhooks=UndeliveredOut(
            waiting=found.undelivered.waiting,
            failing=found.undelivered.failing,
            oldest_at=found.undelivered.oldest_at,
        ),
        roots=RootsOut(
            last_closed=found.roots.last_closed,
            last_published=found.roots.last_published,
            waiting=found.roots.waiting,
        ),
        jobs=LastRunsOut(
            follow=None if following is None else found.now - following.seconds_since_step,
            verify=None if verified is None else verified.verified_at,
            publish=found.roots.worked_at,
            state=found.stated_at,
        ),
    )


def _following(found: FollowHealth) -> FollowingOut:
    return FollowingOut(
        chain_id=found.chain_id,
        head_block=found.head_number,
        head_time=found.head_timestamp,
        final_block=found.final_number,
        final_time=found.final_timestamp,
        node_block=found.node_number,
        blocks_behind=max(0, found.node_number - found.head_number),
        seconds_behind=found.seconds_behind,
        node_seconds_behind=found.node_seconds_behind,
        seconds_since_step=found.seconds_since_step,
        seconds_since_move=found.seconds_since_move,
        problem=found.problem,
        granting_stopped=found.granting_stopped,
        check_failed=found.check_failed,
    )


def _verified(found: Verified) -> VerifiedOut:
    return VerifiedOut(
        block=found.block_number,
        verified_at=found.verified_at,
        wallets=found.wallets,
        differences=found.differences,
    )


def _open(found: Open) -> OpenOut:
    return OpenOut(count=found.count, amount=str(found.amount))
