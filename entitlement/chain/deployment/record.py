"""A deployment on record: which contracts stand where on a chain, and what they were made with. Kept as JSON.

deployments/<chain id>.json is written once by whoever deploys and is read by everything else.
"""

from dataclasses import dataclass, field
from pathlib import Path
from typing import Annotated, Any, ClassVar

from pydantic import ConfigDict, StringConstraints, TypeAdapter, ValidationError

from entitlement.chain.deployment.order import order_of
from entitlement.chain.deployment.parameters import STRICT, Address, Parameters
from entitlement.chain.deployment.uniswap import Market
from entitlement.chain.toolchain import PROJECT
from entitlement.core.errors import DeploymentMissing, SetupError

DEPLOYMENTS = PROJECT / "deployments"

Digest = Annotated[str, StringConstraints(pattern=r"^0x[0-9a-f]{64}$")]


@dataclass(frozen=True)
class Deployment:
    """What was deployed. Hashes are `0x` and 64 lower-case hex digits."""

    __pydantic_config__: ClassVar[ConfigDict] = STRICT

    network: str
    chain_id: int
    deployer: Address
    start_block: int
    """The block of the first contract: nothing of ours is before it."""
    start_block_hash: Digest
    addresses: dict[str, Address]
    """Contract -> address."""
    market: Market
    transactions: dict[str, Digest]
    """Contract -> hash of the transaction that made it."""
    parameters: Parameters
    roots_start_epoch: int
    """The day on which EpochRoots was made: no root is before it."""
    compiler: str
    """Exact version of solc."""
    compiler_settings: dict[str, Any]
    accepted: dict[str, str] = field(default_factory=dict[str, str])
    """Settings and roles, by `Contract.name`, that were changed lawfully since, as a person accepted them."""


_FORM = TypeAdapter(Deployment)


def deployment_path(chain_id: int, folder: Path = DEPLOYMENTS) -> Path:
    """Return where the deployment on a chain is kept."""
    return folder / f"{chain_id}.json"


def read_deployment(path: Path) -> Deployment:
    """Return a kept deployment.

    Raises `DeploymentMissing` where there is none, `SetupError` for a file that is not one.
    """
    try:
        deployment = _FORM.validate_json(path.read_bytes())
    except FileNotFoundError as error:
        chain_id = int(path.stem) if path.stem.isdecimal() else 0
        raise DeploymentMissing(chain_id=chain_id) from error
    except ValidationError as error:
        first = error.errors(include_url=False)[0]
        raise _broken(path, f"{'.'.join(map(str, first['loc']))}: {first['msg']}") from error
    expected = order_of(deployment.parameters)
    for named in (deployment.addresses, deployment.transactions):
        if set(named) != set(expected):
            raise _broken(path, f"it names {sorted(named)}, not exactly {sorted(expected)}")
    return deployment


def refuse_second_deployment(path: Path) -> None:
    """Raise `SetupError` if a deployment is kept at `path`: whoever follows it would change to another."""
    if path.exists():
        raise SetupError(
            problem=f"{path} already names a deployment",
            remedy="give --again to replace it by another; what is staked in the old one stays there",
        )


def write_deployment(deployment: Deployment, path: Path) -> None:
    """Keep a deployment; whatever was there is replaced, whole."""
    path.parent.mkdir(parents=True, exist_ok=True)
    draft = path.with_suffix(".draft.json")
    draft.write_bytes(_FORM.dump_json(deployment, indent=2) + b"\n")
    draft.replace(path)


def _broken(path: Path, complaint: str) -> SetupError:
    return SetupError(
        problem=f"{path} is not a deployment: {complaint}",
        remedy="restore it from the repository, or deploy again",
    )
