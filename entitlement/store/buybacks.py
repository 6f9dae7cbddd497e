"""Rows of runs: the journal of what was signed, and what final blocks tell of every run."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from sqlalchemy import Update, delete, func, select, update
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.orm import Session

from entitlement.core.blocks import Header
from entitlement.core.buyback_run import OPEN, Attempt, Execution, Kind, Run, RunState
from entitlement.core.units import Usdc, Wallet, Wei
from entitlement.store.buyback_tables import (
    BuybackCursorRow,
    BuybackExecutionRow,
    BuybackRunRow,
    BuybackTransactionRow,
)
from entitlement.store.session import fresh

REASON_MAX = 500


@dataclass(frozen=True, slots=True)
class Step:
    """What is written down of a run's next state."""

    state: RunState
    taken_at: int | None = None
    spent: Usdc | None = None
    burned: Wei | None = None
    block: int | None = None
    hash: str | None = None
    reason: str | None = None


def begin(session: Session, run: Run, burner: Wallet, now: int) -> Run:
    """Keep a run that is planned, and return it with its id; a second open one is an error."""
    made = session.scalars(
        insert(BuybackRunRow)
        .values(
            plan_id=run.plan_id,
            burner=burner,
            number=run.number,
            keeper=run.keeper,
            nonce=run.nonce,
            usdc=run.usdc,
            minimum=run.minimum,
            floor=run.floor,
            deadline=run.deadline,
            state=RunState.PLANNED,
            planned_at=now,
        )
        .returning(BuybackRunRow.id)
    ).one()
    return read(session, made)


def add_attempt(session: Session, run: Run, attempt: Attempt, now: int) -> None:
    """Keep what was signed for a run, before anybody is sent it."""
    session.execute(
        insert(BuybackTransactionRow).values(
            run_id=run.id,
            number=attempt.number,
            kind=attempt.kind,
            hash=attempt.hash,
            raw=attempt.raw,
            max_fee=attempt.max_fee,
            tip=attempt.tip,
            signed_at=now,
        )
    )
    session.execute(_update(run).values(state=RunState.SIGNED))


def note_sent(session: Session, run: Run, attempt: Attempt, at: int) -> None:
    """Keep that a node took an attempt, at a Unix time of the chain; of several times the first."""
    session.execute(
        update(BuybackTransactionRow)
        .where(BuybackTransactionRow.run_id == run.id, BuybackTransactionRow.number == attempt.number)
        .values(sent_at=func.coalesce(BuybackTransactionRow.sent_at, at))
    )
    session.execute(_update(run).values(state=RunState.SENT))


def settle(session: Session, run: Run, step: Step, now: int) -> None:
    """Write down where a run is."""
    session.execute(
        _update(run).values(
            state=step.state,
            taken_at=step.taken_at,
            spent=step.spent,
            burned=step.burned,
            block_number=step.block,
            transaction_hash=step.hash,
            reason=step.reason and step.reason[:REASON_MAX],
            ended_at=None if step.state in OPEN else now,
        )
    )


def read(session: Session, run_id: int) -> Run:
    """Return a run."""
    row = session.scalars(fresh(select(BuybackRunRow)).where(BuybackRunRow.id == run_id)).one()
    return _runs(session, [row])[0]


def open_run(session: Session, burner: Wallet) -> Run | None:
    """Return the run that may still execute, if there is one."""
    query = select(BuybackRunRow).where(BuybackRunRow.state.in_(OPEN), BuybackRunRow.burner == burner)
    return next(iter(_runs(session, session.scalars(fresh(query)).all())), None)


def of_plan(session: Session, plan_id: int) -> list[Run]:
    """Return the runs of a plan, in order."""
    query = select(BuybackRunRow).where(BuybackRunRow.plan_id == plan_id).order_by(BuybackRunRow.id)
    return _runs(session, session.scalars(fresh(query)).all())


def newest(session: Session, burner: Wallet, limit: int) -> list[Run]:
    """Return the last runs, newest first."""
    query = select(BuybackRunRow).where(BuybackRunRow.burner == burner)
    return _runs(session, session.scalars(fresh(query).order_by(BuybackRunRow.id.desc()).limit(limit)).all())


