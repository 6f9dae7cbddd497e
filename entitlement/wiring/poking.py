"""The pokes of the deployment that the settings name. Apart from the API: they need web3."""

from entitlement.chain.artifacts import load_artifacts
from entitlement.chain.contracts import Contracts, connect
from entitlement.chain.deployment.record import deployment_path, read_deployment
from entitlement.chain.networks import load_network
from entitlement.chain.poker import VENUE, Poker, pair_venue_of
from entitlement.chain.signers import Signer
from entitlement.core.errors import SetupError
from entitlement.settings import Settings


def open_poking(settings: Settings, signer: Signer) -> Poker:
    """Return what pokes. Raises `SetupError` where buybacks trade in a pool, `NodeUnavailable`."""
    network = load_network(settings.network)
    deployment = read_deployment(settings.deployment or deployment_path(network.chain_id))
    web3, artifacts = connect(settings.rpc_url or network.rpc_url), load_artifacts()
    venue = pair_venue_of(Contracts(web3, artifacts, deployment.addresses), artifacts)
    if venue is None:
        raise SetupError(
            "A poker's key is configured, and buybacks trade in a pool, which keeps its prices by itself.",
            remedy="Take ENTITLEMENT_POKER_KEYSTORE, ENTITLEMENT_POKER_SIGNER_URL or POKER_PRIVATE_KEY away.",
        )
    return Poker(Contracts(web3, artifacts, {VENUE: venue}), signer, cost_most=settings.poker_cost_most)
