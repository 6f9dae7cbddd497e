"""The publication of roots for the deployment that the settings name. Apart from the API: it needs web3."""

from collections.abc import Callable, Generator
from contextlib import contextmanager

from sqlalchemy.orm import Session, sessionmaker

from entitlement.chain.artifacts import load_artifacts
from entitlement.chain.contracts import Contracts, connect
from entitlement.chain.deployment.record import deployment_path, read_deployment
from entitlement.chain.networks import load_network
from entitlement.chain.roots import RootPublisher, RootsOnChain
from entitlement.chain.signers import Signer
from entitlement.core.errors import SetupError
from entitlement.flows.close_epochs import CloseEpochs
from entitlement.flows.publish_roots import Plan, PublishRoots, plan
from entitlement.settings import Settings
from entitlement.wiring.following import open_reader
from entitlement.wiring.proofs import epoch_files


@contextmanager
def open_publishing(
    settings: Settings, sessions: sessionmaker[Session], signer_of: Callable[[str], Signer | None]
) -> Generator[PublishRoots]:
    """Hand out the publication; `signer_of` is told whose signature EpochRoots takes.

    Raises `SetupError` where nobody signs.
    """
    with open_reader(settings) as (reader, deployment, network):
        contracts = _contracts(settings)
        signer = signer_of(RootsOnChain(contracts).publisher())
        if signer is None:
            raise SetupError(
                "Nobody signs the roots.",
                remedy="Set PUBLISHER_PRIVATE_KEY, ENTITLEMENT_PUBLISHER_KEYSTORE or "
                "ENTITLEMENT_PUBLISHER_SIGNER_URL.",
            )
        yield PublishRoots(
            sessions,
            CloseEpochs(sessions),
            epoch_files(settings, network, sessions),
            RootPublisher(contracts, signer),
            reader,
            start_block=deployment.start_block,
        )


def publication_plan(settings: Settings, sessions: sessionmaker[Session]) -> Plan:
    """Return what a publication would do now; nothing is written, signed or sent."""
    return plan(sessions, CloseEpochs(sessions), RootsOnChain(_contracts(settings)))


def _contracts(settings: Settings) -> Contracts:
    network = load_network(settings.network)
    deployment = read_deployment(settings.deployment or deployment_path(network.chain_id))
    web3 = connect(settings.rpc_url or network.rpc_url)
    return Contracts(web3, load_artifacts(), deployment.addresses)
