"""Carry runs out, one at a time: in the journal before it is signed, each signature there before it is sent.

    begin     a row with run number, lot, minimum, nonce and deadline      committed
    sign      the node tries it; the bytes                                 committed
    send      the same bytes, as often as needed
    settle    what a block has; what a final block has                     committed

Whatever dies in between, `carry` goes on from the row: `core.buyback_run` decides by what the chain says, and
never by what was meant.
"""

from collections.abc import Callable
from contextlib import AbstractContextManager
from dataclasses import dataclass

import structlog
from sqlalchemy.orm import Session, sessionmaker

from entitlement.chain.keeper import Keeper
from entitlement.core.buyback import DEADLINE_SECONDS, Lot, Verdict
from entitlement.core.buyback_run import (
    OPEN,
    Act,
    Attempt,
    Decision,
    Included,
    Kind,
    Run,
    RunState,
    Sight,
    next_act,
)
from entitlement.core.errors import TransactionFailed
from entitlement.core.units import Usdc, Wallet
from entitlement.flows.plan_buyback import PlanBuyback, Planned
from entitlement.store import buyback_rules, buybacks
from entitlement.store.buybacks import Step
from entitlement.store.clock import service_time

log = structlog.get_logger()

STEPS_MAX = 10_000
"""Of one run at one go; a wait is a step."""

Locked = Callable[[], AbstractContextManager[None]]
"""Lets one process at a time in. Raises `BuybackBusy`."""
Wait = Callable[[], bool]
"""Waits for a moment, and tells whether to go on."""


@dataclass(frozen=True)
class Outcome:
    """What came of it."""

    verdict: Verdict
    reason: str
    runs: tuple[Run, ...] = ()


