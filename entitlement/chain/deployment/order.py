"""What is deployed, and in which order."""

from entitlement.chain.deployment.parameters import Parameters

CONTRACTS = (
    "Timelock",
    "Guardian",
    "VVV",
    "StakedVVV",
    "DIEM",
    "DiemMint",
    "InferenceStake",
    "PoolOpener",
    "CreditSales",
    "BuybackBurner",
    "EpochRoots",
    "Lens",
)
"""In the order in which they are deployed: each finds those that it needs before it, or predicts them."""

PAIR_VENUE = "PairVenue"
"""Deployed before the burner where that trades in a pair."""
UNISWAP_FACTORY, DEV_DOLLAR, DEV_TRADER = "UniswapV3Factory", "DevDollar", "DevTrader"


def order_of(parameters: Parameters) -> tuple[str, ...]:
    """Return what is deployed, in its order; a development chain is given a market as well."""
    before_market, before_burner = CONTRACTS.index("PoolOpener"), CONTRACTS.index("BuybackBurner")
    return (
        *CONTRACTS[:before_market],
        *((DEV_DOLLAR,) if parameters.usdc is None else ()),
        *((UNISWAP_FACTORY,) if parameters.uniswap_factory is None else ()),
        *CONTRACTS[before_market:before_burner],
        *((PAIR_VENUE,) if parameters.pair_factory is not None else ()),
        *CONTRACTS[before_burner:],
        *((DEV_TRADER,) if parameters.usdc is None else ()),
    )
