"""Values as calls, answers and logs carry them: the ABI of contracts.

The library that codes them builds a grammar and a parser when it is loaded, for which every start would wait.
It is loaded when something is first coded, which few processes do at their start.
"""

from collections.abc import Sequence
from typing import Any


class Undecodable(ValueError):
    """Bytes that are not the types they are said to be; whoever wrote them can be anybody."""


def encode(types: Sequence[str], values: Sequence[Any]) -> bytes:
    """Return values of Solidity's types as the arguments of a call."""
    from eth_abi.abi import encode as coded  # noqa: PLC0415 - when it is first needed

    return coded(types, values)


def decode(types: Sequence[str], data: bytes) -> tuple[Any, ...]:
    """Return what `data` holds. Raises `Undecodable`, whatever it is that does not fit."""
    from eth_abi.abi import decode as decoded  # noqa: PLC0415 - likewise
    from eth_abi.exceptions import DecodingError  # noqa: PLC0415 - likewise

    try:
        return decoded(types, data)
    except (DecodingError, OverflowError, ValueError) as error:
        # An offset beyond all memory, and text that is no UTF-8, are told by errors of Python's own.
        raise Undecodable(f"{len(data)} bytes are not {','.join(types)}: {error}") from error
