"""A whole system on an Anvil of its own: contracts deployed, people with coins, a reader, the controls."""

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass

from eth_account.signers.local import LocalAccount
from web3.types import TxReceipt

from entitlement.chain.anvil import AnvilProcess, AnvilSettings
from entitlement.chain.artifacts import Artifacts
from entitlement.chain.client import RpcChainReader
from entitlement.chain.contracts import Contracts, connect
from entitlement.chain.deployment.carry_out import deploy
from entitlement.chain.deployment.parameters import parameters_of
from entitlement.chain.deployment.plan import plan_deployment
from entitlement.chain.deployment.record import Deployment
from entitlement.chain.devnet import Devnet, development_account
from entitlement.chain.networks import Network
from entitlement.chain.rpc import JsonRpc, RpcLimits
from entitlement.chain.transactions import transact
from entitlement.core.units import WEI_PER_TOKEN, Wallet, wallet

DEPLOYER = 0
USERS = (1, 2, 3, 4, 5)
PLENTY = 2**255
IMPATIENT = RpcLimits(connect_seconds=1, answer_seconds=2, tries=3, first_wait_seconds=0.01)


@dataclass
class System:
    """What a test needs of a deployed system; the deployer is also the treasury."""

    anvil: AnvilProcess
    network: Network
    artifacts: Artifacts
    rpc: JsonRpc
    devnet: Devnet
    deployment: Deployment
    contracts: Contracts
    reader: RpcChainReader

    def transact(self, who: int, contract: str, function: str, *arguments: object) -> TxReceipt:
        return transact(self.contracts, self.account(who), contract, function, *arguments)

    def account(self, number: int) -> LocalAccount:
        return development_account(number)

    def wallet(self, number: int) -> Wallet:
        return wallet(development_account(number).address)

    def address(self, number: int) -> str:
        return development_account(number).address

    def fund(self, number: int, tokens: int = 1_000_000) -> None:
        """Give a user VVV and the approvals that staking needs."""
        self.transact(DEPLOYER, "VVV", "transfer", self.address(number), tokens * WEI_PER_TOKEN)
        self.transact(number, "VVV", "approve", self.contracts.address("StakedVVV"), PLENTY)
        self.transact(number, "DIEM", "approve", self.contracts.address("InferenceStake"), PLENTY)

    def reader_of(self, url: str, network: Network | None = None) -> RpcChainReader:
        return RpcChainReader(url, network or self.network, self.deployment, self.artifacts, IMPATIENT)


@contextmanager
def deployed(network: Network, artifacts: Artifacts) -> Iterator[System]:
    """Start an Anvil, deploy, stake for the treasury, and let the emission begin."""
    with AnvilProcess(AnvilSettings()) as anvil, JsonRpc(anvil.url) as rpc:
        devnet, web3 = Devnet(rpc, network), connect(anvil.url)
        deployer = development_account(DEPLOYER)
        assert network.genesis is not None
        parameters = parameters_of(
            network.genesis, deployer=deployer.address, deployed_at=devnet.head().timestamp
        )
        plan = plan_deployment(web3, network, deployer.address, parameters)
        deployment = deploy(web3, deployer, plan, artifacts)
        reader = RpcChainReader(anvil.url, network, deployment, artifacts, IMPATIENT)
        contracts = Contracts(web3, artifacts, deployment.addresses)
        system = System(anvil, network, artifacts, rpc, devnet, deployment, contracts, reader)
        system.transact(DEPLOYER, "VVV", "approve", contracts.address("StakedVVV"), PLENTY)
        system.transact(DEPLOYER, "StakedVVV", "stake", deployer.address, 1_000_000 * WEI_PER_TOKEN)
        devnet.jump_to(parameters.emission_start)
        yield system
        reader.close()
