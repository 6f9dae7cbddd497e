"""The market of VVV: where its Uniswap v3 pool stands, and at which price a new one begins."""

from dataclasses import dataclass
from math import isqrt
from pathlib import Path
from typing import ClassVar

import orjson
from eth_utils.address import to_checksum_address
from eth_utils.crypto import keccak
from pydantic import ConfigDict

from entitlement.chain.abi import encode
from entitlement.chain.deployment.parameters import STRICT, Address
from entitlement.chain.toolchain import PROJECT
from entitlement.core.errors import SetupError
from entitlement.core.units import WEI_PER_TOKEN

POOL_CODE_HASH = bytes.fromhex("e34f199b19b2b4f47f68442619d555527d244f78a3297ea89325f843f87b8b54")
"""Of the code of Uniswap's pool, version 3, on every chain: factories make pools by CREATE2 from it."""

_ARTIFACTS = Path("node_modules/@uniswap/v3-core/artifacts/contracts")
_PRICE_BITS = 192
"""A pool keeps the square root of its price times 2**96."""


@dataclass(frozen=True, slots=True)
class Market:
    """What buybacks trade on and what sales are paid in; all of it may be somebody else's."""

    __pydantic_config__: ClassVar[ConfigDict] = STRICT

    usdc: Address
    uniswap_factory: Address
    pool: Address


def market_at(usdc: str, uniswap_factory: str, vvv: str, fee: int) -> Market:
    """Return the market that VVV has at a fee in millionths, whether its pool exists yet or not."""
    token0, token1 = sorted((usdc, vvv), key=lambda address: int(address, 16))
    salt = keccak(encode(["address", "address", "uint24"], [token0, token1, fee]))
    made = keccak(b"\xff" + bytes.fromhex(uniswap_factory[2:]) + salt + POOL_CODE_HASH)
    return Market(usdc, uniswap_factory, to_checksum_address(made[-20:]))


def first_sqrt_price(usdc: str, vvv: str, price: int) -> int:
    """Return the price of a new pool as it keeps it: sqrt(token1 for one token0) * 2**96, rounded down.

    `price` is what one VVV costs, in units of USDC.
    """
    amounts = {usdc: price, vvv: WEI_PER_TOKEN}
    token0, token1 = sorted(amounts, key=lambda address: int(address, 16))
    return isqrt((amounts[token1] << _PRICE_BITS) // amounts[token0])


def factory_code(project: Path = PROJECT) -> str:
    """Return the creation code of Uniswap's factory, hex, for a development chain; raises `SetupError`."""
    path = project / _ARTIFACTS / "UniswapV3Factory.sol" / "UniswapV3Factory.json"
    try:
        return orjson.loads(path.read_bytes())["bytecode"]
    except FileNotFoundError as error:
        raise SetupError(problem=f"{path} is missing", remedy=f"run `make setup` in {project}") from error
