"""Units: what every integer in this program counts, and the one way each is turned into another.

Money is an integer of nano-dollars, tokens are integers of wei, and rounding is in the function's name:
it always goes against the caller.

    1 DIEM = 1e18 wei  ->  1 USD a day = 1e9 nano-USD,  so  nano-USD = wei // 1e9
"""

import re
from typing import NewType

from entitlement.core.errors import MalformedAddress

NanoUsd = NewType("NanoUsd", int)
"""Credit: 1e-9 US dollar."""

Wei = NewType("Wei", int)
"""A token amount: 1e-18 VVV or DIEM, as the contracts count it."""

Usdc = NewType("Usdc", int)
"""What is paid with: 1e-6 USDC, as the token counts it."""

Wallet = NewType("Wallet", str)
"""An address as `0x` and 40 lower-case hex digits; made by `wallet`."""

NANO_USD_PER_USD = 1_000_000_000
USDC_PER_DOLLAR = 10**6
"""Units of USDC, which has six decimals."""
WEI_PER_TOKEN = 10**18

NANO_USD_MAX = NanoUsd(2**53 - 1)
"""The largest amount a request may name: what JSON numbers carry exactly everywhere, 9,007,199 USD."""

_ADDRESS = re.compile(r"0[xX][0-9a-fA-F]{40}")


def wallet(address: str) -> Wallet:
    """Return `address` in the one spelling used inside; raises `MalformedAddress`.

    Mixed-case checksums (EIP-55) are not verified here: the sign-in path, where a person types, does that.
    """
    if not _ADDRESS.fullmatch(address):
        raise MalformedAddress(address=address)
    return Wallet(address.lower())


def mul_div_down(value: int, numerator: int, denominator: int) -> int:
    """`value * numerator / denominator`, keeping the remainder for the house."""
    assert denominator > 0
    return value * numerator // denominator


def mul_div_up(value: int, numerator: int, denominator: int) -> int:
    """`value * numerator / denominator`, rounded up: for what a caller pays."""
    assert denominator > 0
    return -(-value * numerator // denominator)


def nano_usd_down(diem: Wei) -> NanoUsd:
    """Return the daily credit of `diem` staked wei, floored to a nano-dollar."""
    return NanoUsd(mul_div_down(diem, NANO_USD_PER_USD, WEI_PER_TOKEN))


def nano_usd_of(paid: Usdc) -> NanoUsd:
    """Return the credit that `paid` units of USDC buy: dollar for dollar, and exact."""
    return NanoUsd(paid * NANO_USD_PER_USD // USDC_PER_DOLLAR)
