"""`entitlement deploy`, which scripts/deploy.py is too: the contracts onto any chain, by one key.

The deployer's key comes from the environment variable DEPLOYER_PRIVATE_KEY and from nowhere else: a command
line is seen by every program on the machine.
"""

import os
from pathlib import Path
from typing import Annotated

import typer
from eth_account import Account
from eth_account.signers.local import LocalAccount
from web3 import Web3

from entitlement.chain.artifacts import load_artifacts
from entitlement.chain.contracts import connect
from entitlement.chain.deploy import Plan, plan_deployment
from entitlement.chain.deploy import deploy as carry_out
from entitlement.chain.deployment import (
    DEPLOYMENTS,
    deployment_path,
    parameters_of,
    refuse_second_deployment,
    write_deployment,
)
from entitlement.chain.networks import NETWORKS, Network, load_network
from entitlement.cli.show import console, step
from entitlement.core.errors import SetupError

KEY_VARIABLE = "DEPLOYER_PRIVATE_KEY"


def deploy(
    network: Annotated[str, typer.Option(help="A file in networks/, without its ending.")],
    rpc_url: Annotated[
        str | None, typer.Option(envvar="RPC_URL", help="The node. [default: the network's]")
    ] = None,
    treasury: Annotated[
        str | None, typer.Option(help="Receives the genesis supply and its share of rewards.")
    ] = None,
    timelock: Annotated[str | None, typer.Option(help="May lower the emission and raise the target.")] = None,
    guardian: Annotated[str | None, typer.Option(help="May pause entries, never exits.")] = None,
    deployer: Annotated[str | None, typer.Option(help="Address for a --dry-run without a key.")] = None,
    networks: Annotated[Path, typer.Option(help="Folder of the networks' files.")] = NETWORKS,
    deployments: Annotated[Path, typer.Option(help="Folder to keep the result in.")] = DEPLOYMENTS,
    dry_run: Annotated[bool, typer.Option("--dry-run", help="Print the plan and stop.")] = False,
    again: Annotated[
        bool, typer.Option("--again", help="Replace a deployment that is already kept.")
    ] = False,
) -> None:
    """Deploy the [bold]contracts[/] and keep where they are in deployments/<chain id>.json.

    The key is read from the environment variable DEPLOYER_PRIVATE_KEY, never from the command line.
    """
    chain = load_network(network, networks)
    path = deployment_path(chain.chain_id, deployments)
    if not again and not dry_run:
        refuse_second_deployment(path)
    account = _account()
    sender = account.address if account else deployer
    if sender is None:
        raise SetupError(
            f"{KEY_VARIABLE} is not set.",
            remedy="Export the deployer's key in it, or give --deployer for a --dry-run.",
        )
    web3 = connect(rpc_url or chain.rpc_url)
    plan = _plan(web3, chain, sender, treasury, timelock, guardian)
    console.print(plan.explain(), soft_wrap=True)
    if dry_run:
        return
    if account is None:
        raise SetupError(f"{KEY_VARIABLE} is not set.", remedy="Export the deployer's key in it.")
    with step("contracts compiled"):
        artifacts = load_artifacts()
    with step("contracts deployed, and every immutable read back"):
        made = carry_out(web3, account, plan, artifacts)
    write_deployment(made, path)
    console.print(f"deployed from block {made.start_block} on; kept in {path}", soft_wrap=True)


def _plan(
    web3: Web3,
    network: Network,
    deployer: str,
    treasury: str | None,
    timelock: str | None,
    guardian: str | None,
) -> Plan:
    if network.genesis is None:
        raise SetupError(
            f"The file of network {network.name} has no [genesis].",
            remedy="Write down there what a deployment on it begins with.",
        )
    if not network.is_devnet and None in (treasury, timelock, guardian):
        raise SetupError(
            "On a real network nobody is given powers by default.",
            remedy="Name --treasury, --timelock and --guardian.",
        )
    parameters = parameters_of(
        network.genesis,
        deployer=deployer,
        deployed_at=web3.eth.get_block("latest").get("timestamp", 0),
        treasury=treasury,
        timelock=timelock,
        guardian=guardian,
    )
    return plan_deployment(web3, network, deployer, parameters)


def _account() -> LocalAccount | None:
    key = os.environ.get(KEY_VARIABLE)
    if not key:
        return None
    try:
        return Account.from_key(key)
    except Exception:  # noqa: BLE001 - whatever is wrong with a key, it may not appear in a message or a trace
        raise SetupError(
            f"{KEY_VARIABLE} does not hold a private key.", remedy="Give 0x and 64 hex digits."
        ) from None
