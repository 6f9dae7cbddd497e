"""The follower of the deployment that the settings name. Without web3: a follower starts at once."""

from collections.abc import Generator
from contextlib import closing, contextmanager

from sqlalchemy.orm import Session, sessionmaker

from entitlement.chain.addresses import addresses_in, host_of
from entitlement.chain.artifacts import load_artifacts
from entitlement.chain.client import RpcChainReader
from entitlement.chain.deployment.record import Deployment, deployment_path, read_deployment
from entitlement.chain.doubting import DoubtingReader
from entitlement.chain.networks import Network, load_network
from entitlement.chain.quorum import QuorumReader, Second
from entitlement.chain.reader import ChainReader
from entitlement.chain.rpc import RpcLimits
from entitlement.core.errors import SetupError
from entitlement.flows.follow_chain import FollowChain, FollowLimits
from entitlement.flows.kept_chain import kept_chain
from entitlement.settings import Settings


@contextmanager
def open_follower(
    settings: Settings, sessions: sessionmaker[Session], *, may_undo_final: bool = False
) -> Generator[FollowChain]:
    """Hand out the follower of the deployment that the settings name.

    Final blocks are undone on development networks, and where a person says so.
    """
    with (
        open_reader(settings) as (first, deployment, network),
        open_second(settings, network, deployment) as second,
    ):
        reader: ChainReader = DoubtingReader(first)
        if second is not None:
            reader = QuorumReader(reader, second.reader, kept_chain(sessions), names=second.names)
        limits = FollowLimits(
            blocks_per_step=network.blocks_per_request, may_undo_final=may_undo_final or network.is_devnet
        )
        yield FollowChain(reader, sessions, limits, start_block=deployment.start_block)


@contextmanager
def open_reader(settings: Settings) -> Generator[tuple[RpcChainReader, Deployment, Network]]:
    """Hand out a reader of the deployment that the settings name, with what it was made from."""
    network = load_network(settings.network)
    deployment = read_deployment(settings.deployment or deployment_path(network.chain_id))
    with closing(_reader(settings, settings.rpc_url or network.rpc_url, network, deployment)) as reader:
        yield reader, deployment, network


@contextmanager
def open_second(settings: Settings, network: Network, deployment: Deployment) -> Generator[Second | None]:
    """Hand out the node that must agree about final blocks; None where none is configured.

    Raises `SetupError` for one that is followed itself.
    """
    if settings.quorum_rpc_url is None:
        yield None
        return
    addresses = addresses_in(settings.rpc_url or network.rpc_url), addresses_in(settings.quorum_rpc_url)
    if set(addresses[0]) & set(addresses[1]):
        raise SetupError(
            "ENTITLEMENT_QUORUM_RPC_URL names a node that is followed itself.",
            remedy="Name one of another operator: what agrees with itself proves nothing.",
        )
    names = host_of(addresses[0][0]), host_of(addresses[1][0])
    with closing(_reader(settings, settings.quorum_rpc_url, network, deployment)) as second:
        yield Second(DoubtingReader(second), names)


def _reader(settings: Settings, rpc_url: str, network: Network, deployment: Deployment) -> RpcChainReader:
    limits = RpcLimits(requests_per_second=settings.rpc_requests_per_second)
    artifacts = load_artifacts()
    return RpcChainReader(
        rpc_url, network, deployment, artifacts, limits, check_receipts=settings.check_receipts
    )
