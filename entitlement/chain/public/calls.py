"""What a call does, in words: the function and the arguments that the input of a transaction stands for."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from eth_utils.abi import collapse_if_tuple
from eth_utils.crypto import keccak

from entitlement.chain.abi import Undecodable, decode
from entitlement.chain.artifacts import Artifacts
from entitlement.chain.public.decode import plain

_SELECTOR = 4


@dataclass(frozen=True, slots=True)
class Described:
    """A call as the ABIs know it. None where they do not: then it can only be read in hex."""

    contract: str | None
    """The contract of the deployment at that address."""
    function: str | None
    """With its types: `lowerEmissionRate(uint256)`."""
    arguments: tuple[tuple[str, str], ...]
    """Name and value of each, integers in decimal."""


class CallReader:
    """Describes calls of the contracts of one deployment."""

    def __init__(self, artifacts: Artifacts, addresses: Mapping[str, str]) -> None:
        self._names = {address.lower(): name for name, address in addresses.items()}
        self._functions: dict[tuple[str, bytes], dict[str, Any]] = {
            (name, keccak(text=_signature(entry))[:_SELECTOR]): entry
            for name in addresses
            if name in artifacts.contracts
            for entry in artifacts[name].abi
            if entry["type"] == "function"
        }

    def describe(self, target: str, data: str) -> Described:
        """Return what a call of `target` with the input `data`, in hex, does."""
        contract = self._names.get(target.lower())
        given = bytes.fromhex(data.removeprefix("0x"))
        entry = self._functions.get((contract or "", given[:_SELECTOR]))
        if entry is None:
            return Described(contract, None, ())
        types = [collapse_if_tuple(each) for each in entry["inputs"]]
        try:
            values = decode(types, given[_SELECTOR:])
        except Undecodable:
            return Described(contract, _signature(entry), ())
        return Described(
            contract,
            _signature(entry),
            tuple(
                (each["name"], written(type_, value))
                for each, type_, value in zip(entry["inputs"], types, values, strict=True)
            ),
        )


def written(type_: str, value: Any) -> str:  # noqa: ANN401  as the ABI says
    """Return a decoded value in text; of a list or a struct, each part."""
    if isinstance(value, tuple | list):
        parts: list[Any] = list(value)  # pyright: ignore[reportUnknownArgumentType, reportUnknownVariableType] - as the ABI says
        return f"({', '.join(written('', part) for part in parts)})"
    return str(plain(type_, value))


def _signature(entry: dict[str, Any]) -> str:
    return f"{entry['name']}({','.join(collapse_if_tuple(each) for each in entry['inputs'])})"
