"""The first state of a local stack: the contracts, a treasury, and a supply of DIEM as large as the live one.

Rates follow from the supply (T = 40,000 DIEM, about 37,700 minted), so that a mint on a laptop costs what it
costs on Base.
"""

from pathlib import Path

from entitlement.chain.artifacts import Artifacts
from entitlement.chain.contracts import Contracts, connect
from entitlement.chain.deployment.carry_out import deploy
from entitlement.chain.deployment.check import check_deployment
from entitlement.chain.deployment.order import DEV_DOLLAR, DEV_TRADER
from entitlement.chain.deployment.parameters import parameters_of
from entitlement.chain.deployment.plan import plan_deployment
from entitlement.chain.deployment.record import Deployment, read_deployment, write_deployment
from entitlement.chain.devnet import development_account
from entitlement.chain.networks import Network
from entitlement.chain.transactions import transact
from entitlement.cli.actor import Actor
from entitlement.core.errors import SetupError
from entitlement.core.units import USDC_PER_DOLLAR, WEI_PER_TOKEN, Wei

DEPLOYER = 0
"""The development account that deploys and is the treasury."""
CROWD = 9
"""The development account that stands for everybody else."""
PEOPLE = {"alice": 1, "bob": 2, "carol": 3}
"""Development accounts with VVV in their wallets."""

TREASURY_STAKE = Wei(10_000_000 * WEI_PER_TOKEN)
CROWD_STAKE = Wei(25_000_000 * WEI_PER_TOKEN)
CROWD_DIEM = Wei(37_700 * WEI_PER_TOKEN)
CROWD_STAKED_DIEM = Wei(28_400 * WEI_PER_TOKEN)
POCKET = Wei(10_000 * WEI_PER_TOKEN)
LIQUIDITY = 10**18
"""Over the whole range of prices: about two million dollars on either side of the market of VVV."""
LIQUIDITY_VVV = Wei(1_000_000 * WEI_PER_TOKEN)
LIQUIDITY_USDC = 5_000_000 * USDC_PER_DOLLAR
"""More than is taken, of each."""
WIDEST_TICK = 887_220
"""The widest that a position in a pool with a fee of 0.3 % may be."""


def ensure_deployed(
    rpc_url: str, network: Network, artifacts: Artifacts, path: Path
) -> tuple[Deployment, Contracts, bool]:
    """Return the deployment of a devnet and whether it is new; checks the one that is kept, or makes it."""
    web3 = connect(rpc_url)
    if path.exists():
        deployment = read_deployment(path)
        check_deployment(web3, deployment, artifacts)
        return deployment, Contracts(web3, artifacts, deployment.addresses), False
    if network.genesis is None:
        raise SetupError(
            f"Network {network.name!r} has no [genesis] in its file.",
            remedy="Only a network with one can be deployed to from here; see networks/anvil.toml.",
        )
    account = development_account(DEPLOYER)
    now = web3.eth.get_block("latest").get("timestamp", 0)
    parameters = parameters_of(network.genesis, deployer=account.address, deployed_at=now)
    deployment = deploy(web3, account, plan_deployment(web3, network, account.address, parameters), artifacts)
    contracts = Contracts(web3, artifacts, deployment.addresses)
    populate(contracts)
    # Last: a genesis that was interrupted is begun again on a chain that is thrown away with it.
    write_deployment(deployment, path)
    return deployment, contracts, True


def populate(contracts: Contracts) -> None:
    """Stake for the treasury, mint for the crowd, and give the people something to stake."""
    treasury = Actor(contracts, development_account(DEPLOYER))
    crowd = Actor(contracts, development_account(CROWD))
    # First of all, so that nothing is ever emitted to a first staker alone.
    treasury.stake_vvv(TREASURY_STAKE)
    treasury.give_vvv(crowd, CROWD_STAKE)
    for number in PEOPLE.values():
        treasury.give_vvv(Actor(contracts, development_account(number)), POCKET)
    crowd.stake_vvv(CROWD_STAKE)
    crowd.mint_diem(CROWD_DIEM, CROWD_STAKE)
    crowd.stake_diem(CROWD_STAKED_DIEM)
    open_market(contracts, treasury)


def open_market(contracts: Contracts, lender: Actor) -> None:
    """Lend liquidity to the market that buybacks trade in."""
    trader = contracts.address(DEV_TRADER)
    transact(contracts, lender.account, "VVV", "transfer", trader, LIQUIDITY_VVV)
    transact(contracts, lender.account, DEV_DOLLAR, "mint", trader, LIQUIDITY_USDC)
    transact(contracts, lender.account, DEV_TRADER, "addLiquidity", -WIDEST_TICK, WIDEST_TICK, LIQUIDITY)
