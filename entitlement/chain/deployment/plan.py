"""The plan of a deployment: every address and parameter before anything is sent.

Partners know each other without setters: an address made by CREATE follows from the deployer and its nonce,
so each constructor can be given addresses that come later. A contract whose prediction was wrong refuses to
exist. Each contract takes one nonce, in the order of CONTRACTS; these are given addresses that come later:

    VVV        StakedVVV    DIEM
    StakedVVV  DiemMint     DiemMint
"""

from dataclasses import asdict, dataclass, replace
from typing import Any, ClassVar, cast

from eth_utils.address import to_checksum_address
from pydantic import ConfigDict
from web3 import Web3
from web3.types import Nonce
from web3.utils.address import get_create_address

from entitlement.chain.artifacts import Artifacts
from entitlement.chain.deployment.order import (
    DEV_DOLLAR,
    DEV_TRADER,
    PAIR_VENUE,
    UNISWAP_FACTORY,
    order_of,
)
from entitlement.chain.deployment.pair import pair_of
from entitlement.chain.deployment.parameters import STRICT, Address, Parameters
from entitlement.chain.deployment.uniswap import Market, factory_code, first_sqrt_price, market_at
from entitlement.chain.networks import Network
from entitlement.core.errors import WrongChain


@dataclass(frozen=True)
class Plan:
    """What will be deployed, by whom and to where."""

    __pydantic_config__: ClassVar[ConfigDict] = STRICT

    network: str
    chain_id: int
    deployer: Address
    nonce: int
    """Of the first transaction; the others follow without a gap."""
    addresses: dict[str, Address]
    """In the order in which they are deployed."""
    parameters: Parameters

    @property
    def market(self) -> Market:
        """What is not ours, or stands in for it."""
        return market_of(self.addresses, self.parameters)

    def explain(self) -> str:
        """Return the plan for a person to read before it is carried out."""
        lines = [
            f"network     {self.network}, chain {self.chain_id}",
            f"deployer    {self.deployer}, nonces {self.nonce} to {self.nonce + len(self.addresses) - 1}",
        ]
        lines += [f"contract    {name:<17} {address}" for name, address in self.addresses.items()]
        lines += [f"market      {name:<17} {address}" for name, address in asdict(self.market).items()]
        lines += [
            f"parameter   {name:<20} {_shown(name, value)}" for name, value in asdict(self.parameters).items()
        ]
        return "\n".join(lines)


_UNITS = {
    "genesis_supply": "VVV wei",
    "emission_per_second": "VVV wei",
    "emission_start": "Unix time",
    "target": "DIEM wei",
    "opens_at": "Unix time",
    "monthly_prices": "millionths of a USDC",
    "lot": "millionths of a USDC",
    "hop": "seconds",
    "window": "seconds",
    "deviation": "ticks",
    "floor": "ten-thousandths",
    "pool_fee": "millionths",
    "first_price": "millionths of a USDC",
    "observations": "prices",
}


def _shown(name: str, value: object) -> str:
    if value is None and name in ("pair_factory", "pair"):
        return "none: buybacks trade in the pool"
    if value is None:
        return "a development chain's own"
    plain = ", ".join(map(str, cast("list[int]", value))) if isinstance(value, list) else str(value)
    return f"{plain} {_UNITS[name]}" if name in _UNITS else plain


def plan_deployment(web3: Web3, network: Network, deployer: str, parameters: Parameters) -> Plan:
    """Return the plan for a deployment from the deployer's next transaction on.

    Raises `WrongChain`, and `SetupError` where buybacks are to trade in a pair that is not there yet.
    """
    found = web3.eth.chain_id
    if found != network.chain_id:
        raise WrongChain(expected=network.chain_id, found=found)
    sender = to_checksum_address(deployer)
    nonce = web3.eth.get_transaction_count(sender, "pending")
    addresses: dict[str, str] = {
        name: get_create_address(sender, Nonce(nonce + place))
        for place, name in enumerate(order_of(parameters))
    }
    if parameters.pair_factory is not None:
        pair = pair_of(web3, parameters.pair_factory, market_of(addresses, parameters).usdc, addresses["VVV"])
        parameters = replace(parameters, pair=pair)
    return Plan(network.name, found, sender, nonce, addresses, parameters)


def market_of(addresses: dict[str, str], parameters: Parameters) -> Market:
    """Return the market of a deployment with these addresses."""
    return market_at(
        parameters.usdc or addresses[DEV_DOLLAR],
        parameters.uniswap_factory or addresses[UNISWAP_FACTORY],
        addresses["VVV"],
        parameters.pool_fee,
    )


def creation_input(web3: Web3, plan: Plan, artifacts: Artifacts, name: str) -> str:
    """Return what a transaction that makes a contract carries: creation code and arguments, in hex."""
    if name == UNISWAP_FACTORY:
        return factory_code()
    factory = web3.eth.contract(abi=artifacts[name].abi, bytecode=artifacts[name].bytecode)
    arguments = constructor_arguments(plan.addresses, plan.parameters)[name]
    return factory.constructor(*arguments).data_in_transaction


def constructor_arguments(addresses: dict[str, str], parameters: Parameters) -> dict[str, tuple[Any, ...]]:
    """Return what each constructor is given, in its own order."""
    at, given, market = addresses, parameters, market_of(addresses, parameters)
    timelock, guardian = at["Timelock"], at["Guardian"]
    return {
        "Timelock": ([given.proposer], [given.proposer]),
        "Guardian": (given.guardian, timelock),
        "VVV": (given.genesis_holder, given.genesis_supply, at["StakedVVV"]),
        "StakedVVV": (
            at["VVV"],
            at["DiemMint"],
            given.treasury,
            timelock,
            guardian,
            given.emission_per_second,
            given.emission_start,
        ),
        "DIEM": (at["DiemMint"],),
        "DiemMint": (at["StakedVVV"], at["DIEM"], timelock, guardian, given.target, given.opens_at),
        "InferenceStake": (at["DIEM"], guardian),
        DEV_DOLLAR: (),
        UNISWAP_FACTORY: (),
        "PoolOpener": (
            market.uniswap_factory,
            market.usdc,
            at["VVV"],
            given.pool_fee,
            first_sqrt_price(market.usdc, at["VVV"], given.first_price),
            given.observations,
        ),
        "CreditSales": (market.usdc, given.revenue, timelock, guardian, given.monthly_prices),
        "BuybackBurner": (
            market.usdc,
            at["VVV"],
            at.get(PAIR_VENUE, market.pool),
            timelock,
            guardian,
            given.keeper,
            given.bounds,
        ),
        "EpochRoots": (given.publisher, timelock),
        "Lens": (
            at["DiemMint"],
            at["InferenceStake"],
            at["CreditSales"],
            at["BuybackBurner"],
            at["EpochRoots"],
        ),
        DEV_TRADER: (market.pool,),
        PAIR_VENUE: (given.pair,),
    }
