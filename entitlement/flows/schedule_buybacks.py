"""Buybacks by the clock: announced first, stopped by whoever vetoes, carried out lot by lot.

    due by the policy ──> planned ──> announced ──veto time──> a lot ──spacing, chance──> a lot ... ──> done
                             │            └──veto──> vetoed
                             └──refused, or a person is needed: an alert, and looked at again later

A plan that was announced is an upper bound: each lot is planned anew at its time, within what is left of it.
"""

import secrets
from collections.abc import Callable
from dataclasses import dataclass
from enum import StrEnum
from hashlib import sha256

import structlog
from sqlalchemy.orm import Session, sessionmaker

from entitlement import metrics
from entitlement.core.buyback import SMALLEST_LOT, Plan, Verdict
from entitlement.core.buyback_policy import Policy, counts_through, is_due, policy_on
from entitlement.core.buyback_run import Run, RunState
from entitlement.core.epochs import Epoch, epoch_at
from entitlement.core.errors import BuybackBusy, TransactionFailed
from entitlement.core.units import Usdc
from entitlement.flows.plan_buyback import PlanBuyback, Planned
from entitlement.flows.run_buybacks import RunBuybacks, spent_of
from entitlement.store import buyback_rules, buybacks
from entitlement.store.buyback_rules import Announced
from entitlement.store.clock import service_time

log = structlog.get_logger()

LOOK_AGAIN_SECONDS = 3_600
"""After a look that came to nothing: a market that is away from its mean comes back in about that time."""


class Happened(StrEnum):
    """What a tick did."""

    NOTHING = "nothing"
    BUSY = "busy"
    UNDER_WAY = "under way"
    STOPPED = "stopped"
    ANNOUNCED = "announced"
    BOUGHT = "bought"
    ALERTED = "alerted"
    DONE = "done"


@dataclass(frozen=True)
class _Now:
    now: int
    policy: Policy
    is_stopped: bool
    announced: Announced | None
    last: Announced | None
    runs: list[Run]
    """Of the plan that is announced."""

    @property
    def today(self) -> Epoch:
        return epoch_at(self.now)