# --- what final blocks tell ------------------------------------------------------------------------------


def executions(session: Session, burner: Wallet) -> list[Execution]:
    """Return what was read of all final runs, in order."""
    query = select(BuybackExecutionRow).where(BuybackExecutionRow.burner == burner)
    return [_execution(row) for row in session.scalars(fresh(query).order_by(BuybackExecutionRow.number))]


def cursor(session: Session, burner: Wallet) -> tuple[int, str] | None:
    """Return the final block (number, hash) up to which runs were read; None where none was."""
    row = session.scalars(
        fresh(select(BuybackCursorRow)).where(BuybackCursorRow.burner == burner)
    ).one_or_none()
    return row and (row.block_number, row.block_hash)


def keep_executions(session: Session, burner: Wallet, found: Iterable[Execution], to: Header) -> None:
    """Keep final runs, and that everything up to block `to` was read; what is known stays as it is."""
    rows = [
        {
            "burner": burner,
            "number": each.number,
            "keeper": each.keeper,
            "spent": each.spent,
            "burned": each.burned,
            "donated": each.donated,
            "reference_price": each.reference_price,
            "block_number": each.block_number,
            "block_hash": each.block_hash,
            "transaction_hash": each.transaction_hash,
            "executed_at": each.executed_at,
        }
        for each in found
    ]
    if rows:
        session.execute(insert(BuybackExecutionRow).on_conflict_do_nothing(), rows)
    values = {"block_number": to.number, "block_hash": to.hash}
    session.execute(
        insert(BuybackCursorRow)
        .values(burner=burner, **values)
        .on_conflict_do_update(index_elements=[BuybackCursorRow.burner], set_=values)
    )


def forget_executions(session: Session, burner: Wallet) -> None:
    """Forget what was read: the block that it was read up to is no longer on the chain."""
    session.execute(delete(BuybackExecutionRow).where(BuybackExecutionRow.burner == burner))
    session.execute(delete(BuybackCursorRow).where(BuybackCursorRow.burner == burner))


def _update(run: Run) -> Update:
    return update(BuybackRunRow).where(BuybackRunRow.id == run.id, BuybackRunRow.state.in_(OPEN))


def _runs(session: Session, rows: Sequence[BuybackRunRow]) -> list[Run]:
    query = select(BuybackTransactionRow).where(BuybackTransactionRow.run_id.in_([row.id for row in rows]))
    attempts: dict[int, list[Attempt]] = {}
    for row in session.scalars(fresh(query).order_by(BuybackTransactionRow.number)):
        attempt = Attempt(
            row.number, Kind(row.kind), row.hash, bytes(row.raw), row.max_fee, row.tip, row.sent_at
        )
        attempts.setdefault(row.run_id, []).append(attempt)
    return [_run(row, tuple(attempts.get(row.id, ()))) for row in rows]


def _run(row: BuybackRunRow, attempts: tuple[Attempt, ...]) -> Run:
    return Run(
        id=row.id,
        plan_id=row.plan_id,
        number=row.number,
        keeper=Wallet(row.keeper),
        nonce=row.nonce,
        usdc=Usdc(row.usdc),
        minimum=Wei(row.minimum),
        floor=Wei(row.floor),
        deadline=row.deadline,
        state=RunState(row.state),
        attempts=attempts,
        taken_at=row.taken_at,
        spent=None if row.spent is None else Usdc(row.spent),
        burned=None if row.burned is None else Wei(row.burned),
        block=row.block_number,
        hash=row.transaction_hash,
        reason=row.reason,
    )


def _execution(row: BuybackExecutionRow) -> Execution:
    return Execution(
        row.number,
        Wallet(row.keeper),
        Usdc(row.spent),
        Wei(row.burned),
        Wei(row.donated),
        Wei(row.reference_price),
        row.block_number,
        row.block_hash,
        row.transaction_hash,
        row.executed_at,
    )
