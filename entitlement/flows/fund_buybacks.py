"""Fund buybacks: USDC goes from the treasury to the burner, as much as is owed and is not there, once.

    plan --> sign --> KEEP what was signed, with who and why --> send --> in a block --> in a final block
                                                                  ^          |
                                                                  +----------+ a fork dropped it

While one transfer is not decided by a final block no other is signed, and going on with it sends the same
bytes: whichever line a process dies at, nothing is sent twice.
"""

from collections.abc import Callable
from contextlib import AbstractContextManager
from dataclasses import dataclass

from sqlalchemy.orm import Session, sessionmaker

from entitlement.chain.treasury import SignedTransfer, Treasury
from entitlement.core.acts import ActKind, Because
from entitlement.core.buyback import Verdict
from entitlement.core.buyback_funding import FundingPlan, FundingState, plan_funding
from entitlement.core.units import Usdc, Wallet
from entitlement.flows.plan_buyback import PlanBuyback
from entitlement.store import acts, buyback_fundings, buyback_rules, buybacks
from entitlement.store.buyback_fundings import Transfer
from entitlement.store.clock import service_time

SHOWN = 20
_SAID = {
    FundingState.FINAL: (Verdict.ACT, "the burner has them"),
    FundingState.FAILED: (Verdict.REFUSED, "the token refused the transfer"),
    FundingState.REPLACED: (Verdict.PERSON, "another transaction has its nonce: nothing was sent"),
    FundingState.SIGNED: (Verdict.PERSON, "no final block has it yet: the same command goes on with it"),
}


@dataclass(frozen=True, slots=True)
class Funded:
    """What came of it."""

    verdict: Verdict
    reason: str
    transfer: Transfer | None = None


class FundBuybacks:
    """Sends for one burner; `treasury` is None where nobody signs."""

    def __init__(
        self,
        sessions: sessionmaker[Session],
        planner: PlanBuyback,
        burner: Wallet,
        alone: Callable[[], AbstractContextManager[None]],
        treasury: Treasury | None,
    ) -> None:
        """`alone` keeps other processes away, buybacks under way too; raises `BuybackBusy`."""
        self._sessions, self._planner, self._burner = sessions, planner, burner
        self._alone, self._treasury = alone, treasury

    def plan(self, *, most: Usdc | None = None) -> FundingPlan:
        """Return what would be sent now; nothing is written, signed or sent. Raises as planning does."""
        made = self._planner.plan(seed="fund")
        planned, spent = made.plan, sum(each.spent for each in made.executions)
        market, wanted = planned.market, planned.owed.wanted
        balance = None if self._treasury is None else self._treasury.balance(market.at)
        stopped = self._stopped() or self._missing(Usdc(market.held + spent))
        if stopped is not None:
            return FundingPlan(*stopped, wanted, market.held)
        return plan_funding(
            wanted=wanted, held=market.held, minimum=planned.policy.minimum, balance=balance, most=most
        )

    def transfers(self) -> list[Transfer]:
        """Return the last transfers, newest first."""
        with self._sessions.begin() as session:
            return buyback_fundings.newest(session, self._burner, limit=SHOWN)

    def fund(self, because: Because, wait: Callable[[], bool], *, most: Usdc | None = None) -> Funded:
        """Go on with a transfer that was begun, or send what is owed, until `wait` is false.

        Raises `InvalidRequest`, `BuybackBusy`, `TransactionFailed`, `SignatureRefused`, `ChainError`s; what
        was signed stays in the journal, and the next call goes on with it.
        """
        assert self._treasury is not None, "whoever funds signs"
        with self._alone():
            with self._sessions.begin() as session:
                begun = buyback_fundings.open_transfer(session, self._burner)
            if begun is None:
                because.check()
                plan = self.plan(most=most)
                if plan.verdict is not Verdict.ACT:
                    return Funded(plan.verdict, plan.reason)
                begun = self._begin(self._treasury, plan.amount, because)
            elif begun.sender != self._treasury.address:
                told = f"{begun.sender} has begun to send {begun.amount} units of USDC: go on by its key"
                return Funded(Verdict.PERSON, told, begun)
            return self._follow(self._treasury, begun, wait)

    def _stopped(self) -> tuple[Verdict, str] | None:
        """Return what forbids to send anything, whatever is owed."""
        with self._sessions.begin() as session:
            veto, now = buyback_rules.veto(session), service_time(session)
            run = buybacks.open_run(session, self._burner)
            begun = buyback_fundings.open_transfer(session, self._burner)
        if begun is not None:
            told = f"{begun.amount} units of USDC are under way since {begun.made_at}, {begun.hash}"
            return Verdict.PERSON, f"{told}: fund goes on with them"
        if veto is not None and veto.holds_at(now):
            return Verdict.REFUSED, f"{veto.by.made_by} has stopped buybacks: {veto.by.reason}"
        if run is not None:
            # What the burner holds may be spent at any moment, and what is owed counts it as bought.
            return Verdict.PERSON, f"run {run.number} is {run.state}: resume it first"
        return None

    def _missing(self, seen: Usdc) -> tuple[Verdict, str] | None:
        """Hold what is shown of the burner to what was sent: a node that hides it must not get it twice."""
        with self._sessions.begin() as session:
            sent = buyback_fundings.sum_sent(session, self._burner)
        if seen < sent:
            told = f"{sent} units of USDC were sent, and the node shows {seen} held or spent"
            return Verdict.PERSON, f"{told}: ask another node"
        return None

    def _begin(self, treasury: Treasury, amount: Usdc, because: Because) -> Transfer:
        signed = treasury.sign(self._burner, amount)
        with self._sessions.begin() as session:
            now = service_time(session)
            acts.add(
                session,
                ActKind.BUYBACK_FUND,
                because,
                now=now,
                subject=self._burner,
                figures={"usdc": amount},
            )
            return buyback_fundings.add(
                session,
                self._burner,
                sender=treasury.address,
                nonce=signed.nonce,
                amount=amount,
                signed=(signed.hash, signed.raw),
                now=now,
            )

    def _follow(self, treasury: Treasury, begun: Transfer, wait: Callable[[], bool]) -> Funded:
        signed = SignedTransfer(begun.nonce, begun.hash, begun.raw)
        while True:  # ends: `wait` does
            fate = treasury.fate(signed)
            if fate.state is not FundingState.SIGNED:
                with self._sessions.begin() as session:
                    now = service_time(session)
                    buyback_fundings.end(session, begun, fate.state, fate.block, now)
                break
            if fate.may_be_sent:
                treasury.send(signed)
            if not wait():
                break
        verdict, reason = _SAID[fate.state]
        return Funded(verdict, f"{begun.amount} units of USDC, {begun.hash}: {reason}", begun)
