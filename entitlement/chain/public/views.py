"""What the contracts answer at one block, all at once, and the line by which anybody asks the same.

The block is named by its hash: a reorganisation between two questions is an error, not a mix of two chains.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from eth_utils.abi import collapse_if_tuple
from eth_utils.crypto import keccak

from entitlement.chain.abi import decode, encode
from entitlement.chain.artifacts import Artifacts
from entitlement.chain.public.decode import plain
from entitlement.chain.rpc import Rpc
from entitlement.core.blocks import Header
from entitlement.core.errors import InconsistentNode

CALLS_PER_BATCH = 100
"""What public nodes take at once."""


@dataclass(frozen=True, slots=True)
class Question:
    """One view of one contract."""

    contract: str
    """By its Solidity name, whose ABI is taken."""
    function: str
    arguments: tuple[object, ...] = ()
    address: str | None = None
    """Where it stands, for a contract of somebody else with the same function."""


class PublicViews:
    """The views of one deployment."""

    def __init__(self, artifacts: Artifacts, addresses: Mapping[str, str]) -> None:
        self._addresses = addresses
        self._functions = {
            (name, entry["name"]): entry
            for name in addresses
            if name in artifacts.contracts  # a development chain's Uniswap factory is not ours
            for entry in artifacts[name].abi
            if entry["type"] == "function"
        }

    def ask(self, rpc: Rpc, block: Header, questions: Sequence[Question]) -> dict[Question, Any]:
        """Return what each question is answered with at exactly this block; a tuple for more than one value.

        Raises `NodeUnavailable`, also where the block is not on the node's chain, or `InconsistentNode`.
        """
        # EIP-1898: a block by its hash, which must be on the node's chain.
        at = {"blockHash": block.hash, "requireCanonical": True}
        calls = [[self._call(question), at] for question in questions]
        results = [
            result
            for start in range(0, len(calls), CALLS_PER_BATCH)
            for result in rpc.batch("eth_call", calls[start : start + CALLS_PER_BATCH])
        ]
        return {
            question: self._read(question, result)
            for question, result in zip(questions, results, strict=True)
        }

    def as_typed(self, question: Question, block: Header) -> str:
        """Return the line that asks the same of any node, as Foundry's `cast` takes it."""
        function = self._functions[question.contract, question.function]
        signature = f"{question.function}({_types(function['inputs'])})({_types(function['outputs'])})"
        arguments = "".join(f" {argument}" for argument in question.arguments)
        return f"cast call {self._address(question)} '{signature}'{arguments} --block {block.number}"

    def _address(self, question: Question) -> str:
        return question.address or self._addresses[question.contract]

    def _call(self, question: Question) -> dict[str, str]:
        function = self._functions[question.contract, question.function]
        types = [collapse_if_tuple(each) for each in function["inputs"]]
        data = keccak(text=f"{question.function}({','.join(types)})")[:4] + encode(types, question.arguments)
        return {"to": self._address(question), "data": "0x" + data.hex()}

    def _read(self, question: Question, result: object) -> Any:  # noqa: ANN401  as the ABI says
        outputs = self._functions[question.contract, question.function]["outputs"]
        types = [collapse_if_tuple(each) for each in outputs]
        try:
            values = decode(types, bytes.fromhex(str(result)[2:]))
        except ValueError as error:
            raise InconsistentNode(
                f"{question.contract}.{question.function} was answered with {str(result)[:80]}"
            ) from error
        written = tuple(plain(type_, value) for type_, value in zip(types, values, strict=True))
        return written[0] if len(written) == 1 else written


def _types(parameters: Sequence[Mapping[str, Any]]) -> str:
    return ",".join(collapse_if_tuple(dict(each)) for each in parameters)
