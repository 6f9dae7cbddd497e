"""Calls of contracts that are not ours: a signature and types in the place of a compiled ABI."""

from collections.abc import Sequence
from typing import Any, cast

from eth_utils.address import to_checksum_address
from eth_utils.crypto import keccak
from web3 import HTTPProvider, Web3
from web3.types import RPCEndpoint, RPCResponse

from entitlement.chain.abi import decode, encode
from entitlement.chain.reverts import revert_data
from entitlement.core.errors import InconsistentNode, NodeUnavailable, TransactionFailed

_CALL = RPCEndpoint("eth_call")
CALLS_PER_BATCH = 100
"""What public nodes take at once."""

Question = tuple[str, Sequence[object]]
"""A function's signature, such as `ticks(int24)`, and its arguments."""


def ask(web3: Web3, to: str, question: Question, answers: Sequence[str], block: str) -> tuple[Any, ...]:
    """Return what a view answers at a block; raises `TransactionFailed` where it reverts, else as below."""
    return ask_each(web3, to, [question], answers, block)[0]


def ask_each(
    web3: Web3, to: str, questions: Sequence[Question], answers: Sequence[str], block: str
) -> list[tuple[Any, ...]]:
    """Return what each of several questions to one contract is answered, all at one block.

    `answers` are the types of what each returns. Raises `NodeUnavailable`, `InconsistentNode`.
    """
    provider, found = cast("HTTPProvider", web3.provider), list[tuple[Any, ...]]()
    for start in range(0, len(questions), CALLS_PER_BATCH):
        part = questions[start : start + CALLS_PER_BATCH]
        asked: list[tuple[RPCEndpoint, Any]] = [
            (_CALL, [{"to": to, "data": call_data(*question)}, block]) for question in part
        ]
        told = provider.make_batch_request(asked)
        if not isinstance(told, list) or len(told) != len(part):
            raise NodeUnavailable(method=_CALL, reason=f"a batch of {len(part)}: {str(told)[:200]}")
        found += [_decoded(question[0], answers, each) for question, each in zip(part, told, strict=True)]
    return found


def call_data(signature: str, arguments: Sequence[object]) -> str:
    """Return the input of a call, in hex."""
    types = [each for each in signature.partition("(")[2].rstrip(")").split(",") if each]
    return "0x" + (keccak(text=signature)[:4] + encode(types, arguments)).hex()


def _decoded(signature: str, answers: Sequence[str], told: RPCResponse) -> tuple[Any, ...]:
    if "error" in told:
        data = revert_data(told["error"])
        if data is not None:
            raise TransactionFailed(what=signature, reason=f"reverted, 0x{data[:68].hex()}")
        raise NodeUnavailable(method=_CALL, reason=str(told["error"])[:200])
    result = str(told.get("result"))
    if answers and result == "0x":
        raise TransactionFailed(what=signature, reason="there is no such function, or no contract")
    try:
        values = decode(answers, bytes.fromhex(result[2:]))
    except ValueError as error:
        raise InconsistentNode(f"{signature} was answered with {result[:68]}") from error
    return tuple(
        to_checksum_address(value) if type_ == "address" else value
        for type_, value in zip(answers, values, strict=True)
    )
