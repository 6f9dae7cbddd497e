"""`entitlement check`: what stands on a chain against what was deployed; `explorer-input`: its sources."""

from dataclasses import replace
from pathlib import Path
from typing import Annotated

import typer
from rich.table import Table

from entitlement.chain.artifacts import Artifacts, load_artifacts
from entitlement.chain.contracts import connect
from entitlement.chain.deployment.check import examine_deployment
from entitlement.chain.deployment.findings import Finding
from entitlement.chain.deployment.powers import changeable
from entitlement.chain.deployment.record import (
    DEPLOYMENTS,
    Deployment,
    deployment_path,
    read_deployment,
    write_deployment,
)
from entitlement.chain.deployment.verification import write_verification
from entitlement.chain.networks import NETWORKS, load_network
from entitlement.cli.show import console
from entitlement.core.errors import SetupError

NetworkName = Annotated[str, typer.Option(help="A file in networks/, without its ending.")]
NetworksFolder = Annotated[Path, typer.Option(help="Folder of the networks' files.")]
DeploymentsFolder = Annotated[Path, typer.Option(help="Folder that the deployment is kept in.")]


def check(
    network: NetworkName,
    rpc_url: Annotated[
        str | None, typer.Option(envvar="RPC_URL", help="The node. [default: the network's]")
    ] = None,
    networks: NetworksFolder = NETWORKS,
    deployments: DeploymentsFolder = DEPLOYMENTS,
    accept: Annotated[
        bool, typer.Option("--accept", help="Take roles and settings that changed as right from now on.")
    ] = False,
) -> None:
    """Read back every [bold]immutable, role and setting[/] of a deployment; exit code 1 on any surprise.

    The contracts are compiled here from source: nothing but the node and the deployment's file is believed.
    """
    chain = load_network(network, networks)
    path = deployment_path(chain.chain_id, deployments)
    deployment = read_deployment(path)
    artifacts = _same_compiler(load_artifacts(), deployment)
    web3 = connect(rpc_url or chain.rpc_url)
    findings = examine_deployment(web3, deployment, artifacts)
    _show(findings)
    surprises = [finding for finding in findings if finding.is_surprise]
    for one in surprises:
        told = f"{one.contract}.{one.field}: expected {one.expected}, found {one.found}"
        console.print(told, style="bold red", soft_wrap=True)
    lawful = [finding for finding in surprises if changeable(finding)]
    if accept and lawful:
        accepted = {f"{finding.contract}.{finding.field}": finding.found for finding in lawful}
        write_deployment(replace(deployment, accepted=deployment.accepted | accepted), path)
        surprises = [finding for finding in surprises if finding not in lawful]
        console.print(f"accepted {len(lawful)}, kept in {path}", soft_wrap=True)
    console.print(f"{len(findings)} read back, {len(surprises)} not as expected")
    if surprises:
        raise typer.Exit(1)


def explorer_input(
    network: NetworkName,
    folder: Annotated[Path, typer.Option(help="Where to write the files.")],
    networks: NetworksFolder = NETWORKS,
    deployments: DeploymentsFolder = DEPLOYMENTS,
) -> None:
    """Write what a block explorer needs to [bold]verify the sources[/]: standard JSON input and arguments."""
    chain = load_network(network, networks)
    deployment = read_deployment(deployment_path(chain.chain_id, deployments))
    write_verification(deployment, _same_compiler(load_artifacts(), deployment), folder)
    console.print(f"written to {folder}", soft_wrap=True)


def _same_compiler(artifacts: Artifacts, deployment: Deployment) -> Artifacts:
    here = (artifacts.compiler, artifacts.settings)
    if here != (deployment.compiler, deployment.compiler_settings):
        raise SetupError(
            f"The contracts were compiled by {deployment.compiler} with other settings than here.",
            remedy="Check out the sources that were deployed.",
        )
    return artifacts


def _show(findings: list[Finding]) -> None:
    table = Table("contract", "what", "expected", "found", box=None)
    for finding in findings:
        found, style = ("differs", "bold red") if finding.is_surprise else ("the same", None)
        table.add_row(finding.contract, finding.field, finding.expected, found, style=style)
    console.print(table)
