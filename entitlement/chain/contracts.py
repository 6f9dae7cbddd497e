"""The deployed contracts, for views and for the input of calls that transactions.py sends.

Views do not go through web3's contract objects: those look the function up, check and format anew at each
call, which takes several times as long as the node's answer.
"""

from collections.abc import Mapping, Sequence
from json import JSONDecodeError
from typing import Any, cast

import requests
from eth_utils.abi import collapse_if_tuple
from eth_utils.address import to_checksum_address
from eth_utils.crypto import keccak
from web3 import HTTPProvider, Web3
from web3.types import RPCEndpoint, RPCResponse

from entitlement.chain.abi import Undecodable, decode, encode
from entitlement.chain.addresses import addresses_in
from entitlement.chain.answers import mapping
from entitlement.chain.artifacts import Artifacts
from entitlement.chain.reverts import RevertReader, revert_data, shown
from entitlement.core.errors import InconsistentNode, NodeUnavailable, TransactionFailed

_CALL = RPCEndpoint("eth_call")

CALLS_PER_BATCH = 100
"""What public nodes take at once."""


class _Provider(HTTPProvider):
    """web3's provider with our error for a node that does not answer."""

    def make_request(self, method: RPCEndpoint, params: Any) -> RPCResponse:  # noqa: ANN401  web3's own
        try:
            return super().make_request(method, params)
        except (requests.RequestException, JSONDecodeError) as error:
            # Not chained: the original names the URL, which often holds a key.
            raise NodeUnavailable(method=method, reason=type(error).__name__) from None

    def make_batch_request(
        self, batch_requests: list[tuple[RPCEndpoint, Any]]
    ) -> list[RPCResponse] | RPCResponse:
        try:
            return super().make_batch_request(batch_requests)
        except (requests.RequestException, JSONDecodeError) as error:
            raise NodeUnavailable(method=_CALL, reason=type(error).__name__) from None


def connect(rpc_url: str, seconds: float = 30.0) -> Web3:
    """Return web3 for a node; nothing is asked yet. `seconds` is the wait for each answer.

    Of several nodes, separated by commas, the first is taken: what is sent must not go to two.

    Everything asked through it raises `NodeUnavailable` when no answer comes.
    """
    web3 = Web3(_Provider(addresses_in(rpc_url)[0], request_kwargs={"timeout": seconds}))
    for unneeded in ("validation", "ens_name_to_address", "gas_price_strategy"):
        # The first asks for the chain id before every single call; who sends checks it once.
        web3.middleware_onion.remove(unneeded)
    return web3


class Contracts:
    """The contracts of one deployment."""

    def __init__(self, web3: Web3, artifacts: Artifacts, addresses: Mapping[str, str]) -> None:
        """Take the ABIs and the addresses, by Solidity name."""
        self.web3 = web3
        self.reverts = RevertReader(artifacts)
        self._addresses = {name: to_checksum_address(address) for name, address in addresses.items()}
        self._names = {address.lower(): name for name, address in self._addresses.items()}
        self._functions = {
            (name, entry["name"]): entry
            for name in addresses
            if name in artifacts.contracts  # a development chain's Uniswap factory is not ours
            for entry in artifacts[name].abi
            if entry["type"] == "function"
        }

    def address(self, name: str) -> str:
        """Return a contract's address, checksummed."""
        return self._addresses[name]

    def view(self, name: str, function: str, *arguments: object, block: int | str = "latest") -> Any:  # noqa: ANN401  as the ABI says
        """Return what a view answers at a block: its number, hash or tag; a tuple for more than one value.

        Raises `TransactionFailed` with the contract's own error, `NodeUnavailable` where the node has no
        answer or has not kept the state of that block, `InconsistentNode` for what is no such answer.
        """
        answer = self.web3.provider.make_request(_CALL, self._question(name, function, arguments, block))
        return self._decoded(name, function, answer)

    def view_each(
        self, name: str, function: str, each: Sequence[Sequence[object]], *, block: int | str = "latest"
    ) -> list[Any]:
        """Return what a view answers to each of these arguments at a block, asked for at once.

        Raises as `view` does, for any of them.
        """
        provider = cast("HTTPProvider", self.web3.provider)
        found: list[Any] = []
        for start in range(0, len(each), CALLS_PER_BATCH):
            part = each[start : start + CALLS_PER_BATCH]
            asked = [(_CALL, self._question(name, function, arguments, block)) for arguments in part]
            answers = provider.make_batch_request(asked)
            if not isinstance(answers, list) or len(answers) != len(part):
                raise NodeUnavailable(method=_CALL, reason=f"a batch of {len(part)}: {str(answers)[:200]}")
            found += [self._decoded(name, function, answer) for answer in answers]
        return found

    def _question(
        self, name: str, function: str, arguments: Sequence[object], block: int | str
    ) -> list[object]:
        call = {"to": self._addresses[name], "data": self.call_data(name, function, *arguments)}
        return [call, hex(block) if isinstance(block, int) else block]

    def _decoded(self, name: str, function: str, answer: RPCResponse) -> Any:  # noqa: ANN401  as the ABI says
        told = mapping(answer, f"the answer to {name}.{function}")
        if "error" in told:
            data = revert_data(told["error"])
            if data is not None:
                raise TransactionFailed(what=f"{name}.{function}", reason=self.reverts.describe(data))
            raise NodeUnavailable(method=_CALL, reason=str(told["error"])[:200])
        types = [collapse_if_tuple(each) for each in self._functions[name, function]["outputs"]]
        result = told.get("result")
        if types and result == "0x":
            raise TransactionFailed(
                what=f"{name}.{function}", reason=f"there is no contract at {self._addresses[name]}"
            )
        try:
            decoded = decode(types, bytes.fromhex(str(result)[2:]))
        except ValueError as error:
            raise InconsistentNode(f"{name}.{function} was answered with {str(result)[:68]}") from error
        values = tuple(
            to_checksum_address(value) if type_ == "address" else value
            for type_, value in zip(types, decoded, strict=True)
        )
        return values[0] if len(values) == 1 else values

    def call_data(self, name: str, function: str, *arguments: object) -> str:
        """Return the input of a transaction that calls `function`, in hex."""
        types = [collapse_if_tuple(each) for each in self._functions[name, function]["inputs"]]
        selector = keccak(text=f"{function}({','.join(types)})")[:4]
        return "0x" + (selector + encode(types, arguments)).hex()

    def describe_call(self, to: str, data: bytes) -> str:
        """Return what a call says, for example `DiemMint.raiseTarget(newTarget=5, duration=60)`.

        What is no call of our contracts is shown as it is.
        """
        name = self._names.get(to.lower())
        for (contract, function), entry in self._functions.items():
            types = [collapse_if_tuple(each) for each in entry["inputs"]]
            if contract != name or keccak(text=f"{function}({','.join(types)})")[:4] != data[:4]:
                continue
            try:
                values = decode(types, data[4:])
            except Undecodable:
                break
            given = (
                f"{each['name']}={shown(value)}" for each, value in zip(entry["inputs"], values, strict=True)
            )
            return f"{contract}.{function}({', '.join(given)})"
        return f"{name or to_checksum_address(to)} with 0x{data.hex()}"
