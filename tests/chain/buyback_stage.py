"""A deployed system with an open market and an owed buyback: real pool, real liquidity, and a keeper."""

from collections.abc import Callable, Iterator
from contextlib import ExitStack, closing, contextmanager
from dataclasses import dataclass, field, replace
from functools import partial

from sqlalchemy.orm import Session, sessionmaker

from entitlement.chain.artifacts import Artifacts
from entitlement.chain.buyback_logs import BuybackLogs
from entitlement.chain.contracts import Contracts, connect
from entitlement.chain.keeper import Keeper
from entitlement.chain.market import MarketReader
from entitlement.chain.networks import Network
from entitlement.chain.rpc import JsonRpc
from entitlement.core.blocks import Finality, FinalityRule
from entitlement.core.buyback import Market
from entitlement.core.buyback_policy import Policy
from entitlement.core.buyback_run import Run
from entitlement.core.epochs import ends_at, epoch_at
from entitlement.core.holds import Usage
from entitlement.core.units import USDC_PER_DOLLAR, WEI_PER_TOKEN, NanoUsd, Usdc, wallet
from entitlement.flows.govern_buybacks import GovernBuybacks
from entitlement.flows.plan_buyback import PlanBuyback
from entitlement.flows.read_buybacks import ReadBuybacks
from entitlement.flows.run_buybacks import RunBuybacks
from entitlement.flows.shift_clock import ShiftClock
from entitlement.flows.spend_credit import SpendCredit
from entitlement.store.buyback_rules import By
from entitlement.store.leadership import alone_at_buybacks
from tests.chain.system import DEPLOYER, System, deployed
from tests.support import USD, holder

DOLLAR = USDC_PER_DOLLAR
DEPTH = 3
"""Blocks until one is final."""
WINDOW = 1_800
HOP = 14_400
WIDEST = 887_220
LIQUIDITY = 10**18
"""Over the whole range: about two million dollars on either side."""
BY = By("a test", "to see it")
HOLD_DOLLARS = 5_000
HALF = Policy(revenue_share=5_000, spacing=0, jitter=0, slippage=50, impact=100)


@dataclass
class Stage:
    """The system, and the flows over a database of a test's own."""

    system: System
    closing: ExitStack = field(default_factory=ExitStack)

    @property
    def burner(self) -> str:
        return self.system.contracts.address("BuybackBurner")

    @property
    def usdc(self) -> str:
        return self.system.contracts.address("DevDollar")

    def do(self, contract: str, function: str, *arguments: object, who: int = DEPLOYER) -> None:
        self.system.transact(who, contract, function, *arguments)

    def tick_away(self, seconds: int) -> None:
        self.system.devnet.jump_to(self.system.devnet.head().timestamp + seconds)

    def settle(self, blocks: int = DEPTH) -> None:
        """Let what is mined become final."""
        self.system.devnet.mine(blocks)

    def fund_burner(self, dollars: int) -> None:
        self.do("DevDollar", "mint", self.burner, dollars * DOLLAR)

    def market(self, url: str | None = None) -> Market:
        return self.reading(url).read(self.system.reader.head())

    def reading(self, url: str | None = None) -> MarketReader:
        contracts = self.system.contracts
        if url is not None:
            contracts = Contracts(connect(url), self.system.artifacts, self.system.deployment.addresses)
        return MarketReader(contracts, self.usdc)

    def next_run(self) -> int:
        return self.system.contracts.view("BuybackBurner", "nextRun")

    @contextmanager
    def blocks_by_hand(self) -> Iterator[None]:
        """No transaction makes a block of its own meanwhile."""
        self.system.rpc.call("evm_setAutomine", False)  # noqa: FBT003 - the node's own argument
        try:
            yield
        finally:
            self.system.rpc.call("evm_setAutomine", True)  # noqa: FBT003 - likewise

    @contextmanager
    def as_it_is(self) -> Iterator[None]:
        """Every transaction makes a block of its own."""
        yield

    def dear(self, seconds: int, *, blocks: int) -> Callable[[], bool]:
        """A wait for so many blocks of so many seconds, in which gas costs more than anybody offers."""
        left = iter(range(blocks, -1, -1))
        price = 10**12

        def wait() -> bool:
            nonlocal price
            # Faster than whoever offers twice what the last block cost can follow.
            price *= 4
            self.system.rpc.call("anvil_setNextBlockBaseFeePerGas", hex(price))
            self.tick_away(seconds)
            self.system.rpc.call("anvil_setNextBlockBaseFeePerGas", hex(price))
            return next(left) > 0

        return wait

    def cheap(self) -> None:
        """Let gas cost little again."""
        self.system.rpc.call("anvil_setNextBlockBaseFeePerGas", hex(10**9))

    def supply(self) -> int:
        return self.system.contracts.view("VVV", "totalSupply")


