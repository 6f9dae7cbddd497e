from pathlib import Path

import pytest

from entitlement.chain.networks import load_network
from entitlement.core.blocks import Finality, FinalityRule
from entitlement.core.errors import SetupError

GOOD = """
name = "good"
chain_id = 7
rpc_url = "http://127.0.0.1:1"
is_devnet = false
block_seconds = 2
blocks_per_request = 10

[finality]
rule = "depth"
depth = 5

[genesis]
vvv_supply = "100"
emission_per_second = 3
target = "40"
emission_starts_after = 0
minting_opens_after = 0
monthly_prices = ["18", "68"]

[genesis.market]
usdc = "0x833589fCD6eDb6E08f4c7C32D4f71b54bdA02913"
uniswap_factory = "0x33128a8fC17869897dcE68Ed026d694621f6FDfD"
pool_fee = 3_000
first_price = 4_020_000
observations = 300

[genesis.buyback]
lot = "10000"
hop = 14_400
window = 1_800
deviation = 150
floor = 9_800
"""


def test_base_is_no_devnet_and_follows_the_finalized_block() -> None:
    base = load_network("base")
    assert (base.chain_id, base.is_devnet, base.block_seconds) == (8453, False, 2)
    assert base.finality == Finality(FinalityRule.FINALIZED)
    assert base.genesis is not None
    assert base.genesis.market.usdc is not None
    assert base.genesis.monthly_prices == (18_000_000, 68_000_000)
    assert base.genesis.buyback.lot == 10_000 * 10**6


def test_anvil_begins_as_the_live_system_stands() -> None:
    anvil = load_network("anvil")
    assert anvil.is_devnet
    assert anvil.genesis is not None
    assert anvil.genesis.vvv_supply == 100_000_000 * 10**18
    assert anvil.genesis.target == 40_000 * 10**18
    assert anvil.genesis.emission_per_second == 79_274_479_959_411_466


def test_a_development_chain_names_no_market_of_others(tmp_path: Path) -> None:
    text = GOOD.replace("is_devnet = false", "is_devnet = true")
    (tmp_path / "good.toml").write_text(text)
    with pytest.raises(SetupError, match=r"genesis\.market\.u\w+ is not a field"):
        load_network("good", tmp_path)
    lines = (line for line in text.splitlines() if not line.startswith(("usdc", "uniswap_factory")))
    (tmp_path / "good.toml").write_text("\n".join(lines))
    genesis = load_network("good", tmp_path).genesis
    assert genesis is not None
    assert genesis.market.usdc is genesis.market.uniswap_factory is None


def test_a_depth_is_read_with_its_rule(tmp_path: Path) -> None:
    (tmp_path / "good.toml").write_text(GOOD)
    assert load_network("good", tmp_path).finality == Finality(FinalityRule.DEPTH, 5)


@pytest.mark.parametrize(
    ("old", "new", "complaint"),
    [
        ("chain_id = 7", "", "chain_id is missing"),
        ("chain_id = 7", 'chain_id = "7"', "chain_id is '7'"),
        ("chain_id = 7", "chain_id = true", "chain_id is True"),
        ("chain_id = 7", "chain_id = 0", "chain_id is 0"),
        ("is_devnet = false", "is_devnet = 0", "is_devnet is 0"),
        ("is_devnet = false", "is_devnet = false\ncolour = 1", "colour is not a field"),
        ("blocks_per_request = 10", "blocks_per_request = 10_001", "blocks_per_request is 10001"),
        ('rule = "depth"', 'rule = "soon"', "finality.rule is 'soon'"),
        ('rule = "depth"', 'rule = "finalized"', "finality.depth is not a field"),
        ("depth = 5", "depth = 0", "finality.depth is 0"),
        ('vvv_supply = "100"', "vvv_supply = 100", "genesis.vvv_supply is 100"),
        ('vvv_supply = "100"', 'vvv_supply = "1.5"', "genesis.vvv_supply is '1.5'"),
        ('monthly_prices = ["18", "68"]', "monthly_prices = []", "genesis.monthly_prices is []"),
        ('monthly_prices = ["18", "68"]', "monthly_prices = [18]", "genesis.monthly_prices is 18"),
        ('lot = "10000"', 'lot = "0"', "genesis.buyback.lot is '0'"),
        ("pool_fee = 3_000", "pool_fee = 0", "genesis.market.pool_fee is 0"),
        ('usdc = "0x833589fCD6eDb6E08f4c7C32D4f71b54bdA02913"', "", "genesis.market.usdc is missing"),
        ("floor = 9_800", "floor = 9_800\nroof = 1", "genesis.buyback.roof is not a field"),
        ('name = "good"', 'name = "other"', "the file is good.toml"),
        ("[finality]", "[finality", "is not TOML"),
    ],
)
def test_a_wrong_field_is_named(old: str, new: str, complaint: str, tmp_path: Path) -> None:
    assert GOOD.count(old) == 1
    (tmp_path / "good.toml").write_text(GOOD.replace(old, new))
    with pytest.raises(SetupError) as caught:
        load_network("good", tmp_path)
    assert complaint in str(caught.value)


def test_an_unknown_network_is_answered_with_the_known_ones() -> None:
    with pytest.raises(SetupError, match=r"anvil.*base"):
        load_network("mars")
