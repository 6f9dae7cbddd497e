"""Genesis: what a deployment on a network begins with, as the network's file says."""

from dataclasses import dataclass

from entitlement.chain.fields import Fields
from entitlement.core.units import Wei

POOL, PAIR = "pool", "pair"
"""What buybacks may trade in: the pool of Uniswap v3 that is opened, or a pair that is there."""


@dataclass(frozen=True, slots=True)
class GenesisMarket:
    """What VVV is traded on, and what is paid in."""

    usdc: str | None
    """None on a development chain, which is given a token that stands in for it."""
    uniswap_factory: str | None
    """Version 3. None on a development chain, which is given one."""
    pool_fee: int
    """Of the pool that buybacks trade in, in millionths."""
    first_price: int
    """Of one VVV in that pool if it is new, in units of USDC."""
    observations: int
    """How many prices that pool is to remember; enough for the window of buybacks."""
    pair_factory: str | None = None
    """Uniswap's, version 2, or one that answers as it does: buybacks trade in its pair, by a PairVenue."""


@dataclass(frozen=True, slots=True)
class GenesisBuyback:
    """The bounds that buybacks begin with; IBuybackBurner.Bounds says what each means."""

    lot: int
    """Units of USDC."""
    hop: int
    window: int
    deviation: int
    floor: int


@dataclass(frozen=True, slots=True)
class Genesis:
    """What a deployment on a network begins with, before it is known who deploys and when."""

    vvv_supply: Wei
    emission_per_second: Wei
    """VVV wei that all stake together earns each second."""
    target: Wei
    """DIEM wei: the T of the mint curve."""
    emission_starts_after: int
    """Seconds from the deployment; long enough for the treasury to stake before anything is paid."""
    minting_opens_after: int
    """Seconds from the deployment."""
    monthly_prices: tuple[int, ...]
    """Of membership tier 1, 2, …, in units of USDC."""
    market: GenesisMarket
    buyback: GenesisBuyback


def genesis_in(fields: Fields, *, is_devnet: bool) -> Genesis:
    """Take a table `genesis`; raises `SetupError`."""
    genesis = Genesis(
        vvv_supply=fields.tokens("vvv_supply"),
        emission_per_second=Wei(fields.number("emission_per_second", smallest=0)),
        target=fields.tokens("target"),
        emission_starts_after=fields.number("emission_starts_after", smallest=0),
        minting_opens_after=fields.number("minting_opens_after", smallest=0),
        monthly_prices=fields.dollars_each("monthly_prices"),
        market=_genesis_market(fields.table("market"), is_devnet=is_devnet),
        buyback=_genesis_buyback(fields.table("buyback")),
    )
    fields.nothing_else()
    return genesis


def _genesis_market(fields: Fields, *, is_devnet: bool) -> GenesisMarket:
    venue = fields.text("venue") if fields.has("venue") else POOL
    if venue not in (POOL, PAIR):
        fields.refuse("venue", f"is {venue!r}, neither {POOL!r} nor {PAIR!r}")
    market = GenesisMarket(
        usdc=None if is_devnet else fields.text("usdc"),
        uniswap_factory=None if is_devnet else fields.text("uniswap_factory"),
        pool_fee=fields.number("pool_fee", smallest=1, largest=999_999),
        first_price=fields.number("first_price", smallest=1),
        observations=fields.number("observations", smallest=1, largest=65_535),
        pair_factory=fields.text("pair_factory") if venue == PAIR else None,
    )
    fields.nothing_else()
    return market


def _genesis_buyback(fields: Fields) -> GenesisBuyback:
    # The contract has its own limits and refuses what lies outside of them.
    buyback = GenesisBuyback(
        lot=fields.dollars("lot"),
        hop=fields.number("hop", smallest=1),
        window=fields.number("window", smallest=1),
        deviation=fields.number("deviation", smallest=1),
        floor=fields.number("floor", smallest=1),
    )
    fields.nothing_else()
    return buyback
