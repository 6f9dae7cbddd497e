"""The market of VVV where it is a pair: which one its factory has.

Apart from what a deployment's record needs, which is read by whoever starts and needs no web3.
"""

from eth_utils.address import to_checksum_address
from web3 import Web3

from entitlement.chain.raw_calls import ask
from entitlement.core.errors import SetupError


def pair_of(web3: Web3, factory: str, usdc: str, vvv: str) -> str:
    """Return the pair that a factory of version 2 has of two tokens, which need not be there yet.

    Raises `SetupError` where it has none: PairVenue has to be given one.
    """
    question = ("getPair(address,address)", [to_checksum_address(usdc), to_checksum_address(vvv)])
    (pair,) = ask(web3, factory, question, ["address"], "latest")
    if int(pair, 16) == 0:
        raise SetupError(
            problem=f"the factory {factory} has no pair of USDC, {usdc}, and VVV, which will be at {vvv}",
            remedy="make it, but not by the deployer, whose nonces decide where VVV will be: "
            f"cast send {factory} 'createPair(address,address)' {usdc} {vvv}",
        )
    return to_checksum_address(pair)
