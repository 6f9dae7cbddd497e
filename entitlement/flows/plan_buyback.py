"""Plan a buyback: the ledger's revenue, the chain's runs and the market at one block become one plan.

Nothing is sent, and nothing is believed that one source says alone: the price is computed from the pool's own
state, the node's trial of the first lot has to agree with it, and so has a second node where there is one.
"""

from dataclasses import dataclass, replace

from sqlalchemy.orm import Session, sessionmaker

from entitlement.chain.keeper import Account, Keeper
from entitlement.chain.market import MarketReader
from entitlement.chain.reader import ChainReader
from entitlement.core.buyback import Market, Plan, Verdict, differs, disagreement, plan_buyback
from entitlement.core.buyback_policy import DayTaken, Owed, Since, owed, policy_on
from entitlement.core.buyback_run import Execution, Run, under_way
from entitlement.core.epochs import Epoch, epoch_at, starts_at
from entitlement.core.errors import TransactionFailed
from entitlement.core.units import Usdc, Wallet
from entitlement.flows.read_buybacks import ReadBuybacks
from entitlement.store import buyback_rules, buybacks, revenue
from entitlement.store.buyback_rules import Veto
from entitlement.store.clock import service_time

RUN_GAS = 400_000
"""What a run may take in a pool with many ticks, and twice what it takes in one with few."""


@dataclass(frozen=True)
class Planned:
    """A plan, with what a person wants to see beside it."""

    plan: Plan
    account: Account | None
    """None where nobody signs."""
    days: list[DayTaken]
    executions: list[Execution]
    today: Epoch

    @property
    def gas_cost(self) -> int | None:
        """Wei of the chain's own coin that all lots may cost at the most."""
        return self.account and len(self.plan.lots) * RUN_GAS * self.account.max_fee


@dataclass(frozen=True)
class _Books:
    """What the database says."""

    policies: list[Since]
    veto: Veto | None
    open: Run | None
    days: list[DayTaken]
    now: int


class PlanBuyback:
    """Makes plans; `keeper` is None where nobody signs, `second` where there is one node only."""

    def __init__(
        self,
        sessions: sessionmaker[Session],
        reader: ChainReader,
        market: MarketReader,
        runs: ReadBuybacks,
        burner: Wallet,
        keeper: Keeper | None = None,
        second: MarketReader | None = None,
    ) -> None:
        self._sessions, self._reader, self._market, self._runs = sessions, reader, market, runs
        self._burner, self._keeper, self._second = burner, keeper, second

    def plan(
        self,
        *,
        through: Epoch | None = None,
        most: Usdc | None = None,
        seed: str = "",
        jitter: bool = True,
    ) -> Planned:
        """Return the plan of this moment, of all closed days, or of those up to `through`.

        `most` is what is left of a plan that was announced; without `jitter` lots go as soon as they may.
        Raises `NodeUnavailable`, `InconsistentNode`.
        """
        head = self._reader.head()
        market = self._market.read(head)
        executions = self._runs.through(head)
        books = self._books(through)
        today = epoch_at(books.now)
        policy = policy_on(books.policies, today)
        policy = policy if jitter else replace(policy, jitter=0)
        owing = self._owed(books, executions, through or Epoch(today - 1))
        plan = plan_buyback(owing, policy, market, now=head.timestamp, seed=seed, most=most)
        account = self._keeper and self._keeper.account(head)
        stopped = self._stopped(plan, books, account) if plan.verdict is Verdict.ACT else None
        if stopped is not None:
            plan = replace(plan, verdict=stopped[0], reason=stopped[1])
        return Planned(plan, account, books.days, executions, today)

    def _books(self, through: Epoch | None) -> _Books:
        with self._sessions.begin() as session:
            now = service_time(session)
            policies = buyback_rules.policies(session)
            last = Epoch(epoch_at(now) - 1) if through is None else through
            days = revenue.taken(session, first=policies[0].epoch, through=last) if policies else []
            return _Books(
                policies,
                buyback_rules.veto(session),
                buybacks.open_run(session, self._burner),
                days,
                now,
            )

    def _owed(self, books: _Books, executions: list[Execution], through: Epoch) -> Owed:
        start = starts_at(books.policies[0].epoch) if books.policies else 0
        spent = sum(each.spent for each in executions if each.executed_at >= start)
        open_runs = [] if books.open is None else [books.open]
        waiting = under_way(open_runs, {each.number for each in executions})
        return owed(books.policies, books.days, through=through, bought=Usdc(spent + waiting))

    def _stopped(self, plan: Plan, books: _Books, account: Account | None) -> tuple[Verdict, str] | None:
        """Return why a plan that could be carried out may not be, or None."""
        if books.veto is not None and books.veto.holds_at(books.now):
            by = books.veto.by
            return Verdict.REFUSED, f"{by.made_by} has stopped buybacks: {by.reason}"
        if books.open is not None:
            return Verdict.PERSON, f"run {books.open.number} is {books.open.state}: resume it first"
        return self._unable(plan, account) or self._doubted(plan)

    def _unable(self, plan: Plan, account: Account | None) -> tuple[Verdict, str] | None:
        if account is None:
            return None
        if account.address != plan.market.keeper:
            return Verdict.PERSON, f"the keeper is {plan.market.keeper}, the key is that of {account.address}"
        if account.pending != account.nonce:
            told = f"{account.address} has {account.pending - account.nonce} transactions waiting"
            return Verdict.PERSON, f"{told} that are not of this journal"
        needed = RUN_GAS * account.max_fee
        if account.balance < needed:
            told = f"{account.address} has {account.balance} wei for gas"
            return Verdict.PERSON, f"{told}, a run may take {needed}"
        return None

    def _doubted(self, plan: Plan) -> tuple[Verdict, str] | None:
        """Ask again: a second node about everything, and the first to try what goes next."""
        market, lot = plan.market, plan.lots[0]
        if self._second is not None:
            told = self._differs_elsewhere(market)
            if told is not None:
                return Verdict.PERSON, told
        if market.at.timestamp < market.next_run_at:
            # Before its time every run is refused, which says nothing.
            return None
        try:
            told = differs(lot, self._market.trial(market, lot))
        except TransactionFailed as failure:
            return Verdict.REFUSED, f"the contract would refuse the first lot: {failure.reason}"
        return None if told is None else (Verdict.PERSON, told)

    def _differs_elsewhere(self, market: Market) -> str | None:
        assert self._second is not None
        try:
            return disagreement(market, self._second.read(market.at))
        except TransactionFailed as failure:
            return f"the second node cannot read block {market.at.number}: {failure.reason}"
