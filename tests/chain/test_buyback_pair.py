"""The program's second venue on Uniswap's own pair: what a lot brings is computed to the wei, and it runs."""

from eth_utils.address import to_checksum_address
from sqlalchemy.orm import Session, sessionmaker

from entitlement.chain.buyback_logs import BuybackLogs
from entitlement.chain.contracts import Contracts
from entitlement.chain.keeper import Keeper
from entitlement.chain.market import MarketReader
from entitlement.chain.transactions import transact
from entitlement.core.buyback import Lot
from entitlement.core.buyback_run import RunState
from entitlement.core.pool_depth import PairDepth
from entitlement.core.units import Usdc, Wei, wallet
from entitlement.flows.plan_buyback import PlanBuyback
from entitlement.flows.read_buybacks import ReadBuybacks
from entitlement.flows.run_buybacks import RunBuybacks
from entitlement.store.leadership import alone_at_buybacks
from tests.chain.buyback_stage import DOLLAR, HALF, Stage, flows
from tests.chain.system import System
from tests.chain.test_pair_venue import ANYBODY, KEEPER, POKES_EVERY, WINDOW, open_pair, over_pair


def test_a_pair_is_bought_from_as_computed(system: System, sessions: sessionmaker[Session]) -> None:
    over = over_pair(system, open_pair(system))
    addresses = {name: over.address(name) for name in ("PairVenue", "BuybackBurner", "DevDollar", "VVV")}
    addresses["Guardian"] = system.contracts.address("Guardian")
    contracts = Contracts(over.web3, system.artifacts, addresses)
    for _ in range(WINDOW // POKES_EVERY + 1):
        transact(contracts, system.account(ANYBODY), "PairVenue", "poke")
        system.devnet.jump_to(system.devnet.head().timestamp + POKES_EVERY)
    transact(contracts, system.account(ANYBODY), "PairVenue", "poke")
    usdc, burner = contracts.address("DevDollar"), wallet(contracts.address("BuybackBurner"))
    reader = MarketReader(contracts, usdc)
    market = reader.read(system.reader.head())
    assert isinstance(market.depth, PairDepth)
    for dollars in (1, 77, 5_000, 10_000):
        fill = market.depth.fill(Usdc(dollars * DOLLAR), market.bound)
        tried = reader.trial(market, Lot(Usdc(dollars * DOLLAR), fill.bought, Wei(0), Wei(0), 0))
        assert (tried.spent, tried.bought) == (fill.spent, fill.bought), dollars

    flows(Stage(system), sessions).owe(4_000, HALF)
    logs = BuybackLogs(system.rpc, system.reader, burner, 1_000)
    runs = ReadBuybacks(sessions, system.reader, contracts, logs, system.deployment.start_block)
    keeper = Keeper(contracts, system.reader, system.account(KEEPER))
    planner = PlanBuyback(sessions, system.reader, reader, runs, burner, keeper)
    engine = sessions.kw["bind"]
    runner = RunBuybacks(sessions, keeper, planner, burner, lambda: alone_at_buybacks(engine))
    (run,) = runner.run(lambda: False, most_lots=1).runs
    assert (run.state, run.spent) == (RunState.FINAL, 4_000 * DOLLAR)
    assert to_checksum_address(run.keeper) == system.address(KEEPER)
