"""The verification of a public file by a node alone. No settings: anybody may run it, anywhere."""

from collections.abc import Generator
from contextlib import closing, contextmanager
from dataclasses import replace
from pathlib import Path

from entitlement.chain.artifacts import load_artifacts
from entitlement.chain.contracts import Contracts, connect
from entitlement.chain.deployment.record import deployment_path, read_deployment
from entitlement.chain.history import LogHistory
from entitlement.chain.networks import NETWORKS, Network, load_network
from entitlement.chain.roots import RootsOnChain
from entitlement.core.blocks import Finality, FinalityRule
from entitlement.core.epoch_file import EpochHead
from entitlement.core.errors import DeploymentMissing, SetupError
from entitlement.flows.verify_epoch import VerifyEpoch
from entitlement.wiring.proofs import deployed_in

BLOCKS_PER_REQUEST = 2_000


@contextmanager
def open_epoch_verification(
    rpc_url: str, head: EpochHead, *, every_block: bool | None = None
) -> Generator[VerifyEpoch]:
    """Hand out the verification of a file on the chain that it names; `every_block` as `VerifyEpoch` says."""
    artifacts = load_artifacts()
    history = LogHistory(rpc_url, network_of(head.chain_id), artifacts, head.contracts, head.deployed)
    with closing(history):
        contracts = Contracts(connect(rpc_url), artifacts, {"EpochRoots": head.contracts["EpochRoots"]})
        yield VerifyEpoch(history, RootsOnChain(contracts), every_block=every_block)


def network_of(chain_id: int, folder: Path = NETWORKS) -> Network:
    """Return what is known of a chain; of one that nothing is known of, that its nodes say what is final."""
    for path in sorted(folder.glob("*.toml")):
        try:
            network = load_network(path.stem, folder)
        except SetupError:
            continue  # a read profile of contracts that are not ours
        if network.chain_id == chain_id:
            return network
    unknown = load_network("anvil", folder)
    return replace(
        unknown,
        name=f"chain {chain_id}",
        chain_id=chain_id,
        is_devnet=False,
        finality=Finality(FinalityRule.FINALIZED),
        blocks_per_request=BLOCKS_PER_REQUEST,
        genesis=None,
    )


def against_record(head: EpochHead, deployment: Path | None) -> list[str] | None:
    """Compare a file's addresses with a deployment on record; None where none is kept for its chain.

    Without one the addresses are the file's own word. Raises `SetupError` for a record that is broken.
    """
    try:
        known = deployed_in(read_deployment(deployment or deployment_path(head.chain_id)))
    except DeploymentMissing:
        if deployment is not None:
            raise
        return None
    pairs = {
        "chain": (head.chain_id, known.chain_id),
        "contracts": (dict(head.contracts), known.contracts),
        "first block": (head.deployed, known.first_block),
    }
    return [
        f"{name} is {ours} in the file, and {theirs} in the deployment's record"
        for name, (ours, theirs) in pairs.items()
        if ours != theirs
    ]
