"""Buybacks of the deployment that the settings name: planned by anybody, carried out where somebody signs."""

from collections.abc import Callable, Generator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from functools import partial

from sqlalchemy import Engine
from sqlalchemy.orm import Session, sessionmaker

from entitlement.chain.artifacts import load_artifacts
from entitlement.chain.buyback_logs import BuybackLogs
from entitlement.chain.contracts import Contracts, connect
from entitlement.chain.endpoints import open_rpc
from entitlement.chain.keeper import Keeper
from entitlement.chain.market import MarketReader
from entitlement.chain.rpc import RpcLimits
from entitlement.chain.signers import Signer
from entitlement.chain.treasury import Treasury
from entitlement.core.units import Wallet, wallet
from entitlement.flows.fund_buybacks import FundBuybacks
from entitlement.flows.govern_buybacks import GovernBuybacks
from entitlement.flows.plan_buyback import PlanBuyback
from entitlement.flows.read_buybacks import ReadBuybacks
from entitlement.flows.run_buybacks import RunBuybacks
from entitlement.flows.schedule_buybacks import ScheduleBuybacks
from entitlement.settings import Settings
from entitlement.store.leadership import alone_at_buybacks
from entitlement.wiring.following import open_reader


@dataclass(frozen=True)
class Buybacks:
    """Every flow of buybacks, ready to be called."""

    burner: Wallet
    govern: GovernBuybacks
    executions: ReadBuybacks
    planner: PlanBuyback
    runner: RunBuybacks | None
    """None where nobody signs."""
    schedule: ScheduleBuybacks | None
    """Likewise."""
    funding: Callable[[Signer | None], FundBuybacks]
    """Takes who signs for the treasury, where somebody does."""


@contextmanager
def open_buybacks(
    settings: Settings, engine: Engine, sessions: sessionmaker[Session], signer: Signer | None
) -> Generator[Buybacks]:
    """Wire the flows to the nodes and the database. Raises `SetupError`, `DeploymentMissing`."""
    with ExitStack() as opened:
        reader, deployment, network = opened.enter_context(open_reader(settings))
        url = settings.rpc_url or network.rpc_url
        limits = RpcLimits(requests_per_second=settings.rpc_requests_per_second)
        rpc = opened.enter_context(open_rpc(url, limits, chain_id=network.chain_id))
        artifacts, usdc = load_artifacts(), deployment.market.usdc
        contracts = Contracts(connect(url), artifacts, deployment.addresses)
        burner = wallet(contracts.address("BuybackBurner"))
        second = None
        if settings.quorum_rpc_url is not None:
            other = Contracts(connect(settings.quorum_rpc_url), artifacts, deployment.addresses)
            second = MarketReader(other, usdc)
        keeper = None
        if signer is not None:
            sender = None if settings.keeper_rpc_url is None else connect(settings.keeper_rpc_url)
            keeper = Keeper(contracts, reader, signer, sender)
        logs = BuybackLogs(rpc, reader, burner, network.blocks_per_request)
        runs = ReadBuybacks(sessions, reader, contracts, logs, deployment.start_block)
        market = MarketReader(contracts, usdc)
        planner = PlanBuyback(sessions, reader, market, runs, burner, keeper, second)
        runner = schedule = None
        if keeper is not None:
            runner = RunBuybacks(sessions, keeper, planner, burner, partial(alone_at_buybacks, engine))
            schedule = ScheduleBuybacks(sessions, planner, runner)

        def funding(treasurer: Signer | None) -> FundBuybacks:
            treasury = None if treasurer is None else Treasury(contracts, reader, usdc, treasurer)
            return FundBuybacks(sessions, planner, burner, partial(alone_at_buybacks, engine), treasury)

        yield Buybacks(burner, GovernBuybacks(sessions), runs, planner, runner, schedule, funding)
