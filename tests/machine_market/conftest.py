from collections.abc import Iterator

import pytest

from entitlement.chain.artifacts import load_artifacts
from entitlement.chain.networks import load_network
from tests.machine_market.chain import deployed_market
from tests.machine_market.stages import MarketTheatre


@pytest.fixture(scope="session")
def market_theatre() -> Iterator[MarketTheatre]:
    """One chain for all histories of the market."""
    with deployed_market(load_network("anvil"), load_artifacts()) as chain:
        yield MarketTheatre(chain)
