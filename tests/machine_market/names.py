"""Who and what there is at the market, beside the names of the first machine."""

from tests.machine.names import PEOPLE

POOL = "IUniswapV3Pool"
"""By its ABI's name, as every contract here."""
REVENUE = "treasury"
"""Receives what the sales take in; a payment from there to there sells nothing."""

HOLDERS = (*PEOPLE, "BuybackBurner", "CreditSales", "DevTrader", POOL)
"""Whoever may come to have VVV or USDC."""

DOLLAR = 10**6
"""Units of USDC."""
CARDINALITY = 300
"""Prices that the pool will remember."""
WIDEST_TICK = 887_220
LIQUIDITY = 10**18
"""Over the whole range: about two million dollars on either side."""
