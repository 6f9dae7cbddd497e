from collections.abc import Iterator

import pytest

from entitlement.chain.artifacts import Artifacts, load_artifacts
from entitlement.chain.networks import Network, load_network
from tests.chain.system import System, deployed


@pytest.fixture(scope="session")
def artifacts() -> Artifacts:
    return load_artifacts()


@pytest.fixture(scope="session")
def network() -> Network:
    return load_network("anvil")


@pytest.fixture(scope="module")
def system(network: Network, artifacts: Artifacts) -> Iterator[System]:
    """A deployed system for the tests of one module, which leave each other's wallets alone."""
    with deployed(network, artifacts) as made:
        yield made
