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

UNISWAP_FACTORY, DEV_DOLLAR, DEV_TRADER = "UniswapV3Factory", "DevDollar", "DevTrader"


def order_of(parameters: Parameters) -> tuple[str, ...]:
    """Return what is deployed, in its order; a development chain is given a market as well."""
    before_market = CONTRACTS.index("PoolOpener")
    return (
        *CONTRACTS[:before_market],
        *((DEV_DOLLAR,) if parameters.usdc is None else ()),
        *((UNISWAP_FACTORY,) if parameters.uniswap_factory is None else ()),
        *CONTRACTS[before_market:],
        *((DEV_TRADER,) if parameters.usdc is None else ()),
    )
