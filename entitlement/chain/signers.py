"""Who signs transactions: a key in this process (chain.accounts), or a remote signer, like a hardware one."""

from typing import Any, Protocol, cast

from eth_account import Account
from eth_account.datastructures import SignedTransaction
from eth_account.typed_transactions.typed_transaction import TypedTransaction
from eth_typing import ChecksumAddress
from eth_utils.address import to_checksum_address
from eth_utils.crypto import keccak
from hexbytes import HexBytes
from web3.types import RPCEndpoint

from entitlement.chain.contracts import connect
from entitlement.core.errors import SignatureRefused

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
            # Whatever the other program wrote there, not only what the specification has.
            error = cast("object", answer["error"])
            told = cast("dict[str, Any]", error).get("message") if isinstance(error, dict) else error
            reason = "no reason given" if told is None else str(told)
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
