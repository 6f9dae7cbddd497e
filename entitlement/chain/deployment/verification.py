"""What a block explorer needs to show our sources beside the code on the chain."""

from pathlib import Path
from typing import Any

import orjson
from web3 import Web3

from entitlement.chain.artifacts import Artifacts
from entitlement.chain.deployment.order import UNISWAP_FACTORY
from entitlement.chain.deployment.plan import Plan, creation_input
from entitlement.chain.deployment.record import Deployment
from entitlement.chain.sources import standard_json_input
from entitlement.chain.toolchain import PROJECT

STANDARD_INPUT, CONTRACTS = "standard-input.json", "contracts.json"


def write_verification(
    deployment: Deployment, artifacts: Artifacts, folder: Path, project: Path = PROJECT
) -> None:
    """Write the compiler's standard JSON input, and for each contract what else its explorer's form asks for.

    One input serves all contracts: it is what they were compiled from, together.
    """
    folder.mkdir(parents=True, exist_ok=True)
    given = standard_json_input(project)
    (folder / STANDARD_INPUT).write_bytes(orjson.dumps(given, option=orjson.OPT_INDENT_2) + b"\n")
    table = {
        "chainId": deployment.chain_id,
        "compiler": f"v{artifacts.build}",
        "standardJsonInput": STANDARD_INPUT,
        "contracts": {
            name: _entry(deployment, artifacts, name)
            for name in deployment.addresses
            if name != UNISWAP_FACTORY
        },
    }
    (folder / CONTRACTS).write_bytes(orjson.dumps(table, option=orjson.OPT_INDENT_2) + b"\n")


def _entry(deployment: Deployment, artifacts: Artifacts, name: str) -> dict[str, Any]:
    plan = Plan(
        network=deployment.network,
        chain_id=deployment.chain_id,
        deployer=deployment.deployer,
        nonce=0,
        addresses=deployment.addresses,
        parameters=deployment.parameters,
    )
    code = creation_input(Web3(), plan, artifacts, name)
    return {
        "address": deployment.addresses[name],
        "contract": f"{artifacts[name].source}:{name}",
        "constructorArguments": code.removeprefix(artifacts[name].bytecode),
        "transaction": deployment.transactions[name],
    }
