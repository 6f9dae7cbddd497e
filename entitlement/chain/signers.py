"""Who signs transactions: a key in this process, or a remote signer that keeps it, such as one with hardware.

A key never comes from a command line, which every program on a machine can see, and is never shown: whatever
is wrong with one, no message and no trace holds any of it.
"""

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any, Protocol, cast

from eth_account import Account
from eth_account.datastructures import SignedTransaction
from eth_account.signers.local import LocalAccount
from eth_account.typed_transactions.typed_transaction import TypedTransaction
from eth_typing import ChecksumAddress
from eth_utils.address import to_checksum_address
from eth_utils.crypto import keccak
from hexbytes import HexBytes
from web3.types import RPCEndpoint

from entitlement.chain.contracts import connect
from entitlement.core.errors import SetupError, SignatureRefused

_SIGN = RPCEndpoint("eth_signTransaction")
_ASKED = ("chainId", "nonce", "to", "value", "data", "gas", "maxFeePerGas", "maxPriorityFeePerGas")


class Signer(Protocol):
    """Signs transactions of one account. eth-account's `LocalAccount` is one."""

    @property
    def address(self) -> ChecksumAddress:
        """The account."""
        ...

    def sign_transaction(self, transaction_dict: dict[str, Any], /) -> SignedTransaction:
        """Return the signed transaction, ready to be sent. Raises `SignatureRefused`."""
        ...


class RemoteSigner:
    """Asks another program by JSON-RPC, `eth_signTransaction`, and believes only what it can check."""

    def __init__(self, url: str, address: str, seconds: float = 120.0) -> None:
        """Take where the signer is and whose signature is wanted; a person may have to press a button."""
        self._web3 = connect(url, seconds)
        self.address = to_checksum_address(address)

    def sign_transaction(self, transaction_dict: dict[str, Any], /) -> SignedTransaction:
        """Return the signed transaction. Raises `SignatureRefused`, `NodeUnavailable` without an answer."""
        wanted = transaction_dict
        asked = {name: hex(value) if isinstance(value, int) else value for name, value in wanted.items()}
        answer = self._web3.provider.make_request(_SIGN, [asked])
        if "error" in answer:
            reason = str(answer["error"].get("message", "no reason given"))
            raise SignatureRefused(f"the remote signer refused: {reason[:200]}")
        result: object = answer.get("result")
        # Two forms are about: the signed transaction itself, and an object that holds it as `raw`.
        raw = cast("dict[str, Any]", result).get("raw") if isinstance(result, dict) else result
        try:
            signed = HexBytes(str(raw))
            signer = Account.recover_transaction(signed)
            fields = TypedTransaction.from_bytes(signed).as_dict()
        except Exception as error:
            raise SignatureRefused("the remote signer answered something that is no transaction") from error
        if signer != self.address:
            raise SignatureRefused(f"the remote signer signed as {signer}, not as {self.address}")
        for name in _ASKED:
            if _plain(fields.get(name)) != _plain(wanted.get(name)):
                raise SignatureRefused(f"the remote signer signed another transaction: its {name} differs")
        return SignedTransaction(signed, HexBytes(keccak(signed)), fields["r"], fields["s"], fields["v"])


def _plain(value: object) -> object:
    """Return a field of a transaction in one form, however it is written."""
    if value is None:
        return b""
    if isinstance(value, str):
        return bytes(HexBytes(value))
    return bytes(value) if isinstance(value, bytes | HexBytes) else value


def account_from_key(key: str, where: str) -> LocalAccount:
    """Return the account of a private key; `where` names its source in the `SetupError` for what is none."""
    try:
        return Account.from_key(key.strip())
    except Exception:  # noqa: BLE001 - whatever is wrong with a key, it may not appear in a message or a trace
        raise SetupError(
            f"{where} does not hold a private key.", remedy="Give 0x and 64 hex digits."
        ) from None


def account_from_keystore(path: Path, password: Callable[[], str]) -> LocalAccount:
    """Return the account in an encrypted keystore, as geth, Foundry and wallets write it (version 3).

    `password` is asked only if the file is one. Raises `SetupError`.
    """
    try:
        keystore = json.loads(path.read_text())
        kind = keystore["version"]
    except (OSError, ValueError, KeyError, TypeError):
        raise SetupError(
            f"{path} is not a keystore.", remedy="Name the JSON file of an encrypted key."
        ) from None
    try:
        return Account.from_key(Account.decrypt(keystore, password()))
    except Exception:  # noqa: BLE001 - as above, and of a password too
        raise SetupError(
            f"{path} (version {kind}) does not open with this password.", remedy="Try again."
        ) from None
