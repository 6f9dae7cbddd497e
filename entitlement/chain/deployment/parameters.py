"""What the constructors are given beside each other's addresses."""

from dataclasses import dataclass
from typing import Annotated, ClassVar

from eth_utils.address import is_checksum_address, to_checksum_address
from pydantic import AfterValidator, BeforeValidator, ConfigDict, PlainSerializer

from entitlement.chain.genesis import Genesis
from entitlement.core.errors import InvalidRequest
from entitlement.core.units import wallet


def _checksummed(address: str) -> str:
    if not is_checksum_address(address):
        raise ValueError(f"{address!r} is not an address with a checksum")
    return address


def _read_amount(value: object) -> int:
    if not isinstance(value, str) or not value.isdecimal():
        raise ValueError(f"{value!r} is not a whole number in quotes")
    return int(value)


Address = Annotated[str, AfterValidator(_checksummed)]
"""EIP-55, the spelling that people and explorers see."""
# JSON's numbers lose digits above 2**53 in many readers: amounts are written as text.
Amount = Annotated[int, BeforeValidator(_read_amount), PlainSerializer(str)]

STRICT = ConfigDict(strict=True, extra="forbid")


@dataclass(frozen=True, slots=True)
class Roles:
    """Who is to have which power, as a person named them; None stands for the deployer."""

    treasury: str | None = None
    """Receives the genesis supply, and its share of the rewards for ever."""
    proposer: str | None = None
    """Schedules, cancels and executes what the timelock may do, after its delay."""
    guardian: str | None = None
    """May pause entries for at most seven days, never exits."""
    revenue: str | None = None
    """Receives what is paid for credit and memberships."""
    keeper: str | None = None
    """Executes buybacks within their bounds."""
    publisher: str | None = None
    """Publishes each closed day's Merkle root."""


@dataclass(frozen=True, slots=True)
class Parameters:
    """Everything that is decided about a deployment. JSON keeps it; amounts are text there."""

    __pydantic_config__: ClassVar[ConfigDict] = STRICT

    genesis_holder: Address
    """Receives the whole genesis supply."""
    genesis_supply: Amount
    """VVV wei."""
    treasury: Address
    proposer: Address
    guardian: Address
    revenue: Address
    keeper: Address
    publisher: Address
    emission_per_second: Amount
    """VVV wei."""
    emission_start: int
    """Unix time, not before the deployment."""
    target: Amount
    """DIEM wei."""
    opens_at: int
    """Unix time from which DIEM can be minted."""
    monthly_prices: list[Amount]
    """Of membership tier 1, 2, …, in units of USDC."""
    lot: Amount
    """The most that one buyback may spend, in units of USDC."""
    hop: int
    """Seconds between two buybacks."""
    window: int
    """Seconds over which a buyback's reference price is the mean."""
    deviation: int
    """Ticks that the price of the moment may be away from the mean."""
    floor: int
    """The least that a buyback may bring, in ten-thousandths of the reference price."""
    pool_fee: int
    """Of the pool that buybacks trade in, in millionths."""
    first_price: Amount
    """Of one VVV in that pool if it is new, in units of USDC."""
    observations: int
    """How many prices that pool is to remember, at least."""
    usdc: Address | None
    """None on a development chain, where a token of ours stands in for it."""
    uniswap_factory: Address | None
    """Uniswap's, version 3. None on a development chain, which is given one."""
    pair_factory: Address | None = None
    """Version 2: buybacks trade in its pair of USDC and VVV, through a PairVenue. None for the pool."""
    pair: Address | None = None
    """That pair, as the factory named it when the deployment was planned."""

    @property
    def bounds(self) -> tuple[int, int, int, int, int]:
        """The bounds of buybacks in the order of IBuybackBurner.Bounds."""
        return self.lot, self.hop, self.window, self.deviation, self.floor


def parameters_of(
    genesis: Genesis, *, deployer: str, deployed_at: int, roles: Roles | None = None
) -> Parameters:
    """Return the parameters of a deployment at a Unix time; who is not named is the deployer.

    Raises `MalformedAddress`, or `InvalidRequest` for a checksum that does not fit.
    """
    named, market, buyback = roles or Roles(), genesis.market, genesis.buyback
    treasury = checksummed(named.treasury or deployer)
    return Parameters(
        genesis_holder=treasury,
        genesis_supply=genesis.vvv_supply,
        treasury=treasury,
        proposer=checksummed(named.proposer or deployer),
        guardian=checksummed(named.guardian or deployer),
        revenue=checksummed(named.revenue or deployer),
        keeper=checksummed(named.keeper or deployer),
        publisher=checksummed(named.publisher or deployer),
        emission_per_second=genesis.emission_per_second,
        emission_start=deployed_at + genesis.emission_starts_after,
        target=genesis.target,
        opens_at=deployed_at + genesis.minting_opens_after,
        monthly_prices=list(genesis.monthly_prices),
        lot=buyback.lot,
        hop=buyback.hop,
        window=buyback.window,
        deviation=buyback.deviation,
        floor=buyback.floor,
        pool_fee=market.pool_fee,
        first_price=market.first_price,
        observations=market.observations,
        usdc=market.usdc and checksummed(market.usdc),
        uniswap_factory=market.uniswap_factory and checksummed(market.uniswap_factory),
        pair_factory=market.pair_factory and checksummed(market.pair_factory),
    )


def checksummed(address: str) -> str:
    """Return an address that a person typed, with its checksum; one that is there must be right.

    Raises `MalformedAddress`, or `InvalidRequest` for a checksum that does not fit.
    """
    plain = wallet(address)
    has_checksum = address[2:] not in (address[2:].lower(), address[2:].upper())
    if has_checksum and not is_checksum_address(address):
        raise InvalidRequest(f"a letter of {address} is wrong, its checksum does not fit: copy it again")
    return to_checksum_address(plain)