@dataclass
class Flows:
    """Everything that acts on buybacks, over one database."""

    stage: Stage
    sessions: sessionmaker[Session]
    reads: ReadBuybacks
    govern: GovernBuybacks
    keeper: Keeper
    planner: PlanBuyback
    runner: RunBuybacks

    def owe(self, dollars: int, policy: Policy = HALF) -> None:
        """Let so many dollars be owed: twice as many were spent on the day before."""
        self.govern.set_policy(policy, BY)
        who = holder(self.sessions, prepaid=2 * dollars * USD)
        spend = SpendCredit(self.sessions)
        for number in range(-(-2 * dollars // HOLD_DOLLARS)):
            amount = min(HOLD_DOLLARS, 2 * dollars - number * HOLD_DOLLARS) * USD
            held = spend.hold(who.gateway_id, who.request(amount, f"r{number}")).hold
            spend.capture(who.gateway_id, held.id, NanoUsd(amount), Usage())
        clock = ShiftClock(self.sessions, network="anvil", is_devnet=True)
        clock.jump_to(ends_at(epoch_at(clock.now())))

    def open_run(self) -> Run:
        found = self.govern.standing(wallet(self.stage.burner)).open
        assert found is not None
        return found

    def settled(self) -> Callable[[], bool]:
        """A wait in which the chain goes on, so that what was mined becomes final."""
        return partial(_mined, self.stage)


def _mined(stage: Stage) -> bool:
    stage.system.devnet.mine()
    return True


def flows(
    stage: Stage,
    sessions: sessionmaker[Session],
    *,
    url: str | None = None,
    second: str | None = None,
    who: int = DEPLOYER,
    lock: sessionmaker[Session] | None = None,
) -> Flows:
    """The flows, behind a node at `url`, compared with one at `second`."""
    system = stage.system
    contracts = system.contracts
    if url is not None:
        contracts = Contracts(connect(url), system.artifacts, system.deployment.addresses)
    reader = stage.closing.enter_context(closing(system.reader_of(url or system.anvil.url)))
    burner = wallet(stage.burner)
    rpc = stage.closing.enter_context(JsonRpc(url or system.anvil.url))
    logs = BuybackLogs(rpc, reader, burner, 1_000)
    reads = ReadBuybacks(sessions, reader, contracts, logs, system.deployment.start_block)
    keeper = Keeper(contracts, reader, system.account(who))
    other = None if second is None else stage.reading(second)
    planner = PlanBuyback(sessions, reader, MarketReader(contracts, stage.usdc), reads, burner, keeper, other)
    engine = (lock or sessions).kw["bind"]
    runner = RunBuybacks(sessions, keeper, planner, burner, partial(alone_at_buybacks, engine))
    return Flows(stage, sessions, reads, GovernBuybacks(sessions), keeper, planner, runner)


@contextmanager
def opened_market(network: Network, artifacts: Artifacts) -> Iterator[Stage]:
    """Deploy, lend liquidity over the whole range, and let the mean settle. Finality is a few blocks down."""
    late = replace(network, finality=Finality(FinalityRule.DEPTH, DEPTH))
    with deployed(late, artifacts) as system:
        stage = Stage(system)
        trader = system.contracts.address("DevTrader")
        stage.do("VVV", "transfer", trader, 5_000_000 * WEI_PER_TOKEN)
        stage.do("DevDollar", "mint", trader, 50_000_000 * DOLLAR)
        stage.do("DevTrader", "addLiquidity", -WIDEST, WIDEST, LIQUIDITY)
        stage.tick_away(2 * WINDOW)
        stage.settle()
        with stage.closing:
            yield stage


def total_spent(runs: list[Run]) -> Usdc:
    return Usdc(sum(run.spent or 0 for run in runs))
