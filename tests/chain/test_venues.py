"""What a burner trades on tells itself apart, and both kinds are read into the same arithmetic."""

from collections.abc import Iterator

import pytest
from eth_utils.crypto import keccak

from entitlement.chain.artifacts import Artifacts
from entitlement.chain.networks import Network
from entitlement.chain.venues import PairVenue, RangedVenue, venue_at
from entitlement.core.errors import InconsistentNode
from entitlement.core.pool_depth import PairDepth, RangedDepth
from entitlement.core.pool_price import sqrt_price_at
from entitlement.core.units import Usdc
from tests.chain.buyback_stage import DOLLAR, LIQUIDITY, Stage, opened_market

USDC, VVV = "0x" + "a1" * 20, "0x" + "b2" * 20


@pytest.fixture(scope="module")
def stage(network: Network, artifacts: Artifacts) -> Iterator[Stage]:
    with opened_market(network, artifacts) as made:
        yield made


def speaking(stage: Stage, address: str, answers: dict[str, tuple[int, ...]]) -> str:
    """Put a contract at an address that answers each of these functions with the same words for ever."""
    selectors = [keccak(text=signature)[:4].hex() for signature in answers]
    head = 5 + 11 * len(answers) + 3
    bodies: list[str] = []
    table = "5f3560e01c"
    for selector, words in zip(selectors, answers.values(), strict=True):
        start = head + len("".join(bodies)) // 2
        table += f"8063{selector}1461{start:04x}57"
        stored = "".join(f"7f{word:064x}60{32 * place:02x}52" for place, word in enumerate(words))
        bodies.append(f"5b{stored}60{32 * len(words):02x}5ff3")
    stage.system.rpc.call("anvil_setCode", address, "0x" + table + "5f5ffd" + "".join(bodies))
    return address


def a_pair(stage: Stage, *, usdc_first: bool) -> str:
    token0 = USDC if usdc_first else VVV
    reserves = (2_000_000 * DOLLAR, 500_000 * 10**18)
    pair = speaking(
        stage,
        "0x" + "c3" * 20,
        {
            "token0()": (int(token0, 16),),
            "getReserves()": (*(reserves if usdc_first else reserves[::-1]), 1),
        },
    )
    return speaking(stage, "0x" + "d4" * 20, {"pair()": (int(pair, 16),)})


def test_a_pool_with_ticks_is_read_by_its_ticks(stage: Stage) -> None:
    head = stage.system.reader.head()
    pool = str(stage.system.contracts.view("BuybackBurner", "pool"))
    venue = venue_at(stage.system.contracts.web3, pool, stage.usdc, head.hash)
    assert isinstance(venue, RangedVenue)
    market = stage.market()
    depth = venue.depth(head.hash, mean_tick=market.mean_tick, deviation=150)
    assert isinstance(depth, RangedDepth)
    assert (depth.liquidity, depth.fee, depth.spacing, depth.tick) == (
        *(LIQUIDITY, 3_000, 60),
        market.spot_tick,
    )


@pytest.mark.parametrize("usdc_first", [True, False])
def test_what_stands_in_front_of_a_pair_is_read_by_its_reserves(stage: Stage, usdc_first: bool) -> None:  # noqa: FBT001 - a case
    head = stage.system.reader.head()
    web3 = stage.system.contracts.web3
    venue = venue_at(web3, a_pair(stage, usdc_first=usdc_first), USDC, head.hash)
    head = stage.system.reader.head()
    assert isinstance(venue, PairVenue)
    depth = venue.depth(head.hash, mean_tick=0, deviation=150)
    assert depth == PairDepth(usdc_first, 3_000, 2_000_000 * DOLLAR, 500_000 * 10**18)
    # 1,000 dollars less 0.3 %, at about four for each.
    limit = 1 if usdc_first else sqrt_price_at(800_000)
    fill = depth.fill(Usdc(1_000 * DOLLAR), limit)
    assert (fill.spent, 249_100 * 10**15 < fill.bought < 249_250 * 10**15) == (1_000 * DOLLAR, True)


def test_what_is_neither_is_not_traded_on(stage: Stage) -> None:
    head = stage.system.reader.head()
    web3 = stage.system.contracts.web3
    for address in ("0x" + "e5" * 20, stage.usdc):
        with pytest.raises(InconsistentNode, match="neither a pool"):
            venue_at(web3, address, USDC, head.hash)
    silly = speaking(stage, "0x" + "f6" * 20, {"tickSpacing()": (0,)})
    with pytest.raises(InconsistentNode, match="tick spacing"):
        venue_at(web3, silly, USDC, stage.system.reader.head().hash)