class RunBuybacks:
    """Runs the buybacks of one deployment, with one keeper."""

    def __init__(
        self,
        sessions: sessionmaker[Session],
        keeper: Keeper,
        planner: PlanBuyback,
        burner: Wallet,
        locked: Locked,
    ) -> None:
        self._sessions, self._keeper, self._planner = sessions, keeper, planner
        self._burner, self._locked = burner, locked

    def resume(self, wait: Wait, *, until_final: bool = False) -> Outcome:
        """Go on with the run that may still execute, until it rests or `wait` says that it is enough.

        Raises `BuybackBusy`, and `ChainError` where the node gives no usable answer: then nothing is lost.
        """
        with self._locked():
            return self._resume(wait, until_final=until_final)

    def run(self, wait: Wait, *, most_lots: int, seed: str = "") -> Outcome:
        """Go on with what was begun, then begin up to so many lots that are due, by a fresh plan for each."""
        with self._locked():
            begun = self._resume(wait, until_final=True)
            if begun.verdict is not Verdict.NOTHING and begun.verdict is not Verdict.ACT:
                return begun
            done: list[Run] = []
            for _ in range(most_lots):
                planned = self._planner.plan(seed=seed, jitter=False)
                outcome = self._run_lot(planned, wait, plan_id=None, until_final=len(done) + 1 < most_lots)
                done += outcome.runs
                if outcome.verdict is not Verdict.ACT:
                    if done and outcome.verdict is Verdict.NOTHING:
                        break
                    return Outcome(outcome.verdict, outcome.reason, tuple(done))
            return Outcome(Verdict.ACT, f"{len(done)} runs", tuple(done))

    def run_planned(self, planned: Planned, wait: Wait, *, plan_id: int) -> Outcome:
        """Begin the first lot of an announced plan; the caller holds the lock and has nothing open."""
        return self._run_lot(planned, wait, plan_id=plan_id, until_final=False)

    def exclusively(self) -> AbstractContextManager[None]:
        """Keep other processes out; raises `BuybackBusy`."""
        return self._locked()

    def go_on(self, wait: Wait) -> Outcome:
        """As `resume`, for who holds the lock."""
        return self._resume(wait, until_final=True)

    def _resume(self, wait: Wait, *, until_final: bool) -> Outcome:
        with self._sessions.begin() as session:
            run = buybacks.open_run(session, self._burner)
        if run is None:
            return Outcome(Verdict.NOTHING, "no run is under way")
        return self._carry(run, wait, until_final=until_final)

    def _run_lot(self, planned: Planned, wait: Wait, *, plan_id: int | None, until_final: bool) -> Outcome:
        plan, account = planned.plan, planned.account
        if plan.verdict is not Verdict.ACT:
            return Outcome(plan.verdict, plan.reason)
        if plan.market.at.timestamp < plan.market.next_run_at:
            return Outcome(Verdict.NOTHING, f"the next run is allowed from {plan.market.next_run_at} on")
        assert account is not None, "who runs signs"
        run = self._begin(planned, plan.lots[0], plan_id, account.nonce)
        return self._carry(run, wait, until_final=until_final)

    def _begin(self, planned: Planned, lot: Lot, plan_id: int | None, nonce: int) -> Run:
        market = planned.plan.market
        run = Run(
            id=0,
            plan_id=plan_id,
            number=market.next_run,
            keeper=self._keeper.address,
            nonce=nonce,
            usdc=lot.usdc,
            minimum=lot.minimum,
            floor=lot.floor,
            deadline=market.at.timestamp + DEADLINE_SECONDS,
            state=RunState.PLANNED,
        )
        with self._sessions.begin() as session:
            begun = buybacks.begin(session, run, self._burner, service_time(session))
        log.info("buyback_begun", run=begun.number, usdc=begun.usdc, minimum=begun.minimum, nonce=begun.nonce)
        return begun

    def _carry(self, run: Run, wait: Wait, *, until_final: bool) -> Outcome:
        for _ in range(STEPS_MAX):  # a step changes what is kept, or waits as long as the caller wants
            decision = self.advance(run)
            run = self._read(run)
            if run.state not in OPEN:
                break
            if run.state is RunState.MINED and not until_final:
                return Outcome(Verdict.ACT, decision.reason, (run,))
            if decision.act is Act.PERSON:
                return Outcome(Verdict.PERSON, decision.reason, (run,))
            if decision.act is Act.WAIT and not wait():
                rests = Verdict.ACT if run.state is RunState.MINED else Verdict.PERSON
                return Outcome(rests, f"run {run.number} is {run.state}: {decision.reason}", (run,))
        verdict = Verdict.ACT if run.state is RunState.FINAL else Verdict.REFUSED
        return Outcome(verdict, run.reason or f"run {run.number} is {run.state}", (run,))

    def look(self) -> tuple[Run, Decision] | None:
        """Return the run that may still execute, and what `resume` would do next; changes nothing."""
        with self._sessions.begin() as session:
            run = buybacks.open_run(session, self._burner)
        return None if run is None else (run, next_act(run, self._keeper.sight(run)))

    def advance(self, run: Run) -> Decision:
        """Do the one thing that is next for an open run, and say what it was."""
        sight = self._keeper.sight(run)
        decision = next_act(run, sight)
        match decision.act:
            case Act.SIGN:
                self._sign(run)
            case Act.SEND:
                assert run.newest is not None
                return self._send(run, run.newest, sight, decision)
            case Act.REPLACE:
                self._sign_again(run, Kind.EXECUTE, decision.reason)
            case Act.CANCEL:
                self._sign_again(run, Kind.CANCEL, decision.reason)
            case Act.SETTLE:
                self._settle(run, decision, sight.included)
            case Act.WAIT | Act.PERSON:
                pass
        return decision

    def _sign(self, run: Run) -> None:
        try:
            attempt = self._keeper.sign_execute(run)
        except TransactionFailed as failure:
            # Nobody has ever seen it, so it is over with.
            self._write(run, Step(RunState.REFUSED, reason=f"not signed: {failure.reason}"))
            return
        with self._sessions.begin() as session:
            veto, now = buyback_rules.veto(session), service_time(session)
            # Nobody has seen it yet, so that a veto still stops it; what is kept here may be in a block.
            if veto is None or not veto.holds_at(now):
                buybacks.add_attempt(session, run, attempt, now)
                return
        told = f"not sent: {veto.by.made_by} has stopped buybacks: {veto.by.reason}"
        self._write(run, Step(RunState.REFUSED, reason=told))

    def _sign_again(self, run: Run, kind: Kind, reason: str) -> None:
        attempt = self._keeper.sign_again(run, kind)
        log.warning("buyback_replaced", run=run.number, kind=kind, reason=reason, max_fee=attempt.max_fee)
        self._keep(run, attempt)

    def _keep(self, run: Run, attempt: Attempt) -> None:
        with self._sessions.begin() as session:
            buybacks.add_attempt(session, run, attempt, service_time(session))

    def _send(self, run: Run, attempt: Attempt, sight: Sight, decision: Decision) -> Decision:
        try:
            self._keeper.broadcast(attempt)
        except TransactionFailed as failure:
            log.warning("buyback_not_taken", run=run.number, hash=attempt.hash, reason=failure.reason)
            return Decision(Act.WAIT, f"the node does not take it: {failure.reason}")
        with self._sessions.begin() as session:
            buybacks.note_sent(session, run, attempt, sight.time)
        log.info("buyback_sent", run=run.number, hash=attempt.hash, kind=attempt.kind)
        return decision

    def _settle(self, run: Run, decision: Decision, included: Included | None) -> None:
        assert decision.state is not None
        step = Step(decision.state, taken_at=decision.taken_at, reason=decision.reason)
        if included is not None:
            has_bought = included.burned > 0
            step = Step(
                decision.state,
                spent=included.spent if has_bought else None,
                burned=included.burned if has_bought else None,
                block=included.block,
                hash=included.attempt.hash,
                reason=None if has_bought else decision.reason,
            )
        self._write(run, step)

    def _write(self, run: Run, step: Step) -> None:
        with self._sessions.begin() as session:
            buybacks.settle(session, run, step, service_time(session))
        tell = log.warning if step.state in {RunState.REFUSED, RunState.REPLACED} else log.info
        tell("buyback_run", run=run.number, state=step.state, reason=step.reason, block=step.block)

    def _read(self, run: Run) -> Run:
        with self._sessions.begin() as session:
            return buybacks.read(session, run.id)


def spent_of(runs: list[Run]) -> Usdc:
    """Return what runs have spent, and what those that may still execute may."""
    return Usdc(sum(run.spent or (run.usdc if run.state in OPEN else 0) for run in runs))
