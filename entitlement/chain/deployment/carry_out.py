"""Carrying a plan out: a transaction for each contract, and the proof that the chain has what was planned."""

from eth_typing import HexStr
from eth_utils.crypto import keccak
from web3 import Web3
from web3.types import TxReceipt

from entitlement.chain.artifacts import Artifacts
from entitlement.chain.contracts import Contracts
from entitlement.chain.deployment.check import check_deployment
from entitlement.chain.deployment.journal import Journal
from entitlement.chain.deployment.plan import Plan, creation_input
from entitlement.chain.deployment.powers import power_findings
from entitlement.chain.deployment.record import Deployment
from entitlement.chain.reverts import RevertReader
from entitlement.chain.signers import Signer
from entitlement.chain.transactions import deliver, sign
from entitlement.core.epochs import epoch_at
from entitlement.core.errors import DeploymentMismatch, TransactionFailed


def code_digest(artifacts: Artifacts) -> str:
    """Return a digest of all creation codes, by which a journal knows that they are still the same."""
    codes = (artifacts.contracts[name].bytecode for name in sorted(artifacts.contracts))
    return keccak(text="".join(codes)).hex()


def deploy(
    web3: Web3, signer: Signer, plan: Plan, artifacts: Artifacts, journal: Journal | None = None
) -> Deployment:
    """Carry a plan out, or go on with it, and return what stands on the chain, checked.

    Raises `TransactionFailed` with the constructor's own error, and `DeploymentMismatch` when an address, the
    code, an immutable, a role or a setting is not as planned.
    """
    assert signer.address == plan.deployer, "the plan's addresses follow from its deployer"
    journal = journal or Journal(plan, code_digest(artifacts))
    is_new = journal.signed == 0
    receipts = {name: _create(web3, signer, plan, artifacts, journal, name) for name in plan.addresses}
    first = receipts[next(iter(plan.addresses))]
    roots = web3.eth.get_block(receipts["EpochRoots"]["blockNumber"])
    deployment = Deployment(
        network=plan.network,
        chain_id=plan.chain_id,
        deployer=plan.deployer,
        start_block=first["blockNumber"],
        start_block_hash=first["blockHash"].to_0x_hex(),
        addresses=plan.addresses,
        market=plan.market,
        transactions={name: receipt["transactionHash"].to_0x_hex() for name, receipt in receipts.items()},
        parameters=plan.parameters,
        roots_start_epoch=epoch_at(roots.get("timestamp", 0)),
        compiler=artifacts.compiler,
        compiler_settings=artifacts.settings,
    )
    check_deployment(web3, deployment, artifacts)
    contracts = Contracts(web3, artifacts, plan.addresses)
    for finding in power_findings(contracts, deployment):
        _require(finding.contract, finding.field, finding.expected, finding.found)
    if is_new:
        _check_genesis(contracts, plan)
    return deployment


def _create(
    web3: Web3, signer: Signer, plan: Plan, artifacts: Artifacts, journal: Journal, name: str
) -> TxReceipt:
    what, reverts = f"deploying {name}", RevertReader(artifacts)
    raw = journal.transaction(name)
    if raw is None:
        nonce = plan.nonce + list(plan.addresses).index(name)
        found = web3.eth.get_transaction_count(signer.address, "pending")
        if found != nonce:
            told = (
                f"its nonce was to be {nonce}, but the account's next one is {found}: it sent something else"
            )
            raise TransactionFailed(what=what, reason=told)
        call = creation_input(web3, plan, artifacts, name)
        raw = sign(web3, signer, {"data": HexStr(call)}, what, reverts, nonce=nonce)
        journal.keep(name, raw)
    receipt = deliver(web3, raw, what, reverts)
    _require(name, "address", plan.addresses[name], str(receipt.get("contractAddress")))
    return receipt


def _check_genesis(contracts: Contracts, plan: Plan) -> None:
    """Read back what constructors put into storage; only true until somebody uses the contracts."""
    given = plan.parameters
    expected = {
        ("VVV", "totalSupply", ()): given.genesis_supply,
        ("VVV", "balanceOf", (given.genesis_holder,)): given.genesis_supply,
        ("StakedVVV", "lastRewardTimestamp", ()): given.emission_start,
        ("DIEM", "totalSupply", ()): 0,
    }
    for (contract, field, arguments), value in expected.items():
        _require(contract, field, value, contracts.view(contract, field, *arguments))


def _require(contract: str, field: str, expected: object, found: object) -> None:
    if found != expected:
        raise DeploymentMismatch(contract=contract, field=field, expected=expected, found=found)
