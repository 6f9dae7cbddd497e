"""The verification of what is stored against the contracts' own views."""

from collections.abc import Generator
from contextlib import contextmanager

from sqlalchemy.orm import Session, sessionmaker

from entitlement.chain.artifacts import load_artifacts
from entitlement.chain.contracts import Contracts, connect
from entitlement.flows.verify_positions import VerifyPositions
from entitlement.settings import Settings
from entitlement.wiring.following import open_reader


@contextmanager
def open_verification(settings: Settings, sessions: sessionmaker[Session]) -> Generator[VerifyPositions]:
    """Hand out the verification of the deployment that the settings name."""
    with open_reader(settings) as (reader, deployment, network):
        web3 = connect(settings.rpc_url or network.rpc_url)
        yield VerifyPositions(sessions, reader, Contracts(web3, load_artifacts(), deployment.addresses))
