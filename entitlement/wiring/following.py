"""The follower of the deployment that the settings name. Without web3: a follower starts at once."""

from collections.abc import Generator
from contextlib import contextmanager

from sqlalchemy.orm import Session, sessionmaker

from entitlement.chain.artifacts import load_artifacts
from entitlement.chain.client import RpcChainReader
from entitlement.chain.deployment.record import Deployment, deployment_path, read_deployment
from entitlement.chain.networks import Network, load_network
from entitlement.flows.follow_chain import FollowChain, FollowLimits
from entitlement.settings import Settings


@contextmanager
def open_follower(
    settings: Settings, sessions: sessionmaker[Session], *, may_undo_final: bool = False
) -> Generator[FollowChain]:
    """Hand out the follower of the deployment that the settings name.

    Final blocks are undone on development networks, and where a person says so.
    """
    with open_reader(settings) as (reader, deployment, network):
        limits = FollowLimits(
            blocks_per_step=network.blocks_per_request, may_undo_final=may_undo_final or network.is_devnet
        )
        yield FollowChain(reader, sessions, limits, start_block=deployment.start_block)


@contextmanager
def open_reader(settings: Settings) -> Generator[tuple[RpcChainReader, Deployment, Network]]:
    """Hand out a reader of the deployment that the settings name, with what it was made from."""
    network = load_network(settings.network)
    deployment = read_deployment(settings.deployment or deployment_path(network.chain_id))
    reader = RpcChainReader(settings.rpc_url or network.rpc_url, network, deployment, load_artifacts())
    try:
        yield reader, deployment, network
    finally:
        reader.close()
