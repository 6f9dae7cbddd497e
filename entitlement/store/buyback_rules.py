"""Rows of what governs buybacks: policies, vetoes, and plans that were announced."""

from dataclasses import asdict, dataclass, fields

from sqlalchemy import insert, select, update
from sqlalchemy.orm import Session

from entitlement.core.buyback_policy import Policy, Schedule, Since
from entitlement.core.epochs import Epoch
from entitlement.core.units import Usdc
from entitlement.store.buyback_tables import BuybackPlanRow, BuybackPolicyRow, BuybackVetoRow
from entitlement.store.session import fresh

_FIGURES = tuple(field.name for field in fields(Policy))


@dataclass(frozen=True, slots=True)
class By:
    """Who did something, and why."""

    made_by: str
    reason: str


@dataclass(frozen=True, slots=True)
class SetPolicy:
    """A policy, from which day on, and who set it."""

    since: Since
    by: By
    made_at: int


@dataclass(frozen=True, slots=True)
class Veto:
    """That buybacks are stopped until a time, or until somebody says otherwise (None)."""

    until: int | None
    by: By
    made_at: int

    def holds_at(self, now: int) -> bool:
        """Tell whether nothing may be bought now."""
        return self.until is None or now < self.until


@dataclass(frozen=True, slots=True)
class Announced:
    """A plan that was announced."""

    id: int
    epoch: Epoch
    through: Epoch
    amount: Usdc
    lots: int
    seed: str
    state: str
    not_before: int
    next_lot_at: int
    reason: str | None


def put_policy(session: Session, since: Since, by: By, now: int) -> None:
    """Keep a policy; of two for the same day the later one counts."""
    values = asdict(since.policy) | asdict(by)
    session.execute(insert(BuybackPolicyRow).values(from_epoch=since.epoch, made_at=now, **values))


def policies(session: Session) -> list[Since]:
    """Return what holds from which day on, in order, one for each day that has any."""
    return [each.since for each in {each.since.epoch: each for each in policy_history(session)}.values()]


def policy_history(session: Session) -> list[SetPolicy]:
    """Return every policy that was ever set, in the order of their days and of their setting."""
    rows = session.scalars(
        fresh(select(BuybackPolicyRow)).order_by(BuybackPolicyRow.from_epoch, BuybackPolicyRow.id)
    )
    return [
        SetPolicy(Since(Epoch(row.from_epoch), _policy(row)), By(row.made_by, row.reason), row.made_at)
        for row in rows
    ]


def put_veto(session: Session, until: int | None, by: By, now: int) -> None:
    """Keep a veto, or with a time that has passed its end."""
    session.execute(insert(BuybackVetoRow).values(until=until, made_at=now, **asdict(by)))


def veto(session: Session) -> Veto | None:
    """Return the last veto, which may be over."""
    row = session.scalars(
        fresh(select(BuybackVetoRow)).order_by(BuybackVetoRow.id.desc()).limit(1)
    ).one_or_none()
    return row and Veto(row.until, By(row.made_by, row.reason), row.made_at)


def announce(session: Session, plan: Announced, now: int) -> int:
    """Keep a plan and return its id; `id`, `state` and `reason` of what is given do not count."""
    values = {
        "epoch": plan.epoch,
        "through_epoch": plan.through,
        "amount": plan.amount,
        "lots": plan.lots,
        "seed": plan.seed,
        "state": "announced",
        "planned_at": now,
        "not_before": plan.not_before,
        "next_lot_at": plan.next_lot_at,
    }
    return session.scalars(insert(BuybackPlanRow).values(values).returning(BuybackPlanRow.id)).one()


def announced(session: Session) -> Announced | None:
    """Return the plan that waits or is being carried out, if there is one."""
    query = select(BuybackPlanRow).where(BuybackPlanRow.state == "announced")
    row = session.scalars(fresh(query)).one_or_none()
    return row and _announced(row)


def last_announced(session: Session) -> Announced | None:
    """Return the newest plan, whatever came of it."""
    row = session.scalars(
        fresh(select(BuybackPlanRow)).order_by(BuybackPlanRow.id.desc()).limit(1)
    ).one_or_none()
    return row and _announced(row)


def postpone(session: Session, plan_id: int, *, next_lot_at: int, reason: str | None) -> None:
    """Let the plan's next lot wait until a time; `reason` says why, where it was to have gone."""
    session.execute(
        update(BuybackPlanRow)
        .where(BuybackPlanRow.id == plan_id)
        .values(next_lot_at=next_lot_at, reason=reason and reason[:500])
    )


def end_plan(session: Session, plan_id: int, state: str, reason: str | None, now: int) -> None:
    """Let nothing more of a plan be bought."""
    session.execute(
        update(BuybackPlanRow)
        .where(BuybackPlanRow.id == plan_id, BuybackPlanRow.state == "announced")
        .values(state=state, ended_at=now, reason=reason and reason[:500])
    )


def _policy(row: BuybackPolicyRow) -> Policy:
    figures = {name: getattr(row, name) for name in _FIGURES if name != "schedule"}
    return Policy(schedule=Schedule(row.schedule), **figures)


def _announced(row: BuybackPlanRow) -> Announced:
    return Announced(
        row.id,
        Epoch(row.epoch),
        Epoch(row.through_epoch),
        Usdc(row.amount),
        row.lots,
        row.seed,
        row.state,
        row.not_before,
        row.next_lot_at,
        row.reason,
    )
