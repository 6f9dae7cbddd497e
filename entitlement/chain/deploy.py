"""Deploying: a plan that can be printed, its execution, and the proof that the chain has what was planned.

Partners know each other without setters: an address made by CREATE follows from the deployer and its nonce,
so each constructor can be given addresses that come later. A contract whose prediction was wrong refuses to
exist.

    nonce      n          n+1          n+2         n+3        n+4         n+5
               Guardian   VVV          StakedVVV   DIEM       DiemMint    InferenceStake
    predicts              StakedVVV    DiemMint    DiemMint
"""

from dataclasses import asdict, dataclass
from typing import Any

from eth_account.signers.local import LocalAccount
from eth_utils.address import to_checksum_address
from web3 import Web3
from web3.types import Nonce, TxReceipt
from web3.utils.address import get_create_address

from entitlement.chain.artifacts import Artifacts
from entitlement.chain.contracts import Contracts
from entitlement.chain.deployment import CONTRACTS, Deployment, Parameters
from entitlement.chain.networks import Network
from entitlement.chain.reverts import RevertReader
from entitlement.chain.transactions import send
from entitlement.chain.verify import check_code
from entitlement.core.errors import DeploymentMismatch, WrongChain


@dataclass(frozen=True)
class Plan:
    """What will be deployed, by whom and to where."""

    network: str
    chain_id: int
    deployer: str
    nonce: int
    """Of the first transaction; the others follow without a gap."""
    addresses: dict[str, str]
    parameters: Parameters

    def explain(self) -> str:
        """Return the plan for a person to read before it is carried out."""
        lines = [
            f"network     {self.network}, chain {self.chain_id}",
            f"deployer    {self.deployer}, nonce {self.nonce}",
        ]
        lines += [f"contract    {name:<15} {address}" for name, address in self.addresses.items()]
        lines += [f"parameter   {name:<20} {value}" for name, value in asdict(self.parameters).items()]
        return "\n".join(lines)


def plan_deployment(web3: Web3, network: Network, deployer: str, parameters: Parameters) -> Plan:
    """Return the plan for a deployment from the deployer's next transaction on; raises `WrongChain`."""
    found = web3.eth.chain_id
    if found != network.chain_id:
        raise WrongChain(expected=network.chain_id, found=found)
    sender = to_checksum_address(deployer)
    nonce = web3.eth.get_transaction_count(sender, "pending")
    return Plan(
        network=network.name,
        chain_id=found,
        deployer=sender,
        nonce=nonce,
        addresses={
            name: get_create_address(sender, Nonce(nonce + place)) for place, name in enumerate(CONTRACTS)
        },
        parameters=parameters,
    )


def deploy(web3: Web3, account: LocalAccount, plan: Plan, artifacts: Artifacts) -> Deployment:
    """Carry a plan out, one transaction after the other, and return what stands on the chain, checked.

    Raises `TransactionFailed` with the constructor's own error, and `DeploymentMismatch` when an address, the
    code, an immutable or a setting is not as planned. What a failure leaves behind is of no use: plan again.
    """
    assert account.address == plan.deployer, "the plan's addresses follow from its deployer"
    receipts = {name: _create(web3, account, plan, artifacts, name) for name in CONTRACTS}
    first = receipts[CONTRACTS[0]]
    deployment = Deployment(
        network=plan.network,
        chain_id=plan.chain_id,
        deployer=plan.deployer,
        start_block=first["blockNumber"],
        start_block_hash=first["blockHash"].to_0x_hex(),
        addresses=plan.addresses,
        transactions={name: receipt["transactionHash"].to_0x_hex() for name, receipt in receipts.items()},
        parameters=plan.parameters,
        compiler=artifacts.compiler,
        compiler_settings=artifacts.settings,
    )
    check_deployment(web3, deployment, artifacts)
    _check_settings(Contracts(web3, artifacts, plan.addresses), plan.parameters)
    return deployment


def _create(web3: Web3, account: LocalAccount, plan: Plan, artifacts: Artifacts, name: str) -> TxReceipt:
    factory = web3.eth.contract(abi=artifacts[name].abi, bytecode=artifacts[name].bytecode)
    arguments = constructor_arguments(plan.addresses, plan.parameters)[name]
    receipt = send(
        web3,
        account,
        {"data": factory.constructor(*arguments).data_in_transaction},
        f"deploying {name}",
        RevertReader(artifacts),
        nonce=plan.nonce + CONTRACTS.index(name),
    )
    made = receipt.get("contractAddress")
    if made != plan.addresses[name]:
        raise DeploymentMismatch(contract=name, field="address", expected=plan.addresses[name], found=made)
    return receipt


def check_deployment(web3: Web3, deployment: Deployment, artifacts: Artifacts) -> None:
    """Raise `DeploymentMismatch` unless the chain has these contracts, with this code and these immutables.

    Raises `WrongChain` when the node serves another chain.
    """
    found = web3.eth.chain_id
    if found != deployment.chain_id:
        raise WrongChain(expected=deployment.chain_id, found=found)
    for name in CONTRACTS:
        code = bytes(web3.eth.get_code(to_checksum_address(deployment.addresses[name])))
        check_code(artifacts[name], code, deployment)


def constructor_arguments(addresses: dict[str, str], parameters: Parameters) -> dict[str, tuple[Any, ...]]:
    """Return what each constructor is given, in its own order."""
    at, given = addresses, parameters
    return {
        "Guardian": (given.guardian, given.timelock),
        "VVV": (given.genesis_holder, given.genesis_supply, at["StakedVVV"]),
        "StakedVVV": (
            at["VVV"],
            at["DiemMint"],
            given.treasury,
            given.timelock,
            at["Guardian"],
            given.emission_per_second,
            given.emission_start,
        ),
        "DIEM": (at["DiemMint"],),
        "DiemMint": (
            at["StakedVVV"],
            at["DIEM"],
            given.timelock,
            at["Guardian"],
            given.target,
            given.opens_at,
        ),
        "InferenceStake": (at["DIEM"], at["Guardian"]),
    }


def _check_settings(contracts: Contracts, given: Parameters) -> None:
    """Read back what the constructors put into storage; only true until somebody uses the contracts."""
    expected = {
        ("Guardian", "guardian", ()): given.guardian,
        ("VVV", "totalSupply", ()): given.genesis_supply,
        ("VVV", "balanceOf", (given.genesis_holder,)): given.genesis_supply,
        ("StakedVVV", "emissionRatePerSecond", ()): given.emission_per_second,
        ("StakedVVV", "lastRewardTimestamp", ()): given.emission_start,
        ("DIEM", "totalSupply", ()): 0,
        ("DiemMint", "target", ()): given.target,
    }
    for (contract, field, arguments), value in expected.items():
        found = contracts.view(contract, field, *arguments)
        if found != value:
            raise DeploymentMismatch(contract=contract, field=field, expected=value, found=found)
