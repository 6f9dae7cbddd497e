"""`entitlement deploy`, which scripts/deploy.py is too: the contracts onto any chain, by one account."""

from dataclasses import asdict
from pathlib import Path
from typing import Annotated

import typer
from web3 import Web3

from entitlement.chain.artifacts import load_artifacts
from entitlement.chain.contracts import connect
from entitlement.chain.deployment.carry_out import code_digest
from entitlement.chain.deployment.carry_out import deploy as carry_out
from entitlement.chain.deployment.journal import Journal, journal_path
from entitlement.chain.deployment.parameters import Roles, checksummed, parameters_of
from entitlement.chain.deployment.plan import Plan, plan_deployment
from entitlement.chain.deployment.record import (
    DEPLOYMENTS,
    deployment_path,
    refuse_second_deployment,
    write_deployment,
)
from entitlement.chain.deployment.verification import write_verification
from entitlement.chain.networks import NETWORKS, Network, load_network
from entitlement.cli.running import lock_file
from entitlement.cli.show import console, step
from entitlement.cli.signing import Keystore, PasswordFile, RemoteUrl, find_signer
from entitlement.core.errors import SetupError, WrongChain

KEY_VARIABLE = "DEPLOYER_PRIVATE_KEY"
NO_SIGNER = SetupError(
    f"Nobody signs: {KEY_VARIABLE} is not set.",
    remedy="Set it, or give --keystore or --signer; a --dry-run only needs --deployer.",
)


def deploy(
    network: Annotated[str, typer.Option(help="A file in networks/, without its ending.")],
    rpc_url: Annotated[
        str | None, typer.Option(envvar="RPC_URL", help="The node. [default: the network's]")
    ] = None,
    treasury: Annotated[
        str | None, typer.Option(help="Receives the genesis supply and its share of rewards.")
    ] = None,
    proposer: Annotated[
        str | None, typer.Option(help="Schedules and executes what the timelock may do, after 9 days.")
    ] = None,
    guardian: Annotated[str | None, typer.Option(help="May pause entries, never exits.")] = None,
    revenue: Annotated[str | None, typer.Option(help="Receives what is paid for credit.")] = None,
    keeper: Annotated[str | None, typer.Option(help="Executes buybacks within their bounds.")] = None,
    publisher: Annotated[str | None, typer.Option(help="Publishes each day's Merkle root.")] = None,
    deployer: Annotated[
        str | None, typer.Option(help="Who deploys: for a --dry-run without a key, and for --signer.")
    ] = None,
    keystore: Keystore = None,
    password_file: PasswordFile = None,
    signer: RemoteUrl = None,
    networks: Annotated[Path, typer.Option(help="Folder of the networks' files.")] = NETWORKS,
    deployments: Annotated[Path, typer.Option(help="Folder to keep the result in.")] = DEPLOYMENTS,
    dry_run: Annotated[bool, typer.Option("--dry-run", help="Print the plan and stop.")] = False,
    again: Annotated[
        bool, typer.Option("--again", help="Replace a deployment that is kept, or forget one that was begun.")
    ] = False,
) -> None:
    """Deploy the [bold]contracts[/] and keep where they are in deployments/<chain id>.json.

    The key is read from the environment variable DEPLOYER_PRIVATE_KEY, from an encrypted keystore, or stays
    with a remote signer. What a crash interrupts goes on where it was when this is run again.
    """
    chain = load_network(network, networks)
    path = deployment_path(chain.chain_id, deployments)
    if not again and not dry_run:
        refuse_second_deployment(path)
    signs = find_signer(
        KEY_VARIABLE, keystore=keystore, password_file=password_file, remote=signer, address=deployer
    )
    sender = signs.address if signs else deployer
    if sender is None or (signs is None and not dry_run):
        raise NO_SIGNER
    web3 = connect(rpc_url or chain.rpc_url)
    roles = Roles(treasury, proposer, guardian, revenue, keeper, publisher)
    begun = journal_path(path)
    if begun.exists() and not again:
        with step("contracts compiled"):
            artifacts = load_artifacts()
        journal = Journal.resume(begun, code_digest(artifacts))
        _require_same(web3, journal.plan, sender, roles)
        plan = journal.plan
        console.print(f"going on: {journal.signed} of {len(plan.addresses)} transactions were signed")
    else:
        plan = _plan(web3, chain, sender, roles)
        journal = artifacts = None
    console.print(plan.explain(), soft_wrap=True)
    if dry_run or signs is None:
        return
    if artifacts is None:
        with step("contracts compiled"):
            artifacts = load_artifacts()
    deployments.mkdir(parents=True, exist_ok=True)
    busy = SetupError(f"Another deployment runs in {deployments}.", remedy="Wait for it, or end it.")
    with lock_file(path.with_suffix(".lock"), busy):
        journal = journal or Journal(plan, code_digest(artifacts), begun)
        with step("contracts deployed, and every immutable, role and setting read back"):
            made = carry_out(web3, signs, plan, artifacts, journal)
        write_deployment(made, path)
        journal.finish()
    write_verification(made, artifacts, path.with_suffix(".verification"))
    console.print(f"deployed from block {made.start_block} on; kept in {path}", soft_wrap=True)
    console.print(f"for an explorer: {path.with_suffix('.verification')}", soft_wrap=True)


def _plan(web3: Web3, network: Network, deployer: str, roles: Roles) -> Plan:
    if network.genesis is None:
        raise SetupError(
            f"The file of network {network.name} has no [genesis].",
            remedy="Write down there what a deployment on it begins with.",
        )
    unnamed = [f"--{name}" for name, person in asdict(roles).items() if person is None]
    if not network.is_devnet and unnamed:
        raise SetupError(
            "On a real network nobody is given powers by default.", remedy=f"Name {', '.join(unnamed)}."
        )
    parameters = parameters_of(
        network.genesis,
        deployer=deployer,
        deployed_at=web3.eth.get_block("latest").get("timestamp", 0),
        roles=roles,
    )
    return plan_deployment(web3, network, deployer, parameters)


def _require_same(web3: Web3, plan: Plan, deployer: str, roles: Roles) -> None:
    """Refuse to go on with a plan on another chain, by another account, or with other roles than it has."""
    found = web3.eth.chain_id
    if found != plan.chain_id:
        raise WrongChain(expected=plan.chain_id, found=found)
    named = {"deployer": checksummed(deployer)} | {
        name: checksummed(person) for name, person in asdict(roles).items() if person is not None
    }
    for name, person in named.items():
        planned = plan.deployer if name == "deployer" else getattr(plan.parameters, name)
        if planned != person:
            raise SetupError(
                f"A deployment was begun whose {name} is {planned}, not {person}.",
                remedy="Go on with it as it was planned, or give --again to begin another one.",
            )
