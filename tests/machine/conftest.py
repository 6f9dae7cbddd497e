from collections.abc import Iterator

import pytest

from entitlement.chain.artifacts import load_artifacts
from entitlement.chain.networks import load_network
from tests.machine.chain import deployed
from tests.machine.stages import Theatre


@pytest.fixture(scope="session")
def theatre() -> Iterator[Theatre]:
    """One chain for all histories, which begin at one of its two stages."""
    with deployed(load_network("anvil"), load_artifacts()) as chain:
        yield Theatre(chain)
