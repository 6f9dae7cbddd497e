"""What is committed to each day: where the public files are, and what they say of the deployment."""

from collections.abc import Callable
from pathlib import Path

from sqlalchemy.orm import Session, sessionmaker

from entitlement.chain.deployment.record import Deployment, deployment_path, read_deployment
from entitlement.chain.networks import Network
from entitlement.core.epoch_file import CONTRACTS, BlockName
from entitlement.flows.epoch_files import Deployed, EpochFiles
from entitlement.settings import Settings


def deployed_in(deployment: Deployment) -> Deployed:
    """Return what a public file says of a deployment."""
    return Deployed(
        deployment.chain_id,
        {name: deployment.addresses[name].lower() for name in CONTRACTS},
        BlockName(deployment.start_block, deployment.start_block_hash),
    )


def deployed_of(settings: Settings, network: Network) -> Callable[[], Deployed]:
    """Return what reads it, when somebody asks."""
    path = settings.deployment or deployment_path(network.chain_id)
    return lambda: deployed_in(read_deployment(path))


def epoch_files(settings: Settings, network: Network, sessions: sessionmaker[Session]) -> EpochFiles:
    """Return the public files."""
    return EpochFiles(sessions, proofs_folder(settings), deployed_of(settings, network))


def proofs_folder(settings: Settings) -> Path:
    """Return where public files are kept."""
    return settings.proofs_folder or settings.data_folder / "proofs"
