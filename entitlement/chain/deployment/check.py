"""Checking a deployment that stands: code, immutables, market, and who holds which power."""

from eth_utils.address import to_checksum_address
from web3 import Web3

from entitlement.chain.artifacts import Artifacts
from entitlement.chain.contracts import Contracts
from entitlement.chain.deployment.code import code_findings
from entitlement.chain.deployment.findings import Finding
from entitlement.chain.deployment.order import UNISWAP_FACTORY
from entitlement.chain.deployment.pair import pair_of
from entitlement.chain.deployment.plan import market_of
from entitlement.chain.deployment.powers import power_findings
from entitlement.chain.deployment.record import Deployment
from entitlement.core.errors import DeploymentMismatch, WrongChain

_USDC_DECIMALS = 6


def check_deployment(web3: Web3, deployment: Deployment, artifacts: Artifacts) -> None:
    """Raise `DeploymentMismatch` unless the chain has these contracts, with this code and these immutables.

    These can never change. Raises `WrongChain` when the node serves another chain.
    """
    for finding in _fixed(web3, deployment, artifacts):
        if finding.is_surprise:
            raise DeploymentMismatch(
                contract=finding.contract,
                field=finding.field,
                expected=finding.expected,
                found=finding.found,
            )


def examine_deployment(web3: Web3, deployment: Deployment, artifacts: Artifacts) -> list[Finding]:
    """Return everything that can be known of a deployment: what can never change, and every role and setting.

    Raises `WrongChain`, or `NodeUnavailable` when the node does not answer.
    """
    fixed = _fixed(web3, deployment, artifacts)
    if any(finding.is_surprise for finding in fixed):
        # Whatever these contracts answer, they are not the ones that were deployed.
        return fixed
    contracts = Contracts(web3, artifacts, deployment.addresses)
    return fixed + power_findings(contracts, deployment)


def _fixed(web3: Web3, deployment: Deployment, artifacts: Artifacts) -> list[Finding]:
    found = web3.eth.chain_id
    if found != deployment.chain_id:
        raise WrongChain(expected=deployment.chain_id, found=found)
    findings: list[Finding] = []
    for name, address in deployment.addresses.items():
        if name != UNISWAP_FACTORY:
            code = bytes(web3.eth.get_code(to_checksum_address(address)))
            findings += code_findings(artifacts[name], code, deployment)
    if any(finding.is_surprise for finding in findings):
        return findings
    return findings + _market(web3, deployment, artifacts)


def _market(web3: Web3, deployment: Deployment, artifacts: Artifacts) -> list[Finding]:
    """Return what is not ours, asked through the interfaces by which we use it."""
    market, given, vvv = deployment.market, deployment.parameters, deployment.addresses["VVV"]
    planned = market_of(deployment.addresses, given)
    foreign = Contracts(
        web3,
        artifacts,
        {
            "IUniswapV3Factory": market.uniswap_factory,
            "IUniswapV3Pool": market.pool,
            "DevDollar": market.usdc,
        },
    )
    in_factory = foreign.view("IUniswapV3Factory", "getPool", market.usdc, vvv, given.pool_fee)
    fee = str(foreign.view("IUniswapV3Pool", "fee"))
    decimals = str(foreign.view("DevDollar", "decimals"))
    pairs: list[Finding] = []
    if given.pair_factory is not None:
        there = pair_of(web3, given.pair_factory, market.usdc, vvv)
        pairs = [Finding("market", "the factory's pair", str(given.pair), there)]
    return [
        *pairs,
        Finding("market", "usdc", planned.usdc, market.usdc),
        Finding("market", "uniswap_factory", planned.uniswap_factory, market.uniswap_factory),
        Finding("market", "pool", planned.pool, market.pool),
        Finding("market", "the factory's pool", market.pool, in_factory),
        Finding("market", "fee of the pool", str(given.pool_fee), fee),
        Finding("market", "decimals of USDC", str(_USDC_DECIMALS), decimals),
    ]
