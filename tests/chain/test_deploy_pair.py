"""A deployment whose buybacks trade in a pair: it is there before, is checked, and its prices can be kept."""

from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import orjson
import pytest
from eth_abi.abi import encode
from eth_utils.address import to_checksum_address
from eth_utils.crypto import keccak
from hexbytes import HexBytes
from web3 import Web3
from web3.types import TxParams

from entitlement.chain.anvil import AnvilProcess, AnvilSettings
from entitlement.chain.artifacts import Artifacts
from entitlement.chain.contracts import Contracts, connect
from entitlement.chain.deployment.carry_out import deploy
from entitlement.chain.deployment.check import check_deployment, examine_deployment
from entitlement.chain.deployment.pair import pair_of
from entitlement.chain.deployment.parameters import parameters_of
from entitlement.chain.deployment.plan import plan_deployment
from entitlement.chain.deployment.record import read_deployment, write_deployment
from entitlement.chain.devnet import Devnet, development_account
from entitlement.chain.networks import Network, load_network
from entitlement.chain.poker import Done, pair_venue_of
from entitlement.chain.reverts import RevertReader
from entitlement.chain.rpc import JsonRpc
from entitlement.chain.toolchain import PROJECT
from entitlement.chain.transactions import send, transact
from entitlement.core.errors import DeploymentMismatch, SetupError
from entitlement.core.units import USDC_PER_DOLLAR, WEI_PER_TOKEN
from entitlement.settings import read_settings
from entitlement.wiring.poking import open_poking

FACTORY = PROJECT / "node_modules/@uniswap/v2-core/build/UniswapV2Factory.json"
DEPLOYER, STRANGER, POKER = (development_account(number) for number in (0, 4, 5))


@pytest.fixture
def anvil() -> Iterator[AnvilProcess]:
    with AnvilProcess(AnvilSettings()) as made:
        yield made


def sent(web3: Web3, artifacts: Artifacts, given: TxParams) -> str | None:
    return send(web3, STRANGER, given, "a call of the test's", RevertReader(artifacts)).get("contractAddress")


def test_what_trades_in_a_pair_is_deployed_over_the_one_that_is_there_and_checked_like_the_rest(
    anvil: AnvilProcess, network: Network, artifacts: Artifacts, tmp_path: Path
) -> None:
    web3 = connect(anvil.url)
    code = orjson.loads(FACTORY.read_bytes())["bytecode"]
    setter = encode(["address"], [STRANGER.address]).hex()
    factory = sent(web3, artifacts, {"data": HexBytes(f"0x{code.removeprefix('0x')}{setter}")})
    assert factory is not None
    assert network.genesis is not None
    market = replace(network.genesis.market, pair_factory=factory)
    genesis = replace(network.genesis, market=market)
    with JsonRpc(anvil.url) as rpc:
        now = Devnet(rpc, network).head().timestamp
    parameters = parameters_of(genesis, deployer=DEPLOYER.address, deployed_at=now)
    with pytest.raises(SetupError, match="has no pair of USDC") as missing:
        plan_deployment(web3, network, DEPLOYER.address, parameters)
    assert web3.eth.get_transaction_count(DEPLOYER.address) == 0, "nothing was sent"

    usdc, vvv = str(missing.value).rsplit(" ", 2)[-2:]
    pair_made = keccak(text="createPair(address,address)")[:4] + encode(
        ["address"] * 2, [usdc, vvv.strip(".")]
    )
    sent(web3, artifacts, {"to": to_checksum_address(factory), "data": HexBytes(pair_made)})
    plan = plan_deployment(web3, network, DEPLOYER.address, parameters)
    assert "PairVenue" in plan.explain()
    deployment = deploy(web3, DEPLOYER, plan, artifacts)
    contracts = Contracts(web3, artifacts, deployment.addresses)
    venue, pair = contracts.address("PairVenue"), str(deployment.parameters.pair)
    assert contracts.view("BuybackBurner", "pool") == venue == pair_venue_of(contracts, artifacts)
    assert contracts.view("PairVenue", "pair") == pair
    assert pair == pair_of(web3, factory, usdc, deployment.addresses["VVV"])
    assert not [each for each in examine_deployment(web3, deployment, artifacts) if each.is_surprise]
    record = tmp_path / "31337.json"
    write_deployment(deployment, record)
    assert read_deployment(record) == deployment
    other = replace(deployment.parameters, pair=to_checksum_address("0x" + "11" * 20))
    with pytest.raises(DeploymentMismatch):
        check_deployment(web3, replace(deployment, parameters=other), artifacts)

    transact(contracts, DEPLOYER, "DevDollar", "mint", pair, 2_000_000 * USDC_PER_DOLLAR)
    transact(contracts, DEPLOYER, "VVV", "transfer", pair, 500_000 * WEI_PER_TOKEN)
    liquidity = keccak(text="mint(address)")[:4] + encode(["address"], [STRANGER.address])
    sent(web3, artifacts, {"to": to_checksum_address(pair), "data": HexBytes(liquidity)})
    settings = read_settings(rpc_url=anvil.url, deployment=record, poker_cost_most=10**15)
    assert open_poking(settings, POKER).poke().done is Done.SENT


def test_a_network_says_which_venue_and_the_one_for_development_keeps_the_pool(tmp_path: Path) -> None:
    source = (PROJECT / "networks" / "anvil.toml").read_text()
    known = load_network("anvil").genesis
    assert known is not None
    assert known.market.pair_factory is None
    lines = '[genesis.market]\nvenue = "pair"\npair_factory = "0x5C69bEe701ef814a2B6a3EDD4B1652CB9cc5aA6f"'
    (tmp_path / "anvil.toml").write_text(source.replace("[genesis.market]", lines))
    genesis = load_network("anvil", tmp_path).genesis
    assert genesis is not None
    made = parameters_of(genesis, deployer=DEPLOYER.address, deployed_at=1)
    assert made.pair_factory == "0x5C69bEe701ef814a2B6a3EDD4B1652CB9cc5aA6f"
    for wrong in ('venue = "order book"', 'venue = "pair"', f"pair_factory = {lines[-44:]}"):
        (tmp_path / "anvil.toml").write_text(source.replace("[genesis.market]", f"[genesis.market]\n{wrong}"))
        with pytest.raises(SetupError, match=r"genesis\.market"):
            load_network("anvil", tmp_path)