class ScheduleBuybacks:
    """What the jobs do about buybacks, a little at a time: no tick waits for a block."""

    def __init__(
        self,
        sessions: sessionmaker[Session],
        planner: PlanBuyback,
        runner: RunBuybacks,
        new_seed: Callable[[], str] = lambda: secrets.token_hex(16),
    ) -> None:
        self._sessions, self._planner, self._runner = sessions, planner, runner
        self._new_seed = new_seed
        self._look_at = 0

    def tick(self) -> Happened:
        """Do what is next. Raises `ChainError` without a usable answer of the node: nothing is lost then."""
        try:
            with self._runner.exclusively():
                return self._tick()
        except BuybackBusy:
            return Happened.BUSY

    def _tick(self) -> Happened:
        begun = self._runner.go_on(lambda: False)
        if begun.runs:
            self._count(begun.runs)
            if begun.verdict is Verdict.PERSON:
                return self._alert(Verdict.PERSON, begun.reason)
            return Happened.UNDER_WAY
        now = self._look()
        if now.is_stopped:
            return Happened.STOPPED
        try:
            return self._decide(now)
        except TransactionFailed as failure:
            # A view that reverts: a pool that does not remember its price for as long as the mean takes.
            self._wait_an_hour(now, str(failure))
            return self._alert(Verdict.REFUSED, str(failure))

    def _decide(self, now: _Now) -> Happened:
        if now.announced is not None:
            is_time = now.now >= now.announced.next_lot_at
            return self._go_on(now, now.announced) if is_time else Happened.NOTHING
        last = None if now.last is None else now.last.epoch
        if now.now < self._look_at or not is_due(now.policy.schedule, today=now.today, last=last):
            return Happened.NOTHING
        return self._plan(now)

    def _wait_an_hour(self, now: _Now, reason: str) -> None:
        self._look_at = now.now + LOOK_AGAIN_SECONDS
        if now.announced is not None:
            self._postpone(now.announced, self._look_at, reason)

    def _look(self) -> _Now:
        with self._sessions.begin() as session:
            now = service_time(session)
            veto = buyback_rules.veto(session)
            plan = buyback_rules.announced(session)
            return _Now(
                now,
                policy_on(buyback_rules.policies(session), epoch_at(now)),
                veto is not None and veto.holds_at(now),
                plan,
                buyback_rules.last_announced(session),
                [] if plan is None else buybacks.of_plan(session, plan.id),
            )

    # --- a new plan -------------------------------------------------------------------------------------

    def _plan(self, now: _Now) -> Happened:
        through = counts_through(now.policy.schedule, today=now.today)
        seed = self._new_seed()
        planned = self._planner.plan(through=through, seed=seed)
        self._look_at = now.now + LOOK_AGAIN_SECONDS
        plan = planned.plan
        if plan.verdict is Verdict.NOTHING:
            metrics.BUYBACK_REFUSED.set(0)
            return Happened.NOTHING
        if plan.verdict is not Verdict.ACT:
            return self._alert(plan.verdict, plan.reason)
        announced = self._announced(plan, now, through, seed)
        with self._sessions.begin() as session:
            made = buyback_rules.announce(session, announced, service_time(session))
        metrics.BUYBACK_REFUSED.set(0)
        metrics.BUYBACK_ANNOUNCED.set(announced.not_before)
        log.warning(
            "buyback_announced",
            plan=made,
            usdc=plan.amount,
            lots=len(plan.lots),
            not_before=announced.not_before,
            stop_it_by="entitlement buyback veto",
        )
        return Happened.ANNOUNCED

    def _announced(self, plan: Plan, now: _Now, through: Epoch, seed: str) -> Announced:
        not_before = now.now + now.policy.veto
        return Announced(
            id=0,
            epoch=now.today,
            through=through,
            amount=plan.amount,
            lots=len(plan.lots),
            seed=seed,
            state="announced",
            not_before=not_before,
            next_lot_at=not_before + _chance(seed, 0, now.policy.jitter),
            reason=None,
        )

    # --- the next lot -----------------------------------------------------------------------------------

    def _go_on(self, now: _Now, announced: Announced) -> Happened:
        left = Usdc(announced.amount - spent_of(now.runs))
        if left < SMALLEST_LOT:
            return self._end(announced, "bought")
        planned = self._planner.plan(through=announced.through, most=left, seed=announced.seed, jitter=False)
        plan = planned.plan
        if plan.verdict is Verdict.NOTHING:
            return self._end(announced, plan.reason)
        if plan.verdict is not Verdict.ACT:
            self._wait_an_hour(now, plan.reason)
            return self._alert(plan.verdict, plan.reason)
        if plan.market.at.timestamp < plan.market.next_run_at:
            wait = plan.market.next_run_at - plan.market.at.timestamp
            self._postpone(announced, now.now + wait, None)
            return Happened.NOTHING
        return self._buy(now, announced, planned)

    def _buy(self, now: _Now, announced: Announced, planned: Planned) -> Happened:
        """Before the run: were it after, a crash between the two would let the next lot come too soon."""
        number, market = len(now.runs) + 1, planned.plan.market
        spacing = max(now.policy.spacing, market.bounds.hop)
        chance = _chance(announced.seed, number, now.policy.jitter)
        self._postpone(announced, now.now + spacing + chance, None)
        outcome = self._runner.run_planned(planned, lambda: False, plan_id=announced.id)
        self._count(outcome.runs)
        if outcome.runs and outcome.runs[-1].state is RunState.REFUSED:
            return self._alert(Verdict.REFUSED, outcome.reason)
        metrics.BUYBACK_REFUSED.set(0)
        return Happened.BOUGHT

    def _postpone(self, announced: Announced, until: int, reason: str | None) -> None:
        with self._sessions.begin() as session:
            buyback_rules.postpone(session, announced.id, next_lot_at=until, reason=reason)

    def _end(self, announced: Announced, reason: str) -> Happened:
        with self._sessions.begin() as session:
            buyback_rules.end_plan(session, announced.id, "done", reason, service_time(session))
        log.info("buyback_done", plan=announced.id, reason=reason)
        return Happened.DONE

    # --- telling ----------------------------------------------------------------------------------------

    def _alert(self, verdict: Verdict, reason: str) -> Happened:
        metrics.BUYBACK_REFUSED.set(1)
        log.critical("buyback_refused", verdict=verdict, reason=reason)
        return Happened.ALERTED

    def _count(self, runs: tuple[Run, ...]) -> None:
        for run in runs:
            metrics.BUYBACK_RUNS.labels(run.state).inc()
            metrics.BUYBACK_OPEN.set(run.state in {RunState.SIGNED, RunState.SENT, RunState.PLANNED})


def _chance(seed: str, number: int, most: int) -> int:
    """Return 0 to `most` seconds, by the seed alone: known to nobody who has not the database."""
    return int.from_bytes(sha256(f"{seed}:next:{number}".encode()).digest()[:8]) % (most + 1)
