"""How holds and leases go over the wire, for the routes that every request of a model waits for."""

from entitlement.core.balance import Balance
from entitlement.core.holds import Hold, HoldKind, HoldState
from entitlement.flows.spend_credit import HoldAnswer

RETURNED = "returned"
"""What a lease is called that has ended in order."""


def hold_answer(answer: HoldAnswer) -> dict[str, object]:
    """Return the body of an answer about a hold or a charge."""
    return {"hold": hold_out(answer.hold), "balance": balance_out(answer.balance)}


def lease_answer(answer: HoldAnswer, micros: int) -> dict[str, object]:
    """Return the body of an answer about a lease at a Unix time in microseconds."""
    return {"lease": lease_out(answer.hold, micros), "balance": balance_out(answer.balance)}


def hold_out(hold: Hold) -> dict[str, object]:
    """Return a hold as `schemas.HoldOut` describes it."""
    return {
        "id": hold.id,
        "request_id": hold.request_id,
        "state": hold.state.value,
        "amount": hold.amount,
        "final": hold.is_final,
        "epoch": hold.epoch,
        "created_at": hold.created_at,
        "expires_at": hold.expires_at,
        "captured": hold.captured,
        "shortfall": hold.shortfall,
        "funded_by": _funding(hold),
    }


def lease_out(lease: Hold, micros: int) -> dict[str, object]:
    """Return a lease as `schemas.LeaseOut` describes it."""
    assert lease.kind is HoldKind.LEASE
    is_open = lease.state is HoldState.OPEN
    spent = lease.captured + lease.shortfall
    return {
        "id": lease.id,
        "request_id": lease.request_id,
        "state": RETURNED if lease.state is HoldState.CAPTURED else lease.state.value,
        "amount": lease.amount,
        "spent": spent,
        "shortfall": lease.shortfall,
        "remaining": sum(part.amount for part in lease.parts) if is_open else 0,
        "final": lease.is_final,
        "epoch": lease.epoch,
        "created_at": lease.created_at,
        "expires_at": lease.expires_at,
        "expires_in": max(0, lease.expires_at * 1_000_000 - micros) // 1_000 / 1_000 if is_open else 0.0,
        "funded_by": _funding(lease) if is_open else [],
    }


def balance_out(balance: Balance) -> dict[str, object]:
    """Return a balance as `schemas.BalanceOut` describes it."""
    return {
        "available": balance.available,
        "held": balance.held,
        "diem": balance.diem,
        "usd": balance.usd,
        "pro_rata": balance.pro_rata,
        "epoch": balance.epoch,
        "resets_at": balance.resets_at,
        "granted": balance.granted,
        "spent": balance.spent,
    }


def _funding(hold: Hold) -> list[dict[str, object]]:
    return [{"source": part.source.value, "amount": part.amount} for part in hold.parts]
