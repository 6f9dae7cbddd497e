"""A pool that is younger than the window of its mean: told in a sentence, and by no other revert's."""

import pytest
from eth_utils.crypto import keccak

from entitlement.chain.artifacts import Artifacts
from entitlement.chain.contracts import Contracts, connect
from entitlement.chain.market import MarketReader
from entitlement.chain.networks import Network
from entitlement.core.errors import TransactionFailed
from tests.chain.lying_node import NodeError, lying_node
from tests.chain.system import System, deployed

TOO_YOUNG = "the pool does not remember its price for 1800 seconds yet"
MARKET = "0x" + keccak(text="market()")[:4].hex()


def reading(system: System, url: str | None = None) -> MarketReader:
    contracts = system.contracts
    if url is not None:
        contracts = Contracts(connect(url), system.artifacts, system.deployment.addresses)
    return MarketReader(contracts, contracts.address("DevDollar"))


def test_a_pool_younger_than_the_window_is_told_with_the_seconds_until_it_is_old_enough(
    network: Network, artifacts: Artifacts
) -> None:
    with deployed(network, artifacts) as system:
        window = system.contracts.view("BuybackBurner", "bounds")[2]
        born = system.reader.header(system.deployment.start_block)
        assert born is not None
        young = system.devnet.head()
        assert young.timestamp - born.timestamp < window == 1_800
        with pytest.raises(TransactionFailed, match=TOO_YOUNG):
            reading(system).read(young)
        old = system.devnet.jump_to(young.timestamp + window)
        assert reading(system).read(old).bounds.window == window
        # What is no word of a pool's is told as it is.
        other = NodeError(3, "execution reverted")
        with lying_node(system.anvil.url) as node:
            node.lie("eth_call", lambda params, truth: other if params[0]["data"] == MARKET else truth)
            with pytest.raises(TransactionFailed, match="no reason given"):
                reading(system, node.url).read(old)
