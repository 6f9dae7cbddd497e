"""Deploy the contracts to a network and keep what was made in deployments/<chain id>.json.

The key of the deployer is read from the environment variable DEPLOYER_PRIVATE_KEY and from nowhere else: a
command line is seen by every program on the machine.

    RPC_URL=https://… DEPLOYER_PRIVATE_KEY=0x… python scripts/deploy.py --network anvil --dry-run
"""

import argparse
import os
import sys
from pathlib import Path

from eth_account import Account
from eth_account.signers.local import LocalAccount
from web3 import Web3

from entitlement.chain.artifacts import CACHE, load_artifacts
from entitlement.chain.contracts import connect
from entitlement.chain.deploy import Plan, deploy, plan_deployment
from entitlement.chain.deployment import (
    DEPLOYMENTS,
    deployment_path,
    parameters_of,
    refuse_second_deployment,
    write_deployment,
)
from entitlement.chain.networks import NETWORKS, Network, load_network
from entitlement.core.errors import EntitlementError, SetupError

KEY_VARIABLE = "DEPLOYER_PRIVATE_KEY"


def main() -> None:
    """Read the command line, do it, and turn an expected failure into its sentence and exit code 1."""
    try:
        _run(_arguments())
    except EntitlementError as error:
        sys.exit(f"error: {error}")


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description="Deploy the contracts to a network.")
    parser.add_argument("--network", required=True, help="name of a file in networks/")
    parser.add_argument("--networks", type=Path, default=NETWORKS, help="folder of the networks' files")
    parser.add_argument(
        "--rpc-url", default=os.environ.get("RPC_URL"), help="default: RPC_URL, or the network's"
    )
    parser.add_argument("--treasury", help="receives the genesis supply and its share of rewards")
    parser.add_argument("--timelock", help="may lower the emission and raise the target")
    parser.add_argument("--guardian", help="may pause entries")
    parser.add_argument("--deployer", help="address for a --dry-run without a key")
    parser.add_argument("--deployments", type=Path, default=DEPLOYMENTS, help="folder to keep the result in")
    parser.add_argument("--artifacts", type=Path, default=CACHE, help="folder of compiled contracts")
    parser.add_argument("--dry-run", action="store_true", help="print the plan and stop")
    parser.add_argument("--again", action="store_true", help="replace a deployment that is already kept")
    return parser.parse_args()


def _run(given: argparse.Namespace) -> None:
    network = load_network(given.network, given.networks)
    path = deployment_path(network.chain_id, given.deployments)
    if not given.again and not given.dry_run:
        refuse_second_deployment(path)
    account = _account()
    deployer = account.address if account else given.deployer
    if deployer is None:
        raise SetupError(
            problem=f"{KEY_VARIABLE} is not set",
            remedy="export the deployer's key in it, or give --deployer for a --dry-run",
        )
    web3 = connect(given.rpc_url or network.rpc_url)
    plan = _plan(web3, network, deployer, given)
    print(plan.explain())
    if given.dry_run:
        return
    if account is None:
        raise SetupError(problem=f"{KEY_VARIABLE} is not set", remedy="export the deployer's key in it")
    deployment = deploy(web3, account, plan, load_artifacts(cache=given.artifacts))
    write_deployment(deployment, path)
    print(f"deployed    in block {deployment.start_block} and after, kept in {path}")


def _plan(web3: Web3, network: Network, deployer: str, given: argparse.Namespace) -> Plan:
    if network.genesis is None:
        raise SetupError(
            problem=f"the file of network {network.name} has no [genesis]",
            remedy="write down there what a deployment on it begins with",
        )
    if not network.is_devnet and None in (given.treasury, given.timelock, given.guardian):
        raise SetupError(
            problem="on a real network nobody is given powers by default",
            remedy="name --treasury, --timelock and --guardian",
        )
    parameters = parameters_of(
        network.genesis,
        deployer=deployer,
        deployed_at=web3.eth.get_block("latest").get("timestamp", 0),
        treasury=given.treasury,
        timelock=given.timelock,
        guardian=given.guardian,
    )
    return plan_deployment(web3, network, deployer, parameters)


def _account() -> LocalAccount | None:
    key = os.environ.get(KEY_VARIABLE)
    if not key:
        return None
    try:
        return Account.from_key(key)
    except Exception:  # noqa: BLE001  whatever is wrong with a key, it may not appear in a message or a trace
        raise SetupError(
            problem=f"{KEY_VARIABLE} does not hold a private key", remedy="give 0x and 64 hex digits"
        ) from None


if __name__ == "__main__":
    main()
