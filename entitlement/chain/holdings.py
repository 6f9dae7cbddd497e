"""What addresses hold of a token, at a block."""

from collections.abc import Mapping

from entitlement.chain.rpc import Rpc
from entitlement.core.blocks import Header
from entitlement.core.errors import InconsistentNode
from entitlement.core.statements import Holding

_BALANCE_OF = "0x70a08231"
_WORD = 66
"""Characters of a uint256 as a node writes it."""


def holdings(rpc: Rpc, token: str, holders: Mapping[str, str], block: Header) -> list[Holding]:
    """Return what each of `holders`, by its name, has. The node must have kept the state of the block.

    Raises NodeUnavailable, and InconsistentNode where it answers no amount.
    """
    named = list(holders.items())
    answers = rpc.batch(
        "eth_call",
        [
            ({"to": token, "data": f"{_BALANCE_OF}{holder[2:].lower():0>64}"}, hex(block.number))
            for _, holder in named
        ],
    )
    found: list[Holding] = []
    for (what, holder), answer in zip(named, answers, strict=True):
        if not isinstance(answer, str) or len(answer) != _WORD:
            raise InconsistentNode(f"balanceOf({holder}) of {token} answers no amount")
        found.append(Holding(what, holder, int(answer, 16)))
    return found
