"""The verification of what is stored against the contracts' own views."""

from collections.abc import Generator
from contextlib import contextmanager

from sqlalchemy.orm import Session, sessionmaker

from entitlement.chain.agreed_views import SecondContracts
from entitlement.chain.artifacts import load_artifacts
from entitlement.chain.contracts import Contracts, connect
from entitlement.flows.verify_positions import VerifyPositions
from entitlement.settings import Settings
from entitlement.wiring.following import open_reader, open_second


@contextmanager
def open_verification(settings: Settings, sessions: sessionmaker[Session]) -> Generator[VerifyPositions]:
    """Hand out the verification of the deployment that the settings name."""
    with (
        open_reader(settings) as (reader, deployment, network),
        open_second(settings, network, deployment) as node,
    ):
        artifacts, addresses = load_artifacts(), deployment.addresses
        contracts = Contracts(connect(settings.rpc_url or network.rpc_url), artifacts, addresses)
        second = None
        if node is not None and settings.quorum_rpc_url is not None:
            theirs = Contracts(connect(settings.quorum_rpc_url), artifacts, addresses)
            second = SecondContracts(node, theirs)
        yield VerifyPositions(sessions, reader, contracts, second)
