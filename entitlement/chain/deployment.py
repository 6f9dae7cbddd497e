"""A deployment: which contracts stand where on a chain, and what they were made with. Kept as JSON.

deployments/<chain id>.json is written once by whoever deploys and is read by everything else.
"""

from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, Any, ClassVar

from eth_utils.address import is_checksum_address, to_checksum_address
from pydantic import (
    AfterValidator,
    BeforeValidator,
    ConfigDict,
    PlainSerializer,
    StringConstraints,
    TypeAdapter,
    ValidationError,
)

from entitlement.chain.networks import Genesis
from entitlement.chain.toolchain import PROJECT
from entitlement.core.errors import DeploymentMissing, InvalidRequest, SetupError
from entitlement.core.units import Wei, wallet

DEPLOYMENTS = PROJECT / "deployments"

CONTRACTS = ("Guardian", "VVV", "StakedVVV", "DIEM", "DiemMint", "InferenceStake")
"""In the order in which they are deployed: each finds those that it needs before it, or predicts them."""


def _checksummed(address: str) -> str:
    if not is_checksum_address(address):
        raise ValueError(f"{address!r} is not an address with a checksum")
    return address


def _read_amount(value: object) -> int:
    if not isinstance(value, str) or not value.isdecimal():
        raise ValueError(f"{value!r} is not a whole number in quotes")
    return int(value)


Address = Annotated[str, AfterValidator(_checksummed)]
"""EIP-55, the spelling that people and explorers see."""
Digest = Annotated[str, StringConstraints(pattern=r"^0x[0-9a-f]{64}$")]
# JSON's numbers lose digits above 2**53 in many readers: amounts are written as text.
Amount = Annotated[Wei, BeforeValidator(_read_amount), PlainSerializer(str)]

_STRICT = ConfigDict(strict=True, extra="forbid")


@dataclass(frozen=True, slots=True)
class Parameters:
    """What the constructors are given beside each other's addresses."""

    __pydantic_config__: ClassVar[ConfigDict] = _STRICT

    genesis_holder: Address
    """Receives the whole genesis supply."""
    genesis_supply: Amount
    """VVV wei."""
    treasury: Address
    """Receives its share of the rewards for ever."""
    timelock: Address
    """May lower the emission, raise the target, and name another guardian."""
    guardian: Address
    """May pause entries for at most seven days."""
    emission_per_second: Amount
    """VVV wei."""
    emission_start: int
    """Unix time, not before the deployment."""
    target: Amount
    """DIEM wei."""
    opens_at: int
    """Unix time from which DIEM can be minted."""


@dataclass(frozen=True)
class Deployment:
    """What was deployed. Hashes are `0x` and 64 lower-case hex digits."""

    __pydantic_config__: ClassVar[ConfigDict] = _STRICT

    network: str
    chain_id: int
    deployer: Address
    start_block: int
    """The block of the first contract: nothing of ours is before it."""
    start_block_hash: Digest
    addresses: dict[str, Address]
    """Contract -> address."""
    transactions: dict[str, Digest]
    """Contract -> hash of the transaction that made it."""
    parameters: Parameters
    compiler: str
    """Exact version of solc."""
    compiler_settings: dict[str, Any]


_FORM = TypeAdapter(Deployment)


def parameters_of(
    genesis: Genesis,
    *,
    deployer: str,
    deployed_at: int,
    treasury: str | None = None,
    timelock: str | None = None,
    guardian: str | None = None,
) -> Parameters:
    """Return the parameters of a deployment at a Unix time; who is not named is the deployer.

    Raises `MalformedAddress`, or `InvalidRequest` for a checksum that does not fit.
    """
    holder = _person(treasury or deployer)
    return Parameters(
        genesis_holder=holder,
        genesis_supply=genesis.vvv_supply,
        treasury=holder,
        timelock=_person(timelock or deployer),
        guardian=_person(guardian or deployer),
        emission_per_second=genesis.emission_per_second,
        emission_start=deployed_at + genesis.emission_starts_after,
        target=genesis.target,
        opens_at=deployed_at + genesis.minting_opens_after,
    )


def _person(address: str) -> str:
    """Return an address that a person typed, checksummed; a checksum that is there must be right."""
    plain = wallet(address)
    has_checksum = address[2:] not in (address[2:].lower(), address[2:].upper())
    if has_checksum and not is_checksum_address(address):
        raise InvalidRequest(f"a letter of {address} is wrong, its checksum does not fit: copy it again")
    return to_checksum_address(plain)


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
        raise DeploymentMissing(chain_id=chain_id, path=str(path)) from error
    except ValidationError as error:
        first = error.errors(include_url=False)[0]
        raise _broken(path, f"{'.'.join(map(str, first['loc']))}: {first['msg']}") from error
    for named in (deployment.addresses, deployment.transactions):
        if set(named) != set(CONTRACTS):
            raise _broken(path, f"it names {sorted(named)}, not exactly {sorted(CONTRACTS)}")
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
