"""Why a call was refused: from revert data back to the contract's own error and its arguments."""

from collections.abc import Sequence
from typing import Any, cast

from eth_utils.address import is_address, to_checksum_address
from eth_utils.crypto import keccak

from entitlement.chain.abi import Undecodable, decode
from entitlement.chain.artifacts import Artifacts

_SELECTOR_BYTES = 4
# Solidity's own two: require with a text, and what the compiler's checks raise.
_BUILT_IN: tuple[dict[str, Any], ...] = (
    {"name": "Error", "inputs": [{"name": "message", "type": "string"}]},
    {"name": "Panic", "inputs": [{"name": "code", "type": "uint256"}]},
)


class RevertReader:
    """Knows the errors of all compiled contracts."""

    def __init__(self, artifacts: Artifacts) -> None:
        """Collect every error of every ABI; equal signatures mean the same error everywhere."""
        self._errors: dict[bytes, dict[str, Any]] = {}
        for artifact in artifacts.contracts.values():
            for entry in artifact.abi:
                if entry["type"] == "error":
                    self._errors[_selector(entry)] = entry
        for entry in _BUILT_IN:
            self._errors[_selector(entry)] = entry

    def describe(self, data: bytes) -> str:
        """Return for example `InsufficientUnlocked(account=0x…, available=5, needed=7)`."""
        error = self._errors.get(data[:_SELECTOR_BYTES])
        if error is None:
            return f"an error that is not known here, 0x{data[:68].hex()}" if data else "no reason given"
        try:
            values = decode([given["type"] for given in error["inputs"]], data[_SELECTOR_BYTES:])
        except Undecodable:
            return f"{error['name']} with arguments that cannot be read, 0x{data[:68].hex()}"
        told = (
            f"{given['name']}={shown(value)}" for given, value in zip(error["inputs"], values, strict=True)
        )
        return f"{error['name']}({', '.join(told)})"


def shown(value: object) -> str:
    """Return a decoded value as people write it: addresses with their checksum, bytes in hex."""
    if isinstance(value, str) and is_address(value):
        return to_checksum_address(value)
    if isinstance(value, bytes):
        return f"0x{value.hex()}"
    if isinstance(value, tuple | list):
        return f"({', '.join(map(shown, cast('Sequence[object]', value)))})"
    return str(value)


def revert_data(error: object) -> bytes | None:
    """Return the data of a JSON-RPC error if it tells of a revert, None for any other error."""
    if not isinstance(error, dict):
        return None
    fields = cast("dict[str, Any]", error)
    data, message = fields.get("data"), str(fields.get("message", ""))
    if isinstance(data, str) and data.startswith("0x"):
        return bytes.fromhex(data[2:])
    return b"" if "revert" in message.lower() else None


def _selector(error: dict[str, Any]) -> bytes:
    signature = f"{error['name']}({','.join(given['type'] for given in error['inputs'])})"
    return keccak(text=signature)[:_SELECTOR_BYTES]
